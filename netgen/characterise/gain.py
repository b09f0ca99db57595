"""The gain of a mirror, I_out / I_in, by geometry, signal current and drain voltage.

Here is the only evaluator: sizing, compensation, power prediction, twin and expected figures all
take their gains from :class:`MirrorTables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from netgen.arrays import Floats
from netgen.circuit import GateNet
from netgen.technology import ONE_MODEL, POLARITIES, Geometry, Models, Polarity

SMALLEST = 1e-15
"""Smallest gain: its logarithm is interpolated."""


@dataclass(frozen=True, eq=False)
class Axes:
    """Signal currents and drain voltages at which gains are known, and how to interpolate.

    In weak inversion a drain current saturates as 1 − exp(−V_DS / U_T); what is left of a gain
    without that factor is smooth, and cubic splines go through it. A gain at any point is a
    weighted sum of those known: of currents and of drain voltages apart.
    """

    currents: Floats  #: A, (currents,), evenly spaced in their logarithm.
    drains: Floats  #: V, (drains,), evenly spaced, above 0.
    #: ``vdd``, ``thermal``: the supply and the thermal voltage U_T = kT/q, V.
    vdd: float
    thermal: float

    @cached_property
    def _splines(self) -> tuple[CubicSpline, CubicSpline, CubicSpline]:
        by_drain = CubicSpline(self.drains, np.eye(len(self.drains)))
        logs = np.log(self.currents)
        return CubicSpline(logs, np.eye(len(logs))), by_drain, by_drain.derivative()

    def of_current(self, current: ArrayLike) -> Floats:
        """Return the weights of the known currents for currents in amperes: (…, currents).

        Beyond the known currents a gain stays what it is at the last one.
        """
        inside = np.clip(current, self.currents[0], self.currents[-1])
        weights: Floats = self._splines[0](np.log(inside))
        return weights

    def of_drain(self, polarity: Polarity, volts: ArrayLike) -> Floats:
        """Return the weights of the known drain voltages for voltages in volts: (…, drains).

        Beyond them the smooth part goes on as a straight line.
        """
        volts = np.asarray(volts, dtype=np.float64)
        inside = np.clip(volts, self.drains[0], self.drains[-1])
        _, values, slopes = self._splines
        weights = values(inside) + (volts - inside)[..., np.newaxis] * slopes(inside)
        factor = self.saturation(polarity, volts)[..., np.newaxis]
        basis: Floats = weights * factor / self.saturation(polarity, self.drains)
        return basis

    def curves(self, gains: Floats) -> GainCurves:
        """Return gains at the known currents, (mirrors, currents, …), as functions of the current.

        The same as :meth:`of_current` gives, at less cost for many currents.
        """
        logs = np.log(self.currents)
        pieces = np.ascontiguousarray(np.moveaxis(CubicSpline(logs, gains, axis=1).c, 2, 0))
        return GainCurves(float(logs[0]), float(logs[-1]), pieces)

    def saturation(self, polarity: Polarity, volts: Floats) -> Floats:
        """Return the saturation, 0 … 1, of a drain current at drain voltages, V, (…,)."""
        across = volts if polarity == "nmos" else self.vdd - volts
        factor: Floats = -np.expm1(-np.maximum(across, 0.0) / self.thermal)
        return factor


@dataclass(frozen=True, eq=False)
class GainCurves:
    """Gains of mirrors as cubic pieces over ln(current / A)."""

    #: ``first``, ``last``: ln of the known currents' ends.
    first: float
    last: float
    pieces: Floats  #: Coefficients, highest power first, (mirrors, 4, pieces, …).

    def at(self, logs: Floats) -> Floats:
        """Return the gains at ln(current / A), (chips, mirrors or 1, …): one more dimension.

        Beyond the known currents a gain stays what it is at the last one.
        """
        count = self.pieces.shape[2]
        width = (self.last - self.first) / count
        inside = np.clip(logs, self.first, self.last) - self.first
        piece = np.minimum((inside / width).astype(np.intp), count - 1)
        above = (inside - piece * width)[..., np.newaxis]
        mirror = np.arange(len(self.pieces)).reshape(1, -1, *(1,) * (logs.ndim - 2))
        gains: Floats = self.pieces[mirror, 0, piece]
        for power in (1, 2, 3):
            gains *= above
            gains += self.pieces[mirror, power, piece]
        return gains


@dataclass(frozen=True, eq=False)
class MirrorTable:
    """Gains of the mirrors of one polarity on gate nets of one kind."""

    geometry: tuple[Geometry, ...]  #: Points of the sizing path.
    gain: Floats  #: I_out / I_in, (points, currents, drains).
    #: Where each run of falling gains begins. Each goes below the one before it, and starts no
    #: lower than that one ends; between two runs there is nothing to interpolate.
    runs: tuple[int, ...] = (0,)
    models: Models = ONE_MODEL  #: Which models the devices have: a run has one.

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """The points of each run."""
        return tuple(slice(a, b) for a, b in pairwise((*self.runs, len(self.geometry))))

    @cached_property
    def path(self) -> Floats:
        """ln W and ln L of the points, (points, 2)."""
        return np.log([[g.width, g.length] for g in self.geometry])

    @cached_property
    def _stretches(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
        """Return the points that stretches of the path begin and end at, and their models."""
        ends = [(i, min(i + 1, r.stop - 1)) for r in self.slices
                for i in range(r.start, max(r.stop - 1, r.start + 1))]  # fmt: skip
        first, last = np.array(ends, dtype=np.intp).T
        w, l = np.exp(self.path[first]).T  # noqa: E741
        return first, last, self.models.place(w, l)

    def surfaces(self, width: Floats, length: Floats, multiplicity: ArrayLike) -> Floats:
        """Return the gain of mirrors (n,) at all known points, (n, currents, drains).

        Along the path, between two points with one model, its logarithm is straight; off the path,
        by the rounding to the manufacturing grid, a gain goes with W/L.
        """
        if not width.size:
            return np.zeros((0, *self.gain.shape[1:]))
        start, end, placed = self._stretches
        off = np.log(np.stack([width, length]))[..., np.newaxis] - self.path[start].T[:, np.newaxis]
        along = (self.path[end] - self.path[start]).T
        squared = np.maximum((along**2).sum(axis=0), 1e-30)
        share = np.clip((off[0] * along[0] + off[1] * along[1]) / squared, 0.0, 1.0)
        off -= share * along[:, np.newaxis]
        other = (placed != self.models.place(width, length)[:, np.newaxis]).any(axis=2)
        nearest = (off[0] ** 2 + off[1] ** 2 + other).argmin(axis=1)
        each = np.arange(len(width))
        share, rest = share[each, nearest][:, np.newaxis, np.newaxis], off[:, each, nearest]
        inside = self._logs[start[nearest]] * (1 - share) + self._logs[end[nearest]] * share
        scale = rest[0] - rest[1] + np.log(multiplicity)
        gains: Floats = np.exp(inside + scale[:, np.newaxis, np.newaxis])
        return gains

    @cached_property
    def _logs(self) -> Floats:
        return np.log(np.maximum(self.gain, SMALLEST))


Tables: TypeAlias = Mapping[tuple[GateNet, Polarity], MirrorTable]
"""By the gate net that the signal's diode defines, and the polarity of the output."""


