"""Noise in a whole network, by the software model."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import small_model

from netgen.analysis.noise.devices import SummingNoise
from netgen.analysis.noise.network import (
    Case,
    NoiseSampling,
    evaluate_noisy,
    gross_current,
    intrinsic,
    places,
    result_count,
    rows,
    study,
    uniform,
)
from netgen.model import INPUT, Samples, evaluate, from_dict, random_model

MODEL = from_dict(small_model(), "model.json")
X = np.random.default_rng(1).uniform(0, 1.5, (200, 4, 3))
QUIET = SummingNoise(np.array([1e-12, 1e-8]), np.array([1e-13, 1e-13]))


def noisy(places_: frozenset[str], level: float, **sampling: int) -> dict[str, np.ndarray]:
    return dict(evaluate_noisy(MODEL, X, uniform(places_, level), NoiseSampling(**sampling), 0))


def test_without_noise_nothing_changes() -> None:
    ideal = evaluate(MODEL, X)
    for sampling in (NoiseSampling(), NoiseSampling(per_frame=4)):
        values = evaluate_noisy(MODEL, X, uniform(frozenset(), 0.1), sampling, 0)
        assert values.keys() == ideal.keys()
        for name in ideal:
            np.testing.assert_array_equal(values[name], ideal[name])


def test_where_noise_is_added() -> None:
    assert rows(MODEL) == ("relu", "cand", "post", "logits")
    assert places(MODEL)["inputs"] == {INPUT}
    assert places(MODEL)["candidates"] == {"cand"}
    ideal = evaluate(MODEL, X)
    values = noisy(frozenset(["cand"]), 0.05)
    np.testing.assert_array_equal(values["relu"], ideal["relu"])
    added = (values["cand"] - ideal["cand"])[ideal["cand"] > 0.3]  # far from where the ReLU clips
    assert added.std() == pytest.approx(0.05, rel=0.1)
    assert abs(added.mean()) < 0.01
    assert values["cand"].min() == 0
    readout = noisy(frozenset(["logits"]), 0.05)["logits"] - ideal["logits"]
    assert readout.std() == pytest.approx(0.05, rel=0.1)
    assert noisy(frozenset([INPUT]), 0.5)[INPUT].min() == 0


def test_noise_follows_from_seed_node_and_repeat() -> None:
    everywhere = uniform(frozenset(rows(MODEL)), 0.05)
    alone = uniform(frozenset(["relu"]), 0.05)
    first = evaluate_noisy(MODEL, X, everywhere, NoiseSampling(), 0)
    again = evaluate_noisy(MODEL, X, everywhere, NoiseSampling(), 0)
    np.testing.assert_array_equal(first["logits"], again["logits"])
    # a node's noise does not depend on where else there is some
    other = evaluate_noisy(MODEL, X, alone, NoiseSampling(), 0)
    np.testing.assert_array_equal(first["relu"], other["relu"])
    for sampling, repeat in ((NoiseSampling(seed=2), 0), (NoiseSampling(), 1)):
        changed = evaluate_noisy(MODEL, X, everywhere, sampling, repeat)
        assert not np.array_equal(first["relu"], changed["relu"])


def test_cells_see_every_value_of_a_frame() -> None:
    """The more often noise may pass a threshold, the more states it changes."""
    ideal = evaluate(MODEL, X)["state"] > 0
    wrong = []
    for per_frame in (1, 8):
        states = noisy(frozenset(["cand"]), 0.2, per_frame=per_frame)["state"] > 0
        assert states.shape == ideal.shape
        wrong.append(np.mean(states != ideal))
    assert 0 < wrong[0] < wrong[1]


def test_gross_currents_do_not_cancel() -> None:
    values = evaluate(MODEL, X)
    expected = X @ np.abs(np.array([[1.0, 0.0, -0.5], [0.0, 0.5, 0.25]])).T + [0.0, 0.1]
    np.testing.assert_allclose(gross_current(MODEL, "proj", values), expected)
    np.testing.assert_allclose(gross_current(MODEL, "out", values), expected + values["post"])


def test_intrinsic_noise_is_that_of_rows_at_their_gross_current() -> None:
    values = evaluate(MODEL, X)
    noise = SummingNoise(np.array([1e-14, 1e-6]), np.array([1e-16, 1e-8]))  # 1 % of any current
    sigma = intrinsic(MODEL, noise)
    for row, source in (("relu", "proj"), ("logits", "logits")):
        expected = 0.01 * gross_current(MODEL, source, values)
        np.testing.assert_allclose(sigma(row, values), expected)
    assert sigma("proj", values) == 0
    assert sigma(INPUT, values) == 0


def test_a_study_gives_every_combination_and_falls_with_noise() -> None:
    model, samples = random_model(1, state=4, layers=2, samples=12)
    cases = [Case(MODEL, Samples(X, np.zeros(len(X), int), ("",) * len(X))), Case(model, samples)]
    levels = (0.001, 0.03, 1.0)
    found = list(
        study(cases, ("inputs", "rows"), levels, NoiseSampling(repeats=2), lambda _: QUIET)
    )
    assert len(found) == result_count(cases, ("inputs", "rows"), levels) == 14
    for case, labelled in zip(cases, (True, False), strict=True):
        own, *rest = (result for result in found if result.case == case.model.name)
        assert own.place == "intrinsic"
        assert own.level == pytest.approx(1e-4)
        assert own.decisions.value > 0.99
        assert [(r.place, r.level) for r in rest] == [
            (place, level) for place in ("inputs", "rows") for level in levels
        ]
        for place in ("inputs", "rows"):
            states = [r.states.value for r in rest if r.place == place and r.states is not None]
            assert states == sorted(states, reverse=True)
            assert states[0] > 0.99 > states[-1]
        for result in (own, *rest):
            assert result.decisions.low <= result.decisions.value <= result.decisions.high
            assert (result.accuracy is not None) == labelled
    assert {(r.case, r.layers, r.cells) for r in found} == {("small", 1, 2), (model.name, 2, 8)}
