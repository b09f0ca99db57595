"""Inputs through pads: both engines see what leaks away, and the record says which pads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netgen.model.random import random_model
from netgen.netlist.testbench import Pad
from netgen.project import BuildOptions, SimulationChoices, build, read_build, simulate
from netgen.project.runs import read_runs

pytestmark = pytest.mark.ngspice


@pytest.mark.parametrize("engine", ["monolithic", "staged"])
def test_leakage_is_taken_from_the_input(tmp_path: Path, engine: str) -> None:
    model, samples = random_model(7, state=2, layers=1, inputs=3, frames=6, samples=1)
    leak = 0.05  # units
    samples.x[:] = np.maximum(samples.x, 2 * leak)
    build(model, tmp_path / "b", BuildOptions("generic180"), samples)
    made = read_build(tmp_path / "b")
    found = {}
    for name, taken, pads in (
        ("leaking", 0.0, Pad(500.0, 5e-12, leak * model.unit_current)),
        ("less", leak, None),
        ("plain", 0.0, None),
    ):
        own = samples.pick([0])
        own.x[:] -= taken
        assert [
            s.failure
            for s in simulate(made, own, [0], SimulationChoices(1, engine=engine, pad=pads))
        ] == [None]
        runs = read_runs(made)
        assert runs.pads == ("" if pads is None else str(pads))
        found[name] = runs.traces(0).frames
    for node, values in found["leaking"].items():
        scale = np.ptp(found["plain"][node]) + 1e-3
        taken = leak if node == model.readout.node else 0.0  # at the pins of the readout, too
        assert np.abs(values - (found["less"][node] - taken)).max() < 0.01 * scale, node
    moved = [np.abs(found["plain"][n] - found["less"][n]).max() for n in found["plain"]]
    assert max(moved) > 0.02
