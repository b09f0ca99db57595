"""A larger network, bound to no circuit, whose answers the small networks learn.

A network of a few bistable cells can hold only part of what the recordings tell; where it has to
choose, another network's chances say more than labels do (knowledge distillation, G. Hinton and
others, arXiv:1503.02531).
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import log_softmax, one_hot, relu

from netgen.files import keep
from netgen.training.dataset import Part
from netgen.training.frontend import FeatureExtractor
from netgen.training.variation import Augmentation, mix, vary

_WIDTHS = (24, 32, 48, 64)
_KERNEL = 9
_AT_ONCE = 500
_VERSION = 1


_VARIED = Augmentation(
    pace=1.18,
    shift=12.0,
    bands=0.9,
    gain=1.25,
    masks=2,
    mask_frames=12.0,
    mask_bands=4.0,
    mixed=1.0,
)


@dataclass(frozen=True)
class Lesson:
    """How the teacher is trained."""

    #: ``steps``, ``rate``, ``batch``, ``decay``: AdamW's steps, highest learning rate (one cycle),
    #: recordings a step and weight decay.
    steps: int = 800
    rate: float = 4e-3
    batch: int = 96
    decay: float = 0.02
    #: Words with at least so many training recordings are told apart; the rest of a class is one.
    frequent: int = 40
    smooth: float = 0.05  #: Label smoothing.
    varied: Augmentation = _VARIED  #: How its recordings are altered.


class _Block(nn.Module):  # type: ignore[misc]  # torch is no dependency of the checks
    """Two convolutions beside a short cut; half as many frames come out."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        wide = _KERNEL // 2
        self.first = nn.Conv1d(before, after, _KERNEL, stride=2, padding=wide, bias=False)
        self.first_norm = nn.BatchNorm1d(after)
        self.second = nn.Conv1d(after, after, _KERNEL, padding=wide, bias=False)
        self.second_norm = nn.BatchNorm1d(after)
        self.past = nn.Conv1d(before, after, 1, stride=2, bias=False)
        self.past_norm = nn.BatchNorm1d(after)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.second(relu(self.first_norm(self.first(x))))
        return relu(self.second_norm(inner) + self.past_norm(self.past(x)))


class _Network(nn.Module):  # type: ignore[misc]
    """A residual network of convolutions in time (after TC-ResNet8, arXiv:1904.03814)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, _WIDTHS[0], 5, padding=2, bias=False)
        self.norm = nn.BatchNorm1d(_WIDTHS[0])
        self.blocks = nn.Sequential(*(_Block(*pair) for pair in pairwise(_WIDTHS)))
        self.dropout = nn.Dropout(0.3)
        self.last = nn.Linear(_WIDTHS[-1], groups)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (samples, groups); x is (frames, samples, channels)."""
        inner = self.blocks(relu(self.norm(self.first(x.permute(1, 2, 0)))))
        logits: Tensor = self.last(self.dropout(inner.mean(dim=2)))
        return logits


@dataclass(frozen=True, eq=False)
class Groups:
    """What the teacher tells apart: frequent words, and the other words of each class."""

    of: Tensor  #: Group of each training sample, (samples,).
    classes: Tensor  #: Class of each group, (groups,).
    share: Tensor  #: How much of the teacher's training each group is, (groups,), summing to 1.


def group_words(train: Part, frequent: int) -> Groups:
    """Return the groups of a training split; without words the classes are the groups."""
    y = train.y.tolist()
    words = train.words or tuple(map(str, y))
    counted = Counter(words)
    numbers: dict[tuple[str, int], int] = {}
    of = [
        numbers.setdefault((word, 0) if counted[word] >= frequent else ("", k), len(numbers))
        for word, k in zip(words, y, strict=True)
    ]
    classes = torch.zeros(len(numbers), dtype=torch.int64)
    classes[of] = torch.from_numpy(train.y)
    share = torch.zeros(len(numbers), dtype=torch.float64)
    share.index_add_(0, torch.tensor(of), torch.from_numpy(train.weight).to(torch.float64))
    return Groups(torch.tensor(of), classes, (share / share.sum()).to(torch.float32))


