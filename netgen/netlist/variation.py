"""A network whose transistors deviate: the shifts of a chip as the words of its statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from netgen.units import spice

Shift: TypeAlias = Sequence[float]
"""By how much a threshold voltage (V) and a current factor (relative) are off."""
ShiftWords: TypeAlias = Mapping[str, tuple[str, str]]


def shift_words(shifts: Mapping[str, Shift]) -> ShiftWords:
    """Return shifts as text: ``delvto`` in volts, ``mulu0`` as a factor."""
    return {path: (spice(volts), spice(1 + factor)) for path, (volts, factor) in shifts.items()}
