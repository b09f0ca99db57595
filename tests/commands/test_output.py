"""What commands say and where: JSON, a summary, quietly, into a log; and against a baseline."""

from __future__ import annotations

import json
import logging
import re
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner
from command_line import netgen, says, write_model, write_samples
from fake_tools import FakeSimulator
from formats import problems

from netgen.commands import main
from netgen.commands import output as output_module
from netgen.commands.group import COMMANDS
from netgen.commands.output import DOCUMENTS, LOG_FILE
from netgen.extras import install
from netgen.progress import LOG, announced
from netgen.technology import load_technology, preferred


@pytest.fixture(autouse=True)
def no_plots(simulator: FakeSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time is theirs, and other tests look at them."""
    monkeypatch.setattr("netgen.report.variability.write._plots", lambda _: [])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    model, samples = write_model(tmp_path / "in"), write_samples(tmp_path / "in" / "samples.npz")
    return model, samples, tmp_path / "out"


def document(*arguments: object, status: int = 0) -> Any:
    """Return the JSON on standard output, which holds nothing else."""
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert result.exit_code == status, result.output
    found = json.loads(result.stdout)
    assert problems(found) == []
    return found


def test_commands_print_their_figures_as_json(files: tuple[Path, Path, Path]) -> None:
    model, samples, out = files
    assert document("check", model, "--json", "--unit-current", 2)["unit_current"] == 2e-9
    assert document("build", model, "-o", out, "--json")["model"]["name"] == "small"
    assert netgen("sim", out, samples).exit_code == 0
    assert document("compare", out, "--json")["decision_agreement"] == 1
    assert document("verify", out, "--json")["verdict"] in ("pass", "fail")
    assert document("run", model, samples, "-o", out, "--json")["samples"] == 4
    assert netgen("sim", out, samples, "--monte-carlo", 2).exit_code == 0
    (found,) = document("variability", out, "--json")["reports"]
    assert problems(found["report"]) == []
    swept = ("-o", out.parent / "sweep", "--supplies", "1.8", "--json")
    assert len(document("sweep", model, samples, *swept)["points"]) == 1


def test_every_command_is_quiet_or_verbose_where_asked() -> None:
    for name in COMMANDS:
        told = netgen(name, "--help").output
        assert "--quiet" in told, name
        assert "--verbose" in told, name
        assert ("--json" in told) == (name in DOCUMENTS or name in ("doctor", "stream")), name


def test_quiet_prints_warnings_and_errors_only(files: tuple[Path, Path, Path]) -> None:
    model, samples, out = files
    assert netgen("run", model, samples, "-o", out, "-q").output == ""
    gone = netgen("compare", out.parent / "nowhere", "-q")
    assert len(says(gone)) == 1


def test_a_disagreement_keeps_its_status_with_json(
    files: tuple[Path, Path, Path], simulator: FakeSimulator
) -> None:
    model, samples, out = files
    simulator.gain = 1.2
    found = document("run", model, samples, "-o", out, "--json", status=1)
    assert found["verdict"] == "fail"


def test_summary_is_one_table(files: tuple[Path, Path, Path]) -> None:
    model, samples, out = files
    named = ("--tolerance", "node_error_max=0.5")
    result = CliRunner().invoke(
        main, list(map(str, ("run", model, samples, "-o", out, "--summary", "md", *named)))
    )
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "### netgen: small"
    assert "Circuit and software **agree**: 4 samples, 100 % of decisions equal" in lines[2]
    assert "| ✓ | decision_agreement | 1 | ≥ 0.98 |  |" in lines
    both = netgen("compare", out, "--summary", "md", "--json")
    assert both.exit_code == 2


# Against an earlier report


def earlier(out: Path, **changes: Any) -> Path:
    path = out.parent / "earlier.json"
    data = json.loads((out / "report.json").read_text(encoding="utf-8"))
    path.write_text(json.dumps(data | changes), encoding="utf-8")
    return path


def test_what_became_worse_is_named_and_fails(files: tuple[Path, Path, Path]) -> None:
    model, samples, out = files
    assert netgen("run", model, samples, "-o", out).exit_code == 0
    now = json.loads((out / "report.json").read_text(encoding="utf-8"))["power_w"]
    base = earlier(out, power_w=now * 0.9)
    asked = ("--baseline", base, "--max-regression", "decision_agreement=0")
    fine = netgen("compare", out, *asked, "--max-regression", "power_w=12%")
    assert fine.exit_code == 0, fine.output
    assert "regressed" not in fine.output
    worse = netgen("compare", out, *asked, "--max-regression", "power_w=10%")
    assert worse.exit_code == 1
    assert "regressed: power_w" in worse.output
    found = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert found["verdict"] == "pass"
    assert found["baseline"]["passed"] is False
    page = (out / "report.html").read_text()
    assert "Against the baseline" in page
    assert "Worse than in the baseline: power_w." in page
    change = found["baseline"]["changes"][1]
    assert (change["name"], change["passed"]) == ("power_w", False)
    assert change["worse"] == pytest.approx(0.1 * now)
    suite = ElementTree.parse(out / "junit.xml").find("testsuite[@name='small.baseline']")
    assert suite is not None
    assert [case.get("name") for case in suite.findall("testcase[failure]")] == ["power_w"]
    table = netgen("compare", out, *asked, "--max-regression", "power_w=10%", "--summary", "md")
    assert "**Regressed**" in table.output
    assert "| ✗ | power_w |" in table.output


def test_a_figure_that_is_gone_is_worse_and_a_better_one_is_not(
    files: tuple[Path, Path, Path],
) -> None:
    model, samples, out = files
    assert netgen("run", model, samples, "-o", out).exit_code == 0
    asked = ("--max-regression", "accuracy_circuit=0.5", "--max-regression", "frame_agreement=0")
    base = earlier(out, accuracy_circuit=0.9, frame_agreement=0.5)
    result = netgen("compare", out, "--baseline", base, *asked)
    assert result.exit_code == 1
    assert "regressed: accuracy_circuit" in result.output
    assert "was 0.9, is none" in result.output


def test_another_model_is_said(files: tuple[Path, Path, Path]) -> None:
    model, samples, out = files
    assert netgen("run", model, samples, "-o", out).exit_code == 0
    base = earlier(out, model={"name": "x", "sha256": "0" * 64, "classes": []}, samples=3)
    result = netgen("compare", out, "--baseline", base)
    assert f"against {base} (of another model and another number of samples):" in result.output
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--max-regression", "power_w=1"), 2, "add --baseline"),
        (("--max-regression", "power=1"), 2, "did you mean power_w"),
        (("--max-regression", "power_w"), 2, "write NAME=VALUE"),
        (("--max-regression", "power_w=-1"), 2, "write NAME=VALUE"),
        (("--max-regression", "power_w=nan"), 2, "write NAME=VALUE"),
        (("--baseline", "gone.json"), 3, "gone.json: cannot be read"),
    ],
)
def test_baselines_that_are_none(
    files: tuple[Path, Path, Path], options: tuple[str, ...], status: int, said: str
) -> None:
    model, samples, out = files
    result = netgen("run", model, samples, "-o", out, *options)
    assert result.exit_code == status
    assert said in says(result)[0]
    assert not out.exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "netgen-report", "version": 9}'])
def test_baseline_of_another_format(files: tuple[Path, Path, Path], content: str) -> None:
    model, samples, out = files
    base = out.parent / "base.json"
    base.write_text(content)
    result = netgen("run", model, samples, "-o", out, "--baseline", base)
    assert result.exit_code == 3
    assert str(base) in says(result)[0]


# The log, and what takes long


def test_the_log_says_what_was_done_and_how_it_ended(
    files: tuple[Path, Path, Path], simulator: FakeSimulator
) -> None:
    model, samples, out = files
    simulator.failing = {2: "timestep"}
    assert netgen("run", model, samples, "-o", out).exit_code == 5
    log = (out / LOG_FILE).read_text(encoding="utf-8")
    for words in ("INFO netgen ", "sample 0 simulated", "WARNING sample 2 failed", "ended by"):
        assert words in log
    assert netgen("compare", out / "nowhere").exit_code == 3
    assert not (out / "nowhere").exists()


def test_a_folder_of_others_gets_no_log(files: tuple[Path, Path, Path]) -> None:
    model, _, out = files
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    assert netgen("build", model, "-o", out).exit_code == 2
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


def test_verbose_prints_the_log(files: tuple[Path, Path, Path]) -> None:
    model, samples, out = files
    result = CliRunner().invoke(main, ["run", str(model), str(samples), "-o", str(out), "-v"])
    assert "sample 0 simulated" in result.stderr
    assert "sample 0 simulated" not in result.stdout
    assert not any(isinstance(each, logging.StreamHandler) for each in LOG.handlers)


def test_what_takes_long_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output_module, "_SHORT", 0.0)

    @click.command()
    def slow() -> None:
        with announced("measuring", 7.0):
            threading.Event().wait(0.2)

    command = output_module.with_output("slow", slow)
    assert "measuring: takes about 7 s" in CliRunner().invoke(command, []).stderr
    assert CliRunner().invoke(command, ["-q"]).output == ""


def test_what_help_and_messages_name_is_there() -> None:
    named = re.search(r"--corners=(\S+)", " ".join(netgen("sim", "--help").output.split()))
    assert named is not None
    asked = {entry.partition("/")[0] for entry in named[1].split(",")}
    assert asked <= set(load_technology(preferred()[0]).corners)
    for extra in ("train", "onnx", "dask", "microphone"):
        assert "fqnetgen" not in install(extra)
        assert re.fullmatch(r"pip install( '?[\w.-]+([<>=]+[\d.]+)?'?)+", install(extra))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_two_options_of_a_command_have_one_name(name: str) -> None:
    """The value of one would be lost in the record that takes the other."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    names = [each.name for each in command.params]
    assert sorted(names, key=str) == sorted(set(names), key=str)
