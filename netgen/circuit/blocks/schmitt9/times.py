"""Time that a Schmitt-trigger cell takes to change its state, as measured.

A cell changes its state when its candidate current crosses a threshold. The current in excess of
the threshold (the overdrive) charges the storage node, so the time grows as the overdrive falls,
without limit at the threshold itself. A state that takes longer than the rest of its frame is not
reached in that frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from netgen.arrays import Floats
from netgen.circuit.blocks.bench import Bench, BiasedCell, CandidateStep
from netgen.circuit.blocks.schmitt9.table import THRESHOLDS, read_thresholds
from netgen.circuit.blocks.speed import CellSpeed
from netgen.errors import SimulationError

if TYPE_CHECKING:
    from netgen.circuit.blocks.port import CellBlock
    from netgen.circuit.blocks.port import CellTable as Table

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
_LOAD = 1e-14
"""Capacitance that shows what wires add, at a storage node of a 2 × 2 µm unit, F."""
_LOADED = 2
"""Which overdrive it is measured at."""


@dataclass(frozen=True, eq=False)
class SchmittTimes:
    """Time from the step of a candidate to half of the output current.

    Before the step a rising cell has no candidate and a falling one twice its β_hi: what lies
    between takes less time.
    """

    bias: Floats  #: Threshold bias currents, A, (biases,).
    shares: Floats  #: Ratios of width to threshold bias current, (shares,).
    #: Excess of the candidate over β_hi (rising), or of β_lo over the candidate (falling), as a
    #: share of β_hi, (overdrives,).
    overdrive: Floats
    #: ``rising``, ``falling``: time, s, (biases, shares, overdrives), with a gain bias as large as
    #: the threshold bias.
    rising: Floats
    falling: Floats
    #: What a smaller gain current adds: this charge over the gain bias current, C, rising and
    #: falling, (biases, 2). Counts where it is positive: a smaller output rises later.
    output: Floats
    #: Capacitance, F, that doubles the time if wires add it to the storage node, rising and
    #: falling, (biases, 2).
    load: Floats

    def of(self, cells: Table, wanted: Floats) -> CellSpeed:
        """Return the times of cells with given β_hi, β_hi − β_lo and α, A, (3, units)."""
        threshold, feedback, gain = cells.biases(wanted)
        logs = np.log(np.clip(threshold, self.bias[0], self.bias[-1]))
        share = np.clip(feedback / threshold, self.shares[0], self.shares[-1])
        at = np.stack([logs, share], axis=-1)
        charges = np.stack([surface(at) for surface in self._surfaces])
        output, load = (
            np.stack([np.interp(logs, np.log(self.bias), each) for each in values.T])
            for values in (self.output, self.load)
        )
        late = np.maximum(output, 0.0) * (1 / gain - 1 / threshold)
        storage = charges - np.log(threshold)[:, np.newaxis]
        return CellSpeed(np.log(self.overdrive), storage, late, load)

    @cached_property
    def _surfaces(self) -> tuple[RegularGridInterpolator, ...]:
        """ln(time · bias / C), smooth over ln(bias) and the share, for every overdrive."""
        axes = (np.log(self.bias), self.shares)
        bias = self.bias[:, np.newaxis, np.newaxis]
        return tuple(
            RegularGridInterpolator(axes, np.log(times * bias))
            for times in (self.rising, self.falling)
        )


def measured_times(bench: Bench, block: CellBlock) -> SchmittTimes:
    """Measure the times of cells.

    Raises
    ------
    SimulationError
        A simulation failed, or cells do not change their state in any time.
    """
    low, high = (limit * bench.unit_current for limit in THRESHOLDS)
    bias = np.geomspace(low, high, _BIASES)

    def measure() -> dict[str, Floats]:
        measured = [_measured(bench, block, float(each)) for each in bias]
        return dict(
            zip(
                ("times", "output", "load"), map(np.array, zip(*measured, strict=True)), strict=True
            )
        )

    identity = (tuple(bias), SHARES, OVERDRIVES, _SLOW_GAIN, _EDGE, _LOAD, _LOADED)
    arrays = bench.kept(f"{block.name} transition times", identity, measure)
    rising, falling = np.moveaxis(arrays["times"], -1, 0)
    shares, overdrive = np.array(SHARES), np.array(OVERDRIVES)
    return SchmittTimes(bias, shares, overdrive, rising, falling, arrays["output"], arrays["load"])


def _measured(bench: Bench, block: CellBlock, bias: float) -> tuple[Floats, Floats, Floats]:
    """Return times, (shares, overdrives, 2), the output's charge, (2,), of one bias, and the
    capacitance of the storage node, (2,).

    A candidate cannot be negative: where a falling cell's overdrive is more than its β_lo, the
    time follows from that at no candidate, as if the same charge had to move.
    """
    cells = [block.biased(bias, bias * share, bias) for share in SHARES]
    jumps = _held(read_thresholds(bench.held(cells))[:, :2])
    steps = [
        step
        for cell, (rising, falling) in zip(cells, jumps, strict=True)
        for overdrive in OVERDRIVES
        for step in _steps(cell, rising, falling, overdrive * rising)
    ]
    middle, slow = len(SHARES) // 2, bias * _SLOW_GAIN
    weak = block.biased(bias, bias * SHARES[middle], slow)
    rising, falling = jumps[middle]
    steps += _steps(weak, rising, falling, OVERDRIVES[-1] * rising)
    area = bench.unit.width * bench.unit.length / 4e-12
    loaded = _steps(cells[middle], rising, falling, OVERDRIVES[_LOADED] * rising)
    steps += [replace(step, load=_LOAD * area) for step in loaded]
    stop = _CHARGE / bias * area
    for _ in range(_TRIES):
        times = _times(bench, steps, stop)
        table = _filled(times[:-4].reshape(len(SHARES), len(OVERDRIVES), 2))
        if table is not None and np.isfinite(times[-4:]).all():
            late = times[-4:-2] - table[middle, -1]
            load = _LOAD * area / (times[-2:] / table[middle, _LOADED] - 1)
            reached = np.minimum(OVERDRIVES, jumps[:, 1:] / jumps[:, :1])
            table[:, :, 1] *= reached / OVERDRIVES
            return table, late / (1 / slow - 1 / bias), load
        stop *= 8
    name = bench.technology.name
    raise SimulationError(
        "no_answer", f"cells of {name} do not change their state within {stop / 8:.3g} s"
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


def _steps(cell: BiasedCell, rising: float, falling: float, excess: float) -> list[CandidateStep]:
    """Return the steps across the rising and the falling threshold (A)."""
    return [
        CandidateStep(cell, 0.0, rising + excess),
        CandidateStep(cell, 2 * rising, max(falling - excess, 0.0)),
    ]


def _times(bench: Bench, steps: Sequence[CandidateStep], stop: float) -> Floats:
    """Return when each cell's output passes half of its gain current, NaN if it does not."""
    time, outputs = bench.stepped(steps, _EDGE * stop, stop)
    times = np.full(len(steps), np.nan)
    for index, (step, current) in enumerate(zip(steps, outputs, strict=True)):
        output = current / step.cell.currents[-1] - 0.5
        moved = output if step.after > step.before else -output
        crossed = np.flatnonzero(moved > 0)
        if moved[0] < 0 and len(crossed):
            last = int(crossed[0])
            share = -moved[last - 1] / (moved[last] - moved[last - 1])
            times[index] = time[last - 1] * (1 - share) + time[last] * share
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
