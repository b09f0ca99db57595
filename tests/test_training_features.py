"""MFCC and the mapping to the first quadrant that travels with a model."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("kaldi_native_fbank")

from training_data import tone

from netgen.errors import ModelError
from netgen.model import random_model
from netgen.training.features import FRAMES, FeatureMap, feature_map, mfcc

MAPPING = FeatureMap(8000, tuple(np.linspace(-5, 60, 13)), tuple(np.linspace(3, 20, 13)))


def second(kind: str) -> np.ndarray:
    return tone(kind, 0, seconds=1.0).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_one_second_is_101_frames_of_13(rate: int) -> None:
    sound = tone("up", 0, 1.0, rate).astype(np.float32)
    assert mfcc(sound, rate).shape == (FRAMES, 13) == (101, 13)


def test_the_same_sound_gives_the_same_features() -> None:
    np.testing.assert_array_equal(mfcc(second("up"), 8000), mfcc(second("up"), 8000))


def test_louder_sound_moves_c0_alone() -> None:
    sound = second("hiss")
    change = (mfcc(2 * sound, 8000, 0.0) - mfcc(sound, 8000, 0.0)).mean(axis=0)
    # every log mel energy rises by ln 4; C0 is their sum / √23 times the liftering of 1
    assert change[0] == pytest.approx(np.log(4) * np.sqrt(23), rel=1e-3)
    np.testing.assert_allclose(change[1:], 0, atol=1e-3)


def test_a_frame_stands_for_its_own_10_ms() -> None:
    click = np.zeros(8000, dtype=np.float32)
    click[4000:4080] = 0.5  # frame 50
    energy = mfcc(click, 8000)[:, 0]
    assert energy.argmax() == 50


def test_silence_has_features_of_the_noise_floor() -> None:
    quiet = mfcc(np.zeros(8000, dtype=np.float32), 8000)
    assert np.isfinite(quiet).all()
    assert 30 < quiet[:, 0].mean() < 80


def test_the_map_stays_in_the_first_quadrant() -> None:
    x = MAPPING(100 * np.random.default_rng(0).standard_normal((5, 101, 13)).astype(np.float32))
    assert (x.min(), x.max()) == (0.0, 1.5)
    middle = MAPPING(np.array(MAPPING.mean, dtype=np.float32))
    np.testing.assert_allclose(middle, 0.5, atol=1e-6)


def test_the_map_travels_through_json() -> None:
    model, _ = random_model(0)
    meta = json.loads(json.dumps({"features": MAPPING.to_meta()}))
    assert feature_map(replace(model, meta=meta), "m.json") == MAPPING


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (None, "holds no mapping from sound"),
        ({"kind": "other"}, "holds no mapping from sound"),
        ({"rate": "fast"}, "unusable"),
        ({"mean": [1.0, 2.0]}, "wanted 13 each"),
        ({"std": [0.0] * 13}, "usable numbers"),
        ({"rate": 0}, "usable numbers"),
    ],
)
def test_a_model_without_a_usable_map_is_refused(change: dict | None, problem: str) -> None:
    model, _ = random_model(0)
    meta = {} if change is None else {"features": MAPPING.to_meta() | change}
    with pytest.raises(ModelError, match=f"m.json: meta.features: .*{problem}"):
        feature_map(replace(model, meta=meta), "m.json")
