"""Sound without an end to train on: words follow one another in noise, and no state is reset.

Recordings of one second never show a network what an always-on spotter hears most of the time:
pauses, noise that goes on, and words one after another. Passages do, with what a trigger should
do in them: be sure of a keyword once, at its end, and never in between.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from netgen.files import keep
from netgen.training.alarms import OFFSETS, Word, best_point, curve
from netgen.training.audio import Sound, resample
from netgen.training.corpus import Corpus, Recording, Split
from netgen.training.features import FeatureMap
from netgen.training.network import Architecture, Recurrence, hard, run
from netgen.training.stream import DetectionRule, inputs_of
from netgen.training.track import RATE, Scene, Tracks

_VERSION = 1
_COLUMNS = ("start", "end", "text")
MINUTES: dict[Split, int] = {"train": 240, "validation": 60}
"""Length of the streams."""
_AN_HOUR: dict[Split, int] = {"train": 600, "validation": 120}
"""Keywords in all; a minute has some 25 words."""
_MOST = 2000
"""Recordings of keywords, and twice as many of other words, at most: they must fit in memory."""
_SNR = 10.0
_FRAMES, _LEAD_IN = 600, 150
"""Frames of a passage, and those before its states count for anything."""
_VOTERS = 30
_EARLY, _LATE, _FREE = 15, 80, 130
"""Frames before and after a keyword's end where a detection hits it, and after it where nothing
is wrong."""
_SEGMENT = 75
"""Frames in which the surest wrong vote counts."""
_HARDEST = 0.1
"""Share of the segments that are compared with keywords: those that an alarm would come from."""
_RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True, eq=False)
class Passages:
    """A stream and what is said in it."""

    x: NDArray[np.floating]  #: Inputs, (frames, channels), float16.
    words: tuple[Word, ...]  #: All that is said.
    classes: tuple[str, ...]  #: Names of the classes, the quiet one first.


def make_passages(
    corpus: Corpus,
    classes: tuple[str, ...],
    mapping: FeatureMap,
    split: Split,
    cache: Path | None = None,
    step: Callable[[], None] = lambda: None,
) -> Passages:
    """Mix a stream of the recordings of a split, or find it in ``cache``.

    Parameters
    ----------
    step
        Called after each minute, for a progress bar.
    """
    keywords = classes[1:]
    few = _chosen(corpus, keywords, split)
    scene = Scene(keywords, MINUTES[split], _SNR, None, _AN_HOUR[split] // len(keywords), 0)
    path = None if cache is None else cache / f"{_digest(few, scene, mapping, split)}.npz"
    if path is not None and path.is_file():
        try:
            with path.open("rb") as file, np.load(file) as arrays:
                columns = [arrays[name].tolist() for name in _COLUMNS]
                return Passages(arrays["x"], tuple(map(Word, *columns)), classes)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            pass  # not whole: it is made again
    tracks = Tracks(replace(corpus, recordings=few), scene, split, varied=split == "train")
    words: list[Word] = []

    def sounds() -> Iterator[Sound]:
        for number in range(scene.minutes):
            sound, spoken = tracks.minute(number)
            words.extend(word.later(60 * number) for word in spoken)
            yield resample(sound, RATE, mapping.rate)
            step()

    x = np.concatenate(list(inputs_of(mapping, sounds()))).astype(np.float16)
    if path is not None:
        start, end, text = ([getattr(word, name) for word in words] for name in _COLUMNS)
        np.savez(buffer := io.BytesIO(), x=x, start=start, end=end, text=text)
        keep(path, buffer.getvalue())
    return Passages(x, tuple(words), classes)


def _chosen(corpus: Corpus, keywords: tuple[str, ...], split: Split) -> tuple[Recording, ...]:
    of_split = [r for r in corpus.recordings if r.split == split]
    rng = np.random.default_rng(0)
    chosen: list[Recording] = []
    for is_keyword, most in ((True, _MOST), (False, 2 * _MOST)):
        group = [r for r in of_split if (r.label in keywords) == is_keyword]
        chosen += [group[place] for place in sorted(rng.permutation(len(group))[:most].tolist())]
    return tuple(chosen)


def _digest(few: tuple[Recording, ...], scene: Scene, mapping: FeatureMap, split: Split) -> str:
    digest = hashlib.sha256(repr((_VERSION, scene, mapping, split)).encode())
    for recording in few:
        status = recording.path.stat()
        state = status.st_size, status.st_mtime_ns, status.st_ino
        digest.update(repr((recording.path, recording.label, state)).encode())
    return digest.hexdigest()


class TriggerLoss:
    """What a trigger would do wrong in passages, for training.

    A trigger counts frames that are for a keyword. Its soft form is the mean, over as many frames,
    of how far a keyword's logit lies above the others. The largest such mean where a detection
    would hit counts for a keyword (max pooling, arXiv:1705.02411); every three quarters of a
    second outside, the largest is an alarm. Besides, the worst of them are compared with every
    keyword: moving the constants of the readout does not help there.
    """

    def __init__(self, passages: Passages) -> None:
        frames = len(passages.x)
        self._x = torch.from_numpy(passages.x)
        self._wrong = torch.ones(frames, dtype=torch.bool)
        self._hit = torch.full((frames,), -1)
        spoken = [word for word in passages.words if word.text in passages.classes[1:]]
        self._labels = torch.tensor([passages.classes.index(word.text) for word in spoken])
        for number, word in enumerate(spoken):
            first, last = round(100 * word.start), round(100 * word.end)
            self._wrong[first : last + _FREE] = False
            self._hit[max(first + _EARLY, last - _EARLY) : last + _LATE] = number

    def __call__(
        self,
        arch: Architecture,
        sampled: Tensor,
        chips: int,
        count: int,
        gain: float,
        recurrence: Recurrence,
        generator: torch.Generator,
    ) -> Tensor:
        """Return one loss a network.

        Parameters
        ----------
        sampled
            (networks · chips, parameters); chip c of a network hears the c-th part of ``count``
            passages.
        gain
            Factor of the logits.
        """
        at = torch.randint(len(self._x) - _FRAMES, (count,), generator=generator)
        when = at[:, None] + torch.arange(_FRAMES)
        loud = 1.1 ** (2 * torch.rand(count, 1, 1, generator=generator) - 1)
        x = (self._x[when].float() * loud).view(chips, -1, _FRAMES, arch.inputs).transpose(1, 2)
        networks = len(sampled) // chips
        logits = gain * run(arch, sampled, x.repeat(networks, 1, 1, 1), recurrence).logits
        ends = when[:, _LEAD_IN:].view(chips, -1, _FRAMES - _LEAD_IN).transpose(1, 2).flatten()
        means = _mean_of_votes(logits)[:, _LEAD_IN - _FRAMES :]
        means = means.reshape(networks, len(ends), arch.classes - 1)
        wrong, hit = self._wrong[ends], self._hit[ends]
        segment = torch.arange(_FRAMES - _LEAD_IN)[None, :, None] // _SEGMENT
        lane = torch.arange(count).view(chips, 1, -1) * _FRAMES
        alarms = _largest(means.amax(dim=2)[:, wrong], (segment + lane).flatten()[wrong])
        loss = softplus(alarms).mean(dim=1)
        inside = hit >= 0
        if inside.any():
            labels = (self._labels[hit[inside]] - 1)[None, :, None].expand(networks, -1, 1)
            largest = _largest(means[:, inside].gather(2, labels)[..., 0], hit[inside])
            worst = alarms.topk(max(1, round(_HARDEST * alarms.shape[1])), dim=1).values
            loss = loss + softplus(-largest).mean(dim=1)
            loss = loss + softplus(worst[:, None] - largest[:, :, None]).mean(dim=(1, 2))
        return loss


def _mean_of_votes(logits: Tensor) -> Tensor:
    """Return how far each keyword lies above the other classes, over the frames of a trigger.

    Logits are (networks, frames, samples, classes); the result has a frame for every full window,
    and no quiet class.
    """
    best = logits.topk(2, dim=3)
    others = torch.where(logits == best.values[..., :1], best.values[..., 1:], best.values[..., :1])
    total = (logits - others)[..., 1:].cumsum(dim=1)
    return (total[:, _VOTERS:] - total[:, :-_VOTERS]) / _VOTERS


def _largest(values: Tensor, group: Tensor) -> Tensor:
    """Return the largest value of each group, (networks, groups); values are (networks, places)."""
    _, which = group.unique(return_inverse=True)
    largest = values.new_empty(len(values), int(which.max()) + 1 if len(which) else 0)
    return largest.scatter_reduce(
        1, which.expand(len(values), -1), values, "amax", include_self=False
    )


@dataclass(frozen=True)
class TriggerPoint:
    """What a trigger misses at most so many false alarms an hour, with the constants of the
    keywords moved by ``offset`` units.
    """

    rate: float
    offset: float
    missed: float


def trigger_points(
    arch: Architecture, parameters: Tensor, passages: Passages
) -> tuple[TriggerPoint, ...]:
    """Return the fewest misses at 1, 2, 5, 10, 20 and 50 false alarms an hour, with hard gates.

    Parameters are those of one network, (1, parameters). Every minute starts from a fresh state.
    A rate that no offset keeps is missed altogether.
    """
    minute = 6000
    count = len(passages.x) // minute
    x = torch.from_numpy(passages.x[: count * minute]).view(count, minute, -1)
    with torch.no_grad():
        logits = run(arch, parameters, x.transpose(0, 1)[None].float(), hard).logits[0]
    flat = logits.transpose(0, 1).flatten(0, 1).numpy().astype(np.float64)
    points = curve(flat, passages.words, passages.classes, DetectionRule())
    listed = []
    for rate in _RATES:
        best = best_point(points, rate)
        offset, missed = (
            (OFFSETS[0], 1.0) if best is None else (best.offset, best.alarms.miss_share)
        )
        listed.append(TriggerPoint(rate, offset, missed))
    return tuple(listed)


def hit_share(points: tuple[TriggerPoint, ...]) -> float:
    """Return the share of keywords that is detected, on average over the rates; 0 without any."""
    return float(np.mean([1 - point.missed for point in points])) if points else 0.0
