"""From recordings to arrays: repairs are counted, nothing is left out in silence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("soundfile")
pytest.importorskip("kaldi_native_fbank")

from full_disk import files_end_at
from training_data import label_folders, tone, write_wav

from netgen.errors import InputError
from netgen.training.augment import alter, coloured
from netgen.training.cache import Pack
from netgen.training.dataset import COPIES, Dataset, balance, prepare
from netgen.training.frontend import FeatureExtractor
from netgen.training.opening import open_corpus
from netgen.training.task import make_task


def read(root: Path, augment: bool = False, keyword: str = "up") -> Dataset:
    corpus = open_corpus(root)
    return prepare(
        corpus, make_task(corpus, "keyword", [keyword]), augment=augment, features="mfcc-kaldi"
    )


def test_parts_classes_and_copies(tmp_path: Path) -> None:
    data = read(label_folders(tmp_path), augment=True)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [20, 2, 2]
    assert data.train.x.shape == (20, 101, 13)
    assert np.bincount(data.train.y).tolist() == [10, 10]
    assert len(data.pool) == COPIES * 20
    for part in (data.train, data.pool, data.test):
        assert part.x.min() >= 0
        assert part.x.max() <= data.mapping.maximum
    assert not set(data.test.ids) & set(data.train.ids)
    assert data.repairs == {"shorter than one second: centred in silence": 24}


def test_the_map_is_fitted_to_the_training_split(tmp_path: Path) -> None:
    data = read(label_folders(tmp_path))
    inside = (data.train.x > 0) & (data.train.x < data.mapping.maximum)
    assert inside.mean() > 0.95
    assert data.train.x.mean() == pytest.approx(data.mapping.offset, abs=0.02)
    assert data.train.x.std() == pytest.approx(data.mapping.scale, abs=0.03)


def test_the_same_recordings_give_the_same_arrays(tmp_path: Path) -> None:
    root = label_folders(tmp_path, each=4)
    first, again = read(root, augment=True), read(root, augment=True)
    np.testing.assert_array_equal(first.pool.x, again.pool.x)
    np.testing.assert_array_equal(first.train.x, again.train.x)


def test_every_repair_is_counted_and_every_loss_is_named(tmp_path: Path) -> None:
    root = label_folders(tmp_path)
    stereo = np.stack([tone("up", 50)] * 2, axis=1)
    write_wav(root / "up" / "stereo.wav", stereo)
    write_wav(root / "up" / "fast.wav", tone("up", 51, rate=16000), 16000)
    write_wav(root / "up" / "long.wav", tone("up", 52, seconds=1.5))
    write_wav(root / "up" / "blip.wav", tone("up", 53, seconds=0.01))
    (root / "down" / "broken.wav").write_bytes(b"RIFFnothing")
    data = read(root)
    assert data.mapping.rate == 8000
    assert data.repairs["2 channels averaged into one"] == 1
    assert data.repairs["resampled from 16000 Hz to 8000 Hz"] == 1
    assert data.repairs["longer than one second: the loudest second kept"] == 1
    assert len(data.left_out) == 2
    text = "\n".join(data.left_out)
    assert "up/blip.wav: is 10 ms long" in text
    assert "down/broken.wav: cannot be read as sound" in text
    assert len(data.train) + len(data.validation) + len(data.test) == 24 + 3


def test_a_class_whose_files_are_all_useless_is_an_error(tmp_path: Path) -> None:
    root = label_folders(tmp_path, each=4)
    for path in (root / "up").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match="class 'up' has no usable recording for train"):
        read(root)


def test_no_readable_file_at_all_is_an_error(tmp_path: Path) -> None:
    root = label_folders(tmp_path, each=3)
    for path in root.glob("*/*.wav"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read as sound"):
        read(root)


def test_noise_is_another_word_or_a_class(tmp_path: Path) -> None:
    root = label_folders(tmp_path, each=20)
    write_wav(root / "_background_noise_" / "hum.wav", tone("hiss", 0, seconds=12.0))
    for name, first in (("testing_list.txt", 0), ("validation_list.txt", 4)):
        lines = [f"{k}/{k}{n}.wav" for k in ("up", "down") for n in range(first, first + 4)]
        (root / name).write_text("\n".join(lines))
    data = read(root)
    assert np.bincount(data.train.y).tolist() == [12 + 3, 12], "a tenth of 24, in the class other"
    assert np.bincount(data.test.y).tolist() == [4 + 1, 4]


def test_a_second_run_reads_features_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = label_folders(tmp_path / "data", each=24)
    (root / "up" / "broken.wav").write_bytes(b"RIFFnothing")
    write_wav(root / "_background_noise_" / "hum.wav", tone("hiss", 0, seconds=12.0))
    corpus = open_corpus(root)
    task = make_task(corpus, "keyword", ["up"])
    cache = tmp_path / "cache"
    first = prepare(corpus, task, augment=True, cache=cache)
    fresh = prepare(corpus, task, augment=True)

    def fail(*_: object) -> None:
        raise AssertionError("nothing is left to compute")

    with monkeypatch.context() as patch:
        patch.setattr(FeatureExtractor, "measure", fail)
        second = prepare(corpus, task, augment=True, cache=cache)
        (root / "up" / "up0.wav").rename(root / "up" / "first.wav")
        third = prepare(open_corpus(root), task, augment=False, cache=cache)
    for name in ("train", "pool", "validation", "test"):
        for other in (fresh, second):
            np.testing.assert_array_equal(getattr(other, name).x, getattr(first, name).x)
    assert second.left_out == first.left_out
    assert second.repairs == first.repairs
    assert len(third.train) + len(third.validation) + len(third.test) == len(first.train) + len(
        first.validation
    ) + len(first.test)
    write_wav(root / "up" / "first.wav", tone("up", 99))
    with monkeypatch.context() as patch:
        patch.setattr(FeatureExtractor, "measure", fail)
        with pytest.raises(AssertionError, match="nothing is left"):
            prepare(open_corpus(root), task, augment=False, cache=cache)


@pytest.fixture
def cached(tmp_path: Path) -> tuple[Path, Callable[[bool], Dataset]]:
    """A cache, and a function that prepares the same data with it, augmented or not."""
    corpus = open_corpus(label_folders(tmp_path / "data", each=4))
    task = make_task(corpus, "keyword", ["up"])
    cache = tmp_path / "cache"
    return cache, lambda augment: prepare(corpus, task, augment=augment, cache=cache)


def test_a_damaged_cache_is_computed_again(cached: tuple[Path, Callable[[bool], Dataset]]) -> None:
    cache, read_again = cached
    first = read_again(False)
    (index,) = cache.glob("*/index.jsonl")
    index.write_bytes(index.read_bytes()[:-200])
    (rows,) = cache.glob("*/rows.f32")
    rows.write_bytes(rows.read_bytes()[:-1000])
    again = read_again(False)
    np.testing.assert_array_equal(again.train.x, first.train.x)
    np.testing.assert_array_equal(again.test.x, first.test.x)


def test_a_flipped_bit_of_the_cache_is_noticed(
    cached: tuple[Path, Callable[[bool], Dataset]],
) -> None:
    cache, read_again = cached
    first = read_again(True)
    (rows,) = cache.glob("*/rows.f32")
    content = bytearray(rows.read_bytes())
    for place in range(50, len(content), 4000):
        content[place] ^= 1
    rows.write_bytes(content)
    for _ in range(2):  # the second run finds what the first one computed again
        again = read_again(True)
        for name in ("train", "pool", "validation", "test"):
            np.testing.assert_array_equal(getattr(again, name).x, getattr(first, name).x)


def test_another_file_of_the_same_size_and_time_is_read(tmp_path: Path) -> None:
    root = label_folders(tmp_path / "data", each=4)
    cache = tmp_path / "cache"

    def read() -> Dataset:
        corpus = open_corpus(root)
        return prepare(corpus, make_task(corpus, "keyword", ["up"]), augment=False, cache=cache)

    first = read()
    one, other = root / "up" / "up0.wav", root / "up" / "up1.wav"
    status = one.stat()
    assert status.st_size == other.stat().st_size
    swap = tmp_path / "swap.wav"
    swap.write_bytes(other.read_bytes())
    os.utime(swap, ns=(status.st_atime_ns, status.st_mtime_ns))
    swap.replace(one)
    second = read()
    parts = [np.concatenate([d.train.x, d.validation.x, d.test.x]) for d in (first, second)]
    assert (parts[0] != parts[1]).any()


def test_a_cache_in_use_or_without_a_place_is_done_without(tmp_path: Path) -> None:
    root = label_folders(tmp_path / "data", each=4)
    corpus = open_corpus(root)
    task = make_task(corpus, "keyword", ["up"])
    (tmp_path / "file").touch()
    without = prepare(corpus, task, augment=False, cache=tmp_path / "file" / "cache")
    cache = tmp_path / "cache"
    recipe = {"version": 1}
    holder, other = Pack(cache, recipe, (2,)), Pack(cache, recipe, (2,))
    holder.put("a", np.array([1, 2], np.float32))
    other.put("b", np.array([3, 4], np.float32))
    for pack in (holder, other):
        pack.flush()
    assert "b" not in Pack(cache, recipe, (2,)), "the second one kept it for itself"
    np.testing.assert_array_equal(other.rows(["b"]), [[3, 4]])
    holder.close()
    again = Pack(cache, recipe, (2,))
    np.testing.assert_array_equal(again.rows(["a"]), [[1, 2]])
    again.close()
    assert len(without.train) == 4


def test_a_cache_without_room_is_done_without(tmp_path: Path) -> None:
    with files_end_at():
        for recipe in ({"text": "x" * 2000}, {"version": 1}):
            pack = Pack(tmp_path, recipe, (400,))
            pack.put("a", np.ones(400, np.float32))
            pack.flush()
            np.testing.assert_array_equal(pack.rows(["a"]), np.ones((1, 400)))
            pack.close()
    again = Pack(tmp_path, {"version": 1}, (400,))
    assert "a" not in again
    again.close()


def test_words_and_speakers_are_balanced() -> None:
    said = [("a", "x"), ("a", "x"), ("a", "y"), ("a", "z"), ("b", "x")]
    weight = balance(said, np.zeros(5, np.int64))
    assert weight[0] == weight[1] == pytest.approx(weight[2] / 2)
    assert weight[:4].sum() == pytest.approx(2 * weight[4]), "by the square root of four"


def test_altered_copies_differ_and_last_a_second() -> None:
    rng = np.random.default_rng(0)
    sound = np.sin(2 * np.pi * 900 * np.arange(4000) / 8000).astype(np.float32)
    copies = [alter(sound, 8000, [], rng) for _ in range(8)]
    assert {copy.shape for copy in copies} == {(8000,)}
    assert len({copy.tobytes() for copy in copies}) == 8
    pitches = [np.abs(np.fft.rfft(copy)).argmax() for copy in copies]
    assert 900 * 8 / 9 - 2 <= min(pitches) < 850, "slowed down: lower"
    assert 950 < max(pitches) <= 900 * 9 / 8 + 2


@pytest.mark.parametrize("tilt", [0.0, 0.5, 1.0])
def test_the_power_of_noise_falls_with_frequency_to_the_tilt(tilt: float) -> None:
    noise = coloured(64_000, tilt, np.random.default_rng(1))
    assert noise.std() == pytest.approx(1.0, rel=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [power[n : 2 * n].mean() for n in (500, 1000, 2000, 4000, 8000)]
    slope = np.polyfit(np.log2([1, 2, 4, 8, 16]), np.log2(octaves), 1)[0]
    assert slope == pytest.approx(-tilt, abs=0.05)


def test_copies_are_as_noisy_as_a_street_and_as_clear_as_a_studio() -> None:
    rng = np.random.default_rng(2)
    sound = np.zeros(8000, np.float32)
    sound[2000:4000] = np.sin(2 * np.pi * 900 * np.arange(2000) / 8000)
    copies = [alter(sound, 8000, [], rng) for _ in range(60)]
    loud = np.array([copy.std() / copy[:1500].std() for copy in copies])
    assert loud.min() < 2, "noise as loud as the sound"
    assert loud.max() > 30
