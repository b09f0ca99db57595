"""Cells: biases by inversion of a table, and thresholds read off a swept storage node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_technology import UNIT, fake_cells, fake_characterisation, fake_technology
from small_models import small_model, spoiled

from netgen.circuit import build_circuit
from netgen.circuit.blocks import Held
from netgen.circuit.blocks.schmitt9 import read_thresholds
from netgen.circuit.blocks.schmitt9.table import extrapolated
from netgen.errors import ModelError, SimulationError
from netgen.model import evaluate, from_dict
from netgen.sizing import calibration_inputs, measure_activity, size_circuit

TECHNOLOGY = fake_technology()
KNOWN = fake_characterisation(TECHNOLOGY)
TABLE = fake_cells()


# The table's inverse


def test_table_gives_back_what_was_measured() -> None:
    bias, ratio = np.meshgrid(TABLE.bias, TABLE.ratios, indexing="ij")
    rising, falling = TABLE.thresholds(bias, bias * ratio)
    # the spline is solved for by iteration, to about 1e-5
    np.testing.assert_allclose(rising, TABLE.rising * bias, rtol=2e-5)
    np.testing.assert_allclose(falling, TABLE.falling * bias, rtol=0, atol=2e-5 * rising.max())
    np.testing.assert_allclose(TABLE.output(TABLE.bias), TABLE.gain * TABLE.bias)


@pytest.mark.parametrize("unit", [1e-9, 5e-10])
def test_biases_invert_the_table(unit: float) -> None:
    table = fake_cells(unit)
    random = np.random.default_rng(3)
    threshold = np.exp(random.uniform(np.log(0.03), np.log(7), 200)) * unit
    width = threshold * random.uniform(0.025, 0.97, 200)
    gain = np.exp(random.uniform(np.log(0.03), np.log(7), 200)) * unit
    bias = table.biases(np.array([threshold, width, gain]))
    assert bias.shape == (3, 200)
    rising, falling = table.thresholds(bias[0], bias[1])
    np.testing.assert_allclose(rising, threshold, rtol=1e-6)
    np.testing.assert_allclose(rising - falling, width, rtol=1e-4)
    np.testing.assert_allclose(table.output(bias[2]), gain, rtol=1e-6)


def test_biases_leave_their_arguments_alone() -> None:
    wanted = np.array([[1e-9], [0.5e-9], [0.8e-9]])
    TABLE.biases(wanted)
    assert wanted[:, 0].tolist() == [1e-9, 0.5e-9, 0.8e-9]


# What cannot be drawn


def problems(path: str, value: Any) -> tuple[str, ...]:
    model = from_dict(spoiled(path, value))
    circuit = build_circuit(model, UNIT)
    activity = measure_activity(circuit, np.ones((1, 4, 3)))
    try:
        size_circuit(circuit, TECHNOLOGY, KNOWN, activity, 1.8)
    except ModelError as error:
        return error.problems
    return ()


def test_model_that_can_be_drawn() -> None:
    assert problems("name", "small") == ()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("nodes[4].beta_hi[1]", 9.0, "state.beta_hi[1]: 9 cannot be drawn"),
        ("nodes[4].alpha[0]", 0.01, "state.alpha[0]: 0.01 cannot be drawn"),
        ("nodes[4].beta_lo[0]", 0.7499, "state.beta_lo[0]: the hysteresis width is 0.01%"),
    ],
)
def test_cell_out_of_range_is_an_error_with_a_cure(path: str, value: float, words: str) -> None:
    (problem,) = problems(path, value)
    assert problem.startswith(words)
    assert "rescale" in problem or "wider band" in problem


def test_all_cells_are_reported_at_once() -> None:
    model = small_model()
    model["nodes"][4] |= {"alpha": [99.0, 99.0], "beta_hi": [9.0, 9.0]}
    assert len(problems("nodes[4]", model["nodes"][4])) == 4


# Reading a sweep


def swept(candidate: np.ndarray) -> Held:
    output = np.linspace(0, 1e-9, len(candidate))
    return Held(candidate[None], output[None])


def test_thresholds_are_the_extrema_of_the_holding_current() -> None:
    """A cubic with its maximum 1.02 at 0.61 and its minimum 0.49 at 1.19 (V, nA)."""
    volts = np.arange(0.005, 1.8, 0.005)
    top, bottom, high, low = 0.6123, 1.1937, 1.02, 0.49
    scale = 6 * (high - low) / (bottom - top) ** 3
    shape = scale * ((volts - top) ** 3 / 3 - (bottom - top) * (volts - top) ** 2 / 2) + high
    found = read_thresholds(swept(shape * 1e-9))
    np.testing.assert_allclose(found[0], [high * 1e-9, low * 1e-9, 1e-9], rtol=1e-6)


def test_cell_without_hysteresis_has_no_thresholds() -> None:
    (found,) = read_thresholds(swept(np.linspace(0, 2e-9, 50)))
    assert np.isnan(found[:2]).all()
    assert found[2] == 1e-9


def test_table_goes_on_straight_where_the_smallest_cells_hold_nothing() -> None:
    ratios = np.array([0.1, 0.2, 0.4, 0.8, 1.0])
    whole = np.stack([0.9 - 0.1 * ratios, 0.95 - 1.1 * ratios], axis=-1)[None]
    measured = whole.copy()
    measured[0, :2] = np.nan
    np.testing.assert_allclose(extrapolated(ratios, measured), whole, rtol=1e-12)


@pytest.mark.parametrize("missing", [[0, 1, 2], [1], [4]])
def test_cells_that_hold_nothing_elsewhere_are_a_failure(missing: list[int]) -> None:
    ratios = np.array([0.1, 0.2, 0.4, 0.8, 1.0])
    measured = np.ones((1, 5, 2))
    measured[0, missing] = np.nan
    with pytest.raises(SimulationError) as caught:
        extrapolated(ratios, measured)
    assert caught.value.kind == "no_hysteresis"


def test_width_that_no_cell_has_is_an_error_with_a_cure() -> None:
    """Below a ratio of 0.1 the table's cells have next to no width, however far it is followed."""
    table = TABLE
    narrow = 0.004 * table.ratios  # a hundredth of what the biases say
    known = replace(KNOWN, cells={"state": replace(table, falling=table.rising - narrow)})
    model = from_dict(small_model())
    circuit = build_circuit(model, UNIT)
    activity = measure_activity(circuit, np.ones((1, 4, 3)))
    with pytest.raises(ModelError, match="no cell of the technology has a hysteresis width"):
        size_circuit(circuit, TECHNOLOGY, known, activity, 1.8)


# Stand-in samples


def test_calibration_inputs_fill_the_range_and_are_always_the_same() -> None:
    model = from_dict(small_model())
    x = calibration_inputs(model)
    np.testing.assert_array_equal(x, calibration_inputs(model))
    assert x.shape[0] == 20
    assert x.shape[1] >= model.readout.stop
    assert x.shape[2] == model.input_size
    assert x.min() >= 0
    assert x.max() <= model.input_max
    assert np.ptp(x) > 0.8 * model.input_max
    assert np.abs(np.diff(x, axis=1)).max() < 0.5 * model.input_max
    evaluate(model, x)
