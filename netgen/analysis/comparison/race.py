"""Races: cells that may latch on a transient, predicted from states or seen in the circuit.

When a frame begins, the input moves at once but the cells of earlier layers need 100 to 300 µs to
switch. Meanwhile a cell of a later layer sees the new input with some of the old states. If that
transient candidate crosses a threshold and the settled one lies in the hysteresis band, the cell
keeps what the transient wrote; the software model has no such thing.

Which lower cells have switched at a given moment depends on their overdrive, so no order is
assumed, neither within a layer nor between layers: every subset of the *restless* lower cells is a
possible transient (the prefixes "layers 1 … j new, the rest old" are among them). Restless is a
cell that changes state in this frame, or whose own transient candidate crosses a threshold (it may
pulse, or latch). With up to ``ENUMERATED`` restless cells all subsets are evaluated exactly; above
that, interval arithmetic bounds the candidate over all subsets at once: never too narrow, but it
may flag a race that no subset causes. The input's own edge is taken as instantaneous.

On random networks all subsets flag 1.5 to 2 times as many states as the prefixes alone (d = 4 and
16), and bounds alone twice as many again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from netgen.model import INPUT, Cell, Linear, Model, Relu, evaluate, sources, states_before
from netgen.model.graph import Bools, Floats

NEAR = 0.02
"""A candidate this close to a threshold, as a share of the upper one, is left out of judgement."""

SEEN = 0.005
"""A cell's own thresholds are off by less than this share of the upper one: a transient of its own
candidate that stays further away decides nothing."""

MOVED = 1e-3
"""A transient that goes beyond settled values by less than this share of the upper threshold is
none."""

ENUMERATED = 8
"""Up to this many restless cells below, every subset is evaluated; above, bounds are used."""

_BLOCK = 2**15  # rows evaluated at once: keeps the memory of a wide network at some 100 MB


def near_threshold(cell: Cell, candidate: Floats) -> Bools:
    """Tell where a candidate, units, is within 2 % of β_hi of a threshold, (…, triggers)."""
    candidate, reach = cell.seen(candidate), NEAR * cell.rising
    near: Bools = (np.abs(candidate - cell.rising) <= reach) | (
        np.abs(candidate - cell.falling) <= reach
    )
    return near


def forecast_races(model: Model, x: Floats) -> dict[str, Bools]:
    """Flag races from software alone, before anything is simulated (see :func:`predict_races`).

    The race events of a sample are the true entries of its (frames, triggers), summed over nodes.
    """
    values = evaluate(model, x)
    return predict_races(
        model, x, {cell.name: cell.read(values[cell.name]) for cell in model.cells}
    )


def predict_races(model: Model, x: Floats, states: Mapping[str, Bools]) -> dict[str, Bools]:
    """Flag every (sample, frame, trigger) whose state a transient of lower layers could decide.

    Parameters
    ----------
    x
        Inputs, (samples, frames, channels), software units.
    states
        The settled states by cell node, each (samples, frames, triggers): the software's own, or
        the circuit's to learn which of its states a race may explain.

    Returns
    -------
    dict
        By cell node, (samples, frames, triggers): the cell was low, a transient candidate exceeds
        the upper threshold and the settled one lies in the band (or was high and falls below
        the lower one), all with a margin of 2 % of the upper threshold.
    """
    values = evaluate(model, x, states)
    settled = _Settled(
        x, states, {cell.name: states_before(cell, states[cell.name]) for cell in model.cells}, {}
    )
    races: dict[str, Bools] = {}
    for cell in model.cells:
        candidate, before = values[cell.input], settled.before[cell.name]
        transient = _excursion(model, cell, candidate, settled)
        crossed = _crosses(cell, before, transient, (candidate, candidate))
        races[cell.name] = crossed & _in_band(cell, candidate)
        settled.restless[cell.name] = (before != states[cell.name]) | crossed
    return races


def seen_transients(
    cell: Cell, before: Bools, candidate: Floats, circuit: Floats, extremes: Floats
) -> Bools:
    """Flag states that a transient on the circuit's own candidate current could decide.

    Rows settle at different speeds, and the input's edge passes through values between two
    frames: the current may overshoot both its old and its new value, also in the first layer,
    where no state below explains it. The conditions are those of :func:`predict_races`, but the
    circuit's own current needs no margin other than the error of the cell (:data:`SEEN`).

    Parameters
    ----------
    before
        The circuit's states in the frame before, (samples, frames, triggers).
    candidate, circuit
        The settled candidate as software makes it of the circuit's states, and as the circuit
        shows it, each (samples, frames, units).
    extremes
        Smallest and largest value of the circuit's candidate in each frame, transients included,
        (samples, frames, units, 2).
    """
    old = np.concatenate([circuit[:, :1], circuit[:, :-1]], axis=1)
    ends = np.minimum(old, circuit), np.maximum(old, circuit)
    crossed = _crosses(cell, before, (extremes[..., 0], extremes[..., 1]), ends, SEEN)
    return crossed & _in_band(cell, candidate)


def _crosses(
    cell: Cell,
    before: Bools,
    transient: tuple[Floats, Floats],
    ends: tuple[Floats, Floats],
    margin: float = NEAR,
) -> Bools:
    """Tell where a transient beyond the settled ends reaches the threshold to the other state.

    ``transient`` and ``ends`` are (lowest, highest), ``margin`` a share of the upper threshold.
    """
    transient = cell.seen(transient[0]), cell.seen(transient[1])
    ends = cell.seen(ends[0]), cell.seen(ends[1])
    reach, moved = margin * cell.rising, MOVED * cell.rising
    rises = (transient[1] > cell.rising - reach) & (transient[1] > ends[1] + moved)
    falls = (transient[0] < cell.falling + reach) & (transient[0] < ends[0] - moved)
    return np.where(before, falls, rises)


def _in_band(cell: Cell, candidate: Floats) -> Bools:
    candidate, reach = cell.seen(candidate), NEAR * cell.rising
    inside: Bools = (candidate >= cell.falling - reach) & (candidate <= cell.rising + reach)
    return inside


@dataclass(frozen=True, eq=False)
class _Settled:
    """States at the end of each frame and of the one before; restless cells found so far."""

    x: Floats
    states: Mapping[str, Bools]
    before: Mapping[str, Bools]
    restless: dict[str, Bools]


def _cone(model: Model, cell: Cell) -> Model:
    """Cut the model down to what a cell's candidate is made of, lower cells being given."""
    wanted, queue = set(), [cell.input]
    while queue:
        name = queue.pop()
        if name == INPUT or name in wanted:
            continue
        wanted.add(name)
        node = model.by_name[name]
        if not isinstance(node, Cell):
            queue.extend(sources(node))
    return replace(model, nodes=tuple(node for node in model.nodes if node.name in wanted))


