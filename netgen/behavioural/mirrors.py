"""Mirrors of the twin: each one's current as a smooth function of its signal and its drain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from netgen.behavioural.devices import Deviations, MirrorCopies, through
from netgen.characterise.diodes import DiodeTable
from netgen.characterise.gain import Axes, GainCurves, MirrorTables
from netgen.model.graph import Floats, Integers
from netgen.technology import Polarity

ORDER = 4
"""Terms over the signal: I, I ln I, I ln² I …"""
POINTS = 25
"""Signal currents to which smooth functions of a mirror's current are fitted."""
_SAMPLES = 9
"""Voltages of a summing node at which its mirrors' gains are taken."""
SMALLEST = 1e-3
"""Below this signal, in units, a gain no longer changes."""


@dataclass(frozen=True, eq=False)
class Drain:
    """The node that mirrors of a layer flow into, as terms over its voltage.

    A gain is a sum of 1, v and exp(−v / U_T), with v counted from ``low``: in weak inversion a
    current saturates as the last. At a held node there is only the first.
    """

    #: ``low``, ``high``: range of the voltage, V.
    low: float
    high: float
    axes: Axes  #: Of the known gains.

    @property
    def terms(self) -> int:
        """How many coefficients."""
        return 3 if self.high > self.low else 1

    def weights(self, polarity: Polarity) -> Floats:
        """From known gains over the drain voltage to coefficients, (terms, drains)."""
        volts = np.linspace(self.low, self.high, _SAMPLES if self.terms > 1 else 1)
        above = volts - self.low
        terms = np.stack([np.ones_like(above), above, np.exp(-above / self.axes.thermal)], axis=1)
        weights: Floats = np.linalg.pinv(terms[:, : self.terms]) @ self.axes.of_drain(
            polarity, volts
        )
        return weights

    def over(self, sums: Floats, above: Floats) -> tuple[Floats, Floats]:
        """Return sums (…, terms) at voltages above ``low`` (V), and their slopes (per V)."""
        fall = sums[..., 2] * np.exp(-above / self.axes.thermal)
        value = sums[..., 0] + sums[..., 1] * above + fall
        return value, sums[..., 1] - fall / self.axes.thermal


def drain_of(tables: MirrorTables, kind: Literal["relu", "readout"]) -> Drain:
    """Return the summing node: at its own diode's voltage, or held at half the supply."""
    if kind == "relu":
        return Drain(float(tables.diode[0]), float(tables.diode[-1]), tables.axes)
    return Drain(tables.axes.vdd / 2, tables.axes.vdd / 2, tables.axes)


@dataclass(frozen=True, eq=False)
class LayerMirrors:
    """Mirrors of one polarity from one source into one layer; n of them."""

    #: ``row``, ``unit``: which row they flow into, and which unit of the source they copy, (n,).
    row: Integers
    unit: Integers
    sign: float  #: −1 for sinking, 1 for sourcing.
    copies: tuple[MirrorCopies, ...]  #: The way from the source's own diode to the mirror.
    gain: GainCurves  #: Their gains as coefficients over the drain voltage, (terms,).
    weight: Floats  #: The learned weights they stand for, without sign, (n,).
    #: Their lengths in steps of the manufacturing grid (as many steps at a time as there are
    #: transistors in series), (n,).
    steps: Floats


@dataclass(frozen=True, eq=False)
class Grid:
    """The characterised signal currents, and a fit of smooth functions on them."""

    logs: Floats  #: ln(I / A) of the fit, evenly spaced, (currents,).
    unit: float  #: The unit current, A.
    diodes: DiodeTable  #: The diodes' characteristics.

    @cached_property
    def fit(self) -> Floats:
        """From currents on the grid to coefficients of :func:`features`, (terms, currents).

        Least squares of the error in amperes over √I: small signals count, large ones more.
        """
        signal = np.exp(self.logs) / self.unit
        weight = 1 / np.sqrt(signal)
        fit: Floats = np.linalg.pinv(features(signal) * weight[:, np.newaxis]) * weight
        return fit

    def currents(self, group: LayerMirrors, logs: Floats, deviations: Deviations) -> Floats:
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
        seen = through(group.copies, logs, deviations, self.diodes)
        amplitude = group.sign / self.unit * np.exp(seen)
        currents: Floats = group.gain.at(seen) * amplitude[..., np.newaxis]
        return currents


def features(signal: Floats) -> Floats:
    """Return I, I ln I, I ln² I … of signals in units: (…,) gives (…, ORDER)."""
    log = np.log(np.maximum(signal, SMALLEST))
    values = np.empty((*signal.shape, ORDER))
    values[..., 0] = signal
    for power in range(1, ORDER):
        np.multiply(values[..., power - 1], log, out=values[..., power])
    return values
