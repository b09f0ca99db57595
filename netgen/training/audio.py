"""Sound files as one second of mono samples, with every repair named."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netgen.errors import InputError
from netgen.training.needs import need

Sound: TypeAlias = NDArray[np.float32]
"""Mono samples, (samples,), full scale ±1."""

SECONDS = 1.0
"""What a network hears of one recording."""
SHORTEST = 0.05
"""Seconds below which a recording holds no word."""


LOUDEST = 1e6
"""Times full scale: a float above it is no sound, and squares of larger ones overflow. Whole
numbers of 16 bits that were written as floats are below."""
CANCELLED = 1e-4
"""A mix this far below its channels is what remains of sounds that cancel, not a recording."""
_CHUNKED: Mapping[bytes, Literal["little", "big"]] = {b"RIFF": "little", b"FORM": "big"}
"""WAV and AIFF, and the order of bytes of the length that follows."""
_UNKNOWN = 0x7FFF0000
"""Lengths from here on are written where a header goes into a pipe before the sound does."""


class AudioError(InputError):
    """A sound file cannot be used; the message says why."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording as read."""

    sound: Sound  #: Mono samples at ``rate`` hertz, of any length.
    rate: int
    #: What had to be done to the file, in words that are the same for every such file.
    repairs: tuple[str, ...]


def read_rate(path: Path) -> int:
    """Return a sound file's own sample rate in hertz.

    Raises
    ------
    AudioError
        The file cannot be read as sound.
    """
    soundfile = need("soundfile")
    try:
        return int(soundfile.info(str(path)).samplerate)
    except (OSError, RuntimeError) as error:  # LibsndfileError is a RuntimeError
        raise AudioError(str(path), [_reason(path, error)]) from None


def read_clip(
    path: Path, rate: int, shortest: float = SHORTEST, content: bytes | None = None
) -> Clip:
    """Read a sound file as mono at ``rate`` hertz.

    Parameters
    ----------
    content
        The file's content, where it has been read already.

    Raises
    ------
    AudioError
        The file cannot be read as sound, is shorter than ``shortest`` seconds, holds values that
        are not finite or far beyond full scale, or is silent (also if its channels cancel).
    """
    soundfile = need("soundfile")
    source, repairs = str(path), []
    if is_cut_short(path, content):
        repairs.append("cut short (the header names more sound): what is there used")
    try:
        file = source if content is None else io.BytesIO(content)
        data, recorded_rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise AudioError(source, [_reason(path, error)]) from None
    if len(data) < shortest * recorded_rate:
        length = f"{1e3 * len(data) / recorded_rate:.0f} ms"
        raise AudioError(source, [f"is {length} long; at least {1e3 * shortest:.0f} ms are needed"])
    refuse_no_sound(source, data)
    if data.shape[1] > 1:
        repairs.append(f"{data.shape[1]} channels averaged into one")
    sound = data.mean(axis=1)
    if not np.abs(sound).max() > CANCELLED * np.abs(data).max():
        raise AudioError(source, [_silent(data)])
    if recorded_rate != rate:
        repairs.append(f"resampled from {recorded_rate} Hz to {rate} Hz")
        sound = resample(sound, recorded_rate, rate)
    return Clip(sound.astype(np.float32), rate, tuple(repairs))


def is_cut_short(path: Path, content: bytes | None = None) -> bool:
    """Return whether a WAV or AIFF file ends before its header says; other formats do not say.

    A header may count its own eight bytes, as some programs have it.

    Parameters
    ----------
    content
        The file's content, where it has been read already.
    """
    if content is not None:
        head, size = content[:8], len(content)
    else:
        try:
            with path.open("rb") as file:
                head, size = file.read(8), os.fstat(file.fileno()).st_size
        except OSError:
            return False  # whoever reads it says so
    order = _CHUNKED.get(head[:4])
    return order is not None and size < int.from_bytes(head[4:], order) < _UNKNOWN


def refuse_no_sound(source: str, data: Sound) -> None:
    """See that samples, (samples, channels), are numbers that sound can have.

    Raises
    ------
    AudioError
        They are not finite, or far beyond full scale.
    """
    if not np.isfinite(data).all():
        raise AudioError(source, ["holds samples that are not finite; write it again as PCM"])
    if np.abs(data).max(initial=0) > LOUDEST:
        way_out = "scale it to ±1 and write it again"
        raise AudioError(
            source, [f"holds samples beyond {LOUDEST:,.0f} times full scale; {way_out}"]
        )


def _silent(data: Sound) -> str:
    if not data.any():
        return "is silent: every sample is zero; record it again"
    return (
        f"is silent after mixing: its {data.shape[1]} channels cancel each other; "
        "turn one of them round or keep one alone"
    )


def resample(sound: Sound, recorded_rate: int, rate: int) -> Sound:
    """Bring sound to another sample rate, by libsoxr: aliases lie more than 100 dB down."""
    return np.asarray(need("soxr").resample(sound, recorded_rate, rate, "HQ"), dtype=np.float32)


def _reason(path: Path, error: Exception) -> str:
    if not path.is_file():
        return "is no file; check the path"
    reason = str(error).rsplit(": ", 1)[-1].rstrip(".")
    return f"cannot be read as sound ({reason}); is it a sound file?"


def fit_second(sound: Sound, rate: int) -> tuple[Sound, str | None]:
    """Return exactly one second, and the repair it took.

    A shorter sound is centred between zeros; of a longer one the loudest second is kept.
    """
    wanted = round(SECONDS * rate)
    missing = wanted - len(sound)
    if missing == 0:
        return sound, None
    if missing > 0:
        left = missing // 2
        padded = np.pad(sound, (left, missing - left))
        return padded, "shorter than one second: centred in silence"
    energy = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    start = int(np.argmax(energy[wanted:] - energy[:-wanted]))
    return sound[start : start + wanted], "longer than one second: the loudest second kept"
