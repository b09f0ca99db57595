"""Give every weight its geometry and every cell its biases, by inverting the characterisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Floats
from netgen.characterise import CellTable, Characterisation
from netgen.characterise.dac import dac_diode, dac_gain
from netgen.characterise.gain import MirrorTables
from netgen.circuit import (
    REFERENCE,
    CellLayer,
    Circuit,
    GateNet,
    Layer,
    Mirrors,
    SummingLayer,
    parameter_path,
)
from netgen.circuit.circuit import MirrorGeometry
from netgen.errors import ModelError
from netgen.model import Cell
from netgen.sizing.activity import Activity
from netgen.sizing.compensate import GainSurfaces, compensated
from netgen.technology import POLARITIES, Polarity, Technology

_SIGNS: tuple[tuple[Polarity, float], ...] = (("nmos", -1.0), ("pmos", 1.0))
"""Which mirrors make weights of which sign."""


@dataclass(frozen=True)
class BelowFloor:
    """A weight too small to be realised: the circuit has nothing in its place."""

    row: str  #: Node and unit whose sum misses it.
    parameter: str  #: Path of the learned parameter.
    #: ``weight``, ``floor``: its value, and the smallest that can be realised there.
    weight: float
    floor: float

    def __str__(self) -> str:
        return (
            f"{self.parameter} = {self.weight:+.4g} into {self.row} is below the floor of "
            f"{self.floor:.3g}: left out"
        )


def size_circuit(
    circuit: Circuit,
    technology: Technology,
    known: Characterisation,
    activity: Activity,
    vdd: float,
) -> tuple[Circuit, tuple[BelowFloor, ...]]:
    """Return the circuit with every device sized, and the weights that are too small to draw.

    Raises
    ------
    ModelError
        Parameters that the technology cannot realise, all of them.
    """
    problems: list[str] = []
    below: list[BelowFloor] = []
    layers: list[Layer] = []
    for layer in circuit.layers:
        if isinstance(layer, CellLayer):
            sized = _size_cells(circuit, layer, known.cells, problems)
            if sized.bias is not None:
                mirrors = _bias_mirrors(circuit, technology, known, sized)
                sized = replace(sized, bias_geometry=mirrors)
            layers.append(sized)
            continue
        current = activity.sums[layer.node]
        if layer.kind == "relu":
            drain = known.mirrors.of(circuit.unit_of(layer.node)).diode_voltage(current)
        else:
            drain = np.full(layer.size, vdd / 2)
        sizer = _SummingLayerSizer(circuit, technology, known.mirrors, activity, layer, drain)
        layers.append(replace(layer, mirrors=sizer.size_all()))
        problems += sizer.problems
        below += sizer.below
    if problems:
        raise ModelError(circuit.model.name, problems)
    return replace(circuit, layers=tuple(layers)), tuple(below)


def _size_cells(
    circuit: Circuit, layer: CellLayer, tables: Mapping[str, CellTable], problems: list[str]
) -> CellLayer:
    cell, block = layer.cell, layer.block
    problems += _paths(cell, block.refused(cell))
    if problems:
        return layer
    table = tables[cell.name]
    bias = table.biases(layer.wanted)
    figures = table.figures(bias)
    problems += _paths(cell, block.missed(cell, figures / circuit.model.unit_current))
    return replace(layer, bias=bias, realised=figures)


def _paths(cell: Cell, mirrors: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    return (f"{cell.name}.{key}{cell.place(at)}: {problem}" for key, at, problem in mirrors)


def _bias_mirrors(
    circuit: Circuit, technology: Technology, known: Characterisation, layer: CellLayer
) -> MirrorGeometry:
    """Draw the copies of the reference that give the bias currents of a sized layer of cells.

    Each flows into a diode: a sourced one into the cell's, one sunk for a DAC into the DAC's. A
    current below the floor is set to the floor: without a bias there
    would be no cell.
    """
    assert layer.bias is not None
    bias, unit, span = layer.bias, circuit.model.unit_current, circuit.dac
    tables, diodes = known.mirrors.of(*circuit.units(REFERENCE, layer)), known.diodes
    polarity: Polarity = "pmos" if span is None else "nmos"
    path = _Path(tables, "n", polarity, technology)
    copies, drain = bias.ravel(), tables.diode_voltage(bias.ravel())
    if span is not None:
        copies = copies / dac_gain(known.mirrors, technology, circuit.unit, span, copies)
        _, drain = dac_diode(tables, span, bias.ravel(), diodes)
    reference = np.array([unit])
    width, length = np.zeros((2, bias.size))
    count = np.zeros(bias.size, dtype=np.int64)
    for row, gains in enumerate(path.gains(reference, drain)):
        wanted = np.maximum(copies[[row]] / unit, gains[:, -1])
        width[[row]], length[[row]], count[[row]] = path.invert(wanted, gains)
    realised = tables.gain("n", polarity, (width, length, count), reference, drain)
    shape, series = bias.shape, _series(technology, length)
    width, length, realised = (each.reshape(shape) for each in (width, length, realised))
    return MirrorGeometry(width, length, count.reshape(shape), series.reshape(shape), realised)


class _SummingLayerSizer:
    """Sizes the mirrors of one layer of summing nodes."""

    def __init__(
        self,
        circuit: Circuit,
        technology: Technology,
        tables: MirrorTables,
        activity: Activity,
        layer: SummingLayer,
        drain: Floats,
    ) -> None:
        self.circuit, self.technology, self.tables = circuit, technology, tables
        self.activity, self.layer = activity, layer
        self.drain = drain
        self.tables_of_group = tables.of(circuit.unit_of(layer.node))
        self.problems: list[str] = []
        self.below: list[BelowFloor] = []

    def size_all(self) -> tuple[Mirrors, ...]:
        """Size every mirror by itself, then all of a row so that their errors cancel."""
        first = [self.size(entry, entry.weight, None) for entry in self.layer.mirrors]
        if self.problems:
            return self.layer.mirrors
        targets = self.targets(first)
        return tuple(
            self.size(entry, target, sized.geometry)[0]
            for entry, target, (sized, _) in zip(self.layer.mirrors, targets, first, strict=True)
        )

    def targets(self, sized: list[tuple[Mirrors, Floats]]) -> list[Floats]:
        """Return the weights to draw, one matrix for each matrix of mirrors."""
        operation = self.activity.operation
        sums, axes = operation.sums[self.layer.node, self.layer.kind], self.tables.axes
        mirrors = [each for each, _ in sized]
        known = [
            GainSurfaces(surfaces, np.ascontiguousarray(np.moveaxis(shares, 0, -1)))
            for surfaces, shares in (
                (surfaces, axes.of_current(operation.signals[each.source]))
                for each, surfaces in sized
            )
        ]
        if self.layer.kind == "relu":  # while the diode is off, no error matters
            flows, volts = sums > axes.currents[0], self.tables_of_group.diode_voltage(sums)
            flows |= ~flows.any(axis=0)  # but what is always off has to stay so
        else:
            flows, volts = np.ones(sums.shape, bool), np.broadcast_to(self.drain, sums.shape)
        by_drain = [axes.of_drain(polarity, volts).T for polarity in POLARITIES]
        targets = [entry.weight.copy() for entry in mirrors]
        for row in range(self.layer.size):
            frames = sums[:, row], [each[:, row] for each in by_drain], flows[:, row]
            unit = self.circuit.model.unit_current
            corrected = compensated(mirrors, known, row, operation, *frames, unit)
            for target, values in zip(targets, corrected, strict=True):
                target[row] = values
        return targets

    def size(
        self, mirrors: Mirrors, weight: Floats, before: MirrorGeometry | None
    ) -> tuple[Mirrors, Floats]:
        """Size mirrors; return them with their gains, (rows, units, currents, drains).

        Parameters
        ----------
        before
            None for the learned weights, which are checked; otherwise their first geometry:
            all of them are sized again.
        """
        shape = weight.shape
        width, length = np.zeros(shape), np.zeros(shape)
        multiplicity = np.zeros(shape, dtype=np.int64)
        gate_net = self.circuit.defined_by(mirrors.source)
        tables = self.tables.of(*self.circuit.units(mirrors.source, self.layer))
        currents = self.activity.signals[mirrors.source]
        axes, at = self.tables.axes, np.zeros((*shape, len(self.tables.axes.drains)))
        for polarity, sign in _SIGNS:
            path = _Path(tables, gate_net, polarity, self.technology)
            of_sign = sign * weight > 0
            at[of_sign] = axes.of_drain(polarity, self.drain)[np.nonzero(of_sign)[0]]
            rows = of_sign.any(axis=1)
            gains_by_row = path.gains(currents, self.drain[rows])
            for row, gains in zip(np.flatnonzero(rows).tolist(), gains_by_row, strict=True):
                wanted, columns = sign * weight[row], np.flatnonzero(of_sign[row])
                if before is None:
                    self.check(mirrors, row, columns, gains)
                else:
                    sized_before = before.multiplicity[row] > 0
                    wanted = np.where(sized_before, np.maximum(wanted, gains[:, -1]), wanted)
                sizes = path.invert(wanted[columns], gains[columns])
                width[row, columns], length[row, columns], multiplicity[row, columns] = sizes
        surfaces = tables.surfaces(gate_net, weight > 0, (width, length, multiplicity))
        by_current = np.einsum("rucd,uc->rud", surfaces, axes.of_current(currents))
        realised = np.sign(weight) * (by_current * at).sum(axis=-1)
        series = _series(self.technology, length)
        sized = MirrorGeometry(width, length, multiplicity, series, realised)
        return replace(mirrors, geometry=sized), surfaces

    def check(self, mirrors: Mirrors, row: int, columns: np.ndarray, gains: Floats) -> None:
        largest = gains[:, 0] * self.technology.max_multiplicity
        for column in columns:
            weight, floor = mirrors.weight[row, column], gains[column, -1]
            path = parameter_path(mirrors, row, int(column))
            name = f"{self.layer.node}[{row}]"
            if abs(weight) > largest[column]:
                self.problems.append(
                    f"{path}: {weight:+.4g} into {name} is above {largest[column]:.3g}, the "
                    "largest weight that can be realised: rescale the model"
                )
            elif abs(weight) < floor:
                self.below.append(BelowFloor(name, path, float(weight), float(floor)))


def _series(technology: Technology, length: Floats) -> NDArray[np.int64]:
    """Return how many transistors in series each length takes."""
    count = np.maximum(np.ceil(length / technology.length[1] - 1e-9), 1)
    return count.astype(np.int64)


class _Path:
    """A sizing path with its dimensions as functions of the position along it."""

    def __init__(
        self, tables: MirrorTables, gate_net: GateNet, polarity: Polarity, technology: Technology
    ) -> None:
        self.axes, self.table = tables.axes, tables.tables[gate_net, polarity]
        self.polarity, self.technology = polarity, technology
        self.width, self.length = self.table.path.T

    def gains(self, currents: Floats, drain: Floats) -> Iterator[Floats]:
        """Yield the gains along the path, (units, points), for each row's drain voltage, V.

        Parameters
        ----------
        currents
            Of the units, A.
        """
        shares = self.axes.of_current(currents)
        by_current = np.einsum("pcd,uc->upd", self.table.gain, shares, optimize=True)
        for weights in self.axes.of_drain(self.polarity, drain):
            gains = by_current @ weights
            for run in self.table.slices:
                gains[:, run] = np.minimum.accumulate(gains[:, run], axis=1)
            yield gains

    def invert(self, wanted: Floats, gains: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return width, length and multiplicity for ratios (n,), gains (n, points).

        Ratios below the last gain get multiplicity 0.
        """
        count = np.ceil(wanted / gains[:, 0] - 1e-9).astype(np.int64)
        each = wanted / np.maximum(count, 1)
        points = np.arange(gains.shape[1])
        position, over = self.positions(each, gains)
        w, l = (np.exp(np.interp(position, points, axis)) for axis in (self.width, self.length))  # noqa: E741
        for unit in np.flatnonzero(over != 1):
            w[unit], l[unit] = self.beside(int(position[unit]), each[unit], gains[unit])
        grid = self.technology.grid
        width = np.round(w / grid) * grid
        # over a grid step a gain goes with W/L: the length makes up for the width's rounding
        longest = self.technology.length[1]
        series = np.maximum(np.ceil(l / longest - 1e-9), 1)
        each_l = np.round(l * width / w / series / grid) * grid
        length = np.minimum(each_l, longest) * series
        there = wanted >= gains[:, -1]
        return width * there, length * there, count * there

    def positions(self, wanted: Floats, gains: Floats) -> tuple[Floats, Floats]:
        """Return where on the path gains are, each by the first run that goes down to it, (n,).

        Between two runs it is at the end of the first; the second value is the gain there over
        that wanted, else 1.
        """
        units = np.arange(len(wanted))
        starts, stops = (
            np.array([getattr(run, end) for run in self.table.slices]) for end in ("start", "stop")
        )
        reached = gains[:, stops - 1] <= wanted[:, np.newaxis]
        run = np.where(reached.any(axis=1), reached.argmax(axis=1), len(starts) - 1)
        start, stop = starts[run], stops[run]
        # straight in logarithms between the last point that is not below and the next
        known, asked = -np.log(gains), -np.log(wanted)
        place = np.arange(gains.shape[1])
        inside = (place >= start[:, np.newaxis]) & (place < stop[:, np.newaxis])
        above = (inside & (known <= asked[:, np.newaxis])).sum(axis=1)
        lower = np.maximum(start + above - 1, start)
        upper = np.minimum(lower + 1, stop - 1)
        step = known[units, upper] - known[units, lower]
        slope = np.divide(1.0, step, out=np.zeros_like(step), where=(above > 0) & (step > 0))
        position = slope * (asked - known[units, lower]) + lower
        between = (start > 0) & (wanted > gains[units, start])
        over = np.where(between, gains[units, start - 1] / wanted, 1.0)
        return np.where(between, start - 1.0, position), over

    def beside(self, end: int, wanted: float, gains: Floats) -> tuple[float, float]:
        """Return width and length for a gain between the end of a run and the next run.

        The end is made longer, or what begins the next wider: whichever keeps its model.
        """
        (w, wide), (long, l) = np.exp(self.table.path[end : end + 2].T)  # noqa: E741
        longer = long * gains[end] / wanted
        place = self.table.models.place(np.array([w, w]), np.array([long, longer]))
        if (place[0] == place[1]).all():
            return w, longer
        wider = wide * wanted / gains[end + 1]
        snapped = self.technology.snap(wider + self.technology.grid / 2)
        return snapped, l * snapped / wider  # by the length, which may grow, what the grid adds
