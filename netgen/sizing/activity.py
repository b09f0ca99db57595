"""At which currents a circuit works: from the software model over calibration samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.mirrors import CURRENTS
from netgen.circuit import REFERENCE, Circuit, SummingLayer
from netgen.model import INPUT, Cell, Model, Relu, evaluate
from netgen.sizing.compensate import Calibration

FRAMES = 300
"""So many frames are enough to see how a row's error goes with its signals."""


@dataclass(frozen=True, eq=False)
class Activity:
    """Currents of a circuit over its calibration samples."""

    #: For ``x``, the reference and every relu and cell node, at which current its mirrors are
    #: sized, A, (units,): the geometric mean over the frames, weighted by the current squared,
    #: since a mirror's error in amperes is what disturbs the sum it enters.
    signals: Mapping[str, Floats]
    #: Typical current of every relu and readout row in amperes, (rows,), by node: the geometric
    #: mean while there is one, since the row's voltage goes with the logarithm.
    sums: Mapping[str, Floats]
    operation: Calibration  #: Some of the frames themselves.


def measure_activity(circuit: Circuit, x: Floats) -> Activity:
    """Run the software model on ``x`` (samples, frames, channels) and see where it works."""
    model = circuit.model
    least = CURRENTS[0] * model.unit_current
    values = evaluate(model, x)
    signals = {REFERENCE: np.full(1, model.unit_current)}
    for name, size in circuit.signals:
        node = model.by_name.get(name)
        # a cell is on or off: only its levels count
        flat = node.levels if isinstance(node, Cell) else values[name].reshape(-1, size)
        signals[name] = np.maximum(_typical(flat * model.unit_current, 2.0), least)
    sums = {}
    for layer in circuit.layers:
        if isinstance(layer, SummingLayer):
            flat = values[layer.node].reshape(-1, layer.size) * model.unit_current
            sums[layer.node] = np.maximum(_typical(flat, 0.0, least), least)
    return Activity(signals, sums, _operation(circuit, values))


def _operation(circuit: Circuit, values: Mapping[str, Floats]) -> Calibration:
    """Return up to ``FRAMES`` frames, evenly spread, of every signal and of every row's sum."""
    model = circuit.model
    total = values[INPUT].shape[0] * values[INPUT].shape[1]
    chosen = np.unique(np.linspace(0, total - 1, min(FRAMES, total)).astype(int))

    def amperes(name: str) -> Floats:
        flat: Floats = values[name].reshape(total, -1)[chosen] * model.unit_current
        return flat

    signals = {name: amperes(name) for name, _ in circuit.signals}
    signals[REFERENCE] = np.full((len(chosen), 1), model.unit_current)
    sums: dict[tuple[str, str], Floats] = {}
    for layer in circuit.summing_layers:
        node = model.by_name[layer.node]
        diode_only = isinstance(node, Relu) and layer.kind == "relu"
        name = node.input if diode_only else layer.node  # type: ignore[union-attr]
        sums[layer.node, layer.kind] = amperes(name)
    return Calibration(signals, sums)


def _typical(amperes: Floats, power: float, least: float = 0.0) -> Floats:
    """Return the geometric mean of currents above ``least``, weighted by a power of themselves.

    (frames, units) gives (units,), 0 where nothing flows.
    """
    flows = amperes > least
    inside = np.where(flows, amperes, 1.0)
    weight = np.where(flows, inside**power, 0.0)
    total = weight.sum(axis=0)
    mean = np.exp((weight * np.log(inside)).sum(axis=0) / np.where(total > 0, total, 1.0))
    typical: Floats = np.where(total > 0, mean, 0.0)
    return typical


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
