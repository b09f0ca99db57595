"""The operating point: how readily a network answers each class, chosen on validation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netgen.analysis.variability.accuracy import balanced_accuracy
from netgen.training.hardware import DEAD_ZONE, chips
from netgen.training.network import LARGEST, Architecture, hard, run
from netgen.training.scoring import VOTERS, Spoken
from netgen.training.structured import ChipErrors

_OFFSETS = np.arange(-40, 41) * 0.02
"""Offsets of a class's constant that are tried, in units."""
_SMOOTH = 9
"""Offsets over which the score is averaged: a peak of a few recordings is luck."""
_ROUNDS = 2
_AT_ONCE = 4_000_000


def tune(
    arch: Architecture,
    parameters: Tensor,
    spoken: Spoken,
    spread: float,
    count: int,
    seed: int,
    errors: ChipErrors | None = None,
) -> tuple[Tensor, float, tuple[float, ...]]:
    """Move the constants of the readout to where validation is decided best.

    The score is the mean balanced accuracy over ``count`` virtual chips, from a fresh state and
    after another recording; with ``errors`` it is the mean of that and of the balanced accuracy
    without any deviation. The constant is a bias current of the circuit.

    Parameters
    ----------
    parameters
        One network, (1, parameters).

    Returns
    -------
    tuple
        The parameters, the score there, and the offset of each class in units (0 of the first).
    """
    generator = torch.Generator().manual_seed(seed)
    weights = np.full(count, 1 / count)
    if errors is None:
        laid, sampled = chips(arch, parameters, count, spread, generator)
    else:
        laid, sampled = chips(
            arch, parameters, 1 + count, spread, generator, errors=errors, nominal=1
        )
        weights = np.concatenate([[0.5], weights / 2])
    logits = np.concatenate(
        [_votes(laid, sampled, x) for x in (spoken.fresh, spoken.after)], axis=2
    )
    y = np.tile(spoken.y, 2)
    offsets = np.zeros(arch.classes)
    score = _score(logits, y, offsets, weights)
    for _ in range(_ROUNDS if arch.classes > 2 else 1):
        for k in range(1, arch.classes):
            offsets[k], score = _best(logits, y, offsets, k, weights)
    moved = parameters.clone()
    constants = arch.take(moved, "bo")[0]
    constants += torch.from_numpy(offsets).to(moved.dtype)
    constants.clamp_(-LARGEST, LARGEST)
    constants[constants.abs() < DEAD_ZONE] = 0.0
    return moved, score, tuple(round(float(offset), 3) for offset in offsets)


def _votes(arch: Architecture, sampled: Tensor, x: Tensor) -> NDArray[np.float32]:
    """Return the logits of the frames that vote, (chips, frames, samples, classes)."""
    width = max(1, _AT_ONCE // (x.shape[1] * arch.units * len(sampled)))
    with torch.no_grad():
        votes = [run(arch, sampled, few, hard).logits[:, -VOTERS:] for few in x.split(width, dim=2)]
    return np.asarray(torch.cat(votes, dim=2).numpy())


def _score(
    logits: NDArray[np.float32],
    y: NDArray[np.int64],
    offsets: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    winners = (logits + offsets.astype(logits.dtype)).argmax(axis=3)
    counts = np.stack([(winners == k).sum(axis=1) for k in range(logits.shape[3])])
    return float(balanced_accuracy(counts.argmax(axis=0), y) @ weights)


def _best(
    logits: NDArray[np.float32],
    y: NDArray[np.int64],
    offsets: NDArray[np.float64],
    k: int,
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the best offset of one class, and the smoothed score there."""
    scores = []
    for offset in _OFFSETS:
        tried = offsets.copy()
        tried[k] = offset
        scores.append(_score(logits, y, tried, weights))
    padded = np.pad(scores, _SMOOTH // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(_SMOOTH) / _SMOOTH, mode="valid")
    best = np.flatnonzero(smooth >= smooth.max() - 1e-9)
    place = int(best[np.argmin(np.abs(_OFFSETS[best]))])
    return float(_OFFSETS[place]), float(smooth[place])
