"""Intervals for what noise does: shares of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from netgen.arrays import Floats

_NORMAL = float(-ndtri(0.025))


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float


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
