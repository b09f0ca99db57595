"""At which currents a network's mirrors are measured, and in which decks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.circuit import REFERENCE, Circuit, SummingLayer
from netgen.model import INPUT, evaluate
from netgen.sizing import measure_activity

SMALLEST = 0.02
"""Errors of weights below this are shares of it: what leaks past a row is no error of a weight."""
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
