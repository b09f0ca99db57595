"""States that a cell does not reach within its frame, from the measured times of cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netgen.model import INPUT, Bmru, Model, evaluate, hysteresis, sources, states_before
from netgen.model.graph import Bools, Floats
from netgen.netlist import SETTLED, release_time
from netgen.sizing import CellSpeed, CellTable, CellTimes


def cell_speeds(model: Model, cells: CellTable, times: CellTimes) -> dict[str, CellSpeed]:
    """Return the measured times of every cell of a model, by bmru node."""
    unit = model.unit_current
    return {
        cell.name: times.of(
            cells, cell.beta_hi * unit, (cell.beta_hi - cell.beta_lo) * unit, cell.alpha * unit
        )
        for cell in model.cells
    }


def forecast_slow(model: Model, x: Floats, speeds: Mapping[str, CellSpeed]) -> dict[str, Bools]:
    """Flag slow states from software alone, before anything is simulated (:func:`slow_states`)."""
    values = evaluate(model, x)
    states = {cell.name: values[cell.name] > 0 for cell in model.cells}
    return slow_states(model, states, values, values, speeds)


def slow_states(
    model: Model,
    states: Mapping[str, Bools],
    software: Mapping[str, Floats],
    circuit: Mapping[str, Floats],
    speeds: Mapping[str, CellSpeed],
) -> dict[str, Bools]:
    """Flag every (sample, frame, unit) whose change of state takes longer than its frame.

    A cell has what is left of the frame when the cells below it have changed theirs; in the first
    frame, when it is released.

    Parameters
    ----------
    states
        Settled states by bmru node, each (samples, frames, units).
    software, circuit
        Values of the nodes that drive cells, as software makes them of these states and as the
        circuit shows them. The larger overdrive counts: it takes less time.
    speeds
        See :func:`cell_speeds`.
    """
    arrivals: dict[str, Floats] = {}
    found: dict[str, Bools] = {}
    below = {cell.name: _below(model, cell) for cell in model.cells}
    stages: dict[str, int] = {}
    for cell in model.cells:
        stages[cell.name] = 1 + max((stages[lower] for lower in below[cell.name]), default=-1)
    for cell in model.cells:
        before, high = states_before(cell, states[cell.name]), states[cell.name]
        candidates = software[cell.input], circuit[cell.input]
        overdrive = np.max([_overdrive(cell, before, each) for each in candidates], axis=0)
        rise, fall = speeds[cell.name].time(overdrive)
        needed = np.where(before, fall, rise)
        start = np.zeros(before.shape[:2])
        for lower in below[cell.name]:
            start = np.maximum(start, arrivals[lower])
        released = stages[cell.name], 1 + max(stages.values()), model.frame_period
        start[:, :1] = np.maximum(start[:, :1], release_time(*released))
        left = SETTLED * model.frame_period - start
        changes = hysteresis(cell, software[cell.input], before) != before
        found[cell.name] = changes & (needed > left[..., np.newaxis])
        moved = np.where(high != before, np.minimum(needed, left[..., np.newaxis]), 0.0)
        arrivals[cell.name] = start + moved.max(axis=2, initial=0.0)
    return found


def _overdrive(cell: Bmru, before: Bools, candidate: Floats) -> Floats:
    """Return by how much a candidate is beyond the threshold to the other state, over β_hi."""
    excess = np.where(before, cell.beta_lo - candidate, candidate - cell.beta_hi)
    share: Floats = excess / cell.beta_hi
    return share


def _below(model: Model, cell: Bmru) -> set[str]:
    """Return the names of the bmru nodes that a cell's candidate depends on without a cell between.

    What lies below those is in their own arrivals.
    """
    found, seen, queue = set(), set(), [cell.input]
    while queue:
        name = queue.pop()
        if name == INPUT or name in seen:
            continue
        seen.add(name)
        if isinstance(model.by_name[name], Bmru):
            found.add(name)
        else:
            queue.extend(sources(model.by_name[name]))
    return found
