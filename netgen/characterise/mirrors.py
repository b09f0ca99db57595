"""Mirror gains as measured: I_out / I_in by geometry, signal current and drain voltage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.gain import Axes, MirrorTable, MirrorTables
from netgen.characterise.path import path_points
from netgen.characterise.setup import MeasurementSetup
from netgen.circuit import Circuit, GateNet
from netgen.errors import SimulationError
from netgen.netlist.characterisation import (
    LINE_VOLTAGE,
    MirrorUnderTest,
    mirror_current,
    mirror_deck,
)
from netgen.technology import ONE_MODEL, POLARITIES, Geometry, Models, Polarity, models_of

DEFINED_BY: tuple[GateNet, ...] = ("n", "p")
"""A signal's gate nets are defined by an NMOS diode (inputs, ReLUs) or a PMOS diode (cells)."""
CURRENTS = (0.008, 10.0)
"""Range of characterised signal currents, in units."""
_CURRENT_POINTS = 13
_DRAIN_POINTS = 5


@dataclass(frozen=True, eq=False)
class MeasuredGains:
    """Gains of mirrors under test, (mirrors, currents, drains), and the NMOS diode's voltage."""

    gain: Floats
    diode: Floats


def mirror_gains(
    setup: MeasurementSetup, mirrors: Sequence[MirrorUnderTest], logs: Floats, drains: Floats
) -> MeasuredGains:
    """Measure I_out / I_in of mirrors over evenly spaced ln(current / A) and drain voltages, V.

    Both axes are (points,).

    Raises
    ------
    SimulationError
        A sweep gave no complete result.
    """
    where = setup.technology, setup.at, setup.unit
    deck = mirror_deck(*where, mirrors, _sweep(logs), _sweep(drains))
    result = setup.simulated("mirror characterisation", deck)
    currents_each = [result[mirror_current(index)] for index in range(len(mirrors))]
    shape = (len(drains), len(logs))
    if result.timepoints != len(drains) * len(logs):
        raise SimulationError(
            "incomplete", f"mirror characterisation gave {result.timepoints} of {shape} points"
        )
    currents = np.array([np.abs(current).reshape(shape).T for current in currents_each])
    return MeasuredGains(
        currents / np.exp(logs)[:, np.newaxis], result[LINE_VOLTAGE].reshape(shape)[0]
    )


def characterise_mirrors(setup: MeasurementSetup, circuit: Circuit) -> MirrorTables:
    """Measure the mirror tables of a circuit, or return them from the cache.

    Currents are characterised from 0.008 to 10 units. Where groups of devices have sizes of their
    own, each pair of sizes of diode and mirror is measured.
    """

    def measured(diodes: Geometry, mirrors: Geometry) -> MirrorTables:
        return _mirrors(replace(setup, unit=diodes), mirrors)

    general = setup.unit.of("")
    usual = measured(general, general)
    other = (pair for pair in circuit.mirror_units if pair != (general, general))
    return replace(usual, sized={pair: measured(*pair) for pair in other})


def _mirrors(setup: MeasurementSetup, copies: Geometry) -> MirrorTables:
    """Measure mirrors whose unit device is ``copies`` on the diodes of the setup's unit."""
    technology, at, unit = setup.technology, setup.at, setup.unit
    corners = [technology.path(polarity, copies) for polarity in POLARITIES]
    low, high = (np.log(limit * setup.unit_current) for limit in CURRENTS)
    logs = np.linspace(low, high, _CURRENT_POINTS)
    drains = np.linspace(at.vdd / (2 * _DRAIN_POINTS), at.vdd / 2, _DRAIN_POINTS)
    limits = (technology.grid, technology.length, technology.max_series)
    identity = (at, unit, corners, limits, tuple(logs), tuple(drains))

    def measure() -> dict[str, Floats]:
        models = {polarity: models_of(technology, polarity) for polarity in POLARITIES}
        paths = {p: path_points(technology, p, copies, models[p]) for p in POLARITIES}
        tests = [
            MirrorUnderTest(gate_net, polarity, geometry)
            for gate_net in (1, 2)
            for polarity in POLARITIES
            for geometry in paths[polarity]
        ]
        measured = mirror_gains(setup, tests, logs, drains)
        arrays = {"gain": measured.gain, "diode": measured.diode}
        for polarity in POLARITIES:
            arrays[f"{polarity}_path"] = np.array([[g.width, g.length] for g in paths[polarity]])
            arrays[f"{polarity}_bins"] = models[polarity].bins
        return arrays

    arrays = setup.cached(measure, "mirrors", identity)
    tables: dict[tuple[GateNet, Polarity], MirrorTable] = {}
    first = 0
    for gate_net in DEFINED_BY:
        for polarity in POLARITIES:
            path = [Geometry(*each) for each in arrays[f"{polarity}_path"].tolist()]
            models = Models(arrays[f"{polarity}_bins"], technology.length[1])
            gain = arrays["gain"][first : first + len(path)]
            tables[gate_net, polarity] = falling(path, gain, models)
            first += len(path)
    axes = Axes(np.exp(logs), drains, at.vdd, at.thermal_voltage)
    return MirrorTables(axes, tables, arrays["diode"])


def _sweep(points: Floats) -> tuple[float, float, float]:
    # the last value lies half a step further, so that rounding cannot lose the last point
    step = float(points[1] - points[0])
    return float(points[0]), float(points[-1]) + step / 2, step


def falling(geometry: Sequence[Geometry], gain: Floats, models: Models = ONE_MODEL) -> MirrorTable:
    """Keep the runs of points along which the gain falls; a run has one model.

    The gain is (geometries, currents, voltages). Narrow-width effects, and models in bins, can
    turn it back: a path then has several runs.
    """
    level = np.exp(np.log(np.maximum(gain, 1e-12)).mean(axis=(1, 2)))
    placed = models.place(*np.array([[g.width, g.length] for g in geometry]).T)
    changes = (placed[1:] != placed[:-1]).any(axis=1)
    turns = 1 + np.flatnonzero(changes | (level[1:] >= 0.999 * level[:-1]))
    kept: list[int] = []
    runs: list[int] = []
    floor = np.inf
    for run in np.split(np.arange(len(level)), turns):
        if level[run[-1]] >= 0.999 * floor:
            continue
        overlap = max(0, int(np.sum(level[run] >= floor)) - 1)
        runs.append(len(kept))
        kept += run[overlap:].tolist()
        floor = level[run[-1]]
    return MirrorTable(tuple(geometry[i] for i in kept), gain[kept], tuple(runs), models)
