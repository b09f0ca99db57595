"""Small recordings and features for the tests of the training room: two tones and hiss."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

RATE = 8000


def tone(kind: str, number: int, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """Return a rising sweep ("up"), a falling one ("down") or hiss ("hiss"), each a bit its own."""
    rng = np.random.default_rng([number, len(kind)])
    time = np.arange(round(seconds * rate)) / rate
    low, high = 300 + 20 * rng.random(), 1500 + 100 * rng.random()
    if kind == "hiss":
        return 0.2 * rng.standard_normal(len(time))
    start, end = (low, high) if kind == "up" else (high, low)
    phase = 2 * np.pi * (start * time + (end - start) * time**2 / (2 * seconds))
    return 0.5 * np.sin(phase) + 0.01 * rng.standard_normal(len(time))


def write_wav(path: Path, sound: np.ndarray, rate: int = RATE) -> Path:
    """Write (samples,) or (samples, channels) as 16-bit PCM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = 1 if sound.ndim == 1 else sound.shape[1]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((32767 * np.clip(sound, -1, 1)).astype("<i2").tobytes())
    return path


def label_folders(root: Path, each: int = 12, kinds: tuple[str, ...] = ("up", "down")) -> Path:
    """Write ``each`` recordings of every kind as ``label/*.wav``."""
    for kind in kinds:
        for number in range(each):
            write_wav(root / kind / f"{kind}{number}.wav", tone(kind, number))
    return root
