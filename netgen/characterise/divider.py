"""What an input divider gives: it is measured, and its devices are chosen by that."""

from __future__ import annotations

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.setup import MeasurementSetup
from netgen.circuit.blocks.divider import Divider
from netgen.netlist.characterisation import DIVIDED_CURRENT, divider_deck

WORKING = 0.3
"""Input, in units, at which the ratio is to be right."""
RANGE = (0.02, 1.5)
"""Inputs, in units, over which the error is stated."""
_POINTS = 13


def sized_divider(setup: MeasurementSetup, ratio: float) -> tuple[Divider, tuple[float, float]]:
    """Return the divider of a ratio, and its error, the lowest and the highest over its range.

    Raises
    ------
    SimulationError
        The measurement failed.
    UsageError
        The ratio is out of its range.
    """
    first = Divider.of(ratio)
    shares = _measured(setup, first)
    at_work = float(np.interp(WORKING, _levels(), shares))
    divider = Divider.of(ratio, at_work * first.drawn / ratio)
    shares = _measured(setup, divider)
    low, high = (round(float(end) - 1, 5) for end in (shares.min(), shares.max()))
    return divider, (low, high)


def _levels() -> Floats:
    return np.geomspace(*RANGE, _POINTS)


def _measured(setup: MeasurementSetup, divider: Divider) -> Floats:
    """Return what comes out over the inputs of the range, (points,)."""
    where = setup.technology, setup.at, setup.unit, setup.unit_current
    first, second, *_, last = np.log(_levels()).tolist()
    sweep = first, last + (second - first) / 4, second - first

    def measure() -> dict[str, Floats]:
        deck = divider_deck(*where, divider, sweep)
        return {"out": setup.simulated("divider characterisation", deck)[DIVIDED_CURRENT]}

    measured = setup.cached(measure, "divider", *where[1:], divider, sweep)
    shares: Floats = measured["out"] / (_levels() * setup.unit_current)
    return shares
