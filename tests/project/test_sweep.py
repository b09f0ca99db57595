"""Sweeps: each point a build of its own, what is beyond reach said, and what limits a circuit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import netgen, says, write_model, write_samples
from fake_tools import FakeSimulator
from small_models import small_model
from synthetic_traces import traces_of

from netgen.analysis.comparison.limits import CircuitLimits, circuit_limits
from netgen.model import Model, from_dict
from netgen.model.graph import Floats
from netgen.simulation import Traces


def test_every_point_is_a_build_of_its_own(tmp_path: Path, simulator: FakeSimulator) -> None:
    model, samples = write_model(tmp_path / "in"), write_samples(tmp_path / "in" / "samples.npz")
    out = tmp_path / "out"
    swept = ("--unit-currents", "0.5,2", "--supplies", "1.6")
    result = netgen("sweep", model, samples, "-o", out, *swept)
    assert result.exit_code == 0
    assert "unit_current     0.5 nA    4 of 4 decisions" in result.output
    record = json.loads((out / "sweep.json").read_text())
    points = [entry["point"] for entry in record["points"]]
    assert points == [
        {"quantity": "unit_current", "value": pytest.approx(0.5e-9)},
        {"quantity": "unit_current", "value": 2e-9},
        {"quantity": "vdd", "value": 1.6},
    ]
    built = json.loads((out / "unit_current_2e-09A" / "model.json").read_text())
    assert built["unit_current"] == 2e-9
    assert json.loads((out / "vdd_1.6V" / "build.json").read_text())["options"]["vdd"] == 1.6
    assert (out / "sweep.png").read_bytes().startswith(b"\x89PNG")
    simulator.done.clear()
    netgen("sweep", model, samples, "-o", out, *swept)
    assert simulator.done == []


def test_points_that_fail_are_said_and_the_others_go_on(
    tmp_path: Path, simulator: FakeSimulator
) -> None:
    data = small_model()
    data["nodes"][0]["weight"][0][0] = 400.0
    model, samples = write_model(tmp_path, **data), write_samples(tmp_path / "samples.npz")
    result = netgen("sweep", model, samples, "-o", tmp_path / "out", "--supplies", "1.6,1.8")
    assert result.exit_code == 0
    assert result.output.count("0 of 4 decisions") == 2
    assert result.output.count("the largest weight that can be realised") == 2


def test_failed_simulations_do_not_agree(tmp_path: Path, simulator: FakeSimulator) -> None:
    simulator.failing = {1: "timestep"}
    model, samples = write_model(tmp_path), write_samples(tmp_path / "samples.npz")
    result = netgen("sweep", model, samples, "-o", tmp_path / "out", "--frame-periods", "5")
    assert "3 of 4 decisions" in result.output
    (point,) = json.loads((tmp_path / "out" / "sweep.json").read_text())["points"]
    assert point["failed"] == 1


@pytest.mark.parametrize("text", ["a", "1,,2", "0", "-1", "nan"])
def test_values_that_are_none(tmp_path: Path, simulator: FakeSimulator, text: str) -> None:
    model, samples = write_model(tmp_path), write_samples(tmp_path / "samples.npz")
    command = ("sweep", model, samples, "-o", tmp_path / "out", f"--unit-currents={text}")
    result = netgen(*command)
    assert result.exit_code == 2
    assert "unit_current" in says(result)[0]


def test_build_takes_another_unit_current_and_frame_period(
    tmp_path: Path, simulator: FakeSimulator
) -> None:
    model = write_model(tmp_path)
    options = ("--unit-current", 0.25, "--frame-period", 20)
    assert netgen("build", model, "-o", tmp_path / "out", *options).exit_code == 0
    built = json.loads((tmp_path / "out" / "model.json").read_text())
    assert built["unit_current"] == pytest.approx(0.25e-9)
    assert built["frame_period"] == pytest.approx(0.02)


# Limits


def software_traces(model: Model, x: Floats) -> list[Traces]:
    return [traces_of(model, sample) for sample in x]


def test_a_perfect_circuit_has_none() -> None:
    model = from_dict(small_model())
    x = np.random.default_rng(1).uniform(0, 1.5, (3, 4, 3))
    found = circuit_limits(model, software_traces(model, x))
    assert found.exceeded() == ()
    assert found.leakage == pytest.approx(0, abs=1e-12)
    assert found.gain == pytest.approx(0, abs=1e-12)
    assert found.settling == pytest.approx(0, abs=1e-6)


def test_cells_that_leak_or_give_less_are_named() -> None:
    model = from_dict(small_model())
    x = np.random.default_rng(1).uniform(0, 1.5, (3, 4, 3))
    worse = []
    for trace in software_traces(model, x):
        state = 0.9 * trace.frames["state"] + 0.05 * model.cells[0].level
        wave = 0.9 * trace.waves["state"] + 0.05 * model.cells[0].level
        waves = {**trace.waves, "state": wave.astype(np.float32)}
        worse.append(replace(trace, frames={**trace.frames, "state": state}, waves=waves))
    found = circuit_limits(model, worse)
    assert found.leakage == pytest.approx(0.05)
    assert found.gain == pytest.approx(-0.05)
    assert found.exceeded() == (
        "leakage: a low cell gives 5.0% of alpha",
        "headroom: a high cell gives -5.0% against alpha",
    )


def test_signals_that_have_not_settled_are_named() -> None:
    model = from_dict(small_model())
    x = np.random.default_rng(1).uniform(0.5, 1.5, (2, 4, 3))
    slow = []
    for trace in software_traces(model, x):
        waves = {name: (wave * 0.9).astype(np.float32) for name, wave in trace.waves.items()}
        slow.append(replace(trace, waves=waves))
    assert circuit_limits(model, slow).exceeded()[0].startswith("settling: signals still move by")
    staged = [replace(trace, engine="staged", extremes={}) for trace in slow]
    assert circuit_limits(model, staged).settling is None


def test_nothing_to_judge() -> None:
    assert circuit_limits(from_dict(small_model()), []) == CircuitLimits(None, None, None)
