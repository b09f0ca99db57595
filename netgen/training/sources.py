"""Where a stream of sound comes from: files, a folder, raw PCM from a pipe, or a microphone."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from netgen.errors import InputError, ToolMissingError, UsageError
from netgen.extras import install
from netgen.training.audio import AudioError, Sound, refuse_no_sound
from netgen.training.layouts import SUFFIXES
from netgen.training.needs import need

MICROPHONE, PIPE = "mic", "-"
BLOCK_S = 1.0
"""Seconds of sound handed on at a time."""


class _Resampler(Protocol):
    """Changes the rate of sound that comes in pieces."""

    def resample_chunk(self, sound: Sound, /, *, last: bool) -> Sound: ...


def files_of(names: Sequence[Path]) -> list[Path]:
    """Return sound files in order; a folder stands for those in it, sorted.

    Raises
    ------
    InputError
        A file is not there, or a folder holds no sound.
    """
    files: list[Path] = []
    for name in names:
        if name.is_dir():
            inside = sorted(p for p in name.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise InputError(str(name), ["holds no sound files"])
            files += inside
        elif name.is_file():
            files.append(name)
        else:
            raise InputError(str(name), ["is no file; check the path"])
    return files


def duration(files: Sequence[Path]) -> float:
    """Return how long files last together, in seconds.

    Raises
    ------
    AudioError
        One of them cannot be read as sound.
    """
    soundfile = need("soundfile")
    total = 0.0
    for path in files:
        try:
            info = soundfile.info(str(path))
        except (OSError, RuntimeError) as error:
            raise AudioError(str(path), [f"cannot be read as sound ({error})"]) from None
        total += info.frames / info.samplerate
    return total


def sound_of(files: Sequence[Path], rate: int) -> Iterator[Sound]:
    """Yield the sound of files one after the other, mono at ``rate`` hertz, in pieces.

    Raises
    ------
    AudioError
        A file cannot be read as sound, holds none, or values that sound cannot have.
    """
    soundfile, soxr = need("soundfile"), need("soxr")
    for path in files:
        try:
            with soundfile.SoundFile(str(path)) as file:
                recorded_rate = int(file.samplerate)
                if not file.frames:
                    raise AudioError(str(path), ["holds no sound"])
                changer: _Resampler | None = None
                if recorded_rate != rate:
                    changer = soxr.ResampleStream(recorded_rate, rate, 1, "float32")
                size = max(1, round(BLOCK_S * recorded_rate))
                while len(chunk := file.read(size, dtype="float32", always_2d=True)):
                    refuse_no_sound(str(path), chunk)
                    mono = np.asarray(chunk.mean(axis=1), dtype=np.float32)
                    yield mono if changer is None else _changed(changer, mono)
                if changer is not None:
                    yield _changed(changer, np.zeros(0, dtype=np.float32), last=True)
        except (OSError, RuntimeError) as error:
            raise AudioError(str(path), [f"cannot be read as sound ({error})"]) from None


def raw_sound(pipe: BinaryIO, rate: int, recorded_rate: int) -> Iterator[Sound]:
    """Yield raw mono PCM (16 bit, little-endian, ``recorded_rate`` Hz) at ``rate``, as it comes."""
    soxr = need("soxr")
    changer: _Resampler | None = None
    if recorded_rate != rate:
        changer = soxr.ResampleStream(recorded_rate, rate, 1, "float32")
    rest = b""
    read = getattr(pipe, "read1", pipe.read)  # what is there, without waiting for more
    while data := read(2 * max(1, round(BLOCK_S * recorded_rate))):
        rest += data
        whole = len(rest) // 2 * 2
        counts = np.frombuffer(rest[:whole], dtype="<i2")
        sound: Sound = (counts / 32768).astype(np.float32)
        rest = rest[whole:]
        if len(sound):
            yield sound if changer is None else _changed(changer, sound)
    if changer is not None:
        yield _changed(changer, np.zeros(0, dtype=np.float32), last=True)


def _changed(changer: _Resampler, sound: Sound, last: bool = False) -> Sound:
    return np.asarray(changer.resample_chunk(sound, last=last), dtype=np.float32)


def microphone(rate: int) -> Iterator[Sound]:
    """Yield what the microphone hears, mono at ``rate``, until interrupted.

    Raises
    ------
    ToolMissingError
        The library sounddevice or PortAudio is missing.
    UsageError
        There is no microphone, or it cannot be opened.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise ToolMissingError(
            f"a microphone needs sounddevice and PortAudio ({error}); "
            f"install: {install('microphone')}"
        ) from None
    sounds: queue.Queue[Sound] = queue.Queue()

    def take(data: NDArray[np.float32], *_: object) -> None:
        sounds.put(data[:, 0].astype(np.float32))

    try:
        with sounddevice.InputStream(rate, channels=1, dtype="float32", callback=take):
            while True:
                yield sounds.get()
    except sounddevice.PortAudioError as error:
        raise UsageError(f"the microphone cannot be opened ({error}); name files") from None
