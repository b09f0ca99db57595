"""Simulating a build: what is done again, what is taken over, what becomes of failures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pwl
import pytest
from fake_tools import FakeSimulator

from netgen.analysis import Comparison, Tolerances
from netgen.errors import ConfigurationError, UsageError
from netgen.model import Model, Samples, check_samples
from netgen.netlist import SimulatorOptions
from netgen.project import (
    BuildOptions,
    Finished,
    SimulationChoices,
    build,
    compare,
    read_build,
    simulate,
)
from netgen.project.runs import read_runs
from netgen.simulation import load_traces
from netgen.technology import Geometry

CHOICES = SimulationChoices(jobs=2)


pytestmark = pytest.mark.usefixtures("simulator")


def samples_of(model: Model, count: int = 4, **changes: Any) -> Samples:
    x = np.random.default_rng(1).uniform(0, 1.5, (count, 4, 3))
    fields = {"x": x, "y": None, "ids": tuple(f"s{i}" for i in range(count))} | changes
    return check_samples(fields["x"], fields["y"], fields["ids"], model)


def run(
    folder: Path,
    samples: Samples | None = None,
    picked: list[int] | None = None,
    choices: SimulationChoices = CHOICES,
    edited: bool = False,
) -> list[Finished[int]]:
    made = read_build(folder, edited)
    samples = samples or samples_of(made.model)
    return list(simulate(made, samples, picked or list(range(len(samples))), choices))


def compared(folder: Path, edited: bool = False) -> Comparison:
    names = {"model": "model.json", "samples": "samples.npz"}
    return compare(read_build(folder, edited), Tolerances(), names, ("netgen run",))[0]


def test_every_sample_is_simulated_and_compared(built: Path, simulator: FakeSimulator) -> None:
    steps = run(built)
    assert sorted(simulator.done) == [0, 1, 2, 3]
    assert all(step.fresh and step.failure is None for step in steps)
    result = compared(built)
    assert [sample.sample for sample in result.samples] == [0, 1, 2, 3]
    assert result.decision_agreement == result.state_agreement == 1
    assert result.logit_rmse_fs == pytest.approx(0, abs=1e-9)
    assert result.power_w == pytest.approx(1.8 * 50e-9, rel=0.2)
    assert (built / "report.json").is_file()
    assert (built / "report.html").is_file()


def test_second_run_does_nothing(built: Path, simulator: FakeSimulator) -> None:
    run(built)
    simulator.done.clear()
    assert [step.fresh for step in run(built)] == [False] * 4
    assert simulator.done == []


def test_only_changed_samples_are_run_again(built: Path, simulator: FakeSimulator) -> None:
    samples = samples_of(read_build(built).model)
    run(built, samples)
    simulator.done.clear()
    x = samples.x.copy()
    x[2, 1, 0] += 0.01
    run(built, Samples(x, None, samples.ids))
    assert simulator.done == [2]
    assert compared(built).decision_agreement == 1  # with the new samples, not the old


def test_only_missing_samples_are_run(built: Path, simulator: FakeSimulator) -> None:
    run(built, picked=[1])
    (built / "sim" / "sample_0002.npz").write_bytes(b"half a file")
    run(built)
    assert simulator.done == [1, 0, 2, 3]


def test_new_labels_or_names_run_nothing_again(built: Path, simulator: FakeSimulator) -> None:
    model = read_build(built).model
    run(built, samples_of(model))
    simulator.done.clear()
    ids = tuple("abcd")
    run(built, samples_of(model, y=np.array([0, 1, 0, 1]), ids=ids))
    assert simulator.done == []
    found = compared(built)
    assert [sample.id for sample in found.samples] == list(ids)
    assert found.accuracy_software is not None


@pytest.mark.parametrize("change", ["netlist", "options", "simulator", "models", "unit"])
def test_everything_a_result_depends_on_runs_it_again(
    built: Path, simulator: FakeSimulator, change: str
) -> None:
    run(built)
    simulator.done.clear()
    choices = CHOICES
    if change == "netlist":
        with (built / "netlist.cir").open("a") as file:
            file.write("* a line more\n")
    elif change == "options":
        choices = SimulationChoices(jobs=2, options=SimulatorOptions(reltol=1e-4))
    elif change == "simulator":
        simulator.version = "ngspice-1"
    elif change == "models":
        simulator.models.write_text("* another\n")
        build(read_build(built).model, built, BuildOptions())
    else:
        build(read_build(built).model, built, BuildOptions(unit=Geometry(3e-6, 3e-6)))
    run(built, choices=choices, edited=True)
    assert simulator.done == [0, 1, 2, 3]


def test_input_edge_is_an_option_of_the_simulation(built: Path, simulator: FakeSimulator) -> None:
    run(built)
    simulator.done.clear()
    model = read_build(built).model
    x = samples_of(model).x[0]
    slow = SimulationChoices(jobs=1, input_edge=0.2 * model.frame_period)
    run(built, picked=[0], choices=slow)
    assert simulator.done == [0]  # it is part of what a result depends on
    deck = (built / "sim" / "sample_0000.cir").read_text()
    (source,) = [line for line in deck.splitlines() if line.startswith("Ix_0_n ")]
    times = np.array([1.0, 1.1, 1.2, 1.9]) * model.frame_period
    seen = pwl.at(source.split(maxsplit=3)[3], times) / model.unit_current
    old, new = x[:2, 0]
    np.testing.assert_allclose(seen, [old, (old + new) / 2, new, new], rtol=1e-9)
    traces, _ = load_traces(built / "sim" / "sample_0000.npz")
    assert traces.input_edge == pytest.approx(0.2 * model.frame_period)
    assert 0.2 * model.frame_period in compared(built).cost.input_edges


@pytest.mark.parametrize("edge", [0.0, 1e-9, 0.006, 1.0])
def test_input_edge_must_fit_into_a_frame(built: Path, edge: float) -> None:
    with pytest.raises(UsageError, match=r"--input-edge .*: from 0\.001 to 5 ms in a frame of 10"):
        run(built, choices=SimulationChoices(jobs=1, input_edge=edge))


def test_raw_files_on_demand(built: Path, simulator: FakeSimulator) -> None:
    run(built, picked=[0])
    assert not list((built / "sim").glob("*.raw"))
    run(built, picked=[0], choices=SimulationChoices(jobs=1, raw=True))
    assert (built / "sim" / "sample_0000.raw").read_bytes().startswith(b"Title: small, sample 0\n")
    assert simulator.done == [0, 0]
    run(built, picked=[0])
    assert simulator.done == [0, 0]


def test_testbench_of_every_sample_stays_beside_the_netlist(built: Path) -> None:
    run(built, picked=[3])
    deck = (built / "sim" / "sample_0003.cir").read_text()
    assert '.include "../netlist.cir"' in deck
    assert "* Testbench: small, sample 3" in deck


def test_the_deck_that_ran_is_kept(built: Path, simulator: FakeSimulator) -> None:
    run(built, picked=[3])
    assert (built / "sim" / "sample_0003.ran.cir").read_text() == simulator.decks[3]


# Failures


def test_failed_sample_is_reported_and_the_others_count(
    built: Path, simulator: FakeSimulator
) -> None:
    simulator.failing = {1: "timestep", 3: "timeout"}
    steps = run(built)
    assert {s.run: s.failure.kind for s in steps if s.failure} == {1: "timestep", 3: "timeout"}
    found = compared(built)
    assert dict(found.failures) == {1: "timestep", 3: "timeout"}
    assert [sample.sample for sample in found.samples] == [0, 2]


def test_failed_sample_is_tried_again(built: Path, simulator: FakeSimulator) -> None:
    simulator.failing = {1: "crash"}
    run(built)
    simulator.done.clear()
    simulator.failing = {}
    run(built)
    assert simulator.done == [1]
    assert not compared(built).failures


def test_failure_of_a_sample_not_asked_for_now_is_kept(
    built: Path, simulator: FakeSimulator
) -> None:
    simulator.failing = {1: "crash"}
    run(built)
    run(built, picked=[0])
    assert dict(compared(built).failures) == {1: "crash"}


def test_old_traces_of_a_sample_that_now_fails_do_not_count(
    built: Path, simulator: FakeSimulator
) -> None:
    run(built)
    with (built / "netlist.cir").open("a") as file:
        file.write("* changed\n")
    simulator.failing = {2: "singular"}
    run(built, edited=True)
    assert not (built / "sim" / "sample_0002.npz").exists()
    assert [sample.sample for sample in compared(built, edited=True).samples] == [0, 1, 3]


def test_every_sample_failed(built: Path, simulator: FakeSimulator) -> None:
    simulator.failing = dict.fromkeys(range(4), "no_result")
    run(built)
    found = compared(built)
    assert found.samples == ()
    assert len(found.failures) == 4


def test_interrupted_run_goes_on_where_it_was(built: Path, simulator: FakeSimulator) -> None:
    simulator.interrupt_at = 2
    with pytest.raises(KeyboardInterrupt):
        run(built)
    with pytest.raises(ConfigurationError, match=r"samples 2, 3 are not simulated yet; run netgen"):
        compared(built)
    simulator.interrupt_at = None
    run(built)
    assert simulator.done == [0, 1, 2, 3]
    assert len(compared(built).samples) == 4


# What belongs together


def test_nothing_simulated_yet(built: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no simulation; run netgen sim first"):
        compared(built)


def test_traces_of_an_earlier_build_are_not_compared(built: Path, simulator: FakeSimulator) -> None:
    run(built)
    build(read_build(built).model, built, BuildOptions(unit=Geometry(3e-6, 3e-6)))
    with pytest.raises(ConfigurationError, match="anew, or edited by hand, since; run netgen sim"):
        compared(built)
    run(built, picked=[1])
    assert [sample.sample for sample in compared(built).samples] == [1]  # none of the old ones


def test_build_that_changes_nothing_keeps_its_runs(built: Path, simulator: FakeSimulator) -> None:
    run(built)
    build(read_build(built).model, built, BuildOptions())
    assert len(compared(built).samples) == 4


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"asked": [0, 99], "failures": {}}', '{"asked": 1, "failures": []}']
)
def test_damaged_index_is_told(built: Path, text: str) -> None:
    run(built)
    index = built / "sim" / "sim.json"
    index.write_text(text)
    with pytest.raises(ConfigurationError, match="again"):
        compared(built)
    run(built)  # is what it says to do
    assert len(compared(built).samples) == 4


def test_damaged_samples_are_told(built: Path) -> None:
    run(built)
    (built / "sim" / "samples.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ConfigurationError, match="run netgen sim again"):
        compared(built)


def test_index_names_what_was_asked_and_what_failed(built: Path, simulator: FakeSimulator) -> None:
    simulator.failing = {2: "timeout"}
    run(built, picked=[2, 0])
    index = json.loads((built / "sim" / "sim.json").read_text())
    assert index["asked"] == [0, 2]
    assert index["failures"] == {"2": "timeout"}
    runs = read_runs(read_build(built))
    assert runs.asked == (0, 2)
    assert len(runs.samples) == 4
