"""What a network's own mirrors and cells do at operating points, against the learned values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from netgen.analysis.comparison.sum_plan import SMALLEST, Operation, SumPlan
from netgen.arrays import Floats
from netgen.circuit import REFERENCE, CellLayer, Circuit
from netgen.circuit.blocks import Held
from netgen.model import Model, Relu

SMALLEST_BIAS = 0.05
"""As :data:`SMALLEST`, for biases."""
WORKING = 0.1
"""Current, in units, from which on an error of a mirror counts in full."""
SMALLEST_GAIN = 0.01
"""Smallest gain of a cell's input transistor: near the supply it carries nothing."""


@dataclass(frozen=True)
class MirrorFigure:
    """One weight: what all mirrors between a signal and a summing node come to."""

    #: ``node``, ``row``: whose sum it belongs to.
    node: str
    row: int
    #: ``source``, ``column``: the signal, or the reference for a bias (``column`` is then None).
    source: str
    column: int | None
    parameter: str  #: Path of the learned parameter.
    #: ``learned``, ``expected``, ``measured``: the learned value; what was drawn for it, small
    #: errors of a row's other mirrors made up for; what the netlist's devices do.
    learned: float
    expected: float
    measured: float
    #: At which it was measured, as a share of the unit current: where the circuit works.
    current: float

    @property
    def place(self) -> str:
        """Row and parameter."""
        return f"{self.node}[{self.row}]: {self.parameter}"

    @property
    def error(self) -> float:
        """Measured minus expected as a share of the expected weight.

        A signal below :data:`WORKING` counts by the share of it that it carries: at a few pA
        what leaks past a mirror is as large as an error of its weight. The bias of a row is what
        its sum comes to without signals, so all the leakage of the row is in it.
        """
        least = SMALLEST if self.column is not None else SMALLEST_BIAS
        carried = min(1.0, self.current / WORKING)
        return (self.measured - self.expected) / max(abs(self.expected), least) * carried


@dataclass(frozen=True)
class SumFigure:
    """One row over the inputs a circuit was sized for: sums measured against the learned ones."""

    node: str
    row: int
    error: float  #: Root mean square of the difference, as a share of ``gross``.
    #: Root mean square of all currents that meet in the row, whatever their sign, units.
    gross: float


@dataclass(frozen=True)
class CellFigure:
    """One cell: learned and measured figures, units.

    ``measured_*`` are NaN where a cell holds no state; ``place`` is the index of the
    parameters, such as ``[1][0]``.
    """

    node: str
    unit: int
    place: str
    threshold: float
    width: float
    output: float
    measured_threshold: float
    measured_width: float
    measured_output: float

    @property
    def name(self) -> str:
        """Which node's and with which index its parameters are."""
        return self.node + self.place

    @property
    def threshold_error(self) -> float:
        """Measured over learned β_hi, less 1; −1 of a cell that holds no state."""
        return _off(self.measured_threshold, self.threshold)

    @property
    def width_error(self) -> float:
        """Measured over learned β_hi − β_lo, less 1; −1 of a cell that holds no state."""
        if not self.width:  # of a cell without a memory
            return self.measured_width / self.threshold
        return _off(self.measured_width, self.width)

    @property
    def output_error(self) -> float:
        """Measured over learned α, less 1; −1 of a cell that holds no state."""
        return _off(self.measured_output, self.output)


def _off(measured: float, learned: float) -> float:
    """Return a relative error; that of a figure a cell does not have is −1."""
    return measured / learned - 1 if np.isfinite(measured) else -1.0


@dataclass(frozen=True, eq=False)
class Verification:
    """All that was measured of a network."""

    mirrors: tuple[MirrorFigure, ...] = field(repr=False)
    sums: tuple[SumFigure, ...] = field(repr=False)
    cells: tuple[CellFigure, ...] = field(repr=False)
    #: Failure by node, of layers that were not measured or whose cells do not start right.
    failures: Mapping[str, str] = field(default_factory=dict)
    cpu_s: float = 0.0  #: What it cost.


