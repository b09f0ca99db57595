"""The load of a gate on its net, measured: for parts simulated without the rest."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.setup import MeasurementSetup
from netgen.netlist import GateLoad
from netgen.netlist.characterisation import GATE_SWING, gate_current, gate_deck
from netgen.technology import POLARITIES, Geometry, Polarity, Technology

_LONGEST = 5.0
"""Longest device that is measured, in units of the unit mirror's length."""


def characterise_gates(setup: MeasurementSetup) -> GateLoad:
    """Measure the capacitance of gates in subthreshold, or return it from the cache.

    A gate's capacitance is modelled as area · W · L + width · W: the channel's, and that of the
    overlaps.
    """
    technology, at = setup.technology, setup.at
    shapes = {polarity: _shapes(technology, polarity, setup.unit) for polarity in POLARITIES}
    devices = [(polarity, shape) for polarity in POLARITIES for shape in shapes[polarity]]

    def measure() -> dict[str, Floats]:
        deck = gate_deck(technology, at, devices)
        result = setup.simulated("gate characterisation", deck)
        currents = [result[gate_current(index)] for index in range(len(devices))]
        charge = [abs(np.trapezoid(current, result.scale)) for current in currents]
        return {"capacitance": np.array(charge) / (at.vdd * (GATE_SWING[1] - GATE_SWING[0]))}

    measured = setup.cached(measure, "gates", at, tuple(devices))["capacitance"]
    area, width = {}, {}
    first = 0
    for polarity in POLARITIES:
        values = measured[first : first + len(shapes[polarity])]
        first += len(values)
        terms = np.array([[each.width * each.length, each.width] for each in shapes[polarity]])
        fitted, *_ = np.linalg.lstsq(terms / values[:, np.newaxis], np.ones(len(values)))
        area[polarity], width[polarity] = (float(value) for value in fitted)
    return GateLoad(area, width)


def _shapes(technology: Technology, polarity: Polarity, unit: Geometry) -> tuple[Geometry, ...]:
    """Return geometries that circuits have: models in bins are there for no others.

    A stretch of the sizing path that begins beyond the longest measured device is left out.
    """
    unit_device = technology.unit_of(polarity, unit)
    longest = min(_LONGEST * max(unit.length, unit_device.length), technology.length[1])
    shapes: dict[Geometry, None] = {}
    for a, stop in technology.spans(polarity, unit):
        if a.length > longest:
            continue
        b = replace(stop, length=min(stop.length, longest))
        middle = Geometry(
            technology.snap(math.sqrt(a.width * b.width)),
            technology.snap(math.sqrt(a.length * b.length)),
        )
        shapes |= dict.fromkeys((a, middle, b))
    return tuple(shapes)
