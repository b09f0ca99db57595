"""The bundled keyword model: what its README says about it is so."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from netgen.analysis import forecast_races
from netgen.model import decide, evaluate, load_model, load_samples
from netgen.training.features import feature_map

EXAMPLE = Path(__file__).parents[2] / "examples" / "keyword"


MODEL = load_model(EXAMPLE / "model.json")
SAMPLES = load_samples(EXAMPLE / "samples.npz", MODEL)


def test_its_size_and_its_map_from_sound() -> None:
    assert MODEL.classes == ("other", "yes")
    assert [len(cell.level) for cell in MODEL.cells] == [4, 4]
    assert feature_map(MODEL, "model.json").rate == 16000


def test_it_decides_as_its_readme_says() -> None:
    decisions = decide(MODEL.readout, evaluate(MODEL, SAMPLES.x)[MODEL.readout.node])
    assert SAMPLES.y is not None
    assert np.bincount(SAMPLES.y).tolist() == [25, 25]
    assert (decisions == SAMPLES.y).sum() == 49


def test_no_race_is_expected() -> None:
    assert not any(flags.any() for flags in forecast_races(MODEL, SAMPLES.x).values())
