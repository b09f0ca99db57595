"""The commands where all is well, or where the circuit disagrees or a simulation fails."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import Result
from command_line import inputs, netgen, says, write_model, write_samples
from fake_tools import FakeSimulator

from netgen._version import __version__
from netgen.errors import SimulationError

ROOT = Path(__file__).parents[2]
Run: TypeAlias = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("simulator")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models")


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    return write_samples(tmp_path / "samples.npz")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def run(model: Path, samples: Path, out: Path) -> Run:
    """Take the samples through the model's circuit into ``out``, with more options."""
    return partial(netgen, "run", model, samples, "-o", out)


def report(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "report.json").read_text())
    return found


# One after the other


def test_check_describes_the_model(model: Path) -> None:
    result = netgen("check", model)
    assert result.exit_code == 0
    for words in (
        f"{model}: valid",
        "small: 1.0 is 1 nA, a frame lasts 10 ms",
        "input: 3 channels, 0 … 1.5",
        "proj: linear of x, 2 units; weight -0.5 … 1, bias 0 … 0.1",
        "state: bmru of cand, 2 units; beta_lo 0.2 … 0.25, beta_hi 0.4 … 0.75, alpha 0.5 … 1",
        "out: add of proj, post, 2 units; formed at its consumers",
        "states: 2 in 1 recurrent layers; parameters: 32",
        "readout: majority_vote of logits over frames 1 … 3; classes left, right",
        "fake, typical, 25 °C, 1.8 V:",
        "unit mirror 2 × 2 µm",
        "cells alone, without wires, answer a candidate 2% beyond a threshold within frames of",
    ):
        assert words in result.output
    assert says(result) == []


def test_check_names_thresholds_that_take_longer_than_a_frame(tmp_path: Path) -> None:
    model = write_model(tmp_path / "short", frame_period=1e-6)
    result = netgen("check", model)
    assert result.exit_code == 0
    assert "a frame lasts 1 µs" in result.output
    assert "slower than a frame: 4 thresholds; use longer frames" in result.output
    for name in ("beta_hi[0]", "beta_hi[1]", "beta_lo[0]", "beta_lo[1]"):
        assert f"state.{name}: the cell answers" in result.output


