"""Many variants of a circuit: what is simulated, taken over or resumed, and what fails."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import netgen, says, write_model, write_samples
from fake_technology import fake_technology
from fake_tools import FakeSimulator
from processes import until
from small_models import small_model

from netgen.errors import ConfigurationError, UsageError
from netgen.model import Model, Samples, check_samples, decide, from_dict
from netgen.netlist import Conditions, Network, shift_words
from netgen.project import (
    BIASES,
    BuildOptions,
    Finished,
    MonteCarlo,
    Population,
    SimulationChoices,
    build,
    corners,
    populations,
    read_build,
    simulate_population,
)
from netgen.project.design import read_netlist
from netgen.project.population.simulate import Run, read_population
from netgen.project.simulate import plain_engine, workbench
from netgen.simulation import Traces, load_traces
from netgen.simulation.engines import run_tasks
from netgen.simulators import LocalPool
from netgen.technology import Variation, load_technology

CHOICES = SimulationChoices(jobs=2)
CHIPS = MonteCarlo(Variation(seed=1), 3)
QUICK = ("--pdk", "generic180")


def samples_of(model: Model, count: int = 2) -> Samples:
    x = np.random.default_rng(1).uniform(0, 1.5, (count, 4, 3))
    return check_samples(x, None, tuple(f"s{i}" for i in range(count)), model)


def run(folder: Path, population: Population = CHIPS, edited: bool = False) -> list[Finished[Run]]:
    made = read_build(folder, edited)
    return list(simulate_population(made, samples_of(made.model), [0, 1], population, CHOICES))


def names(steps: list[Finished[Run]]) -> list[tuple[str, int]]:
    return sorted((step.run.variant, step.run.sample) for step in steps)


# What is simulated


def test_every_chip_takes_every_sample(built: Path, simulator: FakeSimulator) -> None:
    steps = run(built)
    wanted = [(f"chip_{chip:05d}", sample) for chip in range(3) for sample in range(2)]
    assert names(steps) == wanted
    assert populations(read_build(built)) == ["mismatch_seed_1"]
    found = read_population(read_build(built), "mismatch_seed_1")
    assert found.described["seed"] == 1
    assert found.picked == (0, 1)
    traces = found.traces("chip_00002", 1)
    assert traces is not None
    assert traces.frames["logits"].shape == (4, 2)


def test_decks_of_chips_differ_and_those_of_samples_have_the_same_chip(
    built: Path, simulator: FakeSimulator
) -> None:
    shifts = set()
    for chips in (1, 2):
        run(built, MonteCarlo(Variation(seed=1), chips))
        shifts.add(tuple(w for w in simulator.decks[1].split() if w.startswith("delvto=")))
    assert len(shifts) == 2
    assert len(next(iter(shifts))) > 20


def test_more_chips_are_added_to_those_there(built: Path, simulator: FakeSimulator) -> None:
    run(built)
    simulator.done.clear()
    steps = run(built, MonteCarlo(Variation(seed=1), 4))
    assert simulator.done == [0, 1]
    assert sum(step.fresh for step in steps) == 2


@pytest.mark.parametrize(
    "other",
    [
        MonteCarlo(Variation(seed=2), 3),
        MonteCarlo(Variation(seed=1, process=True), 3),
        MonteCarlo(Variation(seed=1, mismatch=False, process=True), 3),
    ],
)
def test_other_chips_lie_elsewhere(
    built: Path, simulator: FakeSimulator, other: MonteCarlo
) -> None:
    run(built)
    simulator.done.clear()
    run(built, other)
    assert len(simulator.done) == 6
    assert len(populations(read_build(built))) == 2


def test_another_circuit_is_simulated_anew(built: Path, simulator: FakeSimulator) -> None:
    run(built)
    simulator.done.clear()
    with (built / "netlist.cir").open("a") as file:
        file.write("* a line more\n")
    with pytest.raises(ConfigurationError, match="take it with --edited-netlist"):
        read_build(built)
    with pytest.raises(ConfigurationError, match="anew, or edited by hand, since; run netgen sim"):
        read_population(read_build(built, edited=True), "mismatch_seed_1")
    run(built, edited=True)
    assert len(simulator.done) == 6


def test_failed_runs_are_kept_as_failures_and_tried_again(
    built: Path, simulator: FakeSimulator
) -> None:
    simulator.failing = {1: "timestep"}
    steps = run(built)
    assert [s.run.sample for s in steps if s.failure] == [1, 1, 1]
    found = read_population(read_build(built), "mismatch_seed_1")
    assert set(found.failures.values()) == {"timestep"}
    assert len(found.failures) == 3
    assert found.traces("chip_00000", 1) is None
    simulator.failing = {}
    simulator.done.clear()
    run(built)
    assert simulator.done == [1, 1, 1]
    assert not read_population(read_build(built), "mismatch_seed_1").failures


# Corners


def test_all_corners_with_both_kinds_of_bias() -> None:
    found = corners(fake_technology(), 1.8, (), BIASES[:2]).variants
    process = len(fake_technology().corners)
    assert len(found) == len(set(found)) == process * 9 * 2
    assert {case.conditions.vdd for case in found} == {1.62, 1.8, 1.98}
    assert {case.conditions.temperature for case in found} == {-20, 27, 85}


def test_listed_corners() -> None:
    name = fake_technology().nominal_corner
    found = corners(fake_technology(), 1.8, [f"{name}/1.7/60", f" {name}/2"], ["ideal"]).variants
    conditions = [case.conditions for case in found]
    assert conditions[0] == Conditions(name, 60, 1.7)
    assert [(at.vdd, at.temperature) for at in conditions[1:]] == [(2, -20), (2, 27), (2, 85)]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("xx", "no corner 'xx'; choose one of"),
        ("{}/1.8/27/3", "write CORNER, CORNER/VDD or CORNER/VDD/°C"),
        ("{}/hot", "write CORNER"),
        ("{}/99", "vdd = 99; choose a value between"),
        ("{}/1.8/nan", "temperature = nan; choose a value between"),
    ],
)
def test_corners_that_are_none(entry: str, said: str) -> None:
    name = fake_technology().nominal_corner
    with pytest.raises(UsageError, match=said):
        corners(fake_technology(), 1.8, [entry.format(name)], ["ideal"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--monte-carlo", 2, "--corners=all"), "two studies"),
        (("--monte-carlo", 2, "--no-mismatch"), "nothing to vary"),
        (("--process",), "add --monte-carlo N"),
        (("--bias", "ideal"), "add --corners or --monte-carlo"),
        (("--monte-carlo", 2, "--bias", "both"), "name it"),
        (("--monte-carlo", 2, "--raw"), "leave it out"),
    ],
)
def test_options_that_contradict_each_other(
    built: Path, tmp_path: Path, options: tuple[object, ...], said: str
) -> None:
    samples = write_samples(tmp_path / "samples.npz")
    result = netgen("sim", built, samples, *options)
    assert result.exit_code == 2
    assert said in says(result)[0]


# In ngspice


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("small")
    model = write_model(folder)
    assert netgen("build", model, "-o", folder / "out", *QUICK).exit_code == 0
    return folder / "out", write_samples(folder / "samples.npz")


def frames_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return all settled values below a folder, by file and node."""
    return {
        str(path.relative_to(folder)): dict(load_traces(path)[0].frames)
        for path in sorted(folder.glob("**/chip_*/*.npz"))
    }


