"""Batches: equal shares of the classes, balanced over speakers and words, moved in time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from netgen.training.dataset import Part

SHIFT = 8
"""Frames by which a training sample is moved at most, either way."""


class Sampler:
    """Picks batches of training samples and of a pool of altered copies (which may be empty).

    Within a class a sample's chance is its ``weight``; an altered copy has that of its original.

    Parameters
    ----------
    wanted
        What is to be learnt of the samples and of the copies, (samples, classes) each.
    """

    def __init__(
        self, train: Part, pool: Part, classes: int, wanted: tuple[Tensor, Tensor] | None = None
    ) -> None:
        if wanted is None:
            wanted = labels(train, classes), labels(pool, classes)
        self._wanted = wanted
        self._sources = [torch.from_numpy(part.x) for part in (train, pool)]
        self._draws = [[_ClassSampler(part, k) for k in range(classes)] for part in (train, pool)]
        self._classes = classes

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return x (frames, samples, channels) and what is to be learnt of each sample.

        The latter is (samples, classes), and the order is random.
        """
        y = torch.arange(size) % self._classes
        y = y[torch.randperm(size, generator=generator)]
        luck = torch.rand(size, generator=generator, dtype=torch.float64)
        altered = torch.rand(size, generator=generator) < 0.5
        frames, channels = self._sources[0].shape[1:]
        shift = torch.randint(-SHIFT, SHIFT + 1, (size,), generator=generator)
        when = (torch.arange(frames)[:, None] - shift).clamp_(0, frames - 1)
        x, targets = torch.empty(frames, size, channels), torch.empty(size, self._classes)
        for k in range(self._classes):
            copies = bool(self._draws[1][k])
            for source, taken in ((0, ~altered | (not copies)), (1, altered & copies)):
                place = torch.nonzero((y == k) & taken)[:, 0]
                if len(place):
                    which = self._draws[source][k].pick(luck[place])
                    x[:, place] = self._sources[source][which, when[:, place]].float()
                    targets[place] = self._wanted[source][which]
        return x, targets


def labels(part: Part, classes: int) -> Tensor:
    """Return 1 for the class of each sample and 0 for the others, (samples, classes)."""
    return one_hot(torch.from_numpy(part.y), classes).to(torch.float32)


class _ClassSampler:
    """The samples of one class and their chances."""

    def __init__(self, part: Part, k: int) -> None:
        self._places = torch.from_numpy((part.y == k).nonzero()[0])
        weight = torch.from_numpy(part.weight[part.y == k]).to(torch.float64)
        self._rising = weight.cumsum(0) / weight.sum()

    def __bool__(self) -> bool:
        return len(self._places) > 0

    def pick(self, luck: Tensor) -> Tensor:
        """Turn numbers between 0 and 1 into samples."""
        at = torch.searchsorted(self._rising, luck, right=True)
        return self._places[at.clamp_(max=len(self._places) - 1)]
