"""Streams to test on: held-out recordings of words in babble, synthetic speech and noise."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen.errors import InputError
from netgen.files import write_whole
from netgen.training.alarms import Word
from netgen.training.audio import AudioError, Sound, read_clip, resample
from netgen.training.augment import coloured
from netgen.training.corpus import Corpus, Recording, Split
from netgen.training.needs import need
from netgen.training.synth import ACCENTS, OTHERS, PROGRAM, VARIANTS

RATE = 16_000
PART_MINUTES = 30
"""Minutes of a file of the stream."""
SPEECH_LEVEL = 0.05
"""RMS of the spoken part of a word, full scale 1, before it varies."""
_LEVEL_DB = 6.0
_GAP = (0.3, 2.0)  # seconds between words
_ACTIVE = 0.1  # a frame is spoken where its RMS exceeds this share of the largest
_PHRASES = 60
_PHRASE_SHARE = 0.1
_BABBLERS = 4
_VARIED_SNR, _VARIED_BABBLE, _BABBLING = (3.0, 30.0), (5.0, 20.0), 0.25
_SPEEDS = (72, 64, 82)  # a word lasts 64/72 to 81/72 as long


@dataclass(frozen=True)
class Scene:
    """What a stream is made of."""

    #: Words that are said ``an_hour`` times each; all other words of the test split fill the rest.
    keywords: tuple[str, ...]
    minutes: int  #: Length of the stream.
    #: Level of the words over the noise (pink, and the data set's own where it has some), dB.
    snr: float
    #: Level of the words over four voices that talk all the time, dB; None for none.
    babble: float | None
    an_hour: int
    seed: int


class Tracks:
    """The words, phrases and noises of a stream.

    Parameters
    ----------
    split
        Only these recordings are used: nobody in the test split is heard in training where
        speakers are known. Synthetic phrases, which need a program, are in the test split alone.
    varied
        For training: words at another speed and pitch, any of a keyword's recordings instead of
        one after the other, noise at 3–30 dB, in a quarter of the minutes babble at 5–20 dB.

    Raises
    ------
    InputError
        The split has no recording of a keyword, or of other words.
    """

    def __init__(
        self, corpus: Corpus, scene: Scene, split: Split = "test", varied: bool = False
    ) -> None:
        self.scene, self._varied = scene, varied
        of_split = [r for r in corpus.recordings if r.split == split]
        self.words: dict[str, list[tuple[Recording, Sound]]] = {}
        for recording in of_split:
            try:
                clip = read_clip(recording.path, RATE)
            except AudioError:
                continue
            self.words.setdefault(recording.label, []).append((recording, clip.sound))
        absent = [word for word in scene.keywords if word not in self.words]
        if absent:
            problem = f"its {split} split has no recording of {', '.join(map(repr, absent))}"
            raise InputError(str(corpus.root), [problem])
        self.others = [word for word in sorted(self.words) if word not in scene.keywords]
        if not self.others:
            raise InputError(str(corpus.root), [f"its {split} split has nothing but the keywords"])
        self.phrases = speak_phrases(scene.seed, scene.keywords) if split == "test" else []
        self.noise = [read_clip(path, RATE, shortest=2.0).sound for path in corpus.noise]

    @property
    def sources(self) -> str:
        """What the stream is made of, in words."""
        recordings = sum(len(words) for words in self.words.values())
        return (
            f"{recordings} test recordings of {len(self.words)} words, {len(self.phrases)} "
            f"synthetic phrases, {len(self.noise)} recordings of noise"
        )

    def minute(self, number: int) -> tuple[Sound, list[Word]]:
        """Return one minute of sound, and what is said in it (seconds in the minute)."""
        rng = np.random.default_rng([self.scene.seed, number])
        length = 60 * RATE
        speech = np.zeros(length, dtype=np.float32)
        words: list[Word] = []
        kinds = self._order(number, rng)
        at = rng.uniform(*_GAP)
        for kind in kinds:
            sound = self._say(kind, number, rng)
            if at + len(sound) / RATE > 60:
                break
            start = round(at * RATE)
            speech[start : start + len(sound)] += sound
            first, last = spoken(sound)
            words.append(Word(at + first, at + last, kind or "phrase"))
            at += len(sound) / RATE + rng.uniform(*_GAP)
        snr, babble = self.scene.snr, self.scene.babble
        if self._varied:
            snr = rng.uniform(*_VARIED_SNR)
            babble = rng.uniform(*_VARIED_BABBLE) if rng.random() < _BABBLING else None
        total = speech + self._background(length, rng) * level(snr)
        if babble is not None:
            total = total + self._babble(length, rng) * level(babble)
        return np.asarray(np.clip(total, -1, 1), dtype=np.float32), words

    def _order(self, number: int, rng: np.random.Generator) -> list[str]:
        """Choose the words of a minute; keywords are spread evenly over the hour."""
        wanted = []
        for word in self.scene.keywords:
            due = self.scene.an_hour * (number + 1) // 60 - self.scene.an_hour * number // 60
            wanted += [word] * due
        order = [
            "" if self.phrases and rng.random() < _PHRASE_SHARE
            else self.others[int(rng.integers(len(self.others)))]
            for _ in range(60)
        ]  # fmt: skip
        for word in wanted:
            order.insert(int(rng.integers(1, 12)), word)
        return order

    def _say(self, word: str, number: int, rng: np.random.Generator) -> Sound:
        if not word:
            sound = self.phrases[int(rng.integers(len(self.phrases)))]
        else:
            takes = self.words[word]
            # keywords in turn, so that every recording is heard before one is heard again
            in_turn = word in self.scene.keywords and not self._varied
            turn = number if in_turn else int(rng.integers(len(takes)))
            sound = takes[turn % len(takes)][1]
        if self._varied:
            sound = resample(sound, _SPEEDS[0], int(rng.integers(*_SPEEDS[1:])))
        gain = SPEECH_LEVEL / max(active_rms(sound), 1e-5)
        gain *= level(rng.uniform(-_LEVEL_DB, _LEVEL_DB))
        return np.asarray(gain * sound, dtype=np.float32)

    def _background(self, length: int, rng: np.random.Generator) -> Sound:
        noise = coloured(length, 1.0, rng)
        if self.noise:
            track = self.noise[int(rng.integers(len(self.noise)))]
            start = int(rng.integers(len(track)))
            other = np.resize(np.roll(track, -start), length)
            both = (noise + other / max(float(other.std()), 1e-6)) / np.float32(np.sqrt(2))
            noise = np.asarray(both, dtype=np.float32)
        return np.asarray(noise * SPEECH_LEVEL, dtype=np.float32)

    def _babble(self, length: int, rng: np.random.Generator) -> Sound:
        total = np.zeros(length, dtype=np.float32)
        for _ in range(_BABBLERS):
            at = 0
            while at < length:
                word = self.others[int(rng.integers(len(self.others)))]
                takes = self.words[word]
                whole = takes[int(rng.integers(len(takes)))][1]
                sound = whole[: length - at]
                total[at : at + len(sound)] += sound / max(active_rms(whole), 1e-5)
                at += len(sound)
        return np.asarray(total * SPEECH_LEVEL / np.sqrt(_BABBLERS), dtype=np.float32)


def level(decibels: float) -> float:
    """Return the gain that lowers by ``decibels``."""
    return float(10 ** (-decibels / 20))


def _frames(sound: Sound) -> NDArray[np.float64]:
    size = RATE // 100
    cut = sound[: len(sound) // size * size].astype(np.float64)
    return np.asarray(np.sqrt(np.square(cut.reshape(-1, size)).mean(axis=1)))


def active_rms(sound: Sound) -> float:
    """Return the RMS over frames of 10 ms that are spoken."""
    frames = _frames(sound)
    loud = frames[frames >= _ACTIVE * frames.max()]
    return float(np.sqrt(np.square(loud).mean()))


def spoken(sound: Sound) -> tuple[float, float]:
    """Return when the spoken part begins and ends, in seconds."""
    frames = _frames(sound)
    loud = np.flatnonzero(frames >= _ACTIVE * frames.max())
    return float(loud[0] / 100), float((loud[-1] + 1) / 100)


def speak_phrases(seed: int, keywords: Sequence[str]) -> list[Sound]:
    """Let espeak-ng say phrases of other words, where it is installed."""
    program = shutil.which(PROGRAM)
    if program is None:
        return []
    rng = np.random.default_rng(seed)
    phrases = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "phrase.wav"
        for _ in range(_PHRASES):
            words = rng.choice(OTHERS, size=int(rng.integers(3, 9)))
            kept = " ".join(word for word in words if word not in keywords)
            voice = f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS)}"
            done = subprocess.run(
                [program, "-v", voice, "-w", str(path), kept or "hello there"],
                capture_output=True,
                check=False,
            )
            if done.returncode == 0 and path.is_file():
                phrases.append(read_clip(path, RATE).sound)
    return phrases


def write_stream(
    folder: Path, tracks: Tracks, done: Callable[[], None] = lambda: None
) -> tuple[list[Path], list[Word]]:
    """Write the stream as FLAC files of at most half an hour; ``done`` is called each minute.

    Returns
    -------
    tuple
        The files in order, and what is said in all of them together.
    """
    soundfile = need("soundfile")
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    words: list[Word] = []
    for first in range(0, tracks.scene.minutes, PART_MINUTES):
        path = folder / f"stream-{len(files):03d}.flac"
        buffer = io.BytesIO()  # libsndfile names no reason when a disk is full
        with soundfile.SoundFile(buffer, "w", RATE, 1, subtype="PCM_16", format="FLAC") as file:
            for number in range(first, min(first + PART_MINUTES, tracks.scene.minutes)):
                sound, spoken = tracks.minute(number)
                file.write(sound)
                words += [word.later(60 * number) for word in spoken]
                done()
        write_whole(path, buffer.getvalue())
        files.append(path)
    return files, words


def keyword_times(words: Sequence[Word], keywords: Sequence[str]) -> int:
    """Count the keywords in the stream."""
    return sum(word.text in keywords for word in words)
