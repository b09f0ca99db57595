"""The reference model against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import small_model

from netgen.circuit.blocks.schmitt9 import Bmru
from netgen.model import Readout, decide, evaluate, from_dict, margin, states_before
from netgen.model.graph import Rule
from netgen.model.reference import votes


def cell(initial: bool = False) -> Bmru:
    ones = np.ones(1)
    return Bmru(
        "state", "cand", 0.5 * ones, 0.25 * ones, 0.75 * ones, initial_state=np.array([initial])
    )


def states(candidates: list[float], initial: bool = False) -> list[int]:
    candidate = np.array(candidates).reshape(1, -1, 1)
    return [int(state) for state in cell(initial).states(candidate)[0, :, 0]]


def test_cell_rises_above_the_upper_threshold_and_falls_below_the_lower() -> None:
    assert states([0.0, 0.5, 0.8, 0.5, 0.3, 0.2, 0.5]) == [0, 0, 1, 1, 1, 0, 0]


def test_cell_keeps_its_state_at_equality_with_a_threshold() -> None:
    above, below = np.nextafter(0.75, 1), np.nextafter(0.25, 0)
    assert states([0.75, above, 0.75, 0.25, below, 0.25]) == [0, 1, 1, 1, 0, 0]


def test_cell_starts_from_its_initial_state() -> None:
    assert states([0.5, 0.5, 0.1], initial=True) == [1, 1, 0]
    assert states([0.5, 0.5, 0.9], initial=False) == [0, 0, 1]
    assert states([0.1], initial=True) == [0]
    assert states([0.9], initial=False) == [1]


def test_cells_and_samples_do_not_mix() -> None:
    two = Bmru(
        "state",
        "cand",
        np.array([1.0, 2.0]),
        np.array([0.2, 0.6]),
        np.array([0.4, 0.8]),
        initial_state=np.array([False, True]),
    )
    candidate = np.array([[[0.5, 0.5], [0.3, 0.7]], [[0.3, 0.7], [0.1, 0.9]]])
    np.testing.assert_array_equal(two.states(candidate), [[[1, 0], [1, 0]], [[0, 1], [0, 1]]])


def test_states_for_given_previous_states() -> None:
    candidate = np.array([0.5, 0.5, 0.8, 0.2]).reshape(1, 4, 1)
    previous = np.array([1, 0, 0, 1], dtype=bool).reshape(1, 4, 1)
    assert cell().states(candidate, previous).ravel().tolist() == [True, False, True, False]


@pytest.mark.parametrize("initial", [False, True])
def test_states_before_are_shifted_by_one_frame(initial: bool) -> None:
    after = np.array([1, 0, 1], dtype=bool).reshape(1, 3, 1)
    assert states_before(cell(initial), after).ravel().tolist() == [initial, True, False]


def test_one_step_form_agrees_with_the_scan() -> None:
    candidate = np.random.default_rng(0).uniform(0, 1, (3, 50, 1))
    scanned = cell(initial=True).states(candidate)
    again = cell().states(candidate, states_before(cell(initial=True), scanned))
    np.testing.assert_array_equal(scanned, again)


X = np.array([[[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.0, 0.0]]])


def test_every_node_by_hand() -> None:
    values = evaluate(from_dict(small_model()), X)
    proj = [[1.0, 0.1], [0.5, 0.6], [-0.5, 0.35], [0.5, 0.1]]
    relu = [[1.0, 0.1], [0.5, 0.6], [0.0, 0.35], [0.5, 0.1]]
    # cell 0 (0.25 … 0.75, from 0): rises at 1.0, holds at 0.5, falls at 0, holds at 0.5;
    # cell 1 (0.2 … 0.4, α 0.5, from 1): falls at 0.1, rises at 0.6, holds at 0.35, falls at 0.1
    state = [[1.0, 0.0], [1.0, 0.5], [0.0, 0.5], [0.0, 0.0]]
    post_lin = [[0.5, -0.75], [0.75, -0.5], [0.25, 0.5], [0.0, 0.25]]
    post = [[0.5, 0.0], [0.75, 0.0], [0.25, 0.5], [0.0, 0.25]]
    out = [[1.5, 0.1], [1.25, 0.6], [-0.25, 0.85], [0.5, 0.35]]
    expected = {"proj": proj, "relu": relu, "cand_lin": relu, "cand": relu, "state": state}
    expected |= {"post_lin": post_lin, "post": post, "out": out, "logits": out}
    assert set(values) == {"x", *expected}
    np.testing.assert_array_equal(values["x"], X)
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], [value], rtol=0, atol=1e-15, err_msg=name)


def test_forced_states_replace_the_cells_own() -> None:
    model = from_dict(small_model())
    forced = np.array([[[0, 1], [0, 0], [1, 1], [0, 0]]], dtype=bool)
    values = evaluate(model, X, {"state": forced})
    np.testing.assert_array_equal(values["state"], forced * [1.0, 0.5])
    np.testing.assert_allclose(values["logits"][0, 0], [1.0 + 0.25, 0.1 + 0.5])
    own = evaluate(model, X)
    np.testing.assert_array_equal(values["cand"], own["cand"])
    again = evaluate(model, X, {"state": own["state"] > 0})
    np.testing.assert_array_equal(again["logits"], own["logits"])


def test_samples_are_independent() -> None:
    model = from_dict(small_model())
    x = np.random.default_rng(0).uniform(0, 1.5, (5, 20, 3))
    batch = evaluate(model, x)
    for index in range(5):
        alone = evaluate(model, x[index : index + 1])
        np.testing.assert_array_equal(alone["state"][0], batch["state"][index])
        np.testing.assert_allclose(alone["logits"][0], batch["logits"][index], rtol=1e-12)


def decided(rule: Rule, logits: list[list[float]], start: int = 0) -> tuple[object, object]:
    frames = np.array([logits])
    readout = Readout("logits", rule, start, len(logits))
    return int(decide(readout, frames)[0]), float(margin(readout, frames)[0])


def test_majority_vote() -> None:
    logits = [[9.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert decided("majority_vote", logits, start=1) == (1, pytest.approx(0.5))
    assert decided("majority_vote", logits) == (1, pytest.approx(0.2))


def test_mean() -> None:
    logits = [[9.0, 0.0], [0.0, 1.0], [0.0, 2.0], [1.0, 0.0]]
    assert decided("mean", logits) == (0, pytest.approx(2.5 - 0.75))
    assert decided("mean", logits, start=1) == (1, pytest.approx(1.0 - 1 / 3))


def test_last() -> None:
    logits = [[9.0, 0.0, 0.0], [0.0, 0.5, 2.0]]
    assert decided("last", logits) == (2, pytest.approx(1.5))


def test_frames_after_the_window_do_not_count() -> None:
    logits = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 9.0], [0.0, 9.0], [0.0, 9.0]]])
    rules: tuple[Rule, ...] = ("majority_vote", "mean", "last")
    for rule in rules:
        assert decide(Readout("logits", rule, 0, 2), logits).tolist() == [0]


@pytest.mark.parametrize("rule", ["majority_vote", "mean", "last"])
def test_ties_go_to_the_lower_class(rule: Rule) -> None:
    assert decided(rule, [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]) == (
        1,
        pytest.approx(1.0 if rule == "majority_vote" else 0.0),
    )
    assert decided(rule, [[2.0, 2.0, 2.0]])[0] == 0


def test_tied_votes_go_to_the_lower_class() -> None:
    assert decided("majority_vote", [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]) == (1, 0.0)


def test_votes_count_every_frame_once() -> None:
    window = np.random.default_rng(0).normal(size=(4, 31, 3))
    counts = votes(window)
    assert counts.sum(axis=1).tolist() == [31] * 4
    np.testing.assert_array_equal(counts[:, 2], (window.argmax(axis=2) == 2).sum(axis=1))


def test_one_class_has_no_margin() -> None:
    assert decided("mean", [[1.0], [2.0]]) == (0, 0.0)
