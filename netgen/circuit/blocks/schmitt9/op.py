"""The operation of the Schmitt trigger: a first-quadrant bistable memory unit (FQ BMRU)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netgen.arrays import Floats
from netgen.model.cell import Cell, Parameter


@dataclass(frozen=True, eq=False)
class Bmru(Cell):
    """A hysteretic comparator for each of its n units.

    FQ BMRU: z_lo = H(β_lo − ĥ), z_hi = H(ĥ − β_hi), h = z_hi·α + (1 − z_lo)(1 − z_hi)·h_prev: h is
    ``alpha`` where the candidate ĥ exceeds ``beta_hi``, 0 where it is below ``beta_lo``, otherwise
    the h of the frame before; before frame 0 it is ``alpha`` · ``initial_state``.
    """

    alpha: Floats
    beta_lo: Floats
    beta_hi: Floats

    op: ClassVar[str] = "bmru"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("alpha", "Output in the high state, one number a unit."),
        Parameter("beta_lo", "Lower thresholds, below beta_hi."),
        Parameter("beta_hi", "Upper thresholds."),
    )
    rising_key: ClassVar[str] = "beta_hi"
    falling_key: ClassVar[str] = "beta_lo"
    level_key: ClassVar[str] = "alpha"

    @classmethod
    def violations(cls, values: Mapping[str, Floats]) -> Iterator[tuple[str, int, str]]:
        """Yield where a lower threshold, units, (cells,), is not below the upper one."""
        if not {"beta_lo", "beta_hi"} <= set(values):
            return
        low, high = values["beta_lo"].reshape(-1), values["beta_hi"].reshape(-1)
        for unit in np.flatnonzero(low >= high).tolist():
            yield "beta_lo", unit, f"{low[unit]:g} must be below beta_hi ({high[unit]:g})"
