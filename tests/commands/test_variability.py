"""``netgen variability``: what it finds in build folders, says, and writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import netgen, says, write_model, write_samples
from fake_tools import FakeSimulator

from netgen.project import populations, read_build
from netgen.project.population.report import deviations
from netgen.project.population.simulate import read_population

COUNT = 3


@pytest.fixture(autouse=True)
def no_plots(simulator: FakeSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time is theirs, and other tests look at them."""
    monkeypatch.setattr("netgen.report.variability.write._plots", lambda _: [])


def built(tmp_path: Path, name: str = "out", *options: object) -> Path:
    model, folder = write_model(tmp_path / "models"), tmp_path / name
    write_samples(tmp_path / "samples.npz")
    assert netgen("build", model, "-o", folder, *options).exit_code == 0
    return folder


def simulated(folder: Path, *options: object) -> int:
    samples = folder.parent / "samples.npz"
    return netgen("sim", folder, samples, "--engine", "monolithic", *options).exit_code


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return built(tmp_path)


def report(folder: Path, population: str) -> dict[str, Any]:
    path = folder / "variability" / population / "report.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_sim_says_how_to_go_on(out: Path) -> None:
    result = netgen("sim", out, out.parent / "samples.npz", "--monte-carlo", 1, "--samples", "0")
    assert f"analyse them: netgen variability {out}" in result.output


def test_chips_are_analysed(out: Path) -> None:
    assert simulated(out, "--monte-carlo", COUNT, "--samples", "0,2") == 0
    result = netgen("variability", out)
    assert result.exit_code == 0
    (line,) = [line for line in result.output.splitlines() if "mismatch_seed_1 " in line]
    assert line.split()[1:6] == ["6", "0", "0", "100.00", "%"]
    assert "3/3" in line
    page = out / "variability" / "mismatch_seed_1" / "report.html"
    assert f"report: {page}" in result.output
    assert page.is_file()
    document = report(out, "mismatch_seed_1")
    assert document["rerun"] == [
        f"netgen sim {out} SAMPLES.npz --samples 0,2 --monte-carlo 3 --seed 1",
        f"netgen variability {out}",
    ]
    assert document["provenance"]["unit mirror"] == "2 × 2 µm"


