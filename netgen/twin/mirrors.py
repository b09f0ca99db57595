"""Mirrors of the twin: each one's current as a smooth function of its signal and its drain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netgen.characterise.diodes import DiodeTable
from netgen.characterise.mirrors import MirrorTable, MirrorTables
from netgen.model.graph import Floats, Integers
from netgen.technology import Geometry
from netgen.twin.devices import Deviations, Stage, through

ORDER = 4
"""Terms over the signal: I, I ln I, I ln² I …"""
_CURVATURE = 3
"""Terms over the drain voltage: 1, v, v²."""
SMALLEST = 1e-3
"""Below this signal, in units, a gain no longer changes."""


@dataclass(frozen=True, eq=False)
class Drain:
    """The node that mirrors of a layer flow into, as terms over its voltage.

    Attributes
    ----------
    low, high
        Range of the voltage, V.
    weights
        From gains at the characterised drain voltages to coefficients of v⁰, v¹ …, with v counted
        from ``low``, (terms, drains).
    """

    low: float
    high: float
    weights: Floats

    @property
    def terms(self) -> int:
        """How many coefficients."""
        return len(self.weights)


def diode_drain(tables: MirrorTables) -> Drain:
    """Return the node of a ReLU row: its own diode's voltage."""
    drains = tables.drains
    low, high = float(tables.diode[0]), float(tables.diode[-1])
    first = max(0, int(np.searchsorted(drains, low)) - 1)
    last = min(len(drains), int(np.searchsorted(drains, high)) + 1)
    first = max(0, min(first, last - _CURVATURE))
    inside = np.arange(first, min(max(last, first + _CURVATURE), len(drains)))
    powers = np.vander(drains[inside] - low, min(_CURVATURE, len(inside)), increasing=True)
    weights = np.zeros((powers.shape[1], len(drains)))
    weights[:, inside] = np.linalg.pinv(powers)
    return Drain(low, high, weights)


def output_drain(tables: MirrorTables) -> Drain:
    """Return the readout's node, which is held at half the supply: the last characterised one."""
    weights = np.zeros((1, len(tables.drains)))
    weights[0, -1] = 1.0
    return Drain(float(tables.drains[-1]), float(tables.drains[-1]), weights)


def surfaces(table: MirrorTable, geometry: Sequence[Geometry]) -> Floats:
    """Return the gain of drawn mirrors, (mirrors, currents, drains).

    Between the characterised points of the sizing path the logarithm of the gain is straight; off
    the path, by the rounding to the manufacturing grid, a gain goes with W/L.
    """
    path = np.log([[g.width, g.length] for g in table.geometry])
    counts = [max(r.stop - r.start - 1, 1) for r in table.slices]
    runs = list(zip(table.slices, counts, strict=True))
    starts = np.concatenate([r.start + np.arange(count) for r, count in runs])
    last = np.repeat([r.stop - 1 for r in table.slices], counts)
    ends = np.minimum(starts + 1, last)
    drawn = np.log([[g.width, g.length] for g in geometry])[:, np.newaxis]
    along = path[ends] - path[starts]
    squared = np.maximum((along**2).sum(axis=1), 1e-30)
    share = np.clip(((drawn - path[starts]) * along).sum(axis=2) / squared, 0.0, 1.0)
    away = drawn - path[starts] - share[..., np.newaxis] * along
    nearest = (away**2).sum(axis=2).argmin(axis=1)
    each = np.arange(len(geometry))
    share, rest = share[each, nearest][:, np.newaxis, np.newaxis], away[each, nearest]
    logs = np.log(np.maximum(table.gain, 1e-15))
    inside = logs[starts[nearest]] * (1 - share) + logs[ends[nearest]] * share
    scale = rest[:, 0] - rest[:, 1] + np.log([g.multiplicity for g in geometry])
    gains: Floats = np.exp(inside + scale[:, np.newaxis, np.newaxis])
    return gains


@dataclass(frozen=True, eq=False)
class MirrorGroup:
    """Mirrors of one polarity from one source into one layer; n of them.

    Attributes
    ----------
    row, unit
        Which row they flow into, and which unit of the source they copy, (n,).
    sign
        −1 for sinking, 1 for sourcing.
    stages
        The way from the source's own diode to the mirror.
    gain
        Their gains as coefficients over the drain voltage, (n, currents, terms).
    weight
        The learned weights they stand for, without sign, (n,).
    steps
        Their lengths in steps of the manufacturing grid (as many steps at a time as there are
        transistors in series), (n,).
    """

    row: Integers
    unit: Integers
    sign: float
    stages: tuple[Stage, ...]
    gain: Floats
    weight: Floats
    steps: Floats


@dataclass(frozen=True, eq=False)
class Grid:
    """The characterised signal currents, and a fit of smooth functions on them.

    Attributes
    ----------
    logs
        ln(I / A), evenly spaced, (currents,).
    unit
        The unit current, A.
    diodes
        The diodes' characteristics.
    """

    logs: Floats
    unit: float
    diodes: DiodeTable

    @cached_property
    def fit(self) -> Floats:
        """From currents on the grid to coefficients of :func:`features`, (terms, currents).

        Least squares of the error in amperes over √I: small signals count, large ones more.
        """
        signal = np.exp(self.logs) / self.unit
        weight = 1 / np.sqrt(signal)
        found: Floats = np.linalg.pinv(features(signal) * weight[:, np.newaxis]) * weight
        return found

    def currents(self, group: MirrorGroup, logs: Floats, deviations: Deviations) -> Floats:
        """Return what mirrors give for signals, as coefficients over the drain voltage, in units.

        Parameters
        ----------
        logs
            ln(I / A) of the signals, (chips or 1, n, …).

        Returns
        -------
        array
            (chips, n, …, terms).
        """
        seen = through(group.stages, logs, deviations, self.diodes)
        position = (seen - self.logs[0]) / (self.logs[1] - self.logs[0])
        position = np.clip(position, 0, len(self.logs) - 1)
        lower = np.minimum(position.astype(np.intp), len(self.logs) - 2)
        share = (position - lower)[..., np.newaxis]
        mirror = np.arange(len(group.row)).reshape(1, -1, *(1,) * (seen.ndim - 2))
        gain = group.gain[mirror, lower] * (1 - share) + group.gain[mirror, lower + 1] * share
        amplitude = group.sign / self.unit * np.exp(seen)
        found: Floats = gain * amplitude[..., np.newaxis]
        return found


def features(signal: Floats) -> Floats:
    """Return I, I ln I, I ln² I … of signals in units: (…,) gives (…, ORDER)."""
    log = np.log(np.maximum(signal, SMALLEST))
    found = np.empty((*signal.shape, ORDER))
    found[..., 0] = signal
    for power in range(1, ORDER):
        np.multiply(found[..., power - 1], log, out=found[..., power])
    return found
