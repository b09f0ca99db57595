"""Time that a Schmitt-trigger cell takes to change its state, as measured.

A cell changes its state when its candidate current crosses a threshold. The current in excess of
the threshold (the overdrive) charges the storage node, so the time grows as the overdrive falls,
without limit at the threshold itself. A state that takes longer than the rest of its frame is not
reached in that frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from netgen._version import __version__
from netgen.characterise.cells import (
    THRESHOLDS,
    CellTable,
    Floats,
    Run,
    read_thresholds,
    sweep_cells,
)
from netgen.errors import SimulationError
from netgen.model import Model
from netgen.netlist.characterisation import (
    CellStep,
    CellUnderTest,
    cell_time_deck,
    cell_vectors,
)
from netgen.netlist.models import Conditions
from netgen.simulators import Attempt, Job, cached_arrays, key, simulator_version
from netgen.technology import Geometry, Technology

OVERDRIVES = (0.003, 0.02, 0.1, 0.4, 1.5)
"""Characterised overdrives, as shares of β_hi."""
SHARES = (0.06, 0.13, 0.32, 0.7, 0.94)
"""Characterised ratios of width to threshold bias current."""
_BIASES = 3
_SLOW_GAIN = 0.1
"""Gain over threshold bias current of the cells that show what the output adds."""
_EDGE = 5e-4
"""Duration of the candidate's edge, as a share of the simulated time."""
_CHARGE = 4e-12
"""Charge that moves in the simulated time at the threshold bias current of a 2 × 2 µm unit, C."""
_TRIES = 4


@dataclass(frozen=True, eq=False)
class CellTimes:
    """Time from the step of a candidate to half of the output current.

    Before the step a rising cell has no candidate and a falling one twice its β_hi: what lies
    between takes less time.

    Attributes
    ----------
    bias
        Threshold bias currents, A, (biases,).
    shares
        Ratios of width to threshold bias current, (shares,).
    overdrive
        Excess of the candidate over β_hi (rising), or of β_lo over the candidate (falling), as a
        share of β_hi, (overdrives,).
    rising, falling
        Time, s, (biases, shares, overdrives), with a gain bias as large as the threshold bias.
    output
        What a smaller gain current adds: this charge over the gain bias current, C, rising and
        falling, (biases, 2). Counts where it is positive: a smaller output rises later.
    """

    bias: Floats
    shares: Floats
    overdrive: Floats
    rising: Floats
    falling: Floats
    output: Floats

    def of(self, cells: CellTable, beta_hi: Floats, width: Floats, alpha: Floats) -> CellSpeed:
        """Return the times of cells with given figures in amperes, each (units,)."""
        threshold, feedback, gain = cells.biases(beta_hi, width, alpha)
        logs = np.log(np.clip(threshold, self.bias[0], self.bias[-1]))
        share = np.clip(feedback / threshold, self.shares[0], self.shares[-1])
        at = np.stack([logs, share], axis=-1)
        charges = np.stack([surface(at) for surface in self._surfaces])
        output = np.stack([np.interp(logs, np.log(self.bias), each) for each in self.output.T])
        late = np.maximum(output, 0.0) * (1 / gain - 1 / threshold)
        return CellSpeed(np.log(self.overdrive), charges - np.log(threshold)[:, np.newaxis], late)

    @cached_property
    def _surfaces(self) -> tuple[RegularGridInterpolator, ...]:
        """ln(time · bias / C), smooth over ln(bias) and the share, for every overdrive."""
        axes = (np.log(self.bias), self.shares)
        bias = self.bias[:, np.newaxis, np.newaxis]
        return tuple(
            RegularGridInterpolator(axes, np.log(times * bias))
            for times in (self.rising, self.falling)
        )


