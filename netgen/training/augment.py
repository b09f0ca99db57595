"""Altered copies of training recordings: the one augmentation that helps with unknown speakers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netgen.training.audio import Sound, fit_second, resample

_STEPS = 72  # resampling factors are n/72: 8/9 … 9/8 is 64 … 81
_SNR_DB = (0.0, 40.0)
_GAIN_DB = 6.0


def alter(sound: Sound, rate: int, noise: Sequence[Sound], rng: np.random.Generator) -> Sound:
    """Return one second at another speed and pitch (8/9 … 9/8), with noise (0–40 dB) and gain.

    Parameters
    ----------
    sound
        A recording of at most one second.
    noise
        Recordings of noise to cut from, each longer than a second; where empty, noise of any
        colour between white and pink.
    """
    factor = int(rng.integers(8 * _STEPS // 9, 9 * _STEPS // 8 + 1))
    changed = resample(sound, _STEPS, factor)
    power = float(np.mean(changed**2))
    second, _ = fit_second(changed, rate)
    if noise:
        hiss = cuts(noise[int(rng.integers(len(noise)))], 1, len(second), rng)[0]
    else:
        hiss = coloured(len(second), rng.uniform(0.0, 1.0), rng)
    snr = 10 ** (rng.uniform(*_SNR_DB) / 10)
    loudness = float(np.mean(hiss**2))
    if loudness > 0:
        second = second + hiss * np.float32(np.sqrt(power / snr / loudness))
    gain = 10 ** (rng.uniform(-_GAIN_DB, _GAIN_DB) / 20)
    return np.asarray(np.clip(gain * second, -1.0, 1.0), dtype=np.float32)


def coloured(length: int, tilt: float, rng: np.random.Generator) -> Sound:
    """Return noise of RMS 1 whose power falls with frequency^``tilt``: 0 is white, 1 is pink."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (tilt / 2)
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def cuts(track: Sound, count: int, length: int, rng: np.random.Generator) -> list[Sound]:
    """Cut pieces of ``length`` samples from a longer sound at random places."""
    starts = rng.integers(0, len(track) - length + 1, size=count)
    return [track[start : start + length] for start in starts]
