"""Batches: equal shares of the classes, half of them altered copies, moved in time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from netgen.training.dataset import Part

SHIFT = 8
"""Frames by which a training sample is moved at most, either way."""


class Sampler:
    """Draws batches from training samples and a pool of altered copies (which may be empty)."""

    def __init__(self, train: Part, pool: Part, classes: int) -> None:
        self._x = torch.from_numpy(np.concatenate([train.x, pool.x]))
        self._places: list[tuple[Tensor, Tensor]] = []
        for k in range(classes):
            own = torch.from_numpy(np.flatnonzero(train.y == k))
            copies = torch.from_numpy(np.flatnonzero(pool.y == k) + len(train))
            self._places.append((own, copies if len(copies) else own))

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return x (frames, samples, channels) and y (samples,), in random order."""
        y = torch.arange(size) % len(self._places)
        y = y[torch.randperm(size, generator=generator)]
        luck = torch.rand(size, generator=generator)
        altered = torch.rand(size, generator=generator) < 0.5
        which = torch.empty(size, dtype=torch.int64)
        for k, (own, copies) in enumerate(self._places):
            for chosen, found in ((~altered, own), (altered, copies)):
                place = (y == k) & chosen
                which[place] = found[(luck[place] * len(found)).long()]
        frames = self._x.shape[1]
        shift = torch.randint(-SHIFT, SHIFT + 1, (size,), generator=generator)
        when = (torch.arange(frames)[:, None] - shift).clamp_(0, frames - 1)
        return self._x[which, when], y
