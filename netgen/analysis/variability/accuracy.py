"""How well the chips of a population classify labelled samples, beside software."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.analysis.variability.proportions import LOW, Proportion, proportion
from netgen.arrays import Array, Floats, Integers

NEAR, CLOSE, FAR = 0.01, 0.02, 0.05
"""Losses of balanced accuracy, against software, up to which chips are counted."""
_HALF_WIDTH = 1.959964
"""Of a normal distribution's 95 % interval, in standard deviations."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class PopulationAccuracy:
    """Balanced accuracy of a population: the mean over classes of the share decided right."""

    #: ``chips``, ``samples``: how many of each.
    chips: int
    samples: int
    software: float  #: Of the software model on the same samples.
    #: ``mean``, ``interval``: over chips, and its 95 % interval.
    mean: float
    interval: tuple[float, float]
    low: float  #: The 5 % quantile over chips.
    #: ``near``, ``close``, ``far``: chips that lose at most 1, 2 and 5 points against software.
    near: Proportion
    close: Proportion
    far: Proportion
    #: Chips that give one answer to all samples, where the labels have several classes.
    constant: Proportion


@dataclass(frozen=True, eq=False)
class TrimmedChips:
    """Chips before and after a trim."""

    accuracies: Floats  #: Balanced accuracy of each chip before and after, (2, chips).
    #: ``before``, ``after``: of the population.
    before: PopulationAccuracy
    after: PopulationAccuracy

    @property
    def titled(self) -> tuple[tuple[str, PopulationAccuracy], ...]:
        """Both populations by their names."""
        return ("before", self.before), ("after", self.after)


def balanced_accuracy(decisions: Array, labels: Array) -> Floats:
    """Return the mean over the labels' classes of the share decided right, (…).

    Parameters
    ----------
    decisions
        Class, (…, samples).
    labels
        The right classes, (samples,).
    """
    right = decisions == labels
    shares = [right[..., labels == each].mean(axis=-1) for each in np.unique(labels)]
    return np.asarray(np.mean(shares, axis=0))


def population_accuracy(
    decisions: Integers, software: Integers, labels: Integers
) -> PopulationAccuracy:
    """Return how well chips classify.

    Parameters
    ----------
    decisions
        Class that each chip decides for, (chips, samples).
    software, labels
        Software's class and the right one, (samples,).
    """
    reference = float(balanced_accuracy(software[np.newaxis], labels)[0])
    each = balanced_accuracy(decisions, labels)
    mean, error = float(each.mean()), 0.0
    if len(each) > 1:
        error = _HALF_WIDTH * float(each.std(ddof=1)) / float(np.sqrt(len(each)))
    near, close, far = (
        proportion(each >= reference - loss - _ROUNDING) for loss in (NEAR, CLOSE, FAR)
    )
    constant = (decisions == decisions[:, :1]).all(axis=1) & bool(np.ptp(labels))
    return PopulationAccuracy(
        len(decisions),
        len(labels),
        reference,
        mean,
        (max(mean - error, 0.0), min(mean + error, 1.0)),
        float(np.quantile(each, LOW)),
        near,
        close,
        far,
        proportion(constant),
    )
