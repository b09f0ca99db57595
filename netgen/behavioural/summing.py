"""Summing nodes of the twin: each settles where the currents of all its mirrors agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from netgen.behavioural.devices import Deviations, whole
from netgen.behavioural.mirrors import SMALLEST, Drain, Grid, LayerMirrors, drain_of
from netgen.behavioural.plan import Plan
from netgen.circuit import Mirrors, SummingLayer, parameter_path
from netgen.circuit.nets import net
from netgen.model.graph import Floats
from netgen.technology import Polarity

_STEPS = 3
"""Newton steps for a row's voltage: each gains two digits."""


@dataclass(frozen=True, eq=False)
class TwinSums:
    """Summing nodes of a layer."""

    layer: SummingLayer
    drain: Drain
    #: Source and groups of mirrors of each matrix of the layer that has any.
    entries: tuple[tuple[str, tuple[LayerMirrors, ...]], ...]
    diode: tuple[int, ...] | None  #: Place of each row's diode, None for the readout.

    def spread(
        self, units: int, parts: Sequence[tuple[LayerMirrors, Floats]], chips: int
    ) -> Floats:
        """Lay out coefficients, (chips, n, k, terms) a group, for a matrix product.

        Returns
        -------
        array
            (chips, units · k, rows · terms).
        """
        k, terms = parts[0][1].shape[2:]
        spread = np.zeros((units, self.layer.size, chips, k, terms))
        for group, values in parts:
            spread[group.unit, group.row] = np.moveaxis(values, 1, 0)
        laid: Floats = spread.transpose(2, 0, 3, 1, 4).reshape(chips, units * k, -1)
        return laid

    def settle(self, sums: Floats, deviations: Deviations, grid: Grid) -> Floats:
        """Return the rows' currents in units, from their sums as coefficients over the voltage.

        A ReLU row settles where its diode takes what its mirrors give at the diode's voltage; a
        negative sum leaves the diode off.

        Parameters
        ----------
        sums
            (chips, points, rows, terms).
        """
        if self.diode is None:
            return sums[..., 0]
        places = list(self.diode)
        factor = deviations.factor[:, np.newaxis, places]
        threshold = deviations.threshold[:, np.newaxis, places] - self.drain.low
        at = np.log(grid.unit)
        around = grid.diodes.voltage("nmos", np.array([at - 0.5, at + 0.5]))
        volts_a_fold = float(around[1] - around[0])
        span = self.drain.high - self.drain.low
        value, _ = self.drain.over(sums, np.full(sums.shape[:-1], span / 2))
        current = np.maximum(value, SMALLEST)
        for _ in range(_STEPS):
            volts = grid.diodes.voltage("nmos", np.log(current) + at - factor) + threshold
            value, slope = self.drain.over(sums, np.clip(volts, 0.0, span))
            pull = np.maximum(-slope * volts_a_fold, 0.0)
            settled = (value + pull) / (1 + pull / current)
            current = np.maximum(settled, SMALLEST)
        return np.where(settled > SMALLEST, settled, np.maximum(value, 0.0))


def twin_sums(plan: Plan, layer: SummingLayer) -> TwinSums:
    """Read the summing nodes of a layer."""
    drain = drain_of(plan.known.mirrors.of(plan.circuit.unit_of(layer.node)), layer.kind)
    by_source = [
        (mirrors.source, tuple(_groups(plan, layer, mirrors, drain))) for mirrors in layer.mirrors
    ]
    entries = tuple((source, groups) for source, groups in by_source if groups)
    diode = None
    if layer.kind == "relu":
        diode = tuple(
            plan.devices.place("nmos", plan.diode(layer.node, unit)) for unit in range(layer.size)
        )
    return TwinSums(layer, drain, entries, diode)


def _groups(
    plan: Plan, layer: SummingLayer, mirrors: Mirrors, drain: Drain
) -> Iterator[LayerMirrors]:
    prefix, source = plan.circuit.prefix(layer), mirrors.source
    signs: tuple[tuple[Polarity, float], ...] = (("nmos", -1.0), ("pmos", 1.0))
    for polarity, sign in signs:
        nodes, units, ends, geometry, lengths = [], [], [], [], []
        for row, unit in np.argwhere(sign * mirrors.weight > 0).tolist():
            gate = net(plan.circuit, source, unit, "p" if sign > 0 else "n")
            path = parameter_path(mirrors, row, unit)
            series = plan.index.mirror(prefix, row, path, gate)
            if series:  # too small ones have no mirror
                nodes.append(row)
                units.append(unit)
                ends.append(tuple(device.name for device in series))
                lengths.append(series[0].geometry.length)
                geometry.append(whole(series))
        if not nodes:
            continue
        tables = plan.known.mirrors.of(*plan.circuit.units(source, layer)).tables
        table = tables[plan.circuit.defined_by(source), polarity]
        size = np.array([(g.width, g.length, g.multiplicity) for g in geometry]).T
        by_drain = table.surfaces(*size) @ drain.weights(polarity).T
        yield LayerMirrors(
            np.array(nodes),
            np.array(units),
            sign,
            plan.copies(source, units, polarity, ends),
            drain.axes.curves(by_drain),
            np.abs(mirrors.weight[nodes, units]),
            np.array(lengths) / plan.technology.grid,
        )
