"""MFCC and the mapping to the first quadrant that travels with a model."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("kaldi_native_fbank")

from training_data import tone

from netgen.document import Json
from netgen.errors import ModelError
from netgen.model import random_model
from netgen.training.features import FRAMES, FeatureMap, feature_map
from netgen.training.frontend import FRONT_ENDS, Bank, FeatureExtractor, LevelControl, slopes

PLAIN, SLOPES, BANDS, PCEN = (
    FRONT_ENDS[kind] for kind in ("mfcc-kaldi", "mfcc-slopes", "bands-16", "pcen-16")
)
MAPPING = FeatureMap(8000, tuple(np.linspace(-5, 60, 13)), tuple(np.linspace(3, 20, 13)))


def second(kind: str) -> np.ndarray:
    return tone(kind, 0, seconds=1.0).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_one_second_is_101_frames_of_13(rate: int) -> None:
    sound = tone("up", 0, 1.0, rate).astype(np.float32)
    assert PLAIN.measure(sound, rate).shape == (FRAMES, 13) == (101, 13)


def test_the_same_sound_gives_the_same_features() -> None:
    np.testing.assert_array_equal(
        PLAIN.measure(second("up"), 8000), PLAIN.measure(second("up"), 8000)
    )


def test_louder_sound_moves_c0_alone() -> None:
    sound = (0.9 * second("hiss")).astype(np.float32)
    change = (PLAIN.measure(2 * sound, 8000) - PLAIN.measure(sound, 8000)).mean(axis=0)
    # every log mel energy rises by ln 4; C0 is their sum / √23 times the liftering of 1
    assert change[0] == pytest.approx(np.log(4) * np.sqrt(23), rel=1e-2)
    np.testing.assert_allclose(change[1:], 0, atol=0.2)


@pytest.mark.parametrize("front", [SLOPES, BANDS], ids=lambda front: front.kind)
def test_the_level_control_makes_loudness_of_no_account(front: FeatureExtractor) -> None:
    loud = front.measure(second("up"), 8000)
    for gain in (0.3, 0.1, 0.03):
        quiet = front.measure(np.float32(gain) * second("up"), 8000)
        np.testing.assert_allclose(quiet, loud, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("front", [SLOPES, BANDS, PCEN], ids=lambda front: front.kind)
def test_channels_are_what_the_front_end_says(front: FeatureExtractor) -> None:
    features = front.derive(front.measure(second("up"), 8000))
    assert features.shape == (FRAMES, front.channels)
    assert np.isfinite(features).all()
    if front in (BANDS, PCEN):
        assert features.min() >= 0, "energies are positive by nature"


def test_the_level_rises_fast_and_falls_slowly() -> None:
    power = np.zeros(200, dtype=np.float32)
    power[50:60] = 1.0
    level = LevelControl(attack=0.02, release=1.0, lowest=1e-8).follow(power)
    assert level[49] == pytest.approx(1e-8)
    assert level[59] == pytest.approx(1 - np.exp(-10 * 0.01 / 0.02), rel=1e-3)
    assert level[159] == pytest.approx(level[59] * np.exp(-1.0), rel=1e-3)


def test_slopes_of_a_ramp() -> None:
    ramp = np.arange(20, dtype=np.float32)[:, np.newaxis] * [1, -2]
    found = slopes(ramp.astype(np.float32))
    assert found.shape == (12, 2)
    np.testing.assert_allclose(found, np.tile([1, -2], (12, 1)), rtol=1e-6)


@pytest.mark.parametrize("kind", FRONT_ENDS)
def test_sound_in_pieces_gives_the_same_frames(kind: str) -> None:
    front, sound = FRONT_ENDS[kind], second("up")
    whole = Bank(front, 8000).finish(sound)
    bank, pieces = Bank(front, 8000), []
    for start, stop in ((0, 137), (137, 4000), (4000, 4001)):
        pieces.append(bank.accept(sound[start:stop]))
    pieces.append(bank.finish(sound[4001:]))
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=1e-5, atol=1e-7)


def test_a_frame_stands_for_its_own_10_ms() -> None:
    click = np.zeros(8000, dtype=np.float32)
    click[4000:4080] = 0.5  # frame 50
    energy = PLAIN.measure(click, 8000)[:, 0]
    assert energy.argmax() == 50


def test_silence_has_features_of_the_noise_floor() -> None:
    quiet = PLAIN.measure(np.zeros(8000, dtype=np.float32), 8000)
    assert np.isfinite(quiet).all()
    assert 30 < quiet[:, 0].mean() < 80


def test_the_map_stays_in_the_first_quadrant() -> None:
    x = MAPPING(100 * np.random.default_rng(0).standard_normal((5, 101, 13)).astype(np.float32))
    assert float(x.min()) == 0.0
    assert float(x.max()) == 1.5
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
        ({"kind": "other"}, "holds no mapping from sound known"),
        ({"rate": "fast"}, "unusable"),
        ({"mean": [1.0, 2.0]}, "wanted 13 each"),
        ({"std": [0.0] * 13}, "usable numbers"),
        ({"rate": 0}, "usable numbers"),
    ],
)
def test_a_model_without_a_usable_map_is_refused(
    change: dict[str, Json] | None, problem: str
) -> None:
    model, _ = random_model(0)
    meta = {} if change is None else {"features": MAPPING.to_meta() | change}
    with pytest.raises(ModelError, match=f"m.json: meta.features.*: .*{problem}"):
        feature_map(replace(model, meta=meta), "m.json")
