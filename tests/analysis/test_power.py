"""The supply power taken apart: what adds up, what is a peak, what belongs to which layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_traces import traces_of

from netgen.analysis import compare
from netgen.analysis.power.consumption import GROUPINGS, PowerFigures, PowerTally, layer_of
from netgen.model import random_model
from netgen.netlist import SupplyBranch
from netgen.report.page import Table
from netgen.report.power.text import power_tables
from netgen.simulation.traces import NO_POWER, PowerTraces, Traces

MODEL, SAMPLES = random_model(1, state=2, layers=2, classes=2, inputs=3, frames=6, samples=2)
CONSUMERS = (
    SupplyBranch("l2.state", "cell"),
    SupplyBranch("l1.relu", "mirror"),
    SupplyBranch("l1.relu", "line"),
    SupplyBranch("x", "input"),
    SupplyBranch("logits", "readout"),
)


def powered(at: int, watts: np.ndarray) -> Traces:
    """Return traces whose branches take constant powers, doubled in frame 2; (branches,) W."""
    traces = traces_of(MODEL, SAMPLES.x[at], at, power_w=float(watts.sum()))
    period = MODEL.frame_period
    time = np.linspace(0, 6 * period, 6001)
    factor = np.where((time >= 2 * period) & (time < 3 * period), 2.0, 1.0)
    wave = (factor[:, np.newaxis] * watts).astype(np.float32)
    power = PowerTraces(CONSUMERS, watts * 7 / 6, wave)
    waves = {n: np.zeros((len(time), w.shape[1]), np.float32) for n, w in traces.waves.items()}
    return replace(traces, time=time, waves=waves, power=power)


def figures() -> PowerFigures:
    tally = PowerTally(MODEL)
    tally.add(powered(0, np.array([3e-9, 5e-9, 2e-9, 4e-9, -1e-9])))
    tally.add(powered(1, np.array([1e-9, 7e-9, 2e-9, 4e-9, 1e-9])))
    found = tally.figures()
    assert found is not None
    return found


def test_groups_add_up_to_the_total() -> None:
    found = figures()
    total = found.total
    assert found.samples == 2
    assert total.average_w == pytest.approx(14e-9 * 7 / 6)
    assert total.energy_sample_j == pytest.approx(14e-9 * 7 / 6 * 6 * MODEL.frame_period)
    assert total.energy_frame_j == pytest.approx(total.energy_sample_j / 6)
    assert sum(found.blocks.values()) == pytest.approx(total.average_w)
    for grouping in GROUPINGS:
        parts = found.groups[grouping].values()
        assert sum(part.average_w for part in parts) == pytest.approx(total.average_w)
        energy = sum(part.energy_sample_j for part in parts)
        assert energy == pytest.approx(total.energy_sample_j)


def test_tables_add_up_to_the_total_each() -> None:
    found = figures()
    blocks, layers = (table for table in power_tables(found) if isinstance(table, Table))
    for table, head in ((blocks, "block"), (layers, "layer")):
        assert table.columns[0] == head
        *parts, total = (float(row.cells[2].removesuffix(" %")) for row in table.rows)
        assert total == 100
        assert sum(parts) == pytest.approx(100, abs=0.02)


def test_peaks_are_those_of_the_sum_at_one_time() -> None:
    found = figures()
    assert found.total.peak_w == pytest.approx(2 * 15e-9)
    assert found.groups["node"]["l1.relu"].peak_w == pytest.approx(2 * 9e-9)
    assert found.groups["block"]["readout"].peak_w == pytest.approx(2e-9)


def test_names_in_the_order_of_the_circuit() -> None:
    found = figures()
    assert list(found.groups["block"]) == ["mirror", "cell", "line", "input", "readout"]
    assert list(found.groups["node"]) == ["x", "l1.relu", "l2.state", "logits"]
    assert list(found.groups["layer"]) == ["input", "l1", "l2", "logits"]
    assert layer_of("(ref)") == "reference"


def test_power_frame_by_frame() -> None:
    cells = figures().frames_w["cell"]
    np.testing.assert_allclose(cells, 2e-9 * np.array([1, 1, 2, 1, 1, 1]), rtol=2e-3)


def test_a_comparison_brings_the_figures_where_traces_have_them() -> None:
    traces = [powered(0, np.full(5, 1e-9)), powered(1, np.full(5, 3e-9))]
    found = compare(MODEL, SAMPLES, traces)
    assert found.power is not None
    assert found.power.blocks[SupplyBranch("x", "input")] == pytest.approx(2e-9 * 7 / 6)
    assert compare(MODEL, SAMPLES, [replace(t, power=NO_POWER) for t in traces]).power is None
