"""Detections against what was said: misses, and false alarms an hour.

The rules are those of MLPerf Tiny's streaming benchmark: a detection hits a word from its
beginning until one second after its end, and false alarms within one second of each other are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from netgen.analysis.variability.proportions import proportion
from netgen.errors import InputError
from netgen.model.graph import Bools, Floats
from netgen.training.frontend import FRAME_PERIOD
from netgen.training.stream import Detection, DetectionRule, Trigger

LATE = 1.0
"""Seconds after a word within which a detection still hits it."""
DEBOUNCE = 1.0
"""Seconds within which false alarms are one."""
NEAR = 30
"""Frames within which two detections of one class are the same."""
OFFSETS = tuple(round(0.05 * step, 2) for step in range(-50, 21))
"""Of the keywords' constants along a curve, in units."""
_TAIL = 0.05


@dataclass(frozen=True)
class Word:
    """What is said from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    text: str

    def later(self, seconds: float) -> Word:
        """Return the word so much later."""
        return Word(seconds + self.start, seconds + self.end, self.text)


@dataclass(frozen=True)
class Alarms:
    """How detections of a stream compare with its labels."""

    #: ``words``, ``missed``: keywords said, and how many of them were not detected.
    words: int
    missed: int
    #: ``false``, ``hours``: false alarms, and how long the stream is.
    false: int
    hours: float

    @property
    def miss_share(self) -> float:
        """Misses a keyword."""
        return self.missed / self.words if self.words else 0.0

    @property
    def miss_interval(self) -> tuple[float, float]:
        """95 % confidence interval of the share of misses (Wilson)."""
        share = proportion(np.arange(self.words) < self.missed)
        return share.wilson or (0.0, 1.0)

    @property
    def rate(self) -> float:
        """False alarms an hour."""
        return self.false / self.hours

    @property
    def rate_bound(self) -> float:
        """False alarms an hour, at most, with 95 % confidence: 3/T for none in T hours."""
        return float(chi2.ppf(1 - _TAIL, 2 * self.false + 2)) / 2 / self.hours


def read_labels(path: Path) -> list[Word]:
    """Read labels: lines of start, end (seconds) and text, separated by tabs (Audacity's format).

    Raises
    ------
    InputError
        With every line that is none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), [f"cannot be read ({error}); name a label file"]) from None
    words, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        parts = line.split("\t")
        try:
            start, end, text = float(parts[0]), float(parts[1]), parts[2].strip()
            if not 0 <= start <= end < np.inf:
                raise ValueError
        except (ValueError, IndexError):
            problems.append(f"line {number}: wanted START<tab>END<tab>TEXT in seconds")
            continue
        words.append(Word(start, end, text))
    if problems:
        raise InputError(str(path), problems[:5])
    return words


def label_text(words: Sequence[Word]) -> str:
    """Return the text of a label file."""
    return "".join(f"{word.start:.3f}\t{word.end:.3f}\t{word.text}\n" for word in words)


def count_alarms(
    detections: Sequence[Detection], words: Sequence[Word], classes: Sequence[str], seconds: float
) -> Alarms:
    """Compare detections with labels; words that are no class are other speech."""
    wanted = sorted((w for w in words if w.text in classes[1:]), key=lambda word: word.start)
    hit = [False] * len(wanted)
    false: list[float] = []
    starts = np.array([word.start for word in wanted])
    longest = max((word.end - word.start for word in wanted), default=0.0) + LATE
    for detection in detections:
        name, time = classes[detection.label], detection.time
        first = int(np.searchsorted(starts, time - longest))
        last = int(np.searchsorted(starts, time, side="right"))
        places = [
            at for at in range(first, last)
            if wanted[at].text == name and wanted[at].start <= time <= wanted[at].end + LATE
        ]  # fmt: skip
        for at in places:
            hit[at] = True
        if not places and (not false or time - false[-1] >= DEBOUNCE):
            false.append(time)
    return Alarms(len(wanted), hit.count(False), len(false), seconds / 3600)


def same(first: Sequence[Detection], second: Sequence[Detection]) -> int:
    """Count the detections of ``first`` that ``second`` has too, at nearly the same time."""
    left = list(second)
    count = 0
    for one in first:
        match = next(
            (o for o in left if o.label == one.label and abs(o.frame - one.frame) <= NEAR), None
        )
        if match is not None:
            left.remove(match)
            count += 1
    return count


@dataclass(frozen=True)
class Point:
    """Misses and false alarms with the keywords' constants moved by ``offset`` units."""

    offset: float
    alarms: Alarms


def curve(
    logits: Floats,
    words: Sequence[Word],
    classes: Sequence[str],
    rule: DetectionRule,
    offsets: Sequence[float] = OFFSETS,
) -> list[Point]:
    """Return misses against false alarms as the keywords' constants move, a bias current each.

    Parameters
    ----------
    logits
        The readout of the whole stream, (frames, classes), software units.
    """
    seconds = len(logits) * FRAME_PERIOD
    return [
        Point(offset, count_alarms(detection, words, classes, seconds))
        for offset in offsets
        for detection in (detect(logits, rule, offset),)
    ]


def detect(logits: Floats, rule: DetectionRule, offset: float = 0.0) -> list[Detection]:
    """Return the detections of a whole stream with the keywords' constants moved.

    ``logits``: units, (frames, classes).
    """
    moved = logits + np.where(np.arange(logits.shape[1]) == 0, 0.0, offset)
    return Trigger(rule, logits.shape[1]).push(moved)


def best_point(points: Sequence[Point], most: float) -> Point | None:
    """Return the point with the fewest misses at no more than ``most`` false alarms an hour."""
    allowed = [point for point in points if point.alarms.rate <= most]
    return min(allowed, key=lambda point: point.alarms.miss_share, default=None)


def voiced(words: Sequence[Word], frames: int) -> Bools:
    """Mark the frames in which something is said, (frames,)."""
    voice = np.zeros(frames, dtype=np.bool_)
    for word in words:
        first, last = round(word.start / FRAME_PERIOD), round(word.end / FRAME_PERIOD)
        voice[first:last] = True
    return voice
