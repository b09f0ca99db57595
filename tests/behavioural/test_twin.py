"""The behavioural twin on characterisations made by a formula: every shift where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from fake_technology import UNIT, ratio_drawn
from hypothesis import given, settings
from ideal_twin import CELL, SLOPE, TECHNOLOGY, diodes, ideal, one_row, twin_of, with_text
from random_graphs import graphs, random_inputs

from netgen.behavioural import Twin, run
from netgen.characterise.gain import MirrorTable
from netgen.circuit import build_circuit
from netgen.circuit.synthesis import synthesise
from netgen.errors import ConfigurationError
from netgen.model import Model, evaluate
from netgen.model.graph import Floats
from netgen.model.random import random_model
from netgen.technology import Variation, sample_deviations


def shift(threshold: float = 0.0, factor: float = 0.0) -> Floats:
    return np.array([[threshold, factor]])


def logit(model: Model, shifts: Mapping[str, Floats], x: list[float]) -> float:
    found = twin_of(model).run(shifts, np.array([[x]]))
    return float(found.logits[0, 0, 0, 0])


@settings(max_examples=60)
@given(graphs())
def test_without_errors_it_is_the_software_model(model: Model) -> None:
    x = random_inputs(model, 12)[np.newaxis]
    software = evaluate(model, x)
    found = twin_of(model).run({}, x)
    for cell in model.cells:
        np.testing.assert_array_equal(found.states[cell.name][0], software[cell.name] > 0)
    # a ReLU cannot end below what a diode leaks
    np.testing.assert_allclose(found.logits[0], software[model.readout.node], atol=2e-3)


def test_a_network_of_the_usual_shape_without_errors() -> None:
    model, samples = random_model(3, frames=40)
    found = twin_of(model).run({}, samples.x)
    np.testing.assert_allclose(found.logits[0], evaluate(model, samples.x)["logits"], atol=1e-3)


N, P = (1 / SLOPE[polarity] for polarity in ("nmos", "pmos"))
"""gm/I."""


@pytest.mark.parametrize(
    ("weight", "device", "expected"),
    [
        (-0.7, "row_0_from_x_0", np.exp(-0.003 * N) * 1.02),
        (-0.7, "x_0.diode", np.exp(0.003 * N) / 1.02),
        (0.7, "row_0_from_x_0", np.exp(0.003 * P) * 1.02),  # a positive delvto: PMOS conducts more
        (0.7, "x_0_to_p.diode", np.exp(-0.003 * P) / 1.02),
        (0.7, "x_0_to_p.copy", np.exp(-0.003 * N) * 1.02),
        (0.7, "x_0.diode", np.exp(0.003 * N) / 1.02),
        (0.7, "somewhere else", 1.0),
    ],
)
def test_each_shift_acts_where_its_transistor_sits(
    weight: float, device: str, expected: float
) -> None:
    found = logit(one_row([weight]), {device: shift(0.003, 0.02)}, [0.8])
    assert found == pytest.approx(0.8 * weight * expected, rel=1e-4)


@pytest.mark.parametrize(("device", "sign"), [("ref.diode", 1), ("row_0_bias", -1)])
def test_a_constant_is_a_copy_of_the_reference(device: str, sign: int) -> None:
    found = logit(one_row([0.5], -0.25), {device: shift(0.004)}, [1.0])
    assert found == pytest.approx(0.5 - 0.25 * np.exp(sign * 0.004 * N), rel=1e-4)


def test_the_diode_of_a_row_matters_to_its_copies_only() -> None:
    model = one_row([0.9], relu=True)
    shifts = {"out_0.diode": shift(0.004)}
    assert logit(model, shifts, [1.0]) == pytest.approx(0.9 * np.exp(0.004 * N), rel=1e-3)


def test_a_row_settles_where_mirrors_and_diode_agree() -> None:
    """Mirrors whose gain goes with the drain: their sum at the voltage that it makes itself."""
    model = one_row([1.1, -0.9], relu=True)
    circuit = ratio_drawn(build_circuit(model, UNIT))
    plain = ideal()
    drains = plain.mirrors.axes.drains
    tilted = {
        kind: MirrorTable(t.geometry, t.gain * (1 + (0.8 if kind[1] == "nmos" else -0.2) * drains))
        for kind, t in plain.mirrors.tables.items()
    }
    known = replace(plain, mirrors=replace(plain.mirrors, tables=tilted))
    twin = Twin(circuit, TECHNOLOGY, known, diodes(), synthesise(circuit, TECHNOLOGY))
    found = float(twin.run({}, np.array([[[1.0, 0.6]]])).logits.squeeze())
    low, high = 1e-6, 1.0
    for _ in range(60):  # by halves: what flows in falls as the current, and the voltage, rise
        middle = (low + high) / 2
        volts = 0.4 + SLOPE["nmos"] * np.log(middle)
        sums = 1.1 * (1 - 0.2 * volts) - 0.54 * (1 + 0.8 * volts)
        low, high = (middle, high) if sums > middle else (low, middle)
    # the readout copies the row's diode once more: N to P, drain at half the supply
    assert found == pytest.approx(low * (1 - 0.2 * 0.9), rel=1e-3)


def jumps(shifts: Mapping[str, Floats]) -> tuple[float, float, float]:
    """Return at which inputs of a triangle the cell rises and falls, and its output."""
    up = np.linspace(0, 1.5, 3001)
    x = np.concatenate([up, up[::-1]])[np.newaxis, :, np.newaxis]
    found = twin_of(CELL).run(shifts, x)
    states, logits = found.states["h"][0, 0, :, 0], found.logits[0, 0, :, 0]
    high = np.flatnonzero(states)
    return float(x[0, high[0], 0]), float(x[0, high[-1], 0]), float(logits[high[0]])


def test_a_cell_without_errors() -> None:
    assert jumps({}) == pytest.approx((0.6, 0.3, 0.5), abs=1e-3)


@pytest.mark.parametrize(
    ("device", "rising", "width", "output"),
    [
        ("h_0_thresh.diode", np.exp(0.004 * N), 1, 1),
        ("h_0.m2", np.exp(-0.004 * N), 1, 1),
        ("h_0_width.diode", 1, np.exp(0.004 * N), 1),
        ("h_0.m8", 1, np.exp(-0.004 * N), 1),
        ("h_0.m7", 1, np.exp(-0.004 * P), 1),
        ("h_0.m9", 1, np.exp(0.004 * P), 1),
        ("h_0_gain.diode", 1, 1, np.exp(0.004 * N)),
        ("h_0.m5", 1, 1, np.exp(-0.004 * N)),
        ("h_0.m4", 1, 1, np.exp(-0.004 * P)),
        ("y_0_from_h_0", 1, 1, np.exp(0.004 * P)),
    ],
)
def test_each_transistor_of_a_cell(device: str, rising: float, width: float, output: float) -> None:
    found = jumps({device: shift(0.004)})
    expected = (0.6 * rising, 0.6 * rising - 0.3 * width, 0.5 * output)
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("device", "factor"),
    [
        ("h_0.m1", np.exp(-0.004 * P)),
        ("x_0_to_p.diode", np.exp(0.004 * P)),
        ("x_0_to_p.copy", np.exp(0.004 * N)),
        ("x_0.diode", np.exp(-0.004 * N)),
    ],
)
def test_the_way_of_a_candidate_moves_both_thresholds(device: str, factor: float) -> None:
    found = jumps({device: shift(0.004)})
    assert found == pytest.approx((0.6 * factor, 0.3 * factor, 0.5), abs=1e-3)


def test_a_width_above_the_threshold_holds_for_ever() -> None:
    rising, falling, _ = jumps({"h_0.m8": shift(-0.06)})
    assert rising == pytest.approx(0.6, abs=1e-3)
    assert falling == 0.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Ih_0_width vdd h_0_width 3e-10", "Ih_0_width vdd h_0_width {w}", "plain numbers"),
        ("Ih_0_width vdd h_0_width 3e-10\n", "", r"no bias current for h.beta_hi\[0\] - beta_lo"),
    ],
)
def test_a_bias_that_cannot_be_read(old: str, new: str, message: str) -> None:
    twin = twin_of(CELL)
    edited = with_text(twin, lambda text: text.replace(old, new))
    with pytest.raises(ConfigurationError, match=message):
        edited.run({}, np.ones((1, 1, 1)))


def drawn(twin: Twin, first: int, count: int) -> dict[str, Floats]:
    names = twin.netlist.transistors
    return sample_deviations(TECHNOLOGY, Variation(5), names, first, count)


def test_chips_do_not_depend_on_their_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = random_model(4, frames=20)
    twin = twin_of(model)
    together = twin.run(drawn(twin, 0, 5), samples.x)
    monkeypatch.setattr(run, "WORKING_SET", 1)
    alone = twin.run(drawn(twin, 0, 5), samples.x)
    np.testing.assert_allclose(together.logits, alone.logits, rtol=1e-9, atol=1e-12)
    last = twin.run(drawn(twin, 4, 1), samples.x)
    np.testing.assert_allclose(last.logits[0], together.logits[4], rtol=1e-9, atol=1e-12)
    assert together.logits.shape == (5, 4, 20, 2)
    assert together.states["l1.state"].shape == (5, 4, 20, 4)
    assert np.ptp(together.logits, axis=0).max() > 0.01


def test_transistors_in_series_count_by_their_mean() -> None:
    long = replace(TECHNOLOGY, length=(0.28e-6, 5e-6), max_series=4)
    model = one_row([-0.1])
    circuit = ratio_drawn(build_circuit(model, UNIT))
    (layer,) = circuit.summing_layers
    mirrors, bias = layer.mirrors
    assert mirrors.geometry is not None
    stretched = replace(
        mirrors.geometry,
        width=np.array([[1e-6]]),
        length=np.array([[10e-6]]),
        series=np.array([[2]]),
    )
    layer = replace(layer, mirrors=(replace(mirrors, geometry=stretched), bias))
    circuit = replace(circuit, layers=(layer,))
    twin = Twin(circuit, long, ideal(), diodes(), synthesise(circuit, long))
    x = np.array([[[1.0]]])
    assert float(twin.run({}, x).logits.squeeze()) == pytest.approx(-0.1, rel=1e-6)
    found = twin.run({"row_0_from_x_0_s1": shift(0.004)}, x)
    assert float(found.logits.squeeze()) == pytest.approx(-0.1 * np.exp(-0.002 * N), rel=1e-4)