@dataclass(frozen=True, eq=False)
class CellSpeed:
    """Times of the cells of one node.

    Attributes
    ----------
    logs
        ln(overdrive), the overdrive as a share of β_hi, (overdrives,), rising.
    storage
        ln(time / s) that the storage node takes to rise and to fall, (2, units, overdrives).
    output
        What the output adds, s, rising and falling, (2, units).
    """

    logs: Floats
    storage: Floats
    output: Floats

    def time(self, overdrive: Floats) -> tuple[Floats, Floats]:
        """Return the times to rise and to fall, s, for overdrives (…, units) as shares of β_hi.

        Infinite where there is none. Beyond the characterised overdrives the logarithm of the time
        continues straight over that of the overdrive.
        """
        positive = overdrive > 0
        at = np.log(np.where(positive, overdrive, 1.0))
        rise, fall = (
            np.where(positive, self._line(direction, at), np.inf) for direction in range(2)
        )
        return rise, fall

    def _line(self, direction: int, at: Floats) -> Floats:
        place = np.searchsorted(self.logs, at) - 1
        left = np.clip(place, 0, len(self.logs) - 2)
        share = (at - self.logs[left]) / (self.logs[left + 1] - self.logs[left])
        unit = np.arange(self.storage.shape[1])
        storage = self.storage[direction]
        logs = storage[unit, left] * (1 - share) + storage[unit, left + 1] * share
        found: Floats = np.maximum(np.exp(logs) + self.output[direction], 0.0)
        return found

    def overdrive(self, time: float) -> tuple[Floats, Floats]:
        """Return the smallest overdrives that cells answer within a time (s), shares of β_hi.

        Returns
        -------
        tuple
            Rising and falling, each (units,); infinite where no overdrive is large enough.
        """
        low, high = self.logs[0] - 12.0, self.logs[-1] + 2.0
        found = []
        for direction in range(2):
            short = np.full(self.storage.shape[1], low)
            enough = np.full(self.storage.shape[1], high)
            never = self._line(direction, enough) > time
            for _ in range(50):  # halving: the time falls as the overdrive grows
                middle = (short + enough) / 2
                late = self._line(direction, middle) > time
                short, enough = np.where(late, middle, short), np.where(late, enough, middle)
            found.append(np.where(never, np.inf, np.exp(enough)))
        return found[0], found[1]


def characterise_times(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    unit_current: float,
    folder: Path,
    run: Run,
) -> CellTimes:
    """Measure the times of cells, or return the table from the cache.

    Parameters
    ----------
    unit_current
        A; threshold biases are characterised from 0.02 to 8 of it.
    folder
        The cache.
    run
        Runs one simulation (:func:`netgen.simulators.run`).

    Raises
    ------
    SimulationError
        A simulation failed, or cells do not change their state in any time.
    """
    low, high = (limit * unit_current for limit in THRESHOLDS)
    bias = np.geomspace(low, high, _BIASES)

    def measure() -> dict[str, Floats]:
        found = [_measured(technology, at, unit, float(each), run) for each in bias]
        return {"times": np.array([t for t, _ in found]), "output": np.array([o for _, o in found])}

    identity = (at, unit, tuple(bias), SHARES, OVERDRIVES, _SLOW_GAIN, _EDGE)
    parts = ("times", identity, technology.digest, simulator_version(), __version__)
    arrays = cached_arrays(folder, key(*parts), measure)
    rising, falling = np.moveaxis(arrays["times"], -1, 0)
    shares, overdrive = np.array(SHARES), np.array(OVERDRIVES)
    return CellTimes(bias, shares, overdrive, rising, falling, arrays["output"])


