"""Intervals for what noise does: ratios of deviations, rates, shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import chi2, kurtosis

from netgen.arrays import Floats

_TAIL = 0.025
_NORMAL = float(-ndtri(_TAIL))


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(np.nan, np.nan, np.nan)


def independent_values(values: Floats) -> float:
    """Return the effective number of independent values of a stationary signal, (points,).

    2 (ΣS)² / ΣS² over its spectrum S: 2·B·T for white noise up to B (from the variance of a
    variance estimate: J. S. Bendat and A. G. Piersol, Random Data, 4th ed., section 8.3). The raw
    periodogram's own scatter doubles ΣS², hence another factor of 2.
    """
    power = np.abs(np.fft.rfft(values - values.mean())[1:]) ** 2
    return float(4 * power.sum() ** 2 / (power**2).sum())


def deviation_ratio(first: Floats, second: Floats) -> tuple[Interval, float]:
    """Return the ratio of two signals' standard deviations, and the second's independent values.

    The standard error of ln σ is √((κ − 1) / 4N) for N independent values of kurtosis κ; those of
    the two signals are added as if they were independent, which is on the safe side where one
    follows the other.
    """
    numbers = [independent_values(values) for values in (first, second)]
    variance = sum(
        (float(kurtosis(values, fisher=False)) - 1) / (4 * number)
        for values, number in zip((first, second), numbers, strict=True)
    )
    ratio = float(first.std() / second.std())
    factor = float(np.exp(_NORMAL * np.sqrt(variance)))
    return Interval(ratio, ratio / factor, ratio * factor), numbers[1]


def poisson_rate(count: int, time: float) -> Interval:
    """Return events a second, with exact limits (F. Garwood, Biometrika 28 (1936) 437)."""
    low = float(chi2.ppf(_TAIL, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(1 - _TAIL, 2 * count + 2)) / 2
    return Interval(*(number / time for number in (count, low, high)))


def share_interval(agreed: Floats) -> Interval:
    """Return the mean of shares by sample, (samples,), with Wilson's interval over samples.

    Noise samples of one recording are not independent of each other, so the interval counts as
    many trials as give the spread seen between samples (E. L. Korn and B. I. Graubard, Survey
    Methodology 24 (1998) 193), and no fewer than there are samples.
    """
    number, mean = float(len(agreed)), float(agreed.mean())
    spread = float(agreed.var(ddof=1)) if len(agreed) > 1 else 0.0
    if 0 < mean < 1 and spread > 0:
        number = max(number, mean * (1 - mean) * number / spread)
    z2 = _NORMAL**2 / number
    middle = (mean + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * (mean * (1 - mean) + z2 / 4)) / (1 + z2)
    # all equal: one end is the mean itself, but for rounding
    return Interval(mean, min(float(middle - half), mean), max(float(middle + half), mean))
