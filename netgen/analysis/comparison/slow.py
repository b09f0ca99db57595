"""States that a cell does not reach within its frame, from the measured times of cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from netgen.analysis.comparison.race import NEAR
from netgen.characterise import CellSpeed
from netgen.model import INPUT, Cell, Model, sources, states_before
from netgen.model.graph import Bools, Floats
from netgen.netlist import SETTLED, release_time


def slow_states(
    model: Model,
    states: Mapping[str, Bools],
    software: Mapping[str, Floats],
    circuit: Mapping[str, Floats],
    speeds: Mapping[str, CellSpeed],
) -> dict[str, Bools]:
    """Flag every (sample, frame, trigger) whose change of state takes longer than its frame.

    A cell has what is left of the frame when the cells below it have changed theirs; in the first
    frame, when it is released.

    Parameters
    ----------
    states
        Settled states by cell node, each (samples, frames, triggers).
    software, circuit
        Values of the nodes that drive cells, as software makes them of these states and as the
        circuit shows them. The larger overdrive counts: it takes less time.
    speeds
        See :func:`netgen.characterise.cell_speeds`.
    """
    arrivals: dict[str, Floats] = {}
    slow: dict[str, Bools] = {}
    below = {cell.name: _below(model, cell) for cell in model.cells}
    orders: dict[str, int] = {}
    for cell in model.cells:
        orders[cell.name] = 1 + max((orders[lower] for lower in below[cell.name]), default=-1)
    for cell in model.cells:
        before, high = states_before(cell, states[cell.name]), states[cell.name]
        candidates = software[cell.input], circuit[cell.input]
        overdrive = np.stack([_overdrive(cell, before, each) for each in candidates]).max(axis=0)
        needed = np.zeros(before.shape)  # of a cell that counts as immediate
        if cell.name in speeds:
            rise, fall = speeds[cell.name].time(overdrive)
            needed = np.where(before, fall, rise)
        start = np.zeros(before.shape[:2])
        for lower in below[cell.name]:
            start = np.maximum(start, arrivals[lower])
        released = orders[cell.name], 1 + max(orders.values()), model.frame_period
        start[:, :1] = np.maximum(start[:, :1], release_time(*released))
        left = SETTLED * model.frame_period - start
        changes = cell.states(software[cell.input], before) != before
        slow[cell.name] = changes & (needed > left[..., np.newaxis])
        moved = np.where(high != before, np.minimum(needed, left[..., np.newaxis]), 0.0)
        arrivals[cell.name] = start + moved.max(axis=2, initial=0.0)
    return slow


def frame_needed(model: Model, speeds: Mapping[str, CellSpeed]) -> float:
    """Return the shortest frame, s, in which every cell answers an overdrive of 2 % of its β_hi.

    Layers answer one after another. A cell whose β_lo is smaller than that overdrive can only fall
    by its β_lo.
    """
    ends: dict[str, float] = {}
    for cell in model.cells:
        start = max((ends[lower] for lower in _below(model, cell)), default=0.0)
        if cell.name not in speeds:  # counts as immediate
            ends[cell.name] = start
            continue
        rise, _ = speeds[cell.name].time(np.full(cell.triggers, NEAR))
        _, fall = speeds[cell.name].time(np.minimum(NEAR, cell.falling / cell.rising))
        fall = np.where(cell.falling > 0, fall, 0.0)  # such a cell never falls
        ends[cell.name] = start + float(max(rise.max(), fall.max()))
    return max(ends.values(), default=0.0) / SETTLED


@dataclass(frozen=True)
class LateThreshold:
    """A threshold that a cell does not answer within a frame, or only at a large overdrive."""

    parameter: str  #: Path of the learned parameter.
    #: The smallest overdrive that the cell answers within a frame, as a share of the upper
    #: threshold; infinite where no overdrive is large enough.
    overdrive: float
    upper: str  #: Key of the upper threshold.

    def __str__(self) -> str:
        if np.isinf(self.overdrive):
            return f"{self.parameter}: the cell answers no candidate within a frame"
        return (
            f"{self.parameter}: the cell answers within a frame only a candidate that is "
            f"{self.overdrive:.1%} of {self.upper} beyond it"
        )


def late_thresholds(model: Model, speeds: Mapping[str, CellSpeed]) -> Iterator[LateThreshold]:
    """Name the thresholds whose cells need longer than a frame.

    That is at an overdrive of 2 % of β_hi, which is not called near any more, or of the whole band
    where that is narrower; a falling cell's overdrive is at most its β_lo.
    """
    for cell in (cell for cell in model.cells if cell.name in speeds):
        band = (cell.rising - cell.falling) / cell.rising
        largest = cell.falling / cell.rising
        rise, fall = speeds[cell.name].overdrive(SETTLED * model.frame_period)
        fall = np.where(fall > largest, np.inf, fall)
        for key, smallest in ((cell.rising_key, rise), (cell.falling_key, fall)):
            for trigger in np.flatnonzero(smallest > np.minimum(NEAR, band)).tolist():
                path = f"{cell.name}.{key}{cell.place(trigger)}"
                yield LateThreshold(path, float(smallest[trigger]), cell.rising_key)


def _overdrive(cell: Cell, before: Bools, candidate: Floats) -> Floats:
    """Return by how much a candidate is beyond the threshold to the other state, over β_hi."""
    candidate = cell.seen(candidate)
    excess = np.where(before, cell.falling - candidate, candidate - cell.rising)
    share: Floats = excess / cell.rising
    return share


def _below(model: Model, cell: Cell) -> set[str]:
    """Return the names of the cell nodes that a cell's candidate depends on without a cell between.

    What lies below those is in their own arrivals.
    """
    nodes, seen, queue = set(), set(), [cell.input]
    while queue:
        name = queue.pop()
        if name == INPUT or name in seen:
            continue
        seen.add(name)
        if isinstance(model.by_name[name], Cell):
            nodes.add(name)
        else:
            queue.extend(sources(model.by_name[name]))
    return nodes
