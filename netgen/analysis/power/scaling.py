"""How something grows with the size of a network: power laws with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import linregress, t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PowerLaw:
    """``y = factor · d ** exponent``, fitted as a straight line between the logarithms."""

    exponent: float
    factor: float
    #: ``low``, ``high``: ends of the exponent's interval of 95 % confidence, from the residuals
    #: (Student's t).
    low: float
    high: float

    def at(self, size: float) -> float:
        """Return y for a size."""
        return float(self.factor * size**self.exponent)


def power_law(sizes: Sequence[float], values: Sequence[float]) -> PowerLaw | None:
    """Fit a power law; None for fewer than three points or values that are not positive."""
    x, y = np.asarray(sizes, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if len(x) < 3 or (y <= 0).any():
        return None
    fit = linregress(np.log(x), np.log(y))
    reach = float(t.ppf(0.5 + CONFIDENCE / 2, len(x) - 2) * fit.stderr)
    slope = float(fit.slope)
    return PowerLaw(slope, float(np.exp(fit.intercept)), slope - reach, slope + reach)