def _measured(
    technology: Technology, at: Conditions, unit: Geometry, bias: float, run: Run
) -> tuple[Floats, Floats]:
    """Return times, (shares, overdrives, 2), and the output's charge, (2,), of one bias.

    A candidate cannot be negative: where a falling cell's overdrive is more than its β_lo, the
    time follows from that at no candidate, as if the same charge had to move.
    """
    cells = [CellUnderTest(bias, bias * share, bias) for share in SHARES]
    swept = read_thresholds(sweep_cells(technology, at, unit, cells, run))
    jumps = _held(swept[:, :2])
    steps = [
        step
        for cell, (rising, falling) in zip(cells, jumps, strict=True)
        for overdrive in OVERDRIVES
        for step in _steps(cell, rising, falling, overdrive * rising)
    ]
    middle = len(SHARES) // 2
    weak = CellUnderTest(bias, cells[middle].width, bias * _SLOW_GAIN)
    rising, falling = jumps[middle]
    steps += _steps(weak, rising, falling, OVERDRIVES[-1] * rising)
    stop = _CHARGE / bias * unit.width * unit.length / 4e-12
    for _ in range(_TRIES):
        times = _times(technology, at, unit, steps, stop, run)
        table = _filled(times[:-2].reshape(len(SHARES), len(OVERDRIVES), 2))
        if table is not None and np.isfinite(times[-2:]).all():
            late = times[-2:] - table[middle, -1]
            reached = np.minimum(OVERDRIVES, jumps[:, 1:] / jumps[:, :1])
            table[:, :, 1] *= reached / OVERDRIVES
            return table, late / (1 / weak.gain - 1 / bias)
        stop *= 8
    raise SimulationError(
        "no_answer", f"cells of {technology.name} do not change their state within {stop / 8:.3g} s"
    )


def _held(jumps: Floats) -> Floats:
    """Return thresholds, (cells, 2), with those of narrow cells that hold no state replaced.

    They get the thresholds of the next wider cell: their times are overwritten (:func:`_filled`).
    """
    for index in range(len(jumps) - 2, -1, -1):
        if not np.isfinite(jumps[index]).all():
            jumps[index] = jumps[index + 1]
    if not np.isfinite(jumps).all():
        raise SimulationError("no_hysteresis", "cells of this technology hold no state")
    return jumps


def _steps(cell: CellUnderTest, rising: float, falling: float, excess: float) -> list[CellStep]:
    """Return the steps across the rising and the falling threshold (A)."""
    return [
        CellStep(cell, 0.0, rising + excess),
        CellStep(cell, 2 * rising, max(falling - excess, 0.0)),
    ]


def _times(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    steps: Sequence[CellStep],
    stop: float,
    run: Run,
) -> Floats:
    """Return when each cell's output passes half of its gain current, NaN if it does not."""
    deck = cell_time_deck(technology, at, unit, steps, _EDGE * stop, stop)
    names = tuple(cell_vectors(technology, index)[1] for index in range(len(steps)))
    job = Job("cell times", (Attempt("default", deck),), names, stop, 600.0, (_EDGE * stop,))
    result = run(job)
    times = np.full(len(steps), np.nan)
    for index, (step, name) in enumerate(zip(steps, names, strict=True)):
        output = result.vectors[name] / step.cell.gain - 0.5
        moved = output if step.after > step.before else -output
        crossed = np.flatnonzero(moved > 0)
        if moved[0] < 0 and len(crossed):
            last = int(crossed[0])
            share = -moved[last - 1] / (moved[last] - moved[last - 1])
            times[index] = result.scale[last - 1] * (1 - share) + result.scale[last] * share
    return times


def _filled(times: Floats) -> Floats | None:
    """Complete a table, (shares, overdrives, 2), or return None where too little was measured.

    The smallest overdrive may take longer than was simulated: its time follows from the two next
    ones along a straight line of logarithms.
    """
    logs, at = np.log(times), np.log(np.array(OVERDRIVES))
    slope = (logs[:, 2] - logs[:, 1]) / (at[2] - at[1])
    follows = logs[:, 1] + slope * (at[0] - at[1])
    logs[:, 0] = np.where(np.isfinite(logs[:, 0]), logs[:, 0], follows)
    return np.exp(logs) if np.isfinite(logs).all() else None


def cell_speeds(model: Model, cells: CellTable, times: CellTimes) -> dict[str, CellSpeed]:
    """Return the measured times of every cell of a model, by bmru node."""
    unit = model.unit_current
    return {
        cell.name: times.of(
            cells, cell.beta_hi * unit, (cell.beta_hi - cell.beta_lo) * unit, cell.alpha * unit
        )
        for cell in model.cells
    }
