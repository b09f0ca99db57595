"""How good networks are with hard gates, as sized and on virtual chips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netgen.analysis.variability.accuracy import balanced_accuracy
from netgen.model import Readout, decide
from netgen.training.hardware import OFFSET, chips
from netgen.training.network import Activations, Architecture, hard, run

VOTERS = 30
"""Frames at the end of a recording that vote on its class."""
_AT_ONCE = 4_000_000
"""Candidates of one layer evaluated at once, to bound memory."""
_CHOOSERS = 2000
"""Validation samples that choose, at most: more say little more and cost time and memory."""


def readout(frames: int) -> Readout:
    """Return the trained networks' readout: a majority over the last 30 frames."""
    return Readout("logits", "majority_vote", max(frames - VOTERS, 0), frames)


@dataclass(frozen=True, eq=False)
class Responses:
    """What networks respond: ``decisions`` (networks, samples) and ``states``, bool,
    (networks, layers, frames, samples, units).
    """

    decisions: NDArray[np.int64]
    states: NDArray[np.bool_]


def to_inputs(x: NDArray[np.floating]) -> Tensor:
    """Turn samples (samples, frames, channels) into (1, frames, samples, channels)."""
    return torch.from_numpy(np.ascontiguousarray(x.swapaxes(0, 1)))[None]


def respond(arch: Architecture, parameters: Tensor, x: Tensor) -> Responses:
    """Run networks with hard gates; x is (1, frames, samples, inputs), of the same type."""
    decisions, states = [], []
    for part in parameters.split(_at_once(arch, x)[0]):
        responses = [(_decided(acts), _states(acts)) for acts in _chunks(arch, part, x)]
        decisions.append(np.concatenate([each[0] for each in responses], axis=1))
        states.append(np.concatenate([each[1] for each in responses], axis=3))
    return Responses(np.concatenate(decisions), np.concatenate(states))


def decisions_of(arch: Architecture, parameters: Tensor, x: Tensor) -> NDArray[np.int64]:
    """Return the decisions alone, (networks, samples): states of many networks fill the memory."""
    parts = parameters.split(_at_once(arch, x)[0])
    return np.concatenate(
        [np.concatenate([_decided(acts) for acts in _chunks(arch, part, x)], axis=1)
         for part in parts]
    )  # fmt: skip


def _at_once(arch: Architecture, x: Tensor) -> tuple[int, int]:
    """Return how many networks and how many samples are run at a time."""
    frames, samples = x.shape[1:3]
    width = max(1, min(samples, _AT_ONCE // (frames * arch.units)))
    return max(1, _AT_ONCE // (frames * width * arch.units)), width


def _chunks(arch: Architecture, parameters: Tensor, x: Tensor) -> Iterator[Activations]:
    for few in x.split(_at_once(arch, x)[1], dim=2):
        with torch.no_grad():
            yield run(arch, parameters, few, hard)


def _decided(acts: Activations) -> NDArray[np.int64]:
    networks, frames, samples = acts.logits.shape[:3]
    logits = acts.logits.permute(0, 2, 1, 3).flatten(0, 1).numpy()
    return np.asarray(decide(readout(frames), logits).reshape(networks, samples))


def _states(acts: Activations) -> NDArray[np.bool_]:
    return np.asarray(torch.stack([layer.state > 0 for layer in acts.layers], dim=1).numpy())


@dataclass(frozen=True)
class ChipAccuracy:
    """Virtual chips at one spread: balanced accuracy (mean, worst) and state agreement."""

    spread: float
    chips: int
    accuracy: float
    worst: float
    states: float


def chip_accuracy(
    arch: Architecture,
    parameters: Tensor,
    x: Tensor,
    y: NDArray[np.int64],
    spread: float,
    count: int,
    seed: int,
) -> ChipAccuracy:
    """Predict how ``count`` chips of one network (1, parameters) would do."""
    generator = torch.Generator().manual_seed(seed)
    offset = OFFSET if spread > 0 else 0.0
    nominal = respond(arch, parameters, x).states
    scores: list[float] = []
    agreement: list[float] = []
    while len(scores) < count:  # in groups: the states of all together would fill the memory
        _, sampled = chips(
            arch, parameters, min(20, count - len(scores)), spread, generator, offset
        )
        responses = respond(arch, sampled, x)
        scores += balanced_accuracy(responses.decisions, y).tolist()
        agreement += (responses.states == nominal).mean(axis=(1, 2, 3, 4)).tolist()
    mean = float(np.mean(scores))
    return ChipAccuracy(spread, count, mean, min(scores), float(np.mean(agreement)))


class Spoken:
    """The samples by which networks are chosen, heard from a fresh state and after another one.

    ``fresh`` is (1, frames, samples, channels); ``after`` has the same samples behind another one
    each, (1, 2 · frames, samples, channels).
    """

    def __init__(self, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        few = np.sort(np.random.default_rng(0).permutation(len(y))[:_CHOOSERS])
        self.y = y[few]
        self.fresh = to_inputs(x[few])
        order = np.random.default_rng(1).permutation(len(few))
        self.after = torch.cat([self.fresh[:, :, order], self.fresh], dim=1)


def scores(
    arch: Architecture, parameters: Tensor, spoken: Spoken, spread: float, count: int, seed: int
) -> NDArray[np.float64]:
    """Score networks for choosing among them, on ``count`` chips each, (networks,).

    The score is the mean balanced accuracy from a fresh state and after another recording. Many
    chips make a finer scale of a small validation set than one evaluation does.
    """
    generator = torch.Generator().manual_seed(seed)
    _, sampled = chips(arch, parameters, count, spread, generator)
    scores_of_parts = [
        balanced_accuracy(decisions_of(arch, sampled, x), spoken.y)
        for x in (spoken.fresh, spoken.after)
    ]
    return np.asarray(np.mean(scores_of_parts, axis=0).reshape(-1, count).mean(axis=1))
