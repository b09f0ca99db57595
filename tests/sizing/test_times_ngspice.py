"""Measured times of cells against GF180MCU transistors in a deck written by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_decks import AT, NANO, TECHNOLOGY, UNIT, cell_lines, head

from netgen.characterise import CellBench
from netgen.circuit.blocks import CandidateStep
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.simulators import Attempt, Job, Waveforms, cache_folder, run_job

pytestmark = pytest.mark.ngspice

BENCH = CellBench(TECHNOLOGY, AT, UNIT, NANO, cache_folder(), run_job)
HIGH = np.array([0.48, 0.48, 1.0, 1.0, 0.15, 2.5, 0.3])
SHARE = np.array([0.104, 0.104, 0.5, 0.5, 0.3, 0.9, 0.7])
GAIN = np.array([0.89, 0.89, 1.0, 0.1, 2.0, 0.5, 0.4])
OVERDRIVE = np.array([0.01, 0.07, 0.03, 0.2, 0.05, 0.05, 0.02])
"""As shares of β_hi."""
START = 1e-4


@pytest.mark.parametrize("rising", [True, False], ids=["rise", "fall"])
@pytest.mark.parametrize("wires", [0.0, 20e-15], ids=["bare", "wires"])
def test_cells_take_as_long_as_the_table_says(rising: bool, wires: float) -> None:
    wanted = np.array([HIGH, HIGH * SHARE, GAIN]) * NANO
    cells = SCHMITT9.characterise(BENCH)
    times = SCHMITT9.times(BENCH, cells)
    speed = times.of(cells, wanted).loaded(np.full(len(HIGH), wires))
    expected = speed.time(OVERDRIVE)[0 if rising else 1]
    bias = cells.biases(wanted)
    low = HIGH * (1 - SHARE)
    before = np.zeros(len(HIGH)) if rising else 1.5 * HIGH
    after = HIGH * (1 + OVERDRIVE) if rising else low - OVERDRIVE * HIGH
    lines, names = head("steps of candidates"), []
    for i in range(len(HIGH)):
        step = [(0, before[i]), (START, before[i]), (1.01 * START, after[i])]
        points = " ".join(f"{t:.9g} {c * NANO:.9g}" for t, c in step)
        lines += cell_lines(i, bias[:, i], f"pwl({points})")
        lines.append(f"Cwires{i} v{i} 0 {wires:g}")
        names.append(f"@m.xm4_{i}.m0[id]")
    stop = round(1.5 * float(expected.max()) + START, 5)
    lines += [f".save {name}" for name in names]
    lines += [f".tran {stop / 500:g} {stop:g}", ".end"]
    deck = "\n".join(lines) + "\n"
    result = run_job(Job("steps", (Attempt("steps", deck),), tuple(names), stop, 300.0))
    for i, name in enumerate(names):
        high = result.vectors[name] > GAIN[i] * NANO / 2
        assert high[0] != rising
        turned = np.flatnonzero(high == rising)
        assert len(turned), f"cell {i} does not turn"
        taken = result.scale[turned[0]] - START
        assert taken == pytest.approx(expected[i], rel=0.15, abs=4e-5 if wires else 3e-5), i


def test_times_are_tried_again_without_bypass() -> None:
    """A transient that starts at a failed gmin step does not count: bypass may be the cause."""
    jobs: list[Job] = []

    def first(job: Job) -> Waveforms:
        jobs.append(job)
        return run_job(job)

    bench = replace(BENCH, run=first)
    cell = SCHMITT9.biased(NANO, 0.3 * NANO, NANO)
    bench.stepped([CandidateStep(cell, 0.0, 1.5 * NANO)], 1e-5, 2e-2)
    (job,) = jobs
    bypassed = ["bypass=1" in attempt.netlist for attempt in job.attempts]
    assert bypassed[0]
    assert not all(bypassed)


def test_the_smallest_overdrive_of_a_frame_is_well_inside_what_is_called_near() -> None:
    """10 ms at 1 nA: a state 2 % from its threshold is never slow."""
    wanted = np.array([HIGH, HIGH * SHARE, GAIN]) * NANO
    cells = SCHMITT9.characterise(BENCH)
    speed = SCHMITT9.times(BENCH, cells).of(cells, wanted)
    for smallest in speed.overdrive(9.9e-3):
        assert np.all(smallest < 0.008)
    for smallest in speed.overdrive(1e-6):
        assert np.all(smallest > 0.5)
