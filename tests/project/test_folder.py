"""Build folders: who may write there, and what is told of one that is not whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from small_models import small_model

from netgen.errors import ConfigurationError, ModelError, NetgenError, UsageError
from netgen.files import write_whole, written_beside
from netgen.model import Model, from_dict
from netgen.project import BuildOptions, build, read_build
from netgen.project.folder import claim
from netgen.technology import Geometry

pytestmark = pytest.mark.usefixtures("simulator")


# Claiming


def test_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    assert claim(tmp_path / "a" / "b").path.is_dir()


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    claim(tmp_path / "empty")


def test_build_is_taken_again(built: Path) -> None:
    (built / "notes.txt").write_text("mine")
    claim(built)


@pytest.mark.parametrize("name", ["thesis.tex", ".hidden", "model.json", "build.json", "sim"])
def test_foreign_folder_is_left_alone(tmp_path: Path, name: str) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    if name == "sim":
        (foreign / name).mkdir()
    else:
        (foreign / name).write_text("{}")
    with pytest.raises(UsageError, match="not a netgen build; choose an empty folder with -o"):
        claim(foreign)
    assert [entry.name for entry in foreign.iterdir()] == [name]


def test_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file; choose a folder with -o"):
        claim(tmp_path / "file")


def test_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written .*; choose another place"):
        claim(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(UsageError, match="cannot be written"):
        claim(tmp_path / "locked")
    with pytest.raises(UsageError, match="cannot be written"):
        claim(tmp_path / "locked" / "below")


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a\tb"])
def test_folder_that_a_netlist_cannot_include(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a netlist cannot") as caught:
        claim(tmp_path / name)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / name).exists()


FILES = (
    "netlist.cir",
    "netlist_mirrored_bias.cir",
    "model.json",
    "mapping.json",
    "design.json",
    "hysteresis.csv",
)


@pytest.mark.parametrize("last", FILES)
def test_interrupted_build_is_ours(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Ctrl-C after any of the files leaves a folder that the next build takes."""

    def write_until(path: Path, content: str | bytes) -> None:
        write_whole(path, content)
        if path.name == last:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(import_module("netgen.project.record"), "write_whole", write_until)
        with pytest.raises(KeyboardInterrupt):
            build(model, tmp_path / "out", BuildOptions())
    assert (tmp_path / "out" / last).is_file()
    with pytest.raises(ConfigurationError, match="not complete; build again"):
        read_build(tmp_path / "out")
    build(model, tmp_path / "out", BuildOptions())
    assert read_build(tmp_path / "out").model.digest == model.digest


