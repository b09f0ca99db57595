"""From recordings to the arrays a trainer takes, with every repair counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen.errors import InputError
from netgen.training.audio import AudioError, Clip, Sound, fit_second, read_clip, read_rate
from netgen.training.augment import alter, cuts
from netgen.training.cache import Known, Pack, digest_of
from netgen.training.corpus import SPLITS, Corpus, Recording, Split
from netgen.training.features import FRAMES, FULL_SCALE_ROWS, FeatureMap, fit_map
from netgen.training.frontend import DEFAULT, FRONT_ENDS, VERSION, FeatureExtractor
from netgen.training.task import TrainingTask

HIGHEST_RATE = 16_000
POOL = 16_000
"""Altered copies at most, so that a large data set still fits in memory."""
COPIES = 3
"""Altered copies of a recording at most."""
NOISE = "_noise_"
"""The word of noise cuts."""
_BLOCK = 128  # recordings whose features are mapped at a time: they stay in the cache
_SILENCES = 0.1  # noise cuts, as a share of the recordings of the split
_NOISE_PARTS: dict[Split, tuple[float, float]] = {
    "train": (0.0, 0.8),
    "validation": (0.8, 0.9),
    "test": (0.9, 1.0),
}


@dataclass(frozen=True, eq=False)
class Part:
    """Samples of one split."""

    #: (samples, 101, channels) in units of the unit current: float32, of training samples and
    #: altered copies float16, so that a large data set takes half the memory.
    x: NDArray[np.floating]
    y: NDArray[np.int64]  #: Class index, (samples,).
    ids: tuple[str, ...]  #: A name for each sample.
    #: The chance of each sample within its class, not normalised, (samples,).
    weight: NDArray[np.float64]
    words: tuple[str, ...] = ()  #: What is said in each sample, where that is known.

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a trainer takes."""

    train: Part
    pool: Part  #: Altered copies of training recordings (empty where augmentation is off).
    validation: Part
    test: Part
    #: How the sound became x; its constants come from the training split alone.
    mapping: FeatureMap
    repairs: dict[str, int]  #: What was done to recordings, each with how many it was done to.
    left_out: tuple[str, ...]  #: Recordings that could not be used, each with the reason.


@dataclass
class _Gatherer:
    """Collects keys of features while the recordings stream by; sound is not kept."""

    keys: list[str] = field(default_factory=list)
    y: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    spoken: list[tuple[str, str]] = field(default_factory=list)

    def add(self, key: str, y: int, name: str, label: str, speaker: str) -> None:
        self.keys.append(key)
        self.y.append(y)
        self.ids.append(name)
        self.spoken.append((label, speaker or name))

    def chunks(
        self, pack: Pack, front: FeatureExtractor, every: int = 1
    ) -> Iterator[NDArray[np.float32]]:
        """Yield features of every ``every``-th recording, a chunk of them at a time."""
        keys = self.keys[::every]
        for start in range(0, len(keys), _BLOCK):
            yield front.derive(pack.rows(keys[start : start + _BLOCK]))

    def part(self, pack: Pack, mapping: FeatureMap, kind: type[np.floating]) -> Part:
        front = mapping.front
        x = np.empty((len(self.y), FRAMES, front.channels), dtype=kind)
        smallest, start = np.finfo(kind).tiny, 0
        for chunk in self.chunks(pack, front):
            mapped = mapping(chunk)
            mapped *= mapped >= smallest  # subnormal numbers take thirty times as long to convert
            x[start : start + len(chunk)] = mapped
            start += len(chunk)
        y = np.array(self.y, dtype=np.int64)
        words = tuple(word for word, _ in self.spoken)
        return Part(x, y, tuple(self.ids), balance(self.spoken, y), words)


