"""Ties of the readout: named, counted, and left to no luck."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from small_models import document, linear
from synthetic_traces import traces_of

from netgen.analysis import Comparison, Tolerances, compare, verdict
from netgen.analysis.comparison.ties import TIE, leaders, possible_classes, tied
from netgen.analysis.variability.population import measure
from netgen.model import Linear, Model, Readout, Samples, decide, from_dict
from netgen.model.graph import Floats

MAJORITY = Readout("logits", "majority_vote", 0, 4)


def test_leads_below_half_a_per_cent_of_full_scale_are_none() -> None:
    logits = np.array([[1.0, 1.0 - 0.99 * TIE, 0.0], [1.0, 1.0 - 1.01 * TIE, 0.0]])
    near = leaders(logits, 1.0)
    assert near.tolist() == [[True, True, False], [True, False, False]]
    assert tied(near).tolist() == [True, False]
    assert tied(leaders(logits, 2.0)).tolist() == [True, True]


def votes(*frames: list[float]) -> Floats:
    return np.array(frames)[None]


@pytest.mark.parametrize(
    ("frames", "possible"),
    [
        ([[1, 0], [1, 0], [0, 1], [1, 0]], [True, False]),
        ([[1, 1], [1, 0], [0, 1], [1, 0]], [True, False]),  # 2:1 at worst
        ([[1, 1], [1, 0], [0, 1], [1, 1]], [True, True]),  # 1:3 at worst
        ([[1, 0], [1, 0], [0, 1], [0, 1]], [True, False]),  # equal votes go to the lower index
        ([[1, 1], [1, 0], [0, 1], [0, 1]], [True, True]),  # 2:2 or 1:3
        ([[1, 1], [1, 1], [1, 1], [1, 1]], [True, True]),
    ],
)
def test_which_classes_votes_could_decide_for(
    frames: list[list[float]], possible: list[bool]
) -> None:
    assert possible_classes(MAJORITY, votes(*frames), 1.0)[0].tolist() == possible


@given(
    logits=arrays.arrays(np.float64, (3, 4, 3), elements=st.sampled_from([0.0, 0.5, 1.0])),
    nudge=arrays.arrays(np.float64, (3, 4, 3), elements=st.floats(-TIE / 2.1, TIE / 2.1)),
    rule=st.sampled_from(["majority_vote", "mean", "last"]),
)
def test_no_error_below_a_tie_decides_for_another_class(
    logits: Floats, nudge: Floats, rule: Any
) -> None:
    readout = Readout("logits", rule, 0, 4)
    possible = possible_classes(readout, logits, 1.0)
    at = np.arange(3)
    assert possible[at, decide(readout, logits)].all()
    assert possible[at, decide(readout, logits + nudge)].all()


def equal_logits(third: float = -5.0, rule: str = "last") -> Model:
    """Two logits that are always equal, and a third."""
    return from_dict(
        document(
            "equal-logits",
            [
                {"name": "cand", "op": "relu", "input": "x"},
                linear("logits", "cand", [[1.0], [1.0], [0.0]], [0.0, 0.0, third]),
            ],
            rule=rule,
            classes=("a", "b", "c"),
        )
    )


X = np.array([[0.4], [0.8], [1.2], [1.0]])


def run(model: Model, off: list[float]) -> Comparison:
    """Compare with something added to the logits of all frames."""
    added = {"logits": np.tile(off, (4, 1))}
    return compare(model, Samples(X[None], None, ("one",)), [traces_of(model, X, added=added)])


@pytest.mark.parametrize("rule", ["last", "mean", "majority_vote"])
@pytest.mark.parametrize("off", [[0.0, 0.0, 0.0], [1e-3, 0.0, 0.0], [0.0, 1e-3, 0.0]])
def test_no_verdict_hangs_on_the_luck_of_a_tie(rule: str, off: list[float]) -> None:
    result = run(equal_logits(rule=rule), off)
    (entry,) = result.samples
    assert entry.tie == (0, 1)
    assert entry.agrees
    assert entry.first_divergence is None
    assert (result.ties, result.tied_frames) == (1, 4)
    assert result.decision_agreement is None
    assert result.frame_agreement is None
    assert result.decided == ()
    assert all(check.passed for check in verdict(result, Tolerances()))
    assert "1 of 1 sample and 4 of 4 readout frames are ties" in result.tie_note()


def test_another_class_than_those_tied_is_wrong() -> None:
    result = run(equal_logits(), [0.0, 0.0, 8.0])
    (entry,) = result.samples
    assert entry.class_circuit == 2
    assert not entry.agrees
    assert result.decision_agreement == 0.0
    assert result.frame_agreement == 0.0
    assert entry.first_divergence is not None


def test_without_ties_nothing_is_said() -> None:
    model = equal_logits()
    logits = model.by_name["logits"]
    assert isinstance(logits, Linear)
    apart = replace(logits, bias=np.array([0.5, 0.0, 0.0]))
    result = run(replace(model, nodes=(model.nodes[0], apart)), [0.0, 0.0, 0.0])
    assert (result.ties, result.tied_frames, result.tie_note()) == (0, 0, "")
    assert result.decision_agreement == 1.0


def test_chips_that_part_in_a_tie_do_not_count_against_yield() -> None:
    model = equal_logits()
    samples = Samples(X[None], None, ("one",))

    def chip(off: list[float]) -> Any:
        return [traces_of(model, X, added={"logits": np.tile(off, (4, 1))})]

    chips = [[1e-3, 0.0, 0.0], [0.0, 1e-3, 0.0], [0.0, 0.0, 8.0]]
    figures = measure(model, samples, [0], ["1", "2", "3"], map(chip, chips))
    assert figures.ties.tolist() == [True]
    assert figures.agrees[:, 0].tolist() == [True, True, False]
    assert (figures.agreement.hits, figures.agreement.trials) == (0, 1)
    assert (figures.yielded.hits, figures.yielded.trials) == (2, 3)