def test_ties_are_said(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert simulated(out, "--monte-carlo", 1, "--samples", "0,2") == 0
    assert "samples are ties" not in netgen("variability", out).output
    monkeypatch.setattr(
        "netgen.analysis.variability.population.PopulationFigures.ties", np.array([False, True])
    )
    assert "1 of 2 samples are ties of software's" in netgen("variability", out).output


def test_failed_runs_are_counted(out: Path, simulator: FakeSimulator) -> None:
    simulator.failing = {1: "timestep"}
    assert simulated(out, "--monte-carlo", COUNT, "--samples", "0,1") == 5
    result = netgen("variability", out)
    assert result.exit_code == 0
    assert "0/3" in result.output
    runs = report(out, "mismatch_seed_1")["runs"]
    assert runs["failures"] == {"timestep": 3}
    assert runs["failed"] == 3


def test_runs_not_simulated_yet_are_said(out: Path) -> None:
    assert simulated(out, "--monte-carlo", COUNT, "--samples", "0,1") == 0
    folder = out / "variability" / "mismatch_seed_1"
    (folder / "chip_00001" / "sample_0001.npz").unlink()
    (folder / "chip_00002" / "sample_0000.npz").write_bytes(b"of another version")
    result = netgen("variability", out)
    assert result.exit_code == 0
    (line,) = [line for line in result.output.splitlines() if "mismatch_seed_1 " in line]
    assert line.split()[1:4] == ["4", "0", "2"]
    assert "1/1" in line


def test_corners_are_analysed_too(out: Path) -> None:
    options = ("--samples", "0", "--bias", "ideal")
    assert simulated(out, "--corners=slow/1.62,typical/1.8/27", *options) == 0
    assert simulated(out, "--monte-carlo", 1, "--samples", "0") == 0
    result = netgen("variability", out)
    assert result.exit_code == 0
    assert result.output.count("report: ") == 2
    document = report(out, "corners")
    assert document["kind"] == "corners"
    assert [(c["corner"], c["vdd"], c["temperature"]) for c in document["per_case"]] == [
        *(("slow", 1.62, at) for at in (-20, 27, 85)),
        ("typical", 1.8, 27),
    ]
    assert "--bias ideal --corners=slow/1.62/-20," in document["rerun"][0]
    assert simulated(out, *document["rerun"][0].split()[4:]) == 0  # asks for the same
    assert len(read_population(read_build(out), "corners").variants) == 4


def test_several_builds_make_a_trade_off(tmp_path: Path) -> None:
    small, large = built(tmp_path, "small"), built(tmp_path, "large", "--unit", 5, 5)
    assert simulated(small, "--monte-carlo", COUNT, "--samples", "0,1") == 0
    assert simulated(large, "--monte-carlo", COUNT, "--samples", "1,2") == 0
    result = netgen("variability", small, large)
    assert result.exit_code == 0
    plot = small / "variability" / "mismatch_seed_1" / "area.png"
    assert f"agreement against unit area: {plot}" in result.output
    assert plot.is_file()
    assert simulated(large, "--monte-carlo", COUNT, "--samples", "2,3") == 0
    result = netgen("variability", small, large)
    assert result.exit_code == 3
    assert "no sample in common" in result.output


def test_nothing_to_analyse(out: Path, tmp_path: Path) -> None:
    result = netgen("variability", out)
    assert result.exit_code == 3
    (said,) = says(result)
    assert str(out) in said
    assert "run netgen sim with --monte-carlo or --corners" in said
    assert netgen("variability", tmp_path / "none").exit_code == 3
    assert netgen("variability").exit_code == 2


def test_one_folder_without_chips_does_not_hide_the_other(tmp_path: Path) -> None:
    first, second = built(tmp_path, "first"), built(tmp_path, "second")
    assert simulated(second, "--monte-carlo", 1, "--samples", "0") == 0
    result = netgen("variability", first, second)
    assert result.exit_code == 0
    assert any(str(first) in line for line in says(result))
    assert "mismatch_seed_1" in result.output


def test_another_circuit_is_not_analysed(out: Path) -> None:
    assert simulated(out, "--monte-carlo", 1, "--samples", "0") == 0
    with (out / "netlist.cir").open("a") as file:
        file.write("* edited\n")
    result = netgen("variability", out)
    assert result.exit_code == 3
    assert "take it with --edited-netlist" in result.output
    result = netgen("variability", out, "--edited-netlist")
    assert result.exit_code == 3
    assert "built anew, or edited by hand, since; run netgen sim again" in result.output


def test_folder_that_holds_no_run(out: Path) -> None:
    assert simulated(out, "--monte-carlo", 1, "--samples", "0") == 0
    (out / "variability" / "mismatch_seed_1" / "chip_00000" / "sample_0000.npz").unlink()
    result = netgen("variability", out)
    assert result.exit_code == 3
    assert "run netgen sim again" in result.output


# What devices stand for


def test_devices_are_given_the_parameters_they_stand_for(out: Path) -> None:
    assert simulated(out, "--monte-carlo", COUNT, "--samples", "0") == 0
    build = read_build(out)
    (name,) = populations(build)
    found = {entry.name: entry for entry in deviations(build, read_population(build, name))}
    records = json.loads(build.folder.mapping.read_text())["parameters"]
    mapped = [entry for entry in records if entry["device"]]
    for entry in mapped:
        path = entry["device"].partition(".")[2][1:].lower()
        own = [d for n, d in found.items() if n == path or n.startswith((f"{path}.", f"{path}_s"))]
        assert own
        assert {d.group for d in own} == {entry["parameter"]}
        assert {d.node for d in own} == {entry["into"]}
    assert found["x_0.diode"].group == "x[0] lines"
    assert found["state_1.m3"].group == "state[1] cell"
    assert found["state_1_thresh.diode"].group == "state.beta_hi[1]"
    assert found["ref.diode"].node == "(ref)"
    assert all(entry.shift.shape == (COUNT,) for entry in found.values())


def test_shifts_are_those_that_were_simulated(out: Path, simulator: FakeSimulator) -> None:
    assert simulated(out, "--monte-carlo", COUNT, "--samples", "0", "--jobs", "1") == 0
    build = read_build(out)
    runs = read_population(build, "mismatch_seed_1")
    deck = simulator.decks[0]  # of the last chip
    (line,) = [line for line in deck.splitlines() if line.startswith("Xrelu_0_from_x_0 ")]
    written = float(line.partition("delvto=")[2].split()[0])
    (entry,) = [e for e in deviations(build, runs) if e.name == "relu_0_from_x_0"]
    assert written == pytest.approx(entry.shift[COUNT - 1], rel=1e-9)


def test_process_stands_apart_from_mismatch(out: Path) -> None:
    assert simulated(out, "--monte-carlo", COUNT, "--samples", "0", "--process") == 0
    assert simulated(out, "--monte-carlo", COUNT, "--samples", "0") == 0
    build = read_build(out)
    both, alone = (
        {d.name: d for d in deviations(build, read_population(build, name))}
        for name in ("mismatch_process_seed_1", "mismatch_seed_1")
    )
    assert set(both) - set(alone) == {"nmos process", "pmos process"}
    assert np.array_equal(both["x_0.diode"].shift, alone["x_0.diode"].shift)
