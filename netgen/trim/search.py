"""Trim by trial: codes are changed and kept if labelled recordings are classified better.

The chip is a black box: only its readout currents are seen. Nothing of its deviations is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from netgen.analysis.variability.population import lead
from netgen.behavioural.settings import ChipSettings
from netgen.model import Readout
from netgen.model.graph import Floats, Integers
from netgen.trim.codes import Codes

Run: TypeAlias = Callable[[ChipSettings], Floats]
"""Takes the recordings through all chips, with their currents set: logits, (chips, samples,
frames, classes)."""
SOFTNESS = 0.15
"""Leads, in units, within which a recording counts as nearly decided."""
MOVED = 3
"""At most so many codes are changed at a time."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Where a search by trial stands."""

    codes: Codes  #: The best of each chip so far.
    score: Floats  #: Of each chip, (chips,): 0 is best.
    evaluations: int  #: How often the recordings were taken through each chip.


def trim_by_trial(
    readout: Readout,
    run: Run,
    labels: Integers,
    start: Codes,
    evaluations: int,
    seed: int,
) -> Iterator[Trial]:
    """Yield the best codes of each chip after every evaluation, beginning with ``start``.

    A random step moves one to three codes, by up to an eighth of the range at first and by one at
    the end. What does not lower the score is kept.

    Parameters
    ----------
    labels
        Right class of each recording, (samples,).
    start
        Codes to begin with; the input gains take part where it has any.
    """
    rng = np.random.default_rng(seed)
    best = Trial(start, score(readout, run(start.settings), labels), 1)
    yield best
    flat = _flatten(best.codes)
    last = start.span.last
    for number in range(1, evaluations):
        widest = max(1.0, (last + 1) / 8 * (1 - number / evaluations) ** 2)
        tried = np.clip(flat + _move(rng, flat.shape, widest), 0, last)
        scores = score(readout, run(_shaped(tried, start).settings), labels)
        better = scores >= best.score
        flat = np.where(better[:, np.newaxis], tried, flat)
        best = Trial(_shaped(flat, start), np.where(better, scores, best.score), number + 1)
        yield best


def score(readout: Readout, logits: Floats, labels: Integers) -> Floats:
    """Return how well labelled recordings are told apart, (chips,).

    The mean over classes of ln σ(lead / softness), where the lead is that of the right class's
    logit over the largest other, averaged over the readout's frames.

    Parameters
    ----------
    logits
        (chips, samples, frames, classes).
    """
    chips, samples = logits.shape[:2]
    flat = logits.reshape(-1, *logits.shape[2:])
    leads = lead(readout, flat, np.tile(labels, chips)).reshape(chips, samples)
    each = -np.logaddexp(0.0, -leads / SOFTNESS)
    recalls: Floats = np.mean(
        [each[:, labels == one].mean(axis=1) for one in np.unique(labels)], axis=0
    )
    return recalls


def _move(rng: np.random.Generator, shape: tuple[int, ...], widest: float) -> Integers:
    """Return a random step for every chip, (chips, codes)."""
    chips, count = shape
    order = rng.random(shape).argsort(axis=1)
    chosen = order < rng.integers(1, min(MOVED, count) + 1, size=(chips, 1))
    size = np.ceil(np.exp(rng.uniform(0, np.log(widest) + 1e-12, shape)))
    step: Integers = (chosen * size * rng.choice((-1, 1), shape)).astype(np.intp)
    return step


def _flatten(codes: Codes) -> Integers:
    parts = [each.reshape(len(each), -1) for each in codes.biases.values()]
    if codes.inputs is not None:
        parts.append(codes.inputs)
    flat: Integers = np.concatenate(parts, axis=1)
    return flat


def _shaped(flat: Integers, like: Codes) -> Codes:
    biases, at = {}, 0
    for node, codes in like.biases.items():
        size = codes[0].size
        biases[node] = flat[:, at : at + size].reshape(codes.shape)
        at += size
    return Codes(like.span, biases, None if like.inputs is None else flat[:, at:])
