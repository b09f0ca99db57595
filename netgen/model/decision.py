"""A model whose readout is never negative, so that a circuit can decide between its currents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netgen.arrays import Floats
from netgen.model.graph import Linear, Model, Relu, is_signed
from netgen.model.reference import evaluate

MARGIN = 0.1
"""The common constant goes beyond the smallest winning logit by this share of the logits' range."""


def with_currents(model: Model, x: Floats) -> Model:
    """Return a model that decides alike, with a readout of currents: no logit is negative.

    All classes get one constant more, and a ReLU. The constant keeps the largest logit of every
    frame above 0; those that lose may be cut off, since a larger constant costs power and brings
    its own mismatch into each class.

    Parameters
    ----------
    x
        Typical inputs, (samples, frames, channels), software units.
    """
    readout = model.readout.node
    if not is_signed(model.by_name[readout]):
        return model
    logits = evaluate(model, x)[readout]
    low = float(logits.max(axis=-1).min()) - MARGIN * float(np.ptp(logits))
    size = model.sizes[readout]
    common = np.full(size, max(0.0, round(-low, 3)))
    total, name = (_free(model, f"{readout}.{word}") for word in ("raised", "current"))
    nodes = (*model.nodes, Linear(total, readout, np.eye(size), common), Relu(name, total))
    return replace(model, nodes=nodes, readout=replace(model.readout, node=name))


def _free(model: Model, name: str) -> str:
    while name in model.by_name:
        name += "_"
    return name
