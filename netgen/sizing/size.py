"""Give every weight its geometry and every cell its biases, by inverting the characterisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netgen.characterise import CellTable, Characterisation
from netgen.characterise.mirrors import MirrorTable, MirrorTables
from netgen.circuit import (
    REFERENCE,
    CellLayer,
    Circuit,
    Drawn,
    Layer,
    Mirrors,
    RowLayer,
    parameter_path,
)
from netgen.circuit.rows import Floats
from netgen.errors import ModelError
from netgen.model import Cell
from netgen.sizing.activity import Activity
from netgen.sizing.compensate import Gains, Operation, compensated
from netgen.technology import Polarity, Technology


@dataclass(frozen=True)
class BelowFloor:
    """A weight too small to be drawn: the circuit has nothing in its place.

    Attributes
    ----------
    row
        Node and unit whose sum misses it.
    parameter
        Path of the learned parameter.
    weight, floor
        Its value, and the smallest that can be drawn there.
    """

    row: str
    parameter: str
    weight: float
    floor: float

    def __str__(self) -> str:
        return (
            f"{self.parameter} = {self.weight:+.4g} into {self.row} is below the floor of "
            f"{self.floor:.3g}: not drawn"
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
                mirrors = _bias_mirrors(circuit, technology, known.mirrors, activity, sized.bias)
                sized = replace(sized, bias_mirrors=mirrors)
            layers.append(sized)
            continue
        current = activity.rows[layer.node]
        if layer.kind == "relu":
            drain = known.mirrors.diode_voltage(current)
        else:
            drain = np.full(layer.size, vdd / 2)
        sizer = _RowSizer(circuit, technology, known.mirrors, activity, layer, drain)
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
    table = tables[cell.op]
    bias = table.biases(layer.wanted)
    figures = table.figures(bias) / circuit.model.unit_current
    problems += _paths(cell, block.missed(cell, figures))
    return replace(layer, bias=bias)


def _paths(cell: Cell, found: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    return (f"{cell.name}.{key}[{unit}]: {problem}" for key, unit, problem in found)


def _bias_mirrors(
    circuit: Circuit, technology: Technology, tables: MirrorTables, activity: Activity, bias: Floats
) -> Drawn:
    """Draw the PMOS copies of the reference that give bias currents, A, (biases, units).

    Each flows into a diode. A current below the floor is drawn at the floor: without a bias there
    would be no cell.
    """
    table = tables.tables["n", "pmos"]
    path = _Path(table, technology)
    wanted = bias.reshape(-1, 1) / circuit.model.unit_current
    drain = tables.diode_voltage(bias.ravel())
    width, length, realised = (np.empty_like(wanted) for _ in range(3))
    multiplicity = np.empty(wanted.shape, dtype=np.int64)
    for row, ratio, gains in _gains(tables, table, activity.signals[REFERENCE], drain, wanted):
        w, l, m, g = path.invert(np.maximum(ratio, gains[:, -1]), gains)  # noqa: E741
        width[row], length[row], multiplicity[row], realised[row] = w, l, m, g
    shape = bias.shape
    series = _series(technology, length).reshape(shape)
    return Drawn(
        width.reshape(shape),
        length.reshape(shape),
        multiplicity.reshape(shape),
        series,
        realised.reshape(shape),
    )


class _RowSizer:
    """Sizes the mirrors of one row layer."""

    def __init__(
        self,
        circuit: Circuit,
        technology: Technology,
        tables: MirrorTables,
        activity: Activity,
        layer: RowLayer,
        drain: Floats,
    ) -> None:
        self.circuit, self.technology, self.tables = circuit, technology, tables
        self.activity, self.layer = activity, layer
        self.drain = drain
        self.problems: list[str] = []
        self.below: list[BelowFloor] = []

    def size_all(self) -> tuple[Mirrors, ...]:
        """Size every mirror by itself, then all of a row so that their errors cancel."""
        first = [self.size(entry, entry.weight, None) for entry in self.layer.mirrors]
        if self.problems:
            return self.layer.mirrors
        targets = self.targets([m for m, _ in first], [g for _, g in first])
        return tuple(
            self.size(entry, target, sized.drawn)[0]
            for entry, target, (sized, _) in zip(self.layer.mirrors, targets, first, strict=True)
        )

    def targets(self, mirrors: list[Mirrors], gains: list[Gains]) -> list[Floats]:
        """Return the weights to draw, one matrix for each matrix of mirrors."""
        operation, unit = self.activity.operation, self.circuit.model.unit_current
        sums = operation.sums[self.layer.node]
        targets = [entry.weight.copy() for entry in mirrors]
        for row in range(self.layer.size):
            flows = np.ones(len(sums), bool)
            volts = np.full(len(sums), self.drain[row])
            if self.layer.kind == "relu":  # while the diode is off, no error matters
                flows = sums[:, row] > self.tables.currents[0]
                volts = self.tables.diode_voltage(sums[:, row])
            seen = Operation({k: v[flows] for k, v in operation.signals.items()}, {})
            drawn = compensated(
                mirrors, gains, row, seen, sums[flows, row], volts[flows], self.tables, unit
            )
            for target, values in zip(targets, drawn, strict=True):
                target[row] = values
        return targets

    def size(self, mirrors: Mirrors, weight: Floats, before: Drawn | None) -> tuple[Mirrors, Gains]:
        """Draw weights, and say how what is drawn behaves.

        Parameters
        ----------
        before
            None for the learned weights, which are checked; otherwise what was drawn for them:
            all of that is drawn again.
        """
        shape = weight.shape
        width, length, realised = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        multiplicity, point = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        design = np.ones(shape)
        line = self.circuit.defined_by(mirrors.source)
        shares = self.activity.signals[mirrors.source]
        polarities: tuple[tuple[Polarity, float], ...] = (("nmos", -1.0), ("pmos", 1.0))
        tables = {sign > 0: self.tables.tables[line, polarity] for polarity, sign in polarities}
        for polarity, sign in polarities:
            table = self.tables.tables[line, polarity]
            path = _Path(table, self.technology)
            for row, wanted, gains in _gains(self.tables, table, shares, self.drain, sign * weight):
                columns = np.flatnonzero(wanted > 0)
                if before is None:
                    self.check(mirrors, row, columns, gains)
                else:
                    drawn_before = before.multiplicity[row] > 0
                    wanted = np.where(drawn_before, np.maximum(wanted, gains[:, -1]), wanted)
                w, l, m, g = path.invert(wanted[columns], gains[columns])  # noqa: E741
                width[row, columns], length[row, columns] = w, l
                multiplicity[row, columns], realised[row, columns] = m, sign * g
                near = path.nearest(w, l)
                point[row, columns], design[row, columns] = near, gains[columns, near]
        series = _series(self.technology, length)
        drawn = Drawn(width, length, multiplicity, series, realised)
        return replace(mirrors, drawn=drawn), Gains(tables, point, design)

    def check(self, mirrors: Mirrors, row: int, columns: np.ndarray, gains: Floats) -> None:
        largest = gains[:, 0] * self.technology.max_multiplicity
        for column in columns:
            weight, floor = mirrors.weight[row, column], gains[column, -1]
            path = parameter_path(mirrors, row, int(column))
            name = f"{self.layer.node}[{row}]"
            if abs(weight) > largest[column]:
                self.problems.append(
                    f"{path}: {weight:+.4g} into {name} is above {largest[column]:.3g}, the "
                    "largest weight that can be drawn: rescale the model"
                )
            elif abs(weight) < floor:
                self.below.append(BelowFloor(name, path, float(weight), float(floor)))


def _gains(
    tables: MirrorTables, table: MirrorTable, shares: Floats, drain: Floats, wanted: Floats
) -> Iterator[tuple[int, Floats, Floats]]:
    """Yield, for each row with such weights, its weights and the gain along the path.

    The gains, (units, points), are those at each unit's currents (``shares``, (units, currents))
    and the row's drain voltage (``drain``, V, (rows,)).
    """
    drains = tables.drains
    position = np.clip(drain / (drains[1] - drains[0]), 0, len(drains) - 1 - 1e-9)
    by_current = np.einsum("pcd,uc->upd", table.gain, shares, optimize=True)
    for row in np.flatnonzero((wanted > 0).any(axis=1)):
        left = int(position[row])
        part = position[row] - left
        gains = by_current[:, :, left] * (1 - part) + by_current[:, :, left + 1] * part
        for run in table.slices:
            gains[:, run] = np.minimum.accumulate(gains[:, run], axis=1)
        yield int(row), wanted[row], gains


def _series(technology: Technology, length: Floats) -> NDArray[np.int64]:
    """Return how many transistors in series each length takes."""
    count = np.maximum(np.ceil(length / technology.length[1] - 1e-9), 1)
    return count.astype(np.int64)


class _Path:
    """A sizing path with its dimensions as functions of the position along it."""

    def __init__(self, table: MirrorTable, technology: Technology) -> None:
        self.technology = technology
        self.runs = table.slices
        self.width = np.log([g.width for g in table.geometry])
        self.length = np.log([g.length for g in table.geometry])

    def invert(self, wanted: Floats, gains: Floats) -> tuple[Floats, Floats, np.ndarray, Floats]:
        """Return width, length, multiplicity and expected ratio for ratios (n,), gains (n, points).

        Ratios below the last gain get multiplicity 0.
        """
        count = np.ceil(wanted / gains[:, 0] - 1e-9).astype(np.int64)
        each = wanted / np.maximum(count, 1)
        points = np.arange(gains.shape[1])
        position = np.array([self.position(e, g) for e, g in zip(each, gains, strict=True)])
        w, l = (np.exp(np.interp(position, points, axis)) for axis in (self.width, self.length))  # noqa: E741
        grid = self.technology.grid
        drawn_w = np.round(w / grid) * grid
        # over a grid step a gain goes with W/L: the length makes up for the width's rounding
        longest = self.technology.length[1]
        series = np.maximum(np.ceil(l / longest - 1e-9), 1)
        each_l = np.round(l * drawn_w / w / series / grid) * grid
        drawn_l = np.minimum(each_l, longest) * series
        expected = each * (drawn_w / w) * (l / drawn_l) * count
        missing = wanted < gains[:, -1]
        zero = np.where(missing, 0.0, 1.0)
        return drawn_w * zero, drawn_l * zero, count * ~missing, expected * zero

    def nearest(self, width: Floats, length: Floats) -> NDArray[np.int64]:
        """Return the nearest characterised geometry of each device; 0 for none."""
        w, l = (np.log(np.maximum(each, 1e-9)) for each in (width, length))  # noqa: E741
        away = np.abs(w[:, np.newaxis] - self.width) + np.abs(l[:, np.newaxis] - self.length)
        found: NDArray[np.int64] = away.argmin(axis=1)
        return found

    def position(self, wanted: float, gains: Floats) -> float:
        """Return where on the path a gain is, by the first run that goes down to it."""
        run = next((run for run in self.runs if gains[run][-1] <= wanted), self.runs[-1])
        # on average a run begins no lower than the one before it ends; at one current it may
        first = run.start - (run.start > 0 and wanted > gains[run.start])
        points = np.arange(first, run.stop)
        return float(np.interp(-np.log(wanted), -np.log(gains[first : run.stop]), points))
