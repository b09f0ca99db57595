"""What cells may have seen while a frame settled: bounds of their candidates.

When a frame begins, every signal goes from its old value to its new one in its own time. Until all
have arrived, a candidate is made of some old and some new values. Interval arithmetic over the
circuit's own summing nodes bounds it over all such mixtures, in every layer, the first included.
The ends are what this circuit showed, so that an error of the software model counts only in how
far a mixture goes beyond them. The bounds are cautious: most of what they leave open no transient
decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from netgen.analysis.comparison.race import MOVED
from netgen.circuit import REFERENCE, CellLayer, Circuit, SummingLayer
from netgen.model import INPUT
from netgen.model.graph import Bools, Floats


@dataclass(frozen=True)
class Margins:
    """How far a circuit may be from what is known of it."""

    excursion: float  #: By how much more a mixture may go beyond the settled ends, as a share.
    reach: float  #: How close to a threshold a mixture may come, as a share of the upper threshold.
    #: Error of a sum that the ReLU cuts off, as a share of the root of its squared terms.
    hidden: float


AS_SIZED = Margins(excursion=0.1, reach=0.02, hidden=0.02)
"""Of a circuit under the conditions that it was sized for."""
VARIED = Margins(excursion=0.4, reach=0.3, hidden=0.3)
"""Of chips whose transistors deviate, and of corners: three sigma of a mirror are some 30 %."""
_OFF = 1e-3
"""A current below this, in units, is that of a ReLU that is off."""


def left_open(
    circuit: Circuit, x: Floats, frames: Mapping[str, Floats], margins: Margins
) -> dict[str, Bools]:
    """Find the states that a transient could decide, which settled values do not show.

    Parameters
    ----------
    x
        Inputs of one sample, (frames, channels), software units.
    frames
        Settled currents of every relu and cell node, (frames, units), software units.

    Returns
    -------
    dict
        By cell node, (frames, triggers). The first frame has none: cells are held until what they
        read has settled.
    """
    return dict(Bounds(x, frames, margins).through(circuit))


def _before(values: Floats, first: Floats) -> Floats:
    """Shift by one frame, (frames, units)."""
    return np.concatenate([np.reshape(first, (1, -1)), values[:-1]])


@dataclass(frozen=True, eq=False)
class SignalRange:
    """A signal at the ends of frames and the lowest and highest it may be between them.

    Each is (frames, units), in software units.
    """

    new: Floats
    old: Floats
    low: Floats
    high: Floats


def _steady(new: Floats, old: Floats) -> SignalRange:
    """Return a signal that goes straight from one end to the other."""
    return SignalRange(new, old, np.minimum(new, old), np.maximum(new, old))


class Bounds:
    """Goes through the layers of a circuit."""

    def __init__(self, x: Floats, frames: Mapping[str, Floats], margins: Margins) -> None:
        self.frames = frames
        self.margins = margins
        one = np.ones((len(x), 1))
        self.ranges = {INPUT: _steady(x, _before(x, x[0])), REFERENCE: _steady(one, one)}

    def through(self, circuit: Circuit) -> Iterator[tuple[str, Bools]]:
        """Yield what is open, layer by layer: its node, (frames, units)."""
        for layer in circuit.layers:
            if isinstance(layer, CellLayer):
                current, cell = self.frames[layer.node], layer.cell
                before = _before(current, cell.output(cell.initial_state))
                yield layer.node, self.open(layer, cell.read(before))
                # the first frame counts as settled
                self.ranges[layer.node] = _steady(current, _before(current, current[0]))
            elif layer.kind == "relu":
                self.add_row(layer)

    def add_row(self, layer: SummingLayer) -> None:
        """Bound the currents of a ReLU layer."""
        current = self.frames[layer.node]
        new, old, low, high, square = (np.zeros_like(current) for _ in range(5))
        for mirrors in layer.mirrors:
            signal, weight = self.ranges[mirrors.source], mirrors.weight.T
            up, down = np.maximum(weight, 0.0), np.minimum(weight, 0.0)
            new += signal.new @ weight
            old += signal.old @ weight
            low += signal.low @ up + signal.high @ down
            high += signal.high @ up + signal.low @ down
            square += signal.new**2 @ weight**2
        off = current < _OFF
        ends = np.where(off, np.minimum(new, 0.0), current)
        error = np.where(off, self.margins.hidden * np.sqrt(square), 0.0)
        earlier, error = _before(ends, ends[0]), np.maximum(error, _before(error, error[0]))
        grown = 1 + self.margins.excursion
        above = grown * np.maximum(high - np.maximum(new, old), 0.0)
        below = grown * np.maximum(np.minimum(new, old) - low, 0.0)
        self.ranges[layer.node] = SignalRange(
            current,
            _before(current, current[0]),
            np.maximum(np.minimum(ends, earlier) - error - below, 0.0),
            np.maximum(np.maximum(ends, earlier) + error + above, 0.0),
        )

    def open(self, layer: CellLayer, before: Bools) -> Bools:
        """Return the states of triggers, high ``before`` or not, that are open, (frames, triggers).

        The candidate comes to rest where either state can stay, and a mixture beyond its settled
        ends may reach the threshold to the other one.
        """
        cell, signal = layer.cell, self.ranges[layer.candidate]
        signal = SignalRange(*map(cell.seen, (signal.new, signal.old, signal.low, signal.high)))
        low, high = cell.falling, cell.rising
        reach, moved = self.margins.reach * high, MOVED * high
        largest, smallest = np.maximum(signal.new, signal.old), np.minimum(signal.new, signal.old)
        rises = (signal.high > high - reach) & (signal.high > largest + moved)
        falls = (signal.low < low + reach) & (signal.low < smallest - moved)
        rests = (signal.new > low - reach) & (signal.new < high + reach)
        unsettled: Bools = np.where(before, falls, rises) & rests
        return unsettled
