"""What a network's own mirrors and cells do at operating points, against the learned values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.circuit import REFERENCE, CellLayer, Circuit, SummingLayer
from netgen.circuit.blocks import Held
from netgen.model import INPUT, Model, Relu, evaluate
from netgen.sizing import measure_activity

SMALLEST = 0.02
"""Errors of weights below this are shares of it: what leaks past a row is no error of a weight."""
SMALLEST_BIAS = 0.05
"""The same for biases."""
WORKING = 0.1
"""Current, in units, from which on an error of a mirror counts in full."""
SMALLEST_GAIN = 0.01
"""Smallest gain of a cell's input transistor: near the supply it carries nothing."""
FRAMES = 10, 40
"""In at least and at most so many frames of the inputs a circuit was sized for its rows are
measured, fewer where a layer has many mirrors: so that mirrors × frames are at most about
:data:`EFFORT`."""
EFFORT = 250_000

TOGETHER = 16
"""So many signals are measured in one deck, where a layer has more than twice as many: one flows at
a time, and the mirrors of all others are computed, too."""
MIRRORS = 2048
"""In one deck of such a layer rows of about so many mirrors take the frames."""
STIFF = 1e3
"""A sum that is held is so by this many units a volt: within millivolts, and currents are exact."""
RELEASE = (STIFF, 30.0, 1.0, 0.0)
"""How hard a row of hundreds of mirrors is held in a frame until it is free, units a volt."""
THERMAL = 0.026
"""Thermal voltage, V: a first guess needs it no better."""
SLOPE = 1.3
"""Of a diode: its voltage grows by so many thermal voltages where its current grows e-fold."""
HIGHEST = 0.15
"""Voltage of the highest guess at a row that is off, V."""


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


@dataclass(frozen=True, eq=False)
class Operation:
    """At which currents a network is measured."""

    #: Current of every signal at which its mirrors were sized, A, (units,), by node.
    signals: Mapping[str, Floats]
    sums: Mapping[str, Floats]  #: Typical sum of the sums, A, (sums,), by node.
    #: Values of all nodes in some frames, (frames, units), software units.
    values: Mapping[str, Floats]


