"""Codes of programmable currents, and the factors on the nominal value that they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.errors import UsageError

LARGEST = 12
"""Bits of a code at most."""


@dataclass(frozen=True)
class CodeRange:
    """Codes with equal ratios between the factors of neighbours."""

    bits: int = 6  #: Of a code.
    #: ``low``, ``high``: factors on the nominal value at the ends, below and above 1.
    low: float = 0.55
    high: float = 1.8

    def __post_init__(self) -> None:
        """Check it.

        Raises
        ------
        UsageError
            Not 1 … 12 bits, or 1 is not between the ends.
        """
        if not 1 <= self.bits <= LARGEST:
            raise UsageError(f"codes of {self.bits} bits: give 1 … {LARGEST}")
        if not 0 < self.low < 1 < self.high < np.inf:
            raise UsageError(
                f"codes from {self.low:g} to {self.high:g}: the lower end must lie between 0 and "
                "1, the upper one above 1"
            )

    @property
    def last(self) -> int:
        """The highest code; the lowest is 0."""
        return int(2**self.bits - 1)

    @property
    def nominal(self) -> int:
        """The code nearest to the nominal value."""
        return int(self.nearest(np.zeros(()))[()])

    @property
    def step(self) -> float:
        """Logarithm of the ratio between neighbours."""
        return float(np.log(self.high / self.low) / self.last)

    def logs(self, codes: Integers) -> Floats:
        """Return the logarithms of the factors of codes, any shape."""
        logs: Floats = np.log(self.low) + self.step * np.asarray(codes, dtype=np.float64)
        return logs

    def nearest(self, logs: Floats) -> Integers:
        """Return the codes nearest to logarithms of factors, any shape; the ends beyond them."""
        places = np.rint((logs - np.log(self.low)) / self.step)
        codes: Integers = np.clip(places, 0, self.last).astype(np.intp)
        return codes

    def beyond(self, logs: Floats) -> int:
        """Count factors, given by their ln, of any shape, beyond the codes by half a step."""
        first, below, above, last = self.logs(np.array([0, 1, self.last - 1, self.last])).tolist()
        reach = (below - first) / 2, (last - above) / 2
        return int(((logs < first - reach[0]) | (logs > last + reach[1])).sum())
