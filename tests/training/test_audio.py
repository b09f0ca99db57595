"""Sound files: what is repaired, what is refused, and how one second is made."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

pytest.importorskip("soundfile")

from training_data import tone, write_wav

from netgen.training.audio import AudioError, fit_second, read_clip, resample
from netgen.training.needs import need


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    sound = tone("up", 0)
    clip = read_clip(write_wav(tmp_path / "a.wav", sound), 8000)
    assert clip.repairs == ()
    np.testing.assert_allclose(clip.sound, sound, atol=1e-4)


def test_stereo_and_another_rate_are_repaired_and_said(tmp_path: Path) -> None:
    sound = np.stack([tone("up", 0, rate=44100), np.zeros(22050)], axis=1)
    clip = read_clip(write_wav(tmp_path / "a.wav", sound, 44100), 8000)
    assert clip.repairs == ("2 channels averaged into one", "resampled from 44100 Hz to 8000 Hz")
    assert len(clip.sound) == 4000
    peak = np.abs(np.fft.rfft(clip.sound)).argmax() / 0.5
    assert 300 < peak < 1700


@pytest.mark.parametrize(
    ("sound", "problem"),
    [(tone("up", 0, seconds=0.02), "20 ms long; at least 50 ms"), (np.zeros(4000), "is silent")],
)
def test_useless_recordings_are_refused(tmp_path: Path, sound: np.ndarray, problem: str) -> None:
    path = write_wav(tmp_path / "a.wav", sound)
    with pytest.raises(AudioError, match=problem):
        read_clip(path, 8000)


@pytest.mark.parametrize(("kind", "order"), [("wav", "little"), ("aiff", "big")])
def test_a_file_cut_short_is_said_to_be(
    tmp_path: Path, kind: str, order: Literal["little", "big"]
) -> None:
    path = tmp_path / f"a.{kind}"
    need("soundfile").write(path, tone("up", 0), 8000, format=kind.upper())
    whole = path.read_bytes()
    assert read_clip(path, 8000).repairs == ()
    path.write_bytes(whole + b"more behind it")
    assert read_clip(path, 8000).repairs == ()
    path.write_bytes(whole[:4] + len(whole).to_bytes(4, order) + whole[8:])
    assert read_clip(path, 8000).repairs == ()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    clip = read_clip(path, 8000, content=path.read_bytes())
    assert clip.repairs == read_clip(path, 8000).repairs
    assert clip.repairs == ("cut short (the header names more sound): what is there used",)
    assert len(clip.sound) < 0.7 * len(tone("up", 0))
    path.write_bytes(whole[:4] + (2**32 - 1).to_bytes(4, order) + whole[8:])
    assert read_clip(path, 8000).repairs == (), "written into a pipe, its length not known"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"this is no sound" * 50])
def test_a_corrupt_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"broken\.wav: cannot be read as sound"):
        read_clip(path, 8000)


def test_channels_that_cancel_are_silence(tmp_path: Path) -> None:
    sound = tone("up", 0)
    path = write_wav(tmp_path / "a.wav", np.stack([sound, -sound], axis=1))
    with pytest.raises(AudioError, match=r"silent after mixing: its 2 channels cancel"):
        read_clip(path, 8000)


@pytest.mark.parametrize(("own_rate", "rate"), [(44100, 16000), (48000, 16000), (22050, 8000)])
def test_aliases_lie_more_than_60_db_down(own_rate: int, rate: int) -> None:
    time = np.arange(own_rate) / own_rate
    for hertz in (1.1 * rate / 2, 1.13 * rate / 2, 1.3 * rate / 2):
        alien = np.sin(2 * np.pi * hertz * time).astype(np.float32)
        left = resample(alien, own_rate, rate)[rate // 10 : -rate // 10]
        assert 20 * np.log10(np.sqrt(2) * left.std()) < -60
    kept = np.sin(2 * np.pi * 0.4 * rate * time).astype(np.float32)
    passed = resample(kept, own_rate, rate)[rate // 10 : -rate // 10]
    assert 20 * np.log10(np.sqrt(2) * passed.std()) == pytest.approx(0, abs=0.1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"gone\.wav: is no file"):
        read_clip(tmp_path / "gone.wav", 8000)


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    soundfile = soundfile = pytest.importorskip("soundfile")
    sound = tone("up", 0)
    sound[7] = np.nan
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="FLOAT")
    with pytest.raises(AudioError, match="not finite"):
        read_clip(tmp_path / "a.wav", 8000)


def test_a_second_is_kept_centred_or_cut() -> None:
    second = np.ones(8000, dtype=np.float32)
    assert fit_second(second, 8000)[1] is None

    short, repair = fit_second(second[:4001], 8000)
    assert repair is not None
    assert "centred" in repair
    assert short.shape == (8000,)
    assert np.flatnonzero(short)[[0, -1]].tolist() == [1999, 5999]

    long = np.zeros(20000, dtype=np.float32)
    long[9000:12000] = 0.5
    loudest, repair = fit_second(long, 8000)
    assert repair is not None
    assert "loudest" in repair
    assert np.count_nonzero(loudest) == 3000
