"""The set/reset example: what its tutorial says about it is so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netgen.model import Model, Samples, decide, evaluate, load_model, load_samples

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(EXAMPLE / "model.json")


@pytest.fixture(scope="module")
def samples(model: Model) -> Samples:
    return load_samples(EXAMPLE / "samples.npz", model)


def history(model: Model, samples: Samples, name: str, unit: int) -> str:
    """Return the states of one cell in the sample of this name, a digit a frame."""
    states = evaluate(model, samples.x)["memory"] > 0
    return "".join("01"[int(state)] for state in states[samples.ids.index(name), :, unit])


def test_every_sample_ends_in_its_class(model: Model, samples: Samples) -> None:
    decisions = decide(model.readout, evaluate(model, samples.x)["logits"])
    np.testing.assert_array_equal(decisions, samples.y)
    assert set(decisions) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("name", "unit", "expected"),
    [
        ("nothing happens", 0, "000000000000"),
        ("nothing happens", 1, "111111111111"),
        ("set, reset, set", 0, "011110000011"),
        ("set, reset, set", 1, "100000000000"),
        ("set, reset, forgotten", 1, "100000000111"),
        ("too weak to set", 0, "000000000000"),
        ("too weak to reset", 0, "011111111111"),
    ],
)
def test_cells_set_hold_and_reset(
    model: Model, samples: Samples, name: str, unit: int, expected: str
) -> None:
    assert history(model, samples, name, unit) == expected


def test_candidates_stay_away_from_the_thresholds(model: Model, samples: Samples) -> None:
    (cell,) = model.cells
    candidate = evaluate(model, samples.x)[cell.input]
    for threshold in (cell.falling, cell.rising):
        assert (np.abs(candidate - threshold) / threshold).min() > 0.08


def test_lines_never_pull_one_cell_both_ways(samples: Samples) -> None:
    assert (np.count_nonzero(samples.x, axis=2) <= 1).all()


def test_samples_are_what_the_script_writes(tmp_path: Path) -> None:
    script = tmp_path / "make.py"
    shutil.copy(EXAMPLE / "make.py", script)
    subprocess.run([sys.executable, script], check=True, timeout=60)
    with np.load(tmp_path / "samples.npz") as made, np.load(EXAMPLE / "samples.npz") as kept:
        assert made.files == kept.files
        for name in made.files:
            np.testing.assert_array_equal(made[name], kept[name])
