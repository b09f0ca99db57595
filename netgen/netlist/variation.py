"""A network whose transistors deviate: the shifts of a chip as the words of its statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from netgen.circuit.netlist import Netlist
from netgen.technology import Transistor
from netgen.units import spice

Shift: TypeAlias = Sequence[float]
"""By how much a threshold voltage (V) and a current factor (relative) are off."""
ShiftWords: TypeAlias = Mapping[str, tuple[str, str]]


def transistors_of(netlist: Netlist) -> dict[str, Transistor]:
    """Return every transistor of a network by its name.

    A mirror is called as in the netlist, but for the letter in front (``l1_relu_2_from_x_5``), a
    transistor of a block by its instance and its own name (``l1_state_3.m1``,
    ``l1_relu_0.diode``). Those in series for one long one are called ``…``, ``…_s1``, ``…_s2``.
    """
    return {path: device.transistor for path, device in netlist.transistors.items()}


def shift_words(shifts: Mapping[str, Shift]) -> ShiftWords:
    """Return shifts as text: ``delvto`` in volts, ``mulu0`` as a factor."""
    return {path: (spice(volts), spice(1 + factor)) for path, (volts, factor) in shifts.items()}
