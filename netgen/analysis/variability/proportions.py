"""Shares of a population with their confidence intervals, and spreads of a figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from netgen.model.graph import Bools, Floats

CONFIDENCE = 0.95
LOW, HIGH = 0.05, 0.95
"""Quantiles that spreads and bands reach from and to."""


@dataclass(frozen=True)
class Proportion:
    """Hits among independent trials."""

    hits: int
    trials: int
    #: ``wilson``, ``exact``: 95 % confidence intervals of the probability: Wilson's score interval
    #: and the one of Clopper and Pearson, which never covers less; None without trials.
    wilson: tuple[float, float] | None
    exact: tuple[float, float] | None

    @property
    def share(self) -> float | None:
        """Hits per trial; None without trials."""
        return self.hits / self.trials if self.trials else None


def proportion(passing: Bools) -> Proportion:
    """Return how many trials, of any shape, pass, with confidence intervals."""
    hits, trials = int(passing.sum()), passing.size
    if not trials:
        return Proportion(0, 0, None, None)
    test = binomtest(hits, trials)
    wilson, exact = (test.proportion_ci(CONFIDENCE, method) for method in ("wilson", "exact"))
    return Proportion(
        hits, trials, (float(wilson.low), float(wilson.high)), (float(exact.low), float(exact.high))
    )


@dataclass(frozen=True)
class Spread:
    """How a figure is distributed; ``low`` and ``high`` are its 5 % and 95 % quantiles."""

    count: int
    minimum: float
    low: float
    median: float
    mean: float
    high: float
    maximum: float


def spread(values: Floats) -> Spread | None:
    """Return the distribution of values of any shape but NaN; None where there are none."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, median, high = (float(value) for value in np.quantile(known, (LOW, 0.5, HIGH)))
    ends = float(known.min()), float(known.max())
    return Spread(known.size, ends[0], low, median, float(known.mean()), high, ends[1])
