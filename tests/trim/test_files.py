"""Files of ``netgen trim``: measurements of chips in, codes out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import netgen, write_model, write_samples
from fake_tools import FakeSimulator

from netgen.circuit.netlist import Netlist
from netgen.errors import UsageError
from netgen.model import load_model
from netgen.netlist import Conditions
from netgen.project import read_build
from netgen.project.twin import twin_of_build
from netgen.schema import schema

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture
def built(simulator: FakeSimulator, tmp_path: Path) -> Path:
    model = write_model(tmp_path / "models")
    write_samples(tmp_path / "samples.npz")
    assert netgen("build", model, "-o", tmp_path / "out").exit_code == 0
    return tmp_path / "out"


def measured(model: Path, factor: float = 1.0) -> dict[str, Any]:
    loaded = load_model(model)
    unit = loaded.unit_current
    cells = {
        cell.name: {
            "rising": (factor * cell.rising * unit).tolist(),
            "falling": (factor * cell.falling * unit).tolist(),
            "output": (cell.level * unit).tolist(),
        }
        for cell in loaded.cells
    }
    return {"format": "netgen-measurements", "version": 1, "chips": [{"name": "A", "cells": cells}]}


def test_codes_of_a_real_chip(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "chips.json"
    data = measured(tmp_path / "models" / "model.json", 1.2)
    file.write_text(json.dumps(data))
    jsonschema.Draft202012Validator(schema("measurements")).validate(data)
    result = netgen("trim", built, "--measured", file)
    assert result.exit_code == 0, result.output
    found = json.loads((built / "trim.json").read_text())
    jsonschema.Draft202012Validator(schema("trim")).validate(found)
    assert found["names"] == ["A"]
    step = np.log(found["high"] / found["low"]) / (2 ** found["bits"] - 1)
    for codes in found["biases"].values():
        logs = np.log(found["low"]) + step * np.array(codes[0])
        np.testing.assert_allclose(logs[:2], -np.log(1.2), atol=0.51 * step)
        np.testing.assert_allclose(logs[2], 0, atol=0.51 * step)
    page = (built / "trim.html").read_text()
    for said in ("thresh", "width", "gain", "at an end of the range", "median factor"):
        assert said in page
    assert "trim.html" in (built / "index.html").read_text()
    refused = netgen("twin", built, tmp_path / "samples.npz", "--trim", built / "trim.json")
    assert refused.exit_code == 2
    assert "measured chips" in refused.output


def test_input_gains_of_real_chips(built: Path, tmp_path: Path) -> None:
    """They take back what was measured, and count in the currents beyond the codes' reach."""
    file = tmp_path / "chips.json"
    data = measured(tmp_path / "models" / "model.json")
    size = load_model(tmp_path / "models" / "model.json").input_size
    gains = np.geomspace(0.8, 1.25, size)
    data["chips"][0]["inputs"] = gains.tolist()
    data["chips"].append(data["chips"][0] | {"name": "B", "inputs": [1.0] * (size - 1) + [3.0]})
    jsonschema.Draft202012Validator(schema("measurements")).validate(data)
    file.write_text(json.dumps(data))
    result = netgen("trim", built, "--measured", file, "--inputs")
    assert result.exit_code == 0, result.output
    assert "2 measured chips, 1 factors beyond" in result.output
    found = json.loads((built / "trim.json").read_text())
    jsonschema.Draft202012Validator(schema("trim")).validate(found)
    step = np.log(found["high"] / found["low"]) / (2 ** found["bits"] - 1)
    logs = np.log(found["low"]) + step * np.array(found["inputs"])
    np.testing.assert_allclose(logs[0], -np.log(gains), atol=0.51 * step)
    np.testing.assert_allclose(logs[1, :-1], 0, atol=0.51 * step)
    assert found["inputs"][1][-1] == 0
    # without --inputs they stay out; where they are asked for and lack, that is said
    assert netgen("trim", built, "--measured", file).exit_code == 0
    assert json.loads((built / "trim.json").read_text())["inputs"] is None
    for wrong in (None, gains[1:].tolist(), [0.0] * size):
        data["chips"][1]["inputs"] = wrong
        file.write_text(json.dumps(data))
        refused = netgen("trim", built, "--measured", file, "--inputs")
        assert refused.exit_code == 3
        assert f"chips[1].inputs: must be {size} gains above 0" in refused.output


def test_measurements_that_are_none(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "chips.json"
    data = measured(tmp_path / "models" / "model.json")
    (node, cells), *_ = data["chips"][0]["cells"].items()
    units = len(cells["rising"])
    for key, wrong in (
        ("rising", []),
        ("rising", [10**400] * units),
        ("rising", [1e300] * units),
        ("output", [-1.0] * 9),
        ("falling", "x"),
        ("falling", [float("inf")] * units),
        ("falling", [5e-9] * units),
    ):
        broken = json.loads(json.dumps(data))
        broken["chips"][0]["cells"][node][key] = wrong
        file.write_text(json.dumps(broken))
        result = netgen("trim", built, "--measured", file)
        assert result.exit_code == 3
        assert f"chips[0].cells.{node}.{key}" in result.output
    cells["falling"] = [None] * len(cells["falling"])  # never falls: legal
    file.write_text(json.dumps(data))
    assert netgen("trim", built, "--measured", file).exit_code == 0
    file.write_text("{}")
    assert netgen("trim", built, "--measured", file).exit_code == 3
    file.write_text("no JSON")
    result = netgen("trim", built, "--measured", file)
    assert result.exit_code == 3
    assert "is not JSON; netgen schema measurements tells" in result.output


def test_chips_at_another_temperature(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the conditions change: the netlist, and so sizes and bias currents, are as built."""
    asked: list[tuple[Conditions, Netlist]] = []

    def seen(_: object, __: object, at: Conditions, netlist: Netlist) -> None:
        asked.append((at, netlist))

    monkeypatch.setattr("netgen.project.twin.twin_of", seen)
    build = read_build(built)
    for temperature in (None, 85.0):
        twin_of_build(build, temperature)
    (usual, own), (hot, same) = asked
    assert usual.temperature == build.options.temperature
    assert hot == replace(usual, temperature=85.0)
    assert own.transistors == same.transistors
    with pytest.raises(UsageError, match="temperature = 400"):
        twin_of_build(build, 400.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--trial",), "labelled SAMPLES"),
        (("--trial", "--measured", "x"), "give one"),
        (("--bits", 0), "bits"),
        (("--no-mismatch",), "nothing to vary"),
    ],
)
def test_options_that_do_not_fit(built: Path, options: tuple[Any, ...], said: str) -> None:
    result = netgen("trim", built, *options)
    assert result.exit_code == 2
    assert said in result.output


def test_nothing_but_codes_is_replaced(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "chips.json"
    file.write_text(json.dumps(measured(tmp_path / "models" / "model.json")))
    for mine in (file, tmp_path / "samples.npz"):
        before = mine.read_bytes()
        result = netgen("trim", built, "--measured", file, "-o", mine)
        assert result.exit_code == 2
        assert "would be overwritten" in result.output
        assert mine.read_bytes() == before
    codes = tmp_path / "codes.json"
    mine = tmp_path / "codes.html"
    mine.write_text("my own")
    refused = netgen("trim", built, "--measured", file, "-o", codes)
    assert refused.exit_code == 2
    assert mine.read_text() == "my own"
    assert not codes.exists()
    mine.unlink()
    for _ in range(2):
        assert netgen("trim", built, "--measured", file, "-o", codes).exit_code == 0
