"""From recordings to the arrays a trainer takes, with every repair counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen.errors import InputError
from netgen.training.audio import AudioError, Sound, fit_second, read_clip, read_rate
from netgen.training.augment import alter, cuts
from netgen.training.corpus import SPLITS, Corpus, Recording, Split
from netgen.training.features import COEFFICIENTS, FRAMES, FeatureMap, mfcc
from netgen.training.task import Task

HIGHEST_RATE = 16_000
POOL = 16_000
"""Altered copies at most, so that a large data set still fits in memory."""
COPIES = 3
"""Altered copies of a recording at most."""
_SILENCES = 0.1  # noise cuts, as a share of the recordings of the split
_NOISE_PARTS: dict[Split, tuple[float, float]] = {
    "train": (0.0, 0.8),
    "validation": (0.8, 0.9),
    "test": (0.9, 1.0),
}


@dataclass(frozen=True, eq=False)
class Part:
    """Samples of one split: ``x`` (samples, 101, 13), float32; ``y`` (samples,); ``ids``."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a trainer takes.

    Attributes
    ----------
    pool
        Altered copies of training recordings (empty where augmentation is off).
    mapping
        How the sound became x; its constants come from the training split alone.
    repairs
        What was done to recordings, each with how many it was done to.
    left_out
        Recordings that could not be used, each with the reason.
    """

    train: Part
    pool: Part
    validation: Part
    test: Part
    mapping: FeatureMap
    repairs: dict[str, int]
    left_out: tuple[str, ...]


@dataclass
class _Gatherer:
    """Collects coefficients and repairs while the recordings stream by; sound is not kept."""

    rate: int
    coefficients: list[NDArray[np.float32]] = field(default_factory=list)
    y: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def add(self, sound: Sound, y: int, name: str) -> None:
        self.coefficients.append(mfcc(sound, self.rate))
        self.y.append(y)
        self.ids.append(name)

    def part(self, mapping: FeatureMap) -> Part:
        if not self.y:
            x = np.zeros((0, FRAMES, COEFFICIENTS), dtype=np.float32)
        else:
            x = mapping(np.stack(self.coefficients))
        return Part(x, np.array(self.y, dtype=np.int64), tuple(self.ids))


def common_rate(recordings: Sequence[Recording]) -> int:
    """Return the most frequent sample rate of (a sample of) the recordings, at most 16 kHz.

    Raises
    ------
    InputError
        None of them can be read.
    """
    step = max(1, len(recordings) // 200)
    rates: Counter[int] = Counter()
    for recording in recordings[::step]:
        try:
            rates[read_rate(recording.path)] += 1
        except AudioError as error:
            last = error
    if not rates:
        raise last
    return min(rates.most_common(1)[0][0], HIGHEST_RATE)


def prepare(
    corpus: Corpus,
    task: Task,
    *,
    augment: bool,
    seed: int,
    mapping: FeatureMap | None = None,
    step: Callable[[], None] = lambda: None,
) -> Dataset:
    """Read every recording of a task and compute its features.

    Parameters
    ----------
    augment
        Whether to add altered copies of the training recordings.
    mapping
        How sound becomes x, where that is given; otherwise it is fitted to the training split.
    step
        Called after each recording, for a progress bar.

    Raises
    ------
    InputError
        A class has no usable recording in a split.
    """
    rng = np.random.default_rng(seed)
    chosen = [(r, y) for r in corpus.recordings if (y := task.class_of(r.label)) is not None]
    rate = common_rate([recording for recording, _ in chosen]) if mapping is None else mapping.rate
    parts: dict[Split, _Gatherer] = {split: _Gatherer(rate) for split in SPLITS}
    pool, repairs, left_out = _Gatherer(rate), Counter[str](), list[str]()
    noise = _read_noise(corpus.noise, rate, left_out)
    training = sum(recording.split == "train" for recording, _ in chosen)
    copies = min(COPIES, POOL / max(training, 1)) if augment else 0
    for recording, y in chosen:
        step()
        name = str(recording.path.relative_to(corpus.root))
        try:
            clip = read_clip(recording.path, rate)
        except AudioError as error:
            left_out.append(f"{name}: {error.problems[0]}")
            continue
        sound, repair = fit_second(clip.sound, rate)
        repairs.update([*clip.repairs, *([repair] if repair else [])])
        parts[recording.split].add(sound, y, name)
        if recording.split == "train":
            for number in range(int(copies + rng.random())):
                short = clip.sound if len(clip.sound) < len(sound) else sound
                pool.add(alter(short, rate, noise, rng), y, f"{name}#{number}")
    if task.silence is not None:
        _add_silence(parts, noise, task.classes.index(task.silence), rng)
    _check_classes(corpus, task, parts)
    mapping = mapping or _fit_map(parts["train"].coefficients, rate)
    train, validation, test = (parts[split].part(mapping) for split in SPLITS)
    return Dataset(
        train, pool.part(mapping), validation, test, mapping, dict(repairs), tuple(left_out)
    )


def _read_noise(paths: Sequence[Path], rate: int, left_out: list[str]) -> list[Sound]:
    """Read noise recordings; the shortest useful one lasts two seconds."""
    tracks = []
    for path in paths:
        try:
            tracks.append(read_clip(path, rate, shortest=2.0).sound)
        except AudioError as error:
            left_out.append(f"{path.name}: {error.problems[0]}")
    return tracks


def _add_silence(
    parts: dict[Split, _Gatherer], noise: Sequence[Sound], y: int, rng: np.random.Generator
) -> None:
    """Add cuts of noise at random loudness; each split cuts from its own stretch of a track."""
    for split, (first, last) in _NOISE_PARTS.items():
        gatherer = parts[split]
        count = int(np.ceil(_SILENCES * len(gatherer.y) / max(len(noise), 1)))
        for number, track in enumerate(noise):
            stretch = track[int(first * len(track)) : int(last * len(track))]
            padded = stretch if len(stretch) >= gatherer.rate else np.resize(stretch, gatherer.rate)
            for place, cut in enumerate(cuts(padded, count, gatherer.rate, rng)):
                gatherer.add(cut * np.float32(rng.random()), y, f"noise {number}.{place}")


def _check_classes(corpus: Corpus, task: Task, parts: dict[Split, _Gatherer]) -> None:
    problems = [
        f"class {name!r} has no usable recording for {split}; add recordings"
        for split in SPLITS
        for index, name in enumerate(task.classes)
        if index not in parts[split].y
    ]
    if problems:
        raise InputError(str(corpus.root), problems)


def _fit_map(coefficients: Sequence[NDArray[np.float32]], rate: int) -> FeatureMap:
    everything = np.concatenate(coefficients)
    mean, std = everything.mean(axis=0, dtype=np.float64), everything.std(axis=0, dtype=np.float64)
    return FeatureMap(rate, tuple(mean.tolist()), tuple(std.tolist()))
