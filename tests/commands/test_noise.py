"""``netgen noise``, with the noise of rows given instead of simulated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import netgen, says, write_model, write_samples

from netgen.analysis.noise.devices import SummingNoise


@pytest.fixture(autouse=True)
def _rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = SummingNoise(np.array([1e-12, 1e-8]), np.array([1e-13, 1e-12]))
    monkeypatch.setattr("netgen.project.studies.noise.characterise_summing", lambda *_: rows)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_model(tmp_path), write_samples(tmp_path / "samples.npz", y=np.array([0, 1, 0, 1]))


def test_results_and_plots_are_written(files: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "out"
    options = ("--pdk", "generic180", "--levels", "0.3,0.01", "--repeats", 2, "--random", 3, 1)
    result = netgen("noise", *files, "-o", output, *options, "--at", "rows")
    assert result.exit_code == 0, result.output
    document = json.loads((output / "noise.json").read_text())
    assert document["draws"] == {"seed": 1, "repeats": 2, "per_frame": 1}
    results = document["results"]
    assert [r["place"] for r in results] == ["intrinsic", "rows", "rows"] * 2
    assert [r["level"] for r in results[1:3]] == [0.01, 0.3]
    assert [r["accuracy"] is None for r in results] == [False] * 3 + [True] * 3
    assert (results[3]["layers"], results[3]["cells"]) == (1, 3)
    pictures = {path.name for path in output.glob("*.png")}
    assert pictures == {"noise-decisions.png", "noise-states.png", "noise-accuracy.png"}
    assert "small rows 30 %: decisions" in result.output


def test_the_same_seed_gives_the_same_results(files: tuple[Path, Path], tmp_path: Path) -> None:
    written = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        options = ("--pdk", "generic180", "--levels", "0.3", "--seed", seed)
        assert netgen("noise", *files, "-o", tmp_path / name, *options).exit_code == 0
        written.append(json.loads((tmp_path / name / "noise.json").read_text())["results"])
    assert written[0] == written[1] != written[2]


@pytest.mark.parametrize("levels", ["", "0", "-1", "a", "nan", "inf", "0.1;0.2"])
def test_levels_that_are_none(files: tuple[Path, Path], tmp_path: Path, levels: str) -> None:
    result = netgen("noise", *files, "-o", tmp_path / "out", "--levels", levels)
    assert result.exit_code == 2
    assert "write numbers above 0" in says(result)[0]


def test_two_models_of_one_name(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = netgen("noise", *files, "-o", tmp_path / "out", "--also", *files)
    assert result.exit_code == 2
    assert "the same name" in says(result)[0]


def test_a_folder_that_is_a_file(files: tuple[Path, Path]) -> None:
    result = netgen("noise", *files, "-o", files[0])
    assert result.exit_code == 2
    assert says(result)[0].startswith(f"netgen: {files[0]} is a file")
