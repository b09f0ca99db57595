"""A reader of SPICE waveforms, independent of netgen's writer."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def points(waveform: str) -> tuple[Floats, Floats]:
    """Return times and values of ``pwl(t v t v …)`` or ``dc v``."""
    if waveform.startswith("dc "):
        return np.zeros(1), np.array([float(waveform[3:])])
    found = re.fullmatch(r"pwl\((.*)\)", waveform)
    assert found, waveform
    numbers = np.array([float(word) for word in found[1].split()])
    return numbers[0::2], numbers[1::2]


def at(waveform: str, time: NDArray[np.floating] | float) -> Floats:
    """Return the value of a waveform at times, straight between its points."""
    times, values = points(waveform)
    return np.asarray(np.interp(time, times, values))