def read_cells(
    circuit: Circuit,
    layer: CellLayer,
    candidates: Floats,
    needed: Floats,
    output: Floats,
    rung: int = 0,
) -> list[CellFigure]:
    """Make figures of a rung of all cells of a layer that were held in all their states.

    The candidate that holds a cell is what its storage node takes, over the gain of the cell's own
    input transistor there: that is what it gives less with a candidate than without.

    Parameters
    ----------
    candidates
        β_hi and β_lo of every cell, A, (2, cells): the candidates of the second and third run; of
        cells without a storage node a ramp, (points, cells).
    needed
        Current that holds the storage node, A, (cells, 3 runs, points).
    output
        Output current without a candidate, A, (cells, points).
    """
    amperes, cell = circuit.model.unit_current, layer.cell
    if layer.block.storages:
        given = needed[:, :1] - needed[:, 1:]
        gain = np.maximum(given / candidates.T[:, :, np.newaxis], SMALLEST_GAIN)
        jumps = [layer.block.read(Held(needed[:, 0] / gain[:, run], output)) for run in (0, 1)]
    else:
        jumps = [layer.block.read(Held(candidates.T, output))] * 2
    rising, falling, high = jumps[0][:, 0], jumps[1][:, 1], jumps[0][:, 2]
    learned = np.stack([cell.rising, cell.rising - cell.falling, cell.level], axis=1)
    learned = learned[rung :: cell.rungs]
    measured = np.stack([rising, rising - falling, high], axis=1) / amperes
    figures = np.concatenate([learned, measured], axis=1).tolist()
    places = (cell.place(unit * cell.rungs + rung) for unit in range(layer.size))
    return [
        CellFigure(layer.node, unit, place, *values)
        for unit, (place, values) in enumerate(zip(places, figures, strict=True))
    ]


def never_started(layer: CellLayer, needed: Floats, rung: int = 0) -> list[str]:
    """Name the cells of a layer whose start-up switch does not hold their first state.

    At half the supply a switch has to give more than the storage node takes under any candidate.

    Parameters
    ----------
    needed
        Current that holds the storage node, A, (cells, runs, points): without a candidate, with
        some, and last without one while the switches are on.
    """
    middle = needed[..., needed.shape[2] // 2]
    high = layer.cell.together(layer.initial_state)[:, rung]
    given = np.where(high, 1, -1) * (middle[:, 0] - middle[:, -1])
    lost = np.flatnonzero(~(given > np.abs(middle[:, :-1]).max(axis=1))).tolist()
    places = {unit: layer.cell.place(unit * layer.cell.rungs + rung) for unit in lost}
    return [
        f"{layer.node}{place} is not set {'high' if high[unit] else 'low'}"
        for unit, place in places.items()
    ]


def read_sums(
    circuit: Circuit,
    plan: SumPlan,
    at: Operation,
    sums: Floats,
    expected: Mapping[tuple[str, int, int], float],
    parameters: Mapping[tuple[str, int, int], str],
) -> tuple[list[MirrorFigure], list[SumFigure]]:
    """Make figures of the measured sums of a summing layer.

    Parameters
    ----------
    sums
        A, (points, rows).
    expected, parameters
        By source, row and column (0 for the reference): what the mirrors ought to do, and which
        parameters they stand for. A weight that is not in them is not drawn.
    """
    layer, amperes = plan.layer, circuit.model.unit_current
    measured = {s: np.zeros_like(w) for s, w in plan.learned.items()}
    for point, (source, unit) in enumerate(plan.columns, 1):
        measured[source][:, unit] = (sums[point] - sums[0]) / plan.currents[source][point, unit]
    if REFERENCE in measured:
        measured[REFERENCE][:, 0] = sums[0] / amperes
    mirrors = []
    for source, weights in plan.learned.items():
        for row, column in np.ndindex(weights.shape):
            key = source, row, column
            if weights[row, column] == 0 and key not in parameters:
                path = f"no weight from {source}[{column}]"
            else:
                path = parameters.get(key, "")
            mirrors.append(
                MirrorFigure(
                    layer.node,
                    row,
                    source,
                    None if source == REFERENCE else column,
                    path,
                    float(weights[row, column]),
                    expected.get(key, 0.0),
                    float(measured[source][row, column]),
                    1.0 if source == REFERENCE else float(at.signals[source][column] / amperes),
                )
            )
    return mirrors, _sums(circuit.model, plan, at, sums[plan.alone :] / amperes)


def _sums(model: Model, plan: SumPlan, at: Operation, sums: Floats) -> list[SumFigure]:
    layer = plan.layer
    node = model.by_name[layer.node]
    ones = np.ones((len(sums), 1))
    signals = {s: ones if s == REFERENCE else at.values[s] for s in plan.learned}
    wanted = sum(signals[s] @ w.T for s, w in plan.learned.items())
    gross = sum(signals[s] @ np.abs(w).T for s, w in plan.learned.items())
    if layer.kind == "relu":
        assert isinstance(node, Relu)
        wanted = np.maximum(wanted, 0)
    error, size = (np.sqrt(np.mean(np.square(v), axis=0)) for v in (sums - wanted, gross))
    return [
        SumFigure(layer.node, row, float(error[row] / max(size[row], SMALLEST)), float(size[row]))
        for row in range(layer.size)
    ]
