"""Mirrors of a row make up together for what the row's voltage and its signals' range cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fake_technology import UNIT, fake_characterisation, fake_gain, fake_technology
from small_models import linear, small_model

from netgen.arrays import Floats
from netgen.circuit import REFERENCE, Circuit, build_circuit
from netgen.model import evaluate, from_dict
from netgen.sizing import measure_activity, size_circuit

TECHNOLOGY = fake_technology()
KNOWN = fake_characterisation(TECHNOLOGY)
WEIGHT = [[0.9, -0.7, 0.4], [-0.5, 1.3, 0.2]]
MODEL = from_dict(
    small_model()
    | {
        "input": {"size": 3, "max": 1.5},
        "nodes": [
            linear("sum", "x", WEIGHT, [0.05, -0.1]),
            {"name": "row", "op": "relu", "input": "sum"},
        ],
        "readout": {"node": "row", "rule": "last", "frames": [0, 1]},
        "classes": ["a", "b"],
    }
)
ALIKE = (((0.2, 1.0), 1), ((0.9, 1.0), 80))
"""Ends and sizes of what all inputs of a frame share, and of what each has of its own."""


def inputs(seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(0.0, 1.5, (4, 100, 3))


def sized(compensate: bool) -> Circuit:
    circuit = build_circuit(MODEL, UNIT)
    activity = measure_activity(circuit, inputs(0))
    if not compensate:
        none = {
            side: {name: values[:0] for name, values in getattr(activity.operation, side).items()}
            for side in ("signals", "sums")
        }
        activity = replace(activity, operation=replace(activity.operation, **none))
    return size_circuit(circuit, TECHNOLOGY, KNOWN, activity, TECHNOLOGY.vdd)[0]


def sums_of(circuit: Circuit, x: Floats) -> tuple[Floats, Floats]:
    """Return the sums of the ReLU rows by the formula the tables were made with, and as wanted."""
    model = circuit.model
    values = evaluate(model, x)
    size = model.sizes["row"]
    wanted = values["sum"].reshape(-1, size)
    signals = {"x": values["x"].reshape(len(wanted), -1), REFERENCE: np.ones((len(wanted), 1))}
    volts = KNOWN.mirrors.diode_voltage(wanted * 1e-9)
    found = np.zeros_like(wanted)
    for mirrors in circuit.summing_layers[0].mirrors:
        flow = signals[mirrors.source]
        assert mirrors.geometry is not None
        for row, column in np.argwhere(mirrors.geometry.multiplicity):
            geometry = mirrors.geometry.at(row, column)
            amperes = np.maximum(flow[:, column], 1e-3) * 1e-9
            gain = fake_gain(geometry, amperes, volts[:, row])
            found[:, row] += np.sign(mirrors.weight[row, column]) * gain * flow[:, column]
    return found, wanted


def row_error(circuit: Circuit) -> float:
    """RMS error of the ReLU rows on other inputs, while current flows."""
    found, wanted = sums_of(circuit, inputs(1))
    on = wanted > 0.01
    return float(np.sqrt(((found - wanted)[on] ** 2).mean()))


def test_rows_err_less_when_their_mirrors_work_together() -> None:
    alone, together = row_error(sized(False)), row_error(sized(True))
    assert alone > 0.002
    assert together < 0.6 * alone


def test_weights_stay_close_to_what_was_learned() -> None:
    for mirrors in sized(True).summing_layers[0].mirrors:
        drawn = mirrors.geometry
        assert drawn is not None
        relative = drawn.realised / mirrors.weight - 1
        assert np.abs(relative).max() < 0.1
        assert (drawn.multiplicity > 0).all()


def test_row_that_is_always_off_stays_so_without_its_smallest_weights() -> None:
    """Weights below the floor are left out: those of a row that never flows count too."""
    weights = [[*[0.086] * 10, *[-0.08] * 10, *[-0.003] * 60]]
    nodes = [linear("sum", "x", weights, [0.0]), {"name": "row", "op": "relu", "input": "sum"}]
    wide = {"input": {"size": 80, "max": 1.0}, "nodes": nodes, "classes": ["a"]}
    model = from_dict(
        small_model() | wide | {"readout": {"node": "row", "rule": "last", "frames": [0, 1]}}
    )
    shade, grain = (np.random.default_rng(0).uniform(*ends, (200, n)) for ends, n in ALIKE)
    x = (shade * grain)[np.newaxis]
    circuit = build_circuit(model, UNIT)
    activity = measure_activity(circuit, x[:, :100])
    done, below = size_circuit(circuit, TECHNOLOGY, KNOWN, activity, TECHNOLOGY.vdd)
    found, wanted = sums_of(done, x[:, 100:])
    assert len(below) == 60
    assert wanted.max() < 0 < (wanted + 0.18 * shade[100:]).min()  # without the smallest it flows
    assert found.max() < 0
    np.testing.assert_allclose(found, wanted, atol=0.005)
