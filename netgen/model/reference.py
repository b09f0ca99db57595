"""The reference software model: what the circuit has to compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from netgen.model.cell import Cell
from netgen.model.graph import (
    INPUT,
    Add,
    Bools,
    Floats,
    Integers,
    Linear,
    Model,
    Node,
    Readout,
    Relu,
)


def evaluate(
    model: Model,
    x: Floats,
    states: Mapping[str, Bools] | None = None,
    value: Callable[[Node, Mapping[str, Floats]], Floats] | None = None,
) -> dict[str, Floats]:
    """Run the model on a batch of sequences.

    Parameters
    ----------
    x
        Inputs, (samples, frames, channels), in software units.
    states
        States of cells to force, by node name, each (samples, frames, triggers): the node then
        gives its output in them whatever its candidate (used to separate state flips from analog
        error).
    value
        What a node makes of the values before it, in place of :func:`node_value`: for nodes that
        are not ideal.

    Returns
    -------
    dict
        The value of ``"x"`` and of every node, each (samples, frames, units), software units.
    """
    forced = states or {}
    compute = value or node_value
    values: dict[str, Floats] = {INPUT: np.asarray(x, dtype=np.float64)}
    for node in model.nodes:
        if isinstance(node, Cell) and node.name in forced:
            values[node.name] = node.output(forced[node.name])
        else:
            values[node.name] = compute(node, values)
    return values


def node_value(node: Node, values: Mapping[str, Floats]) -> Floats:
    """Return one node's value, (samples, frames, units), from those of the nodes it reads."""
    if isinstance(node, Linear):
        product: Floats = values[node.input] @ node.weight.T
        return product + node.bias
    if isinstance(node, Relu):
        return np.maximum(values[node.input], 0.0)
    if isinstance(node, Add):
        return sum((values[name] for name in node.inputs[1:]), values[node.inputs[0]])
    return node.output(node.states(values[node.input]))


def states_before(node: Cell, states: Bools) -> Bools:
    """Shift states by one frame: (samples, frames, triggers), starting with the initial state."""
    first = np.broadcast_to(node.initial_state, states[:, :1].shape)
    return np.concatenate([first, states[:, :-1]], axis=1)


def decide(readout: Readout, logits: Floats) -> Integers:
    """Return the class index of every sample from the readout node's (samples, frames, classes).

    Ties go to the lower class index.
    """
    decided: Integers = _scores(readout, logits).argmax(axis=1)
    return decided


def _scores(readout: Readout, logits: Floats) -> Floats:
    """Return what the rule compares, (samples, classes)."""
    window = logits[:, readout.start : readout.stop]
    scores: Floats = window[:, -1]
    if readout.rule == "majority_vote":
        scores = votes(window) / window.shape[1]
    elif readout.rule == "mean":
        scores = window.mean(axis=1)
    return scores


def votes(window: Floats) -> Integers:
    """Count the frames in which each class is largest: (samples, frames, classes) gives
    (samples, classes).
    """
    winners = window.argmax(axis=2)
    return np.stack([(winners == k).sum(axis=1) for k in range(window.shape[2])], axis=1)


def margin(readout: Readout, logits: Floats) -> Floats:
    """Return by how much the decided class leads the next, (samples,).

    ``logits``: units, (samples, frames, classes).

    For ``majority_vote`` the lead in votes as a share of the frames; otherwise the lead of the
    deciding logit, in software units. 0 with one class.
    """
    score = _scores(readout, logits)
    if score.shape[1] == 1:
        return np.zeros(len(score))
    ordered = np.sort(score, axis=1)
    lead: Floats = ordered[:, -1] - ordered[:, -2]
    return lead
