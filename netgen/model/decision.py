"""A model whose readout is never negative, so that a circuit can decide between its currents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netgen.arrays import Floats
from netgen.model.graph import Linear, Model, Relu, is_signed
from netgen.model.reference import evaluate

MARGIN = 0.1
"""The common constant goes beyond the smallest winning logit by this share of the logits' range."""

CLOSE, FEW = 0.05, 0.02
"""At most this share of the logits may lie so close to where they are cut off, as a share of their
range."""
TRIED = 21


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
    size = model.sizes[readout]
    common = np.full(size, round(_constant(logits), 3))
    total, name = (_free(model, f"{readout}.{word}") for word in ("raised", "current"))
    nodes = (*model.nodes, Linear(total, readout, np.eye(size), common), Relu(name, total))
    return replace(model, nodes=nodes, readout=replace(model.readout, node=name))


def _constant(logits: Floats) -> float:
    """Return the constant of all classes: the smallest at whose edge few logits are cut off.

    Currents close to 0 are the least exact.
    """
    span = float(np.ptp(logits))
    least, most = (
        max(0.0, MARGIN * span - float(low)) for low in (logits.max(axis=-1).min(), logits.min())
    )
    for constant in np.linspace(least, most, TRIED).tolist():
        if (np.abs(logits + constant) < CLOSE * span).mean() <= FEW:
            return float(constant)
    return most


def _free(model: Model, name: str) -> str:
    while name in model.by_name:
        name += "_"
    return name
