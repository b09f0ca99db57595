"""At which currents a circuit works: from the software model over calibration samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netgen.circuit import REFERENCE, Circuit, RowLayer
from netgen.circuit.rows import Floats
from netgen.model import INPUT, Cell, Model, Relu, evaluate
from netgen.sizing.compensate import Operation

FRAMES = 300
"""So many frames are enough to see how a row's error goes with its signals."""


@dataclass(frozen=True, eq=False)
class Activity:
    """Currents of a circuit over its calibration samples.

    Attributes
    ----------
    signals
        For ``x``, the reference and every relu and cell node, how much each of the characterised
        currents counts: (units, currents), rows sum to 1. Weighted by the current squared, since
        a mirror's error in amperes is what disturbs the sum it enters.
    rows
        Typical current of every relu and readout row in amperes, (rows,), by node: the geometric
        mean while there is one, since the row's voltage goes with the logarithm.
    operation
        Some of the frames themselves.
    """

    signals: Mapping[str, Floats]
    rows: Mapping[str, Floats]
    operation: Operation


def measure_activity(circuit: Circuit, currents: Floats, x: Floats) -> Activity:
    """Run the software model on ``x`` (samples, frames, channels) and see where it works.

    Parameters
    ----------
    currents
        Characterised currents, A, evenly spaced in their logarithm.
    """
    model = circuit.model
    values = evaluate(model, x)
    signals = {REFERENCE: _shares(np.ones((1, 1)) * model.unit_current, currents)}
    for name, size in circuit.signals:
        node = model.by_name.get(name)
        # a cell is on or off: only its level counts
        flat = node.level[np.newaxis] if isinstance(node, Cell) else values[name].reshape(-1, size)
        signals[name] = _shares(flat * model.unit_current, currents)
    rows = {}
    for layer in circuit.layers:
        if isinstance(layer, RowLayer):
            flat = values[layer.node].reshape(-1, layer.size) * model.unit_current
            rows[layer.node] = _typical(flat, currents[0])
    return Activity(signals, rows, _operation(circuit, values))


def _operation(circuit: Circuit, values: Mapping[str, Floats]) -> Operation:
    """Return up to ``FRAMES`` frames, evenly spread, of every signal and of every row's sum."""
    model = circuit.model
    total = values[INPUT].shape[0] * values[INPUT].shape[1]
    chosen = np.unique(np.linspace(0, total - 1, min(FRAMES, total)).astype(int))

    def amperes(name: str) -> Floats:
        flat: Floats = values[name].reshape(total, -1)[chosen] * model.unit_current
        return flat

    signals = {name: amperes(name) for name, _ in circuit.signals}
    signals[REFERENCE] = np.full((len(chosen), 1), model.unit_current)
    sums = {}
    for layer in circuit.rows:
        node = model.by_name[layer.node]
        own = isinstance(node, Relu) and layer.kind == "relu"
        sums[layer.node] = amperes(node.input if own else layer.node)  # type: ignore[union-attr]
    return Operation(signals, sums)


def _typical(amperes: Floats, smallest: float) -> Floats:
    """Return the geometric mean of each row over the frames in which it flows, (rows,)."""
    flows = amperes > smallest
    logs = np.log(np.where(flows, amperes, smallest))
    mean = logs.sum(axis=0, where=flows) / np.maximum(flows.sum(axis=0), 1)
    typical: Floats = np.where(flows.any(axis=0), np.exp(mean), smallest)
    return typical


def _shares(amperes: Floats, currents: Floats) -> Floats:
    """Spread every current over the two nearest characterised ones, weighted by its square."""
    logs = np.log(currents)
    inside = np.clip(amperes, currents[0], currents[-1])
    position = np.clip((np.log(inside) - logs[0]) / (logs[1] - logs[0]), 0, len(currents) - 1)
    lower = np.minimum(position.astype(int), len(currents) - 2)
    upper = position - lower
    shares = np.zeros((amperes.shape[1], len(currents)))
    for unit in range(amperes.shape[1]):
        weight = inside[:, unit] ** 2
        np.add.at(shares[unit], lower[:, unit], weight * (1 - upper[:, unit]))
        np.add.at(shares[unit], lower[:, unit] + 1, weight * upper[:, unit])
    total: Floats = shares.sum(axis=1, keepdims=True)
    return shares / total


def calibration_inputs(model: Model, samples: int = 20) -> Floats:
    """Return stand-in inputs for a model that comes without samples: (samples, frames, channels).

    Slow random tracks over the whole input range; the same for every call.
    """
    random = np.random.default_rng(20240229)
    frames = max(model.readout.stop, 60)
    knots = random.uniform(0, model.input_max, (samples, frames // 6 + 2, model.input_size))
    at = np.linspace(0, knots.shape[1] - 1.001, frames)
    left = at.astype(int)
    share = (at - left)[:, np.newaxis]
    tracks: Floats = knots[:, left] * (1 - share) + knots[:, left + 1] * share
    return tracks