@pytest.mark.parametrize("error", [KeyboardInterrupt, ModelError("m", ["too large"])])
def test_folder_of_a_build_that_came_to_nothing_is_ours(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Models of a large technology are written there before anything is sized."""

    def refuse(*_: object) -> None:
        (tmp_path / "out" / "bins_0123456789ab.lib").write_text("* bins")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(import_module("netgen.project.build"), "design", refuse)
        with pytest.raises((KeyboardInterrupt, ModelError)):
            build(model, tmp_path / "out", BuildOptions())
    with pytest.raises(ConfigurationError, match="not complete; build again"):
        read_build(tmp_path / "out")
    build(model, tmp_path / "out", BuildOptions())
    assert read_build(tmp_path / "out").model.digest == model.digest


# Reading back


def test_build_comes_back(tmp_path: Path, model: Model) -> None:
    options = BuildOptions("fake", "slow", 85.0, 1.7, Geometry(3e-6, 4e-6))
    build(model, tmp_path / "out", options)
    found = read_build(tmp_path / "out")
    assert found.model.digest == model.digest
    assert found.options == options


def test_record_says_what_was_built(built: Path, model: Model) -> None:
    record = json.loads((built / "build.json").read_text())
    assert record["model"] == {"name": "small", "sha256": model.digest, "file": None}
    assert (record["pdk"], record["corner"]) == ("fake", "typical")
    assert record["options"]["calibration"] == "synthetic"
    assert record["options"]["unit_width"] == pytest.approx(2e-6)
    assert {"netgen", "python", "numpy", "scipy", "PySpice", "ngspice"} <= record["tools"].keys()
    assert record["devices"]["total"] == sum(record["devices"]["by_block"].values())
    assert f"* {record['devices']['total']} transistors" in (built / "netlist.cir").read_text()
    assert record["below_floor"] == []


def test_mapping_is_one_record_a_line(built: Path) -> None:
    text = (built / "mapping.json").read_text()
    records = json.loads(text)["parameters"]
    assert len(text.splitlines()) == len(records) + 2
    assert {"node", "row", "column", "ideal", "device", "realised", "relative_error"} <= set(
        records[0]
    )


def test_hysteresis_goes_when_the_cells_do(built: Path) -> None:
    assert (built / "hysteresis.csv").is_file()
    data = small_model() | {"nodes": [{"name": "r", "op": "relu", "input": "x"}]}
    data |= {"readout": {"node": "r", "rule": "last", "frames": [0, 1]}, "classes": ["a", "b", "c"]}
    build(from_dict(data), built, BuildOptions())
    assert not (built / "hysteresis.csv").exists()


Spoil = Callable[[Path], Any]


def record_without(key: str) -> Spoil:
    def spoil(folder: Path) -> None:
        record = json.loads((folder / "build.json").read_text())
        del record[key]
        (folder / "build.json").write_text(json.dumps(record))

    return spoil


def record_with(key: str, value: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        record = json.loads((folder / "build.json").read_text())
        record["options"][key] = value
        (folder / "build.json").write_text(json.dumps(record))

    return spoil


def other_model(folder: Path) -> None:
    (folder / "model.json").write_text(json.dumps(small_model() | {"name": "other"}))


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda f: (f / "build.json").unlink(), ConfigurationError, "run netgen build first"),
        (lambda f: (f / "build.json").write_text("{"), ConfigurationError, "not JSON; build again"),
        (lambda f: (f / "build.json").write_text("[" * 100_000), ConfigurationError, "not JSON"),
        (lambda f: (f / "build.json").write_text("[]"), ConfigurationError, "not an object"),
        (lambda f: (f / "build.json").write_bytes(b"\xff"), ConfigurationError, "not JSON"),
        (
            record_without("model"),
            ConfigurationError,
            "was changed since it was written; build again",
        ),
        (record_without("options"), ConfigurationError, "was changed since it was written"),
        (record_without("corner"), ConfigurationError, "was changed since it was written"),
        (record_with("vdd", None), ConfigurationError, "was changed since it was written"),
        (record_with("vdd", 1.7), ConfigurationError, "was changed since it was written"),
        (lambda f: (f / "netlist.cir").unlink(), ConfigurationError, "missing; build again"),
        (lambda f: (f / "model.json").unlink(), ConfigurationError, "missing; build again"),
        (other_model, ConfigurationError, "was changed since it was built; build again"),
    ],
)
def test_damaged_build_is_told(
    built: Path, spoil: Spoil, error: type[NetgenError], words: str
) -> None:
    spoil(built)
    with pytest.raises(error, match=words) as caught:
        read_build(built)
    assert str(built) in str(caught.value)
    assert caught.value.exit_status == 3


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no build folder; run netgen build first"):
        read_build(tmp_path / "nowhere")


# Conditions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (BuildOptions(corner="hot"), "no corner 'hot'; choose one of typical, slow"),
        (BuildOptions(vdd=float("nan")), "vdd"),
        (BuildOptions(vdd=-1.8), "vdd"),
        (BuildOptions(vdd=float("inf")), "vdd"),
        (BuildOptions(temperature=float("nan")), "temperature"),
        (BuildOptions(temperature=-300.0), "temperature"),
        (BuildOptions(temperature=1e4), "temperature"),
        (BuildOptions(unit=Geometry(float("nan"), 2e-6)), "unit W = nan"),
        (BuildOptions(unit=Geometry(0.1e-6, 2e-6)), "unit W = 0.1 µm; fake allows 0.22 … 100 µm"),
        (BuildOptions(unit=Geometry(2e-6, 51e-6)), "unit L = 51 µm; fake allows 0.28 … 50 µm"),
    ],
)
def test_impossible_conditions_are_wrong_usage(
    tmp_path: Path, model: Model, options: BuildOptions, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        build(model, tmp_path / "out", options)


# Whole files


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_whole(path, "old")

    def interrupted() -> None:
        with written_beside(path) as scratch:
            scratch.write_text("half")
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        interrupted()
    assert path.read_text() == "old"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.glob(".*")) == []