def assert_identical(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> None:
    assert one.keys() == other.keys()
    assert one
    for name, frames in one.items():
        for node, values in frames.items():
            assert np.array_equal(values, other[name][node]), (name, node)


def copied(built: Path, folder: Path) -> Path:
    folder.mkdir()
    for file in built.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_shifts_reach_every_transistor(small: tuple[Path, Path]) -> None:
    technology = load_technology("generic180")
    network = Network(read_netlist(read_build(small[0]), technology), technology)
    found = network.netlist.transistors
    record = json.loads((small[0] / "build.json").read_text())
    count = sum(each.geometry.multiplicity for each in found.values())
    assert count == record["devices"]["total"]
    shifts = {name: (place / 1e6, 0.0) for place, name in enumerate(found, 1)}
    words = shift_words(shifts)
    written = "\n".join(line.shifted(words) for line in network.deviating.whole)
    values = set(map(float, re.findall(r"(?:_v|delvto)=([0-9.e+-]+)", written)))
    assert {volts for volts, _ in shifts.values()} <= values
    plain = "\n".join(line.text for line in network.plain.whole)
    bare = re.sub(r" (?:\w+_[vu]|delvto|mulu0)=\S+", "", written)
    assert bare == plain


@pytest.mark.ngspice
@pytest.mark.parametrize("engine", ["monolithic", "staged"])
def test_chips_are_the_same_however_they_are_run(
    small: tuple[Path, Path], tmp_path: Path, engine: str
) -> None:
    built, samples = small
    chips = ("--monte-carlo", 3, "--seed", 4, "--engine", engine)
    one, other, third = (copied(built, tmp_path / name) for name in "abc")
    assert netgen("sim", one, samples, *chips, "--jobs", 1).exit_code == 0
    assert netgen("sim", other, samples, *chips, "--jobs", 3).exit_code == 0
    for picked in ("3", "0:3"):  # in another order, in processes of their own
        command = [sys.executable, "-m", "netgen", "sim", third, samples, *chips]
        subprocess.run([*map(str, command), "--samples", picked], check=True, capture_output=True)
    assert_identical(frames_of(one), frames_of(other))
    assert_identical(frames_of(one), frames_of(third))


@pytest.mark.ngspice
@pytest.mark.parametrize("pdk", ["generic180", "gf180mcu"])
def test_shifts_do_what_they_say(tmp_path: Path, pdk: str) -> None:
    """A device with a larger threshold is a weaker one: by exp(-ΔVth / n·Ut) below threshold."""
    model = from_dict(small_model())
    folder = tmp_path / "out"
    made = build(model, folder, BuildOptions(pdk))
    found = made.netlist.transistors
    samples = samples_of(model, 1)

    def logits(name: str, volts: float, factor: float) -> Any:
        shifts = dict.fromkeys(found, (0.0, 0.0)) | {name: (volts, factor)}
        bench = workbench(read_build(folder), "monolithic")
        varied = replace(bench, shifts=shift_words(shifts))
        task = plain_engine("monolithic", varied, CHOICES, 4).task(samples.x[0], 0)
        (pair,) = run_tasks([(0, task)], LocalPool(1))
        assert isinstance(pair[1], Traces)
        return pair[1].frames["logits"]

    assert found["logits_1_bias"].polarity == "pmos"
    plain = logits("logits_1_bias", 0.0, 0.0)
    bias = 0.1  # units: what this device gives
    stronger = logits("logits_1_bias", 0.0, 0.1) - plain
    assert stronger[:, 1] == pytest.approx(bias * 0.1, rel=0.1)
    assert np.abs(stronger[:, 0]).max() < 1e-4
    weaker = logits("logits_1_bias", -0.005, 0.0) - plain  # |Vth| of a PMOS grows
    slope = -np.log(1 + weaker[:, 1] / bias) / 0.005
    assert slope == pytest.approx(1 / (1.45 * 0.0257), rel=0.15)


@pytest.mark.ngspice
def test_the_twin_has_the_same_chips(small: tuple[Path, Path], tmp_path: Path) -> None:
    built, samples = copied(small[0], tmp_path / "out"), small[1]
    chips = ("--seed", 6)
    assert netgen("sim", built, samples, "--monte-carlo", 8, *chips).exit_code == 0
    assert netgen("twin", built, samples, "--chips", 8, *chips).exit_code == 0
    twin = json.loads((built / "twin.json").read_text())
    found = read_population(read_build(built), "mismatch_seed_6")
    model = read_build(built).model
    votes = [0] * len(found.picked)
    for case in found.variants:
        for at, sample in enumerate(found.picked):
            traces = found.traces(case, sample)
            assert traces is not None
            decided = decide(model.readout, traces.frames["logits"][None])[0]
            votes[at] += int(decided == twin["per_sample"][at]["class_software"])
    predicted = [entry["votes"]["hits"] for entry in twin["per_sample"]]
    assert sum(abs(one - other) for one, other in zip(votes, predicted, strict=True)) <= 1
    assert twin["yield"]["trials"] == 8
    assert netgen("twin", built, samples, "--no-mismatch").exit_code == 2
    refused = netgen("twin", built, samples, "--temperature", 900)
    assert refused.exit_code == 2
    assert "temperature = 900" in refused.output
    # the same by the fast chip model, on samples that say what is right
    labels = [entry["class_software"] for entry in twin["per_sample"]]
    with np.load(samples) as data:
        np.savez(tmp_path / "labelled.npz", **{**data, "y": labels})
    fast = netgen("twin", built, tmp_path / "labelled.npz", "--chips", 8, "--fast", *chips)
    assert fast.exit_code == 0
    assert fast.output.startswith("balanced accuracy over ")
    document = json.loads((built / "twin.json").read_text())
    assert document["fast"]
    assert document["balanced_accuracy"]["chips"] == 8
    groups = document["contributions"]["groups"]
    assert sum(entry["share"] for entry in groups) == pytest.approx(1)
    assert groups[0]["group"] in fast.output
    assert document["temperature"] == read_build(built).options.temperature
    coarse = [entry["votes"]["hits"] for entry in document["per_sample"]]
    assert sum(abs(one - other) for one, other in zip(coarse, predicted, strict=True)) <= 1


def _finished_at_least(folder: Path, wanted: int) -> bool:
    return len(finished(folder)) >= wanted


@pytest.mark.ngspice
def test_killed_at_any_moment_and_continued(small: tuple[Path, Path], tmp_path: Path) -> None:
    built, samples = small
    whole, killed = copied(built, tmp_path / "whole"), copied(built, tmp_path / "killed")
    chips = ("--monte-carlo", "6", "--jobs", "2")
    assert netgen("sim", whole, samples, *chips).exit_code == 0
    command = [sys.executable, "-m", "netgen", "sim", str(killed), str(samples), *chips]
    moment = random.Random()
    for _ in range(3):
        before = finished(killed)
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, start_new_session=True
        ) as process:
            wanted = len(before) + moment.randrange(1, 5)
            until(partial(_finished_at_least, killed, wanted))
            os.kill(process.pid, signal.SIGKILL)
        kept = {path: finished(killed)[path] for path in before}
        assert kept == before, "a finished run was run again"
    before = finished(killed)
    assert 3 <= len(before) < 24
    result = netgen("sim", killed, samples, *chips)
    assert result.exit_code == 0
    assert f"{len(before)} taken over" in result.output
    assert {path: finished(killed)[path] for path in before} == before
    assert_identical(frames_of(whole), frames_of(killed))


def finished(folder: Path) -> dict[Path, int]:
    """Return when each run of a folder was finished."""
    found = (folder / "variability").glob("*/chip_*/sample_*.npz")
    return {path: path.stat().st_mtime_ns for path in found}
