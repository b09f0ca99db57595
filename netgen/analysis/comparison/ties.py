"""Ties of the readout: where software's own logits lie too close for a circuit to tell them apart.

Sized circuits have an analog error of 0.1 to 0.5 % of the logits' full scale. Where the lead of the
largest logit is smaller, which class wins is luck: leakage or the last bit decides. Such frames and
samples are counted and named, and a circuit that decides for any of the classes tied is neither
right nor wrong.
"""

from __future__ import annotations

import numpy as np

from netgen.model import Readout
from netgen.model.graph import Bools, Floats, Integers

TIE = 0.005
"""A lead up to this share of the logits' full scale is no lead."""


def leaders(logits: Floats, full_scale: float) -> Bools:
    """Return which logits are as good as the largest, (…, classes)."""
    near: Bools = logits >= logits.max(axis=-1, keepdims=True) - TIE * full_scale
    return near


def tied(near: Bools) -> Bools:
    """Tell where more than one class is near the top: (…, classes) gives (…,)."""
    several: Bools = near.sum(axis=-1) > 1
    return several


def possible_classes(readout: Readout, logits: Floats, full_scale: float) -> Bools:
    """Return the classes that a readout could decide for, its ties being resolved in any way.

    Equal votes alone are no tie: the rule gives them to the lower index, in a circuit too.

    Parameters
    ----------
    logits
        Of the readout node, (samples, frames, classes).

    Returns
    -------
    np.ndarray
        (samples, classes); more than one in a row is a tie.
    """
    window = logits[:, readout.start : readout.stop]
    if readout.rule == "last":
        return leaders(window[:, -1], full_scale)
    if readout.rule == "mean":
        return leaders(window.mean(axis=1), full_scale)
    near = leaders(window, full_scale)
    alone = near & ~tied(near)[..., np.newaxis]
    most: Integers = near.sum(axis=1)  # with every tie resolved for the class
    sure: Integers = alone.sum(axis=1)
    count = near.shape[2]
    lower = np.arange(count)[:, np.newaxis] < np.arange(count)
    ahead = most[:, :, np.newaxis] - sure[:, np.newaxis, :]
    wins: Bools = (ahead > 0) | ((ahead == 0) & lower)
    wins |= np.eye(count, dtype=np.bool_)
    possible: Bools = np.logical_and.reduce(wins, axis=2)
    return possible
