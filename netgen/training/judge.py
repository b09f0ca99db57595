"""How good networks are with hard gates, as drawn and on virtual chips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netgen.model import Readout, decide
from netgen.training.hardware import OFFSET, chips
from netgen.training.network import Architecture, hard, run

VOTERS = 30
"""Frames at the end of a recording that vote on its class."""
_AT_ONCE = 4_000_000
"""Candidates of one layer evaluated at once, to bound memory."""


def readout(frames: int) -> Readout:
    """Return the trained networks' readout: a majority over the last 30 frames."""
    return Readout("logits", "majority_vote", max(frames - VOTERS, 0), frames)


@dataclass(frozen=True, eq=False)
class Answers:
    """What networks answered: ``decisions`` (networks, samples) and ``states``, bool,
    (networks, layers, frames, samples, units).
    """

    decisions: NDArray[np.int64]
    states: NDArray[np.bool_]


def to_inputs(x: NDArray[np.floating]) -> Tensor:
    """Turn samples (samples, frames, channels) into (1, frames, samples, channels)."""
    return torch.from_numpy(np.ascontiguousarray(x.swapaxes(0, 1)))[None]


def answer(arch: Architecture, parameters: Tensor, x: Tensor) -> Answers:
    """Run networks with hard gates; x is (1, frames, samples, inputs), of the same type."""
    frames, samples = x.shape[1:3]
    chunk = max(1, _AT_ONCE // (frames * samples * arch.units))
    decisions, states = [], []
    for part in parameters.split(chunk):
        with torch.no_grad():
            acts = run(arch, part, x, hard)
        logits = acts.logits.permute(0, 2, 1, 3).flatten(0, 1).numpy()
        decisions.append(decide(readout(frames), logits).reshape(len(part), samples))
        states.append(torch.stack([layer.state > 0 for layer in acts.layers], dim=1).numpy())
    return Answers(np.concatenate(decisions), np.concatenate(states))


def balanced_accuracy(decisions: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean over classes of the share decided correctly; decisions (…, samples)."""
    right = decisions == y
    shares = [right[..., y == k].mean(axis=-1) for k in np.unique(y)]
    return np.asarray(np.mean(shares, axis=0))


@dataclass(frozen=True)
class Robustness:
    """Virtual chips at one spread: balanced accuracy (mean, worst) and state agreement."""

    spread: float
    chips: int
    accuracy: float
    worst: float
    states: float


def robustness(
    arch: Architecture,
    parameters: Tensor,
    x: Tensor,
    y: NDArray[np.int64],
    spread: float,
    count: int,
    seed: int,
) -> Robustness:
    """Predict how ``count`` chips of one network (1, parameters) would do."""
    generator = torch.Generator().manual_seed(seed)
    offset = OFFSET if spread > 0 else 0.0
    nominal = answer(arch, parameters, x).states
    scores: list[float] = []
    agreement: list[float] = []
    while len(scores) < count:  # in groups: the states of all together would fill the memory
        drawn = chips(arch, parameters, min(20, count - len(scores)), spread, generator, offset)
        found = answer(arch, drawn, x)
        scores += balanced_accuracy(found.decisions, y).tolist()
        agreement += (found.states == nominal).mean(axis=(1, 2, 3, 4)).tolist()
    mean = float(np.mean(scores))
    return Robustness(spread, count, mean, min(scores), float(np.mean(agreement)))


def scores(
    arch: Architecture,
    parameters: Tensor,
    x: Tensor,
    y: NDArray[np.int64],
    spread: float,
    count: int,
    seed: int,
) -> NDArray[np.float64]:
    """Score networks for choosing among them: mean balanced accuracy over ``count`` chips each.

    Many chips make a finer scale of a small validation set than one evaluation does.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = chips(arch, parameters, count, spread, generator)
    decisions = answer(arch, drawn, x).decisions
    return np.asarray(balanced_accuracy(decisions, y).reshape(-1, count).mean(axis=1))