@dataclass(frozen=True, eq=False)
class MirrorTables:
    """All mirror tables of a technology at given conditions, for one unit mirror."""

    axes: Axes
    tables: Tables
    diode: Floats  #: Voltage of the unit NMOS diode at each known current, V, (currents,).
    #: The same of diodes and mirrors that have other sizes, by the unit devices of both.
    sized: Mapping[tuple[Geometry, Geometry], MirrorTables] = field(default_factory=dict)

    def of(self, diodes: Geometry, mirrors: Geometry | None = None) -> MirrorTables:
        """Return the tables of diodes with a unit device, and of mirrors on them with another.

        Any mirrors where None.
        """
        known = (each for (diode, copy), each in self.sized.items()
                 if diode == diodes and mirrors in (None, copy))  # fmt: skip
        return next(known, self)

    def gain(
        self,
        net: GateNet,
        polarity: Polarity,
        size: tuple[Floats, Floats, ArrayLike],
        current: Floats,
        volts: Floats,
    ) -> Floats:
        """Return the gain of mirrors, (…, n).

        Parameters
        ----------
        line
            Which gate net the signal's diode defines.
        size
            Width (m), length (m) and multiplicity of each mirror, (n,).
        current, volts
            Signal current (A) and drain voltage (V), each (…, n) or (…, 1).
        """
        surfaces = self.tables[net, polarity].surfaces(*size)
        by_drain = np.einsum("...nc,ncd->...nd", self.axes.of_current(current), surfaces)
        gains: Floats = (by_drain * self.axes.of_drain(polarity, volts)).sum(axis=-1)
        return gains

    def of_one(
        self, net: GateNet, polarity: Polarity, geometry: Geometry, current: Floats, volts: Floats
    ) -> Floats:
        """Return the gain of one mirror at signal currents, A, and drain voltages, V, (…,)."""
        size = np.array([geometry.width]), np.array([geometry.length]), geometry.multiplicity
        where = current[..., np.newaxis], volts[..., np.newaxis]
        gains: Floats = self.gain(net, polarity, size, *where)[..., 0]
        return gains

    def surfaces(
        self,
        net: GateNet,
        sourcing: NDArray[np.bool_],
        size: tuple[Floats, Floats, NDArray[np.int64]],
    ) -> Floats:
        """Return the gains of a matrix of mirrors at all known points, (…, currents, drains).

        Parameters
        ----------
        sourcing
            Which are PMOS, (…).
        size
            Width (m), length (m) and multiplicity, each (…); 0 where there is none, which has
            no gain.
        """
        surfaces = np.zeros((*sourcing.shape, len(self.axes.currents), len(self.axes.drains)))
        for polarity, signs in zip(POLARITIES, (~sourcing, sourcing), strict=True):
            place = signs & (size[2] > 0)
            table = self.tables[net, polarity]
            width, length, multiplicity = size
            surfaces[place] = table.surfaces(width[place], length[place], multiplicity[place])
        return surfaces

    def diode_voltage(self, current: Floats) -> Floats:
        """Return the voltage, V, of a row's diode at currents, A, (…,)."""
        volts: Floats = self.axes.of_current(current) @ self.diode
        return volts