def balance(spoken: Sequence[tuple[str, str]], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the chance of each sample in its class, balanced over words and speakers.

    A word counts by the square root of its recordings, and all speakers of a word alike: neither
    a frequent word nor a speaker of many recordings fills the batches.

    Parameters
    ----------
    spoken, y
        Word and speaker, and class, of each sample, (samples,); so is the result.
    """
    words = Counter((int(k), word) for k, (word, _) in zip(y, spoken, strict=True))
    takes = Counter((int(k), *who) for k, who in zip(y, spoken, strict=True))
    speakers = Counter((k, word) for k, word, _ in takes)
    weight = np.empty(len(y))
    for place, (k, (word, speaker)) in enumerate(zip(y.tolist(), spoken, strict=True)):
        share = np.sqrt(words[k, word]) / speakers[k, word]
        weight[place] = share / takes[k, word, speaker]
    return weight


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
    task: TrainingTask,
    *,
    augment: bool,
    features: str = DEFAULT,
    mapping: FeatureMap | None = None,
    cache: Path | None = None,
    step: Callable[[], None] = lambda: None,
) -> Dataset:
    """Read every recording of a task and compute its features.

    Parameters
    ----------
    augment
        Whether to add altered copies of the training recordings.
    features
        The kind of features, see :data:`netgen.training.frontend.FRONT_ENDS`.
    mapping
        How sound becomes x, where that is given; otherwise it is fitted to the training split.
    cache
        The folder that keeps features for the next run; None for none.
    step
        Called after each recording, for a progress bar.

    Raises
    ------
    InputError
        A class has no usable recording in a split.
    """
    chosen = [(r, y) for r in corpus.recordings if (y := task.class_of(r.label)) is not None]
    rate = common_rate([recording for recording, _ in chosen]) if mapping is None else mapping.rate
    front = FRONT_ENDS[features] if mapping is None else mapping.front
    recipe = {"version": VERSION, "rate": rate, "front": repr(front)}
    pack = Pack(cache, recipe, (FRAMES, front.static))
    try:
        return _prepare(corpus, task, chosen, augment, mapping, pack, rate, front, step)
    finally:
        pack.close()


def _prepare(
    corpus: Corpus,
    task: TrainingTask,
    chosen: Sequence[tuple[Recording, int]],
    augment: bool,
    mapping: FeatureMap | None,
    pack: Pack,
    rate: int,
    front: FeatureExtractor,
    step: Callable[[], None],
) -> Dataset:
    reader = _Reader(corpus, pack, front, rate)
    training = sum(recording.split == "train" for recording, _ in chosen)
    copies = min(COPIES, POOL / max(training, 1)) if augment else 0
    for recording, y in chosen:
        reader.read(recording, y, copies if recording.split == "train" else 0)
        step()
    if task.silence is not None:
        reader.add_silence(task.classes.index(task.silence))
    _check_classes(corpus, task, reader.parts)
    train = reader.parts["train"]
    if mapping is None:
        every = 1 if front.cosine else max(1, len(train.y) // FULL_SCALE_ROWS)
        mapping = fit_map(front, rate, train.chunks(pack, front, every))
    kinds: tuple[type[np.floating], ...] = (np.float16, np.float32, np.float32)
    parts = [reader.parts[split].part(pack, mapping, kind)
             for split, kind in zip(SPLITS, kinds, strict=True)]  # fmt: skip
    pool = reader.pool.part(pack, mapping, np.float16)
    return Dataset(
        parts[0], pool, parts[1], parts[2], mapping, dict(reader.repairs), tuple(reader.left_out)
    )


class _Reader:
    """Reads recordings, or finds their features in the pack."""

    def __init__(self, corpus: Corpus, pack: Pack, front: FeatureExtractor, rate: int) -> None:
        self._corpus, self._pack, self._front, self._rate = corpus, pack, front, rate
        self.parts: dict[Split, _Gatherer] = {split: _Gatherer() for split in SPLITS}
        self.pool, self.repairs = _Gatherer(), Counter[str]()
        self.left_out: list[str] = []
        self._prefix = len(str(corpus.root / "x")) - 1
        self._by_content: dict[str, Known] = {}
        self._noise = self._read_noise(corpus.noise)
        noise = "".join(digest for digest, _ in self._noise)
        self._noise_digest = digest_of(noise.encode())

    def read(self, recording: Recording, y: int, copies: float) -> None:
        """Find the features of a recording and of up to ``copies`` altered copies."""
        name = str(recording.path)[self._prefix :]
        known = self._pack.known(recording.path) or self._look(recording.path)
        if known.problem:
            self.left_out.append(f"{name}: {known.problem}")
            return
        self.repairs.update(known.repairs)
        spoken = (recording.label, recording.speaker)
        self.parts[recording.split].add(known.digest, y, name, *spoken)
        luck = int(known.digest[:8], 16) / 2**32
        for number in range(int(copies + luck)):
            key = f"{known.digest}#{number}:{self._noise_digest}"
            self._pack.get(key, lambda key=key: self._altered(recording.path, key))  # type: ignore[misc]
            self.pool.add(key, y, f"{name}#{number}", *spoken)

    def _look(self, path: Path) -> Known:
        """Read a file, compute its features unless its content is known, and remember it."""
        try:
            status, content = path.stat(), path.read_bytes()
        except OSError as error:
            return Known("", (), f"cannot be read ({error.strerror})")
        digest = digest_of(content)
        known = self._by_content.get(digest)
        if known is None:
            known = self._measure(path, content, digest)
            self._by_content[digest] = known
        self._pack.remember(path, status, known)
        return known

    def _measure(self, path: Path, content: bytes, digest: str) -> Known:
        try:
            clip = read_clip(path, self._rate, content=content)
        except AudioError as error:
            return Known(digest, (), error.problems[0])
        sound, repair = fit_second(clip.sound, self._rate)
        self._pack.get(digest, lambda: self._front.measure(sound, self._rate))
        return Known(digest, (*clip.repairs, *([repair] if repair else [])))

    def _altered(self, path: Path, key: str) -> NDArray[np.float32]:
        clip: Clip = read_clip(path, self._rate)
        sound = clip.sound
        if len(sound) > self._rate:
            sound, _ = fit_second(sound, self._rate)
        noise = [track for _, track in self._noise]
        return self._front.measure(alter(sound, self._rate, noise, _generator(key)), self._rate)

    def _read_noise(self, paths: Sequence[Path]) -> list[tuple[str, Sound]]:
        """Read noise recordings; the shortest useful one lasts two seconds."""
        tracks = []
        for path in paths:
            try:
                content = path.read_bytes()
                track = read_clip(path, self._rate, shortest=2.0, content=content).sound
                tracks.append((digest_of(content), track))
            except OSError as error:
                self.left_out.append(f"{path.name}: cannot be read ({error.strerror})")
            except AudioError as error:
                self.left_out.append(f"{path.name}: {error.problems[0]}")
        return tracks

    def add_silence(self, y: int) -> None:
        """Add cuts of noise at random loudness; each split cuts from its own stretch of a track."""
        for split, (first, last) in _NOISE_PARTS.items():
            gatherer = self.parts[split]
            count = int(np.ceil(_SILENCES * len(gatherer.y) / max(len(self._noise), 1)))
            for track_number, (digest, track) in enumerate(self._noise):
                stretch = track[int(first * len(track)) : int(last * len(track))]
                padded = stretch if len(stretch) >= self._rate else np.resize(stretch, self._rate)
                for place in range(count):
                    key = f"{digest}:{split}:{place}"
                    self._pack.get(key, lambda key=key, padded=padded: self._silence(padded, key))  # type: ignore[misc]
                    name = f"noise {track_number}.{place}"
                    gatherer.add(key, y, name, NOISE, name)

    def _silence(self, stretch: Sound, key: str) -> NDArray[np.float32]:
        rng = _generator(key)
        cut = cuts(stretch, 1, self._rate, rng)[0] * np.float32(rng.random())
        return self._front.measure(cut, self._rate)


def _generator(key: str) -> np.random.Generator:
    """Return a generator that depends on the key alone: features on disk stay valid."""
    return np.random.default_rng(list(digest_of(key.encode()).encode()))


def _check_classes(corpus: Corpus, task: TrainingTask, parts: dict[Split, _Gatherer]) -> None:
    problems = [
        f"class {name!r} has no usable recording for {split}; add recordings"
        for split in SPLITS
        for index, name in enumerate(task.classes)
        if index not in set(parts[split].y)
    ]
    if problems:
        raise InputError(str(corpus.root), problems)