def _excursion(
    model: Model, cell: Cell, candidate: Floats, settled: _Settled
) -> tuple[Floats, Floats]:
    """Return the lowest and highest transient candidate, the settled one where there is none."""
    lowest, highest = candidate.copy(), candidate.copy()
    cone = _cone(model, cell)
    if not cone.cells:
        return lowest, highest
    restless = np.concatenate([settled.restless[lower.name] for lower in cone.cells], axis=2)
    final = np.concatenate([settled.states[lower.name] for lower in cone.cells], axis=2)
    counts = restless.sum(axis=2)
    for count in range(1, ENUMERATED + 1):
        for at in _blocks(counts == count, 2**count - 1):
            sums = _subsets(cone, cell.input, settled.x[at], final[at], restless[at], count)
            lowest[at], highest[at] = sums
    for at in _blocks(counts > ENUMERATED, 1):
        lowest[at], highest[at] = _bounds(cone, cell.input, settled.x[at], final[at], restless[at])
    return lowest, highest


def _blocks(chosen: Bools, rows_each: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the (sample, frame) index arrays of ``chosen`` in blocks of bounded size."""
    sample, frame = np.nonzero(chosen)
    step = max(1, _BLOCK // rows_each)
    for start in range(0, len(sample), step):
        yield sample[start : start + step], frame[start : start + step]


def _subsets(
    cone: Model, name: str, x: Floats, final: Bools, restless: Bools, count: int
) -> tuple[Floats, Floats]:
    """Extremes of node ``name`` over every subset of restless cells that is not settled yet.

    ``x`` is (rows, channels), ``final`` and ``restless`` are (rows, lower triggers), with ``count``
    restless in each row. A cell not settled has the opposite of its final state.
    """
    rows, choices = len(x), 2**count - 1
    units = np.nonzero(restless)[1].reshape(rows, 1, count)
    unsettled = (np.arange(1, choices + 1)[:, None] >> np.arange(count)) & 1 == 1
    toggled = np.zeros((rows, choices, final.shape[1]), dtype=np.bool_)
    np.put_along_axis(toggled, np.broadcast_to(units, (rows, choices, count)), unsettled[None], 2)
    states = np.split(
        final[:, None] ^ toggled, np.cumsum([c.triggers for c in cone.cells])[:-1], axis=2
    )
    repeated = np.broadcast_to(x[:, None], (rows, choices, x.shape[1]))
    forced = {cell.name: part for cell, part in zip(cone.cells, states, strict=True)}
    value = evaluate(cone, repeated, forced)[name]
    return value.min(axis=1), value.max(axis=1)


def _bounds(
    cone: Model, name: str, x: Floats, final: Bools, restless: Bools
) -> tuple[Floats, Floats]:
    """Interval of node ``name`` over every subset of restless cells (arguments as above)."""
    low: dict[str, Floats] = {INPUT: x}
    high: dict[str, Floats] = {INPUT: x}
    start = 0
    for node in cone.nodes:
        if isinstance(node, Cell):
            part = slice(start, start + node.triggers)
            start = part.stop
            low[node.name] = node.output((final & ~restless)[:, part])
            high[node.name] = node.output((final | restless)[:, part])
        elif isinstance(node, Linear):
            centre = (low[node.input] + high[node.input]) / 2 @ node.weight.T + node.bias
            reach = (high[node.input] - low[node.input]) / 2 @ np.abs(node.weight).T
            low[node.name], high[node.name] = centre - reach, centre + reach
        elif isinstance(node, Relu):
            low[node.name] = np.maximum(low[node.input], 0.0)
            high[node.name] = np.maximum(high[node.input], 0.0)
        else:
            low[node.name] = np.sum([low[each] for each in node.inputs], axis=0)
            high[node.name] = np.sum([high[each] for each in node.inputs], axis=0)
    return low[name], high[name]
