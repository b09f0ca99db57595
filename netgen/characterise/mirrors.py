"""Mirror gains as measured: I_out / I_in by geometry, signal current and drain voltage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from netgen._version import __version__
from netgen.characterise.path import path_points
from netgen.circuit import Line
from netgen.errors import SimulationError
from netgen.netlist.characterisation import (
    MirrorUnderTest,
    mirror_deck,
    mirror_vector,
)
from netgen.netlist.models import Conditions
from netgen.simulators import Attempt, Job, Waveforms, cached_arrays, key, simulator_version
from netgen.technology import POLARITIES, Geometry, Polarity, Technology

Floats: TypeAlias = NDArray[np.float64]
Run: TypeAlias = Callable[[Job], Waveforms]

DEFINED_BY: tuple[Line, ...] = ("n", "p")
"""A signal's lines are defined by an NMOS diode (inputs, ReLUs) or a PMOS diode (cells)."""
CURRENTS = (0.008, 10.0)
"""Range of characterised signal currents, in units."""
_CURRENT_POINTS = 25
_DRAIN_POINTS = 9


@dataclass(frozen=True, eq=False)
class MirrorTable:
    """Gains of the mirrors of one polarity on lines of one kind.

    Attributes
    ----------
    geometry
        Points of the sizing path.
    gain
        I_out / I_in, (points, currents, drains).
    runs
        Where each run of falling gains begins. Each goes below the one before it, and starts no
        lower than that one ends; between two runs there is nothing to interpolate.
    """

    geometry: tuple[Geometry, ...]
    gain: Floats
    runs: tuple[int, ...] = (0,)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The points of each run."""
        return tuple(slice(a, b) for a, b in pairwise((*self.runs, len(self.geometry))))


@dataclass(frozen=True, eq=False)
class MirrorTables:
    """All mirror tables of a technology at given conditions, for one unit mirror.

    Attributes
    ----------
    currents
        Signal currents, A, (currents,), evenly spaced in their logarithm.
    drains
        Drain voltages of the output, V, (drains,), from 0 to VDD/2.
    tables
        By (kind of line, polarity of the output).
    diode
        Voltage of the unit NMOS diode at each current, V, (currents,).
    """

    currents: Floats
    drains: Floats
    tables: Mapping[tuple[Line, Polarity], MirrorTable]
    diode: Floats

    def diode_voltage(self, current: Floats) -> Floats:
        """Return the voltage of a row's diode for a current in amperes."""
        inside = np.clip(current, self.currents[0], self.currents[-1])
        volts: Floats = np.interp(np.log(inside), np.log(self.currents), self.diode)
        return volts


@dataclass(frozen=True, eq=False)
class MeasuredGains:
    """Gains of mirrors under test, (mirrors, currents, drains), and the NMOS diode's voltage."""

    gain: Floats
    diode: Floats


def mirror_gains(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    mirrors: Sequence[MirrorUnderTest],
    logs: Floats,
    drains: Floats,
    run: Run,
) -> MeasuredGains:
    """Measure I_out / I_in of mirrors over evenly spaced ln(current / A) and drain voltages (V)."""
    deck = mirror_deck(technology, at, unit, mirrors, _sweep(logs), _sweep(drains))
    names = [mirror_vector(index) for index in range(len(mirrors))]
    # a nested sweep has no single stop: a missing point shows when the result is reshaped
    job = Job("mirror characterisation", (Attempt("default", deck),), ("n1", *names), None, 300.0)
    result = run(job)
    shape = (len(drains), len(logs))
    if result.timepoints != len(drains) * len(logs):
        raise SimulationError(
            "incomplete", f"mirror characterisation gave {result.timepoints} of {shape} points"
        )
    currents = np.array([np.abs(result.vectors[name]).reshape(shape).T for name in names])
    return MeasuredGains(
        currents / np.exp(logs)[:, np.newaxis], result.vectors["n1"].reshape(shape)[0]
    )


def characterise_mirrors(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    unit_current: float,
    folder: Path,
    run: Run,
) -> MirrorTables:
    """Measure all mirror tables, or return them from the cache.

    Parameters
    ----------
    unit_current
        A; currents are characterised from 0.008 to 10 of it.
    folder
        The cache.
    run
        Runs one simulation (:func:`netgen.simulators.run`).
    """
    paths = {polarity: path_points(technology, polarity, unit) for polarity in POLARITIES}
    tests = [
        MirrorUnderTest(line, polarity, geometry)
        for line in (1, 2)
        for polarity in POLARITIES
        for geometry in paths[polarity]
    ]
    low, high = (np.log(limit * unit_current) for limit in CURRENTS)
    logs = np.linspace(low, high, _CURRENT_POINTS)
    drains = np.linspace(0.0, at.vdd / 2, _DRAIN_POINTS)
    identity = (at, unit, tuple(tests), tuple(logs), tuple(drains))

    def measure() -> dict[str, Floats]:
        measured = mirror_gains(technology, at, unit, tests, logs, drains, run)
        return {"gain": measured.gain, "diode": measured.diode}

    parts = ("mirrors", identity, technology.digest, simulator_version(), __version__)
    arrays = cached_arrays(folder, key(*parts), measure)
    tables: dict[tuple[Line, Polarity], MirrorTable] = {}
    first = 0
    for line in DEFINED_BY:
        for polarity in POLARITIES:
            count = len(paths[polarity])
            gain = arrays["gain"][first : first + count]
            tables[line, polarity] = _falling(paths[polarity], gain)
            first += count
    return MirrorTables(np.exp(logs), drains, tables, arrays["diode"])


def _sweep(points: Floats) -> tuple[float, float, float]:
    # the last value lies half a step further, so that rounding cannot lose the last point
    step = float(points[1] - points[0])
    return float(points[0]), float(points[-1]) + step / 2, step


def _falling(geometry: Sequence[Geometry], gain: Floats) -> MirrorTable:
    """Keep the runs of points along which the gain falls.

    Narrow-width effects, and models in bins, can turn it back: a path then has several runs.
    """
    level = np.exp(np.log(np.maximum(gain, 1e-12)).mean(axis=(1, 2)))
    turns = 1 + np.flatnonzero(level[1:] >= 0.999 * level[:-1])
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
    return MirrorTable(tuple(geometry[i] for i in kept), gain[kept], tuple(runs))
