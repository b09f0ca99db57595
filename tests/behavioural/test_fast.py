"""The fast chip model against the twin, and its settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_technology import fake_characterisation
from hypothesis import given, settings
from hypothesis import strategies as st
from ideal_twin import CELL, SLOPE, TECHNOLOGY, one_row, twin_of
from random_graphs import graphs, random_inputs

from netgen.behavioural.fast import fast_chips
from netgen.behavioural.settings import ChipSettings
from netgen.characterise.diodes import DiodeTable
from netgen.model import Model
from netgen.technology import Variation, sample_deviations

CHIPS = 3


@settings(max_examples=40)
@given(graphs(), st.integers(0, 1000))
def test_with_exponential_devices_it_is_the_twin(model: Model, seed: int) -> None:
    """The twin's tables are made of exponentials here, so nothing is left out."""
    twin = twin_of(model)
    shifts = sample_deviations(TECHNOLOGY, Variation(seed), twin.netlist.transistors, 0, CHIPS)
    x = random_inputs(model, 12)[np.newaxis]
    fast = fast_chips(twin)
    own, exact = fast.run(fast.errors(shifts), x), twin.run(shifts, x)
    assert own.logits.shape == exact.logits.shape
    same = np.ones(own.logits.shape[:3], dtype=bool)
    for name, states in exact.states.items():
        assert states.shape == own.states[name].shape
        same &= np.logical_and.accumulate((states == own.states[name]).all(axis=3), axis=2)
    assert same.mean() > 0.9  # a candidate may lie on a threshold
    scale = max(1.0, float(np.abs(exact.logits).max()))
    np.testing.assert_allclose(own.logits[same], exact.logits[same], atol=3e-3 * scale)


@pytest.mark.parametrize("relu", [False, True])
def test_without_deviations_sums_are_those_of_the_nominal_twin(relu: bool) -> None:
    """Mirrors whose gains depend on signal and drain; the weights alone are percents off."""
    weight, bias = [0.5, -0.25, 1.5], 0.1
    twin = replace(twin_of(one_row(weight, bias, relu)), known=fake_characterisation(TECHNOLOGY))
    x = 1.5 * np.random.default_rng(1).random((2, 40, 3))
    exact = twin.run({}, x).logits
    fast = fast_chips(twin)
    given = fast.run(np.zeros((2, len(fast.names))), x).logits
    np.testing.assert_allclose(given, np.repeat(exact, 2, axis=0), atol=1e-5)
    ideal = x @ np.array(weight) + bias
    assert np.abs(exact[0, ..., 0] - (np.maximum(ideal, 0) if relu else ideal)).max() > 0.01


def test_constants_take_the_slope_at_their_current_and_inputs_that_of_the_working_signal() -> None:
    logs = np.linspace(-60, 0, 601)
    bent = 0.4 + 0.035 * (logs - np.log(1e-9)) + 0.002 * (logs - np.log(1e-9)) ** 2
    twin = twin_of(one_row([0.5], 0.5))
    fast = fast_chips(replace(twin, diodes=DiodeTable(logs, {"nmos": bent, "pmos": bent})))
    slope = {names[0]: fast.slope[place] for place, names in enumerate(fast.names)}
    constant = next(value for name, value in slope.items() if name.startswith("ref"))
    assert constant == pytest.approx(1 / 0.035, rel=1e-3)
    assert slope["x_0.diode"] == pytest.approx(1 / (0.035 + 0.004 * np.log(0.75)), rel=1e-3)


def test_a_cell_needs_the_overdrive_that_it_answers_within_a_frame() -> None:
    twin = twin_of(CELL)
    twin.__dict__["least"] = {"h": (np.array([0.01]), np.array([0.02]))}
    fast = fast_chips(twin)
    x = np.array([0.605, 0.615, 0.285, 0.275])[np.newaxis, :, np.newaxis]
    found = fast.run(np.zeros((1, len(fast.names))), x).states["h"].ravel()
    assert found.tolist() == [False, True, True, False]


def test_a_diodes_error_is_in_all_its_copies() -> None:
    fast = fast_chips(twin_of(one_row([0.5, -0.25])))
    errors = fast.errors({"x_0.diode": np.array([[0.007, 0.0]])})
    (place,) = [place for place, names in enumerate(fast.names) if names == ("x_0.diode",)]
    assert errors[0, place] == pytest.approx(-0.007 / SLOPE["nmos"], rel=1e-6)
    found = fast.run(errors, np.array([[[1.0, 1.0]]])).logits.squeeze()
    assert found == pytest.approx(0.5 * np.exp(0.007 / SLOPE["nmos"]) - 0.25, rel=1e-5)


def test_sigma_is_that_of_the_drawn_devices() -> None:
    fast = fast_chips(twin_of(CELL))
    transistors = fast.twin.netlist.transistors
    errors = fast.errors(sample_deviations(TECHNOLOGY, Variation(5), transistors, 0, 4000))
    expected = fast.sigma(TECHNOLOGY, transistors)
    np.testing.assert_allclose(errors.std(axis=0), expected, rtol=0.06)
    # a whole polarity deviates together where the process varies
    common = fast.errors(
        sample_deviations(TECHNOLOGY, Variation(5, False, True), transistors, 0, 2)
    )
    polarity = np.array(fast.twin.devices.polarity)
    for each in ("nmos", "pmos"):
        assert np.ptp(common[:, polarity == each] / fast.slope[polarity == each], axis=1).max() < 1


def test_settings_move_what_they_say() -> None:
    """A cell's three bias currents and the inputs, each chip by its own factors."""
    fast = fast_chips(twin_of(CELL))
    still = np.zeros((2, len(fast.names)))
    up = np.linspace(0, 1.5, 1501)
    x = np.concatenate([up, up[::-1]])[np.newaxis, :, np.newaxis]
    factors = np.log([[[1.0], [1.0], [1.0]], [[1.1], [0.8], [2.0]]])
    found = fast.run(still, x, ChipSettings({"h": factors}, np.log([[1.0], [0.5]])))
    jumps = []
    for states, logits in zip(found.states["h"][:, 0, :, 0], found.logits[:, 0, :, 0], strict=True):
        high = np.flatnonzero(states)
        jumps.append([x[0, high[0], 0], x[0, high[-1], 0], logits[high[0]]])
    # β_hi, β_lo and α are 0.6, 0.3 and 0.5; the second chip sees half of its input
    assert jumps[0] == pytest.approx([0.6, 0.3, 0.5], abs=2e-3)
    assert jumps[1] == pytest.approx([1.32, 0.84, 1.0], abs=4e-3)


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = fast_chips(twin_of(CELL))
    rng = np.random.default_rng(3)
    errors = 0.1 * rng.standard_normal((7, len(fast.names)))
    x = rng.uniform(0, 1.2, (2, 30, 1))
    whole = fast.run(errors, x)
    monkeypatch.setattr("netgen.behavioural.fast.WORKING_SET", 100)
    parts = fast.run(errors, x)
    assert (whole.states["h"] == parts.states["h"]).all()
    np.testing.assert_array_equal(whole.logits, parts.logits)
