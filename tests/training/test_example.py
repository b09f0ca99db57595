"""The bundled keyword model: what its README says about it is so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netgen.analysis import forecast_races
from netgen.model import Model, Samples, decide, evaluate, load_model, load_samples
from netgen.training.features import feature_map

EXAMPLE = Path(__file__).parents[2] / "examples" / "keyword"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(EXAMPLE / "model.json")


@pytest.fixture(scope="module")
def samples(model: Model) -> Samples:
    return load_samples(EXAMPLE / "samples.npz", model)


def test_its_size_and_its_map_from_sound(model: Model) -> None:
    assert model.classes == ("other", "yes")
    assert [len(cell.level) for cell in model.cells] == [4, 4]
    assert feature_map(model, "model.json").rate == 16000


def test_it_decides_as_its_readme_says(model: Model, samples: Samples) -> None:
    decisions = decide(model.readout, evaluate(model, samples.x)[model.readout.node])
    assert samples.y is not None
    assert np.bincount(samples.y).tolist() == [25, 25]
    assert (decisions == samples.y).sum() == 49


def test_no_race_is_expected(model: Model, samples: Samples) -> None:
    assert not any(flags.any() for flags in forecast_races(model, samples.x).values())