class Teacher:
    """A trained teacher.

    Parameters
    ----------
    network
        It sees a front end's features without their slopes or slow copies.
    classes
        How many classes there are.
    """

    def __init__(self, network: _Network, groups: Groups, classes: int, static: int) -> None:
        self._network, self._static, self._classes = network.eval(), static, classes
        self._of = groups.classes
        shares = torch.zeros(classes).index_add_(0, groups.classes, groups.share)
        self._ratio = 1 / (classes * shares)

    def __call__(self, x: NDArray[np.floating]) -> Tensor:
        """Return the chances of the classes, (samples, classes), were they equally frequent.

        x is (samples, frames, channels).
        """
        shares = torch.zeros(len(x), self._classes)
        with torch.no_grad():
            for start in range(0, len(x), _AT_ONCE):
                part = torch.from_numpy(x[start : start + _AT_ONCE, :, : self._static]).float()
                chances = self._network(part.transpose(0, 1)).softmax(dim=1)
                shares[start : start + _AT_ONCE].index_add_(1, self._of, chances)
        shares *= self._ratio
        return shares / shares.sum(dim=1, keepdim=True)


def make_teacher(
    train: Part,
    pool: Part,
    front: FeatureExtractor,
    classes: int,
    seed: int,
    lesson: Lesson,
    cache: Path | None = None,
    step: Callable[[], None] = lambda: None,
) -> Teacher:
    """Train a teacher on training recordings and their altered copies, or find it in ``cache``.

    Parameters
    ----------
    step
        Called after each step, for a progress bar.
    """
    groups = group_words(train, lesson.frequent)
    network = _Network(front.static, len(groups.classes))
    path = None if cache is None else cache / f"{_digest(train, pool, groups, seed, lesson)}.pt"
    if path is None or not _load(network, path):
        network = _train(train, pool, groups, replace(front, slopes=False, slow=0.0), seed, lesson,
                         step)  # fmt: skip
        if path is not None:
            torch.save(network.state_dict(), buffer := io.BytesIO())
            keep(path, buffer.getvalue())
    return Teacher(network, groups, classes, front.static)


def _digest(train: Part, pool: Part, groups: Groups, seed: int, lesson: Lesson) -> str:
    digest = hashlib.sha256(repr((_VERSION, _WIDTHS, _KERNEL, seed, asdict(lesson))).encode())
    for part in (train, pool):
        digest.update(np.ascontiguousarray(part.x).data)
        digest.update(part.weight.tobytes())
    digest.update(groups.of.numpy().tobytes())
    return digest.hexdigest()


def _load(network: _Network, path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        network.load_state_dict(torch.load(path, weights_only=True))
    except Exception:  # torch raises many kinds: what is no teacher of these groups is made again
        return False
    return True


def _train(
    train: Part,
    pool: Part,
    groups: Groups,
    front: FeatureExtractor,
    seed: int,
    lesson: Lesson,
    step: Callable[[], None],
) -> _Network:
    generator = torch.Generator().manual_seed(seed)
    source = _Source(train, pool, groups, front.static)
    count = len(groups.classes)
    with torch.random.fork_rng(devices=[]):  # first weights and dropout draw from torch's own
        torch.manual_seed(seed)
        network = _Network(front.static, count)
        optimiser = torch.optim.AdamW(network.parameters(), weight_decay=lesson.decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, lesson.rate, total_steps=lesson.steps
        )
        for _ in range(lesson.steps):
            x, group = source.draw(lesson.batch, generator)
            targets = one_hot(group, count).to(torch.float32)
            x = vary(x, lesson.varied, front, generator)
            x, targets = mix(x, targets, lesson.varied, generator)
            targets = torch.lerp(targets, torch.full_like(targets, 1 / count), lesson.smooth)
            loss = -(targets * log_softmax(network(x), dim=1)).sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            step()
    return network


class _Source:
    """Picks training samples and altered copies by their weights."""

    def __init__(self, train: Part, pool: Part, groups: Groups, static: int) -> None:
        self._x = [torch.from_numpy(part.x[..., :static]) for part in (train, pool)]
        names = dict(zip(train.ids, groups.of.tolist(), strict=True))
        copies = [names[name.rpartition("#")[0]] for name in pool.ids]
        self._group = [groups.of, torch.tensor(copies, dtype=torch.int64)]
        self._chance = [torch.from_numpy(part.weight) for part in (train, pool)]

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return x (frames, samples, channels) and groups (samples,): a quarter are originals."""
        copies = size * 3 // 4 if len(self._x[1]) else 0
        clips = []
        for source, count in ((0, size - copies), (1, copies)):
            if count:
                chance = self._chance[source]
                which = torch.multinomial(chance, count, replacement=True, generator=generator)
                clips.append((self._x[source][which], self._group[source][which]))
        x = torch.cat([part for part, _ in clips]).transpose(0, 1).float()
        return x, torch.cat([group for _, group in clips])