def operation(circuit: Circuit, x: Floats) -> Operation:
    """Return where a circuit works over inputs, (samples, frames, channels)."""
    activity = measure_activity(circuit, x)
    values = {n: v.reshape(-1, v.shape[2]) for n, v in evaluate(circuit.model, x).items()}
    total = len(values[INPUT])
    drawn = [sum(np.count_nonzero(m.weight) for m in s.mirrors) for s in circuit.summing_layers]
    count = min(total, int(np.clip(EFFORT // max([1, *drawn]), *FRAMES)))
    chosen = np.unique(np.linspace(0, total - 1, count).astype(int))
    frames = {name: value[chosen] for name, value in values.items()}
    return Operation(activity.signals, activity.sums, frames)


@dataclass(frozen=True, eq=False)
class SumPlan:
    """The points at which a summing layer is measured.

    The first has all signals off, then each column is on alone, then come frames.
    """

    layer: SummingLayer
    columns: tuple[tuple[str, int], ...]  #: Signals in the order of their points.
    currents: Mapping[str, Floats]  #: By source node, A, (points, units).
    #: By source node and for the reference: the learned weights, (rows, units).
    learned: Mapping[str, Floats]
    #: Where sums are held: at the voltage of a diode with this current, A, (rows,), counted so
    #: often (1; 0: not), and so much above it, V, (points, rows) each.
    typical: Floats
    times: Floats
    above: Floats

    @property
    def alone(self) -> int:
        """How many points come before the frames."""
        return 1 + len(self.columns)

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(next(iter(self.currents.values()))) if self.currents else self.alone

    @property
    def wide(self) -> bool:
        """Whether there are so many signals that it takes more than one deck."""
        return len(self.columns) > 2 * TOGETHER

    def parts(self) -> Iterator[SumPart]:
        """Yield what each deck measures: all, or some signals alone, or the frames of some rows.

        From one frame to the next Newton's method finds its way to a free row of hundreds of
        mirrors late or not at all: such a row is held about where it will be, then free.
        """
        each, rows, columns = np.arange(self.points), np.arange(self.layer.size), len(self.columns)
        held = np.full(self.alone, STIFF)
        if not self.wide:
            yield SumPart(each, np.append(held, np.zeros(self.points - self.alone)), rows)
            return
        for first in range(1, self.alone, TOGETHER):
            some = np.append(0, each[first : min(first + TOGETHER, self.alone)])
            yield SumPart(some, held[: len(some)], rows)
        points = np.append(0, np.repeat(each[self.alone :], len(RELEASE)))
        stiff = np.append(STIFF, np.tile(RELEASE, self.points - self.alone))
        size = max(1, MIRRORS // columns) if self.layer.kind == "relu" else self.layer.size
        for first in range(0, self.layer.size, size):
            yield SumPart(points, stiff, rows[first : first + size])


@dataclass(frozen=True, eq=False)
class SumPart:
    """What one deck measures of a summing layer. Of a point that is there twice the last counts."""

    points: Integers  #: Of the plan, (points,); the first has no signal.
    stiff: Floats  #: How hard each point holds a sum, units a volt, (points,); 0: it is free.
    rows: Integers  #: (rows,).

    def gates(
        self, plan: SumPlan, volts: Mapping[str, Mapping[str, Floats]]
    ) -> dict[str, dict[str, Floats]]:
        """Return the gate voltages, V, (points,), by source and net, where it takes frames.

        Parameters
        ----------
        volts
            The same without signals, then in each frame, (1 + frames,).
        """
        if not plan.wide or self.points[-1] < plan.alone:
            return {}
        at = np.maximum(self.points - plan.alone + 1, 0)
        used = {source: volts[source] for source in plan.currents if source in volts}
        return {source: {net: v[at] for net, v in nets.items()} for source, nets in used.items()}


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
    lost = np.flatnonzero(~(given > np.abs(middle[:, :-1]).max(axis=1)))
    return [f"{layer.node}[{unit}] is not set {'high' if high[unit] else 'low'}" for unit in lost]


def plan_sums(circuit: Circuit, layer: SummingLayer, at: Operation) -> SumPlan:
    """Plan how to measure a summing layer."""
    learned: dict[str, Floats] = {}
    for mirrors in layer.mirrors:
        learned[mirrors.source] = learned.get(mirrors.source, 0.0) + mirrors.weight
    sources = [source for source in learned if source != REFERENCE]
    columns = tuple((s, unit) for s in sources for unit in range(learned[s].shape[1]))
    alone, frames = 1 + len(columns), len(at.values[INPUT])
    currents = {s: np.zeros((alone + frames, learned[s].shape[1])) for s in sources}
    for point, (source, unit) in enumerate(columns, 1):
        currents[source][point, unit] = at.signals[source][unit]
    amperes = circuit.model.unit_current
    for source in sources:
        currents[source][alone:] = at.values[source] * amperes
    ones = np.ones((frames, 1))
    signals = {s: ones if s == REFERENCE else at.values[s] for s in learned}
    none = np.zeros((frames, layer.size))
    into, out = (
        sum((signals[s] @ np.maximum(sign * w, 0).T for s, w in learned.items()), none)
        for sign in (1, -1)
    )
    # a row that is off is where its sinks, no longer saturated, give what its sources do
    ratio = np.clip(into / np.maximum(out, SMALLEST), 0, 1 - np.exp(-HIGHEST / THERMAL))
    typical, carried = at.sums[layer.node], np.maximum(into - out, SMALLEST * SMALLEST) * amperes
    on = SLOPE * THERMAL * np.log(carried / typical)
    above = np.where(out > into, -THERMAL * np.log1p(-ratio), on)
    held = np.ones((alone, layer.size))
    times, above = (np.concatenate(pair) for pair in ((held, out <= into), (0 * held, above)))
    return SumPlan(layer, columns, currents, learned, typical, times, above)


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
