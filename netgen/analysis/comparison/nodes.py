"""Every node by itself: what the circuit made of its own signals, unit by unit.

A node is judged by what its own sources carry in the circuit, states included: an error below it is
no error of its own, so that what is wrong is named where it is. What no sample ever used is named,
too: an error there would not show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from netgen.analysis.comparison.settled import SettledTraces
from netgen.circuit.names import weight_path
from netgen.circuit.sums import SignedSums, signed_sums
from netgen.model import Cell, Model, Node, Relu, node_value, states_before
from netgen.model.graph import Bools, Floats

STILL = 1e-3
"""A signal that never carries more than so many units does not use the weights it meets."""
SOFT = 0.1
"""Share of the upper threshold around a threshold within which a cell's output bends."""
LEAST = 0.01
"""Errors of units in which less than this flows are shares of it."""
_Figure = TypeVar("_Figure")


@dataclass(frozen=True)
class UnitError:
    """How far one unit of a node is from what its sources ask for."""

    node: str
    unit: int
    #: Of a summing node (ReLU or readout): root mean square over samples and frames as a share of
    #: ``scale``, the root mean square of all currents that meet in it, whatever their sign. Of a
    #: cell: the median of its output's error as a share of what it gives in that state (in the
    #: low one of α, of a ladder's first rung), in whichever state is worst, over frames in which it
    #: holds that state and its candidate is not within :data:`SOFT` of a threshold. There an output
    #: bends: a high cell gives 1 % less at 1.1 β_lo and 7 % less at β_lo.
    error: float
    scale: float  #: Software units.


@dataclass(frozen=True)
class Unexercised:
    """Parameters that no sample has used."""

    #: ``node``, ``unit``: whose parameters they are.
    node: str
    unit: int
    why: str  #: What did not happen.
    parameters: tuple[str, ...]  #: Their paths.


def unit_errors(model: Model, settled: SettledTraces) -> tuple[UnitError, ...]:
    """Judge every relu and cell node and the readout by the circuit's own signals below it."""

    def summing(node: Node, sums: SignedSums) -> Iterator[UnitError]:
        return _sums(node.name, node_value(node, settled.values), sums, settled)

    return tuple(_by_node(model, lambda cell: _cells(cell, settled), summing))


def _by_node(
    model: Model,
    cells: Callable[[Cell], Iterable[_Figure]],
    summing: Callable[[Node, SignedSums], Iterable[_Figure]],
) -> Iterator[_Figure]:
    """Yield what is found of each cell node, and of each ReLU and the readout with its sums."""
    sums = signed_sums(model)
    for node in model.nodes:
        if isinstance(node, Cell):
            yield from cells(node)
        elif isinstance(node, Relu):
            yield from summing(node, sums[node.input])
        elif node.name == model.readout.node:
            yield from summing(node, sums[node.name])


def _sums(
    name: str, wanted: Floats, sums: SignedSums, settled: SettledTraces
) -> Iterator[UnitError]:
    gross = np.abs(sums.bias) + sum(
        settled.values[term.source] @ np.abs(term.weight).T for term in sums.terms
    )
    error, size = (
        np.sqrt(np.mean(np.square(values), axis=(0, 1)))
        for values in (settled.values[name] - wanted, gross)
    )
    for unit, (worst, scale) in enumerate(zip(error, size, strict=True)):
        yield UnitError(name, unit, float(worst / max(scale, LEAST)), float(scale))


def _cells(cell: Cell, settled: SettledTraces) -> Iterator[UnitError]:
    states = settled.states[cell.name]
    candidate, reach = cell.seen(settled.values[cell.input]), SOFT * cell.rising
    held = states == states_before(cell, states)
    for threshold in (cell.falling, cell.rising):
        held &= np.abs(candidate - threshold) > reach
    wanted: Floats = cell.output(states)
    still: Bools = np.asarray(cell.together(held).all(axis=-1), dtype=np.bool_)
    off = np.abs(settled.values[cell.name] - wanted)
    for unit, levels in enumerate(cell.levels.T):
        outputs, missed = wanted[..., unit], off[..., unit]
        errors = [(0.0, float(levels[0]))]
        for each in np.unique(outputs).tolist():
            part, scale = missed[still[..., unit] & (outputs == each)], each or float(levels[0])
            if part.size:
                errors.append((float(np.median(part)) / scale, scale))
        yield UnitError(cell.name, unit, *max(errors))


def unexercised(model: Model, settled: SettledTraces) -> tuple[Unexercised, ...]:
    """Return the parameters that no sample has used.

    A weight whose signal never flowed; all of a row whose sum was never positive, where only that
    was seen; thresholds that no candidate has crossed, and the output of a cell never high.
    """

    def summing(node: Node, sums: SignedSums) -> Iterator[Unexercised]:
        peak = settled.values[node.name].max(axis=(0, 1), initial=0.0)
        flows = peak > STILL if isinstance(node, Relu) else np.ones(len(peak), np.bool_)
        return _unexercised_weights(node.name, sums, flows, settled)

    return tuple(_by_node(model, lambda cell: _thresholds(cell, settled), summing))


def _unexercised_weights(
    name: str, sums: SignedSums, flows: Bools, settled: SettledTraces
) -> Iterator[Unexercised]:
    peaks = {t.source: settled.values[t.source].max(axis=(0, 1), initial=0.0) for t in sums.terms}
    for unit in range(len(sums.bias)):
        paths, unused = [], []
        for term in sums.terms:
            for column in np.flatnonzero(term.weight[unit]):
                path = weight_path(term.source, term.chain, unit, int(column))
                paths.append(path)
                if peaks[term.source][column] <= STILL:
                    unused.append(path)
        if not flows[unit] and paths:
            why = "its sum was never positive: that is all that was seen of it"
            yield Unexercised(name, unit, why, tuple(paths))
        elif unused:
            yield Unexercised(name, unit, "the signal was always zero", tuple(unused))


def _ever(states: Bools) -> list[bool]:
    """Tell, trigger by trigger, whether anything was true in any sample and frame."""
    return [bool(states[..., unit].any()) for unit in range(states.shape[2])]


def _thresholds(cell: Cell, settled: SettledTraces) -> Iterator[Unexercised]:
    candidate, states = settled.values[cell.input], settled.states[cell.name]
    before = states_before(cell, states)
    rose, fell, high = (_ever(part) for part in (states & ~before, before & ~states, states))
    for at in range(cell.triggers):
        unit, place = at // cell.rungs, cell.place(at)
        top = candidate[..., unit].max(initial=0.0)
        names = {cell.rising_key: not rose[at] and top <= cell.rising[at]}
        if cell.memory:
            names[cell.falling_key] = not fell[at]
        names[cell.level_key] = not high[at]
        missing = tuple(f"{cell.name}.{key}{place}" for key, unused in names.items() if unused)
        if missing:
            why = "the cell was never high" if not high[at] else "no candidate crossed it"
            yield Unexercised(cell.name, unit, why, missing)