def test_check_writes_nothing(model: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    netgen("check", model)
    assert sorted(tmp_path.rglob("*")) == before


def test_build_sim_compare(model: Path, samples: Path, out: Path, simulator: FakeSimulator) -> None:
    built = netgen("build", model, "-o", out, "--unit", 5, 4, "--corner", "slow", "--vdd", 1.62)
    assert built.exit_code == 0
    assert f"{out}: " in built.output
    record = json.loads((out / "build.json").read_text())
    assert f"{record['devices']['total']} transistors" in built.output
    assert record["corner"] == "slow"
    assert record["options"]["unit_width"] == pytest.approx(5e-6)
    assert record["options"]["vdd"] == 1.62
    ran = netgen("sim", out, samples, "--jobs", 3)
    assert ran.exit_code == 0
    assert f"{out}: 4 samples simulated in " in ran.output
    assert "Vvdd vdd 0 1.62" in simulator.decks[0]
    compared = netgen("compare", out)
    assert compared.exit_code == 0
    assert "circuit and software agree: 4 of 4 decisions equal" in compared.output
    assert f"report: {out}/report.html" in compared.output
    assert report(out)["decision_agreement"] == 1


def test_run_is_the_three_in_one(run: Run, out: Path) -> None:
    result = run()
    assert result.exit_code == 0
    assert {p.name for p in out.iterdir()} >= {
        "netlist.cir", "mapping.json", "build.json", "sim", "report.json", "report.html",
        "junit.xml",
    }  # fmt: skip
    assert "supply power" in result.output


def test_run_calibrates_with_samples_where_asked(
    run: Run, model: Path, samples: Path, out: Path
) -> None:
    result = run("--calibration", samples)
    assert result.exit_code == 0
    record = json.loads((out / "build.json").read_text())
    assert record["options"]["calibration"] == "samples"
    provenance = report(out)["provenance"]
    assert isinstance(provenance, dict)
    again = provenance["rerun"][0]
    assert again.startswith(f"netgen build {model} -o {out} --calibration {samples} --")
    assert netgen(*shlex.split(again)[1:]).exit_code == 0
    assert json.loads((out / "build.json").read_text()) == record, "the same build"


def test_calibration_samples_are_recorded(model: Path, samples: Path, out: Path) -> None:
    assert netgen("build", model, "-o", out, "--calibration", samples).exit_code == 0
    record = json.loads((out / "build.json").read_text())
    assert record["options"]["calibration"] == "samples"


def test_second_sim_does_nothing(
    run: Run, samples: Path, out: Path, simulator: FakeSimulator
) -> None:
    run()
    simulator.done.clear()
    again = netgen("sim", out, samples)
    assert again.exit_code == 0
    assert simulator.done == []
    assert "0 samples simulated" in again.output
    assert "4 taken over" in again.output
    assert run().exit_code == 0
    assert simulator.done == []


def test_sim_does_only_what_changed(
    run: Run, samples: Path, out: Path, simulator: FakeSimulator
) -> None:
    run()
    simulator.done.clear()
    x = inputs()
    x[[0, 3], 2] = 0.5
    write_samples(samples, x)
    assert "2 samples simulated" in netgen("sim", out, samples).output
    assert sorted(simulator.done) == [0, 3]


def test_samples_may_be_picked(
    run: Run, samples: Path, out: Path, simulator: FakeSimulator
) -> None:
    run("--samples", "3,0:2")
    assert simulator.done == [3, 0, 1]
    assert report(out)["samples"] == 3
    netgen("sim", out, samples, "--samples", "2")
    assert netgen("compare", out).exit_code == 0
    assert report(out)["samples"] == 4


def test_one_sample_from_csv(model: Path, tmp_path: Path, out: Path) -> None:
    rows = "\n".join(",".join(map(str, row)) for row in inputs(1)[0])
    (tmp_path / "one.csv").write_text(f"a,b,c\n{rows}\n")
    assert netgen("run", model, tmp_path / "one.csv", "-o", out).exit_code == 0
    assert report(out)["samples"] == 1


def test_raw_files(run: Run, out: Path) -> None:
    run("--samples", "1", "--raw")
    assert [p.name for p in (out / "sim").glob("*.raw")] == ["sample_0001.raw"]


# Disagreement


def test_disagreement_ends_with_1(run: Run, out: Path, simulator: FakeSimulator) -> None:
    simulator.gain = 1.2
    result = run()
    assert result.exit_code == 1
    assert "FAIL logit_rmse_same_state_fs_max" in result.output
    assert "circuit and software DO NOT AGREE" in result.output
    assert (out / "report.html").is_file()
    assert netgen("compare", out).exit_code == 1


def test_tolerance_may_be_overridden(run: Run, out: Path, simulator: FakeSimulator) -> None:
    simulator.gain = 1.02
    run()
    wide = ("--tolerance", "logit_rmse_same_state_fs_max=0.5", "--tolerance", "node_error_max=1")
    assert netgen("compare", out, *wide).exit_code == 0
    tight = ("--tolerance", "logit_rmse_same_state_fs_max = 1e-6")
    assert netgen("compare", out, *wide, *tight).exit_code == 1


LOOSE = "[tolerances]\nlogit_rmse_same_state_fs_max = 0.25\nnode_error_max = 0.25\n"


def test_tolerances_beside_the_model(run: Run, model: Path, simulator: FakeSimulator) -> None:
    simulator.gain = 1.2
    (model.parent / "netgen.toml").write_text("[tolerances]\nlogit_rmse_same_state_fs_max = 0.9\n")
    loose = ("--tolerance", "frame_agreement_min=0", "--tolerance", "state_agreement_min=0",
             "--tolerance", "state_agreement_clear_min=0", "--tolerance",
             "decision_agreement_min=0", "--tolerance", "node_error_max=1")  # fmt: skip
    result = run(*loose)
    assert result.exit_code == 0
    assert "(≤ 0.9)" in result.output


def test_tolerances_in_the_folder(run: Run, out: Path) -> None:
    run()
    (out / "netgen.json").write_text('{"tolerances": {"logit_rmse_same_state_fs_max": 0.25}}')
    assert "(≤ 0.25)" in netgen("compare", out).output


def test_tolerances_beside_the_model_are_named_and_kept(
    run: Run, model: Path, out: Path, simulator: FakeSimulator
) -> None:
    simulator.gain = 1.2
    assert run().exit_code == 1
    file = model.parent / "netgen.toml"
    file.write_text(LOOSE)
    found = run()
    assert found.exit_code == 0
    said = f"(≤ 0.25) looser than the default 0.01, from {file}"
    verdict = "circuit and software agree by looser tolerances than the defaults: "
    for result in (found, netgen("compare", out)):
        assert said in result.output
        assert verdict in result.output
        assert result.exit_code == 0
    file.unlink()
    again = netgen("compare", out)  # what was kept holds
    assert (again.exit_code, said in again.output) == (0, True)
    check, _ = (c for c in report(out)["checks"] if c["source"])  # type: ignore[attr-defined]
    assert (check["source"], check["looser"], check["default"]) == (str(file), True, 0.01)
    xml = (out / "junit.xml").read_text(encoding="utf-8")
    assert f"≤ 25 %, looser than the default 1 %, from {file}" in xml
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"looser than the default 1 %, from {file}" in page
    assert "Tolerances are looser than the defaults: logit_rmse_same_state_fs_max, " in page
    assert run().exit_code == 1
    assert netgen("compare", out).exit_code == 1


def test_build_keeps_the_tolerances_too(
    model: Path, samples: Path, out: Path, simulator: FakeSimulator
) -> None:
    simulator.gain = 1.2
    (model.parent / "netgen.toml").write_text(LOOSE)
    netgen("build", model, "-o", out)
    netgen("sim", out, samples)
    assert netgen("compare", out).exit_code == 0
    stricter = netgen("compare", out, "--tolerance", "logit_rmse_same_state_fs_max=0.005")
    assert "(≤ 0.005) from --tolerance" in stricter.output
    assert stricter.exit_code == 1


# Failures


def test_failed_simulations_end_with_5_and_the_others_are_reported(
    run: Run, samples: Path, out: Path, simulator: FakeSimulator
) -> None:
    simulator.failing = {1: "timeout", 2: "crash"}
    result = run()
    assert result.exit_code == 5
    (line,) = says(result)
    assert line == (
        "netgen: 2 of 4 samples failed (crash, timeout); "
        "first: simulation sample 1 failed (timeout)"
    )
    assert "2 of 2 decisions equal" in result.output
    assert "FAIL failures" in result.output
    found = report(out)
    assert found["samples"] == 2
    assert found["simulation"]["failures"] == {"crash": 1, "timeout": 1}  # type: ignore[index]
    simulation = netgen("sim", out, samples, "--samples", "0,3")
    assert simulation.exit_code == 0
    assert netgen("compare", out).exit_code == 5  # the failures are not forgotten
    simulator.failing = {}
    assert netgen("sim", out, samples).exit_code == 0
    assert netgen("compare", out).exit_code == 0


def test_nothing_but_failures(run: Run, samples: Path, out: Path, simulator: FakeSimulator) -> None:
    simulator.failing = dict.fromkeys(range(4), "singular")
    result = run()
    assert result.exit_code == 5
    assert "4 of 4 samples failed (singular)" in result.output
    assert "--engine staged" not in result.output
    simulator.failing = {0: "timestep"}
    told = "; --engine staged solves the circuit in parts"
    assert told in netgen("sim", out, samples, "--engine", "monolithic").output
    assert told not in netgen("sim", out, samples, "--engine", "staged", "--replace").output
    assert "decision_agreement" in result.output
    assert netgen("compare", out).exit_code == 5


def test_the_first_failure_is_what_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SimulationError("load", "simulation gate characterisation failed (load)")

    simulate = import_module("netgen.project.simulate")
    monkeypatch.setattr(simulate, "characterise_gates", fail)
    result = run("--engine", "staged")
    assert says(result) == ["netgen: simulation gate characterisation failed (load)"]
    assert result.exit_code == 5


def test_ctrl_c_ends_with_130_and_keeps_what_is_done(
    run: Run, samples: Path, out: Path, simulator: FakeSimulator
) -> None:
    simulator.interrupt_at = 2
    result = run()
    assert result.exit_code == 130
    assert says(result) == ["netgen: interrupted"]
    waiting = netgen("compare", out)
    assert waiting.exit_code == 3
    assert "samples 2, 3 are not simulated yet; run netgen sim again" in waiting.output
    simulator.interrupt_at = None
    assert "2 samples simulated" in netgen("sim", out, samples).output
    assert netgen("compare", out).exit_code == 0


# The program itself


def test_help_names_every_command_and_the_exit_statuses() -> None:
    result = netgen("--help")
    assert result.exit_code == 0
    for word in ("check", "build", "sim", "compare", "run", "130 interrupted"):
        assert word in result.output
    for command in ("check", "build", "sim", "compare", "run"):
        assert netgen(command, "-h").exit_code == 0


def test_version() -> None:
    result = netgen("--version")
    assert result.exit_code == 0
    assert __version__ in result.output


@pytest.mark.parametrize("start", [["-m", "netgen"], ["cli.py"]])
def test_ways_to_start(start: list[str]) -> None:
    command = [sys.executable, *start, "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"netgen, version {__version__}\n"


def test_reader_that_goes_away_gets_no_traceback(model: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "netgen", "check", str(model)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said
    assert process.returncode == 141
