"""Every node by the circuit's own signals below it, and parameters that no sample has used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from small_models import bmru, document, linear
from synthetic_traces import traces_of

from netgen.analysis import Comparison, Tolerances, compare, verdict
from netgen.model import Model, Samples, from_dict
from netgen.model.graph import Floats

ALPHA = 0.5


def two_layers() -> Model:
    """Two inputs → relu (two units) → cells → logits, the first relu also feeding the logits."""
    return from_dict(
        document(
            "two-layers",
            [
                linear("proj", "x", [[1.0, -0.5], [0.5, 0.25]], [0.0, 0.1]),
                {"name": "cand", "op": "relu", "input": "proj"},
                bmru("state", "cand", [ALPHA, ALPHA], [0.2, 0.2], [0.4, 0.4]),
                linear("post", "state", [[1.0, 2.0], [0.0, -1.0]], [0.0, 1.0]),
                {"name": "sum", "op": "add", "inputs": ["post", "proj"]},
                linear("logits", "sum", [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]),
            ],
            size=2,
            classes=("a", "b"),
        )
    )


X = np.array([[0.1, 0.0], [1.0, 0.0], [0.3, 0.0], [0.1, 0.0]])


def run(added: Mapping[str, Floats] | None = None, x: Floats = X) -> Comparison:
    model = two_layers()
    samples = Samples(x[None], None, ("one",))
    return compare(model, samples, [traces_of(model, x, added=added)])


def error(result: Comparison, node: str, unit: int) -> float:
    (found,) = (e for e in result.unit_errors if (e.node, e.unit) == (node, unit))
    return found.error


def test_where_nothing_is_off_no_unit_is() -> None:
    result = run()
    assert [(e.node, e.unit) for e in result.unit_errors] == [
        *(("cand", 0), ("cand", 1), ("state", 0), ("state", 1), ("logits", 0), ("logits", 1))
    ]
    assert result.node_error_max == pytest.approx(0.0, abs=1e-12)


def test_an_error_counts_where_it_arises_and_not_above() -> None:
    off = np.zeros((4, 2))
    off[:, 1] = 0.03
    result = run({"cand": off})
    # unit 1: |0.5|·x0 + |0.25|·x1 + |0.1| meets in the row
    gross = np.sqrt(np.mean((0.5 * X[:, 0] + 0.1) ** 2))
    assert error(result, "cand", 1) == pytest.approx(0.03 / gross)
    assert error(result, "cand", 0) == pytest.approx(0.0, abs=1e-12)
    assert error(result, "logits", 1) == pytest.approx(0.0, abs=1e-12)
    (check,) = (c for c in verdict(result, Tolerances()) if c.name == "node_error_max")
    assert not check.passed
    assert [place.what for place in check.places] == ["cand[1]"]


def test_one_bad_unit_is_not_averaged_away() -> None:
    off = np.zeros((4, 2))
    off[:, 0] = 0.02 * 1.0
    result = run({"logits": off})
    assert error(result, "logits", 0) > 0.01
    assert error(result, "logits", 1) == pytest.approx(0.0, abs=1e-12)


def test_a_cell_is_judged_while_it_holds_a_state_of_its_own() -> None:
    # high in frames 1 and 2; the frame of a change is left out
    off = np.zeros((4, 2))
    off[1, 0] = -0.2
    assert error(run({"state": off}), "state", 0) == 0.0
    off[2, 0] = -0.05 * ALPHA  # seen by no other frame: 5 % of α
    assert error(run({"state": off}), "state", 0) == pytest.approx(0.05)
    near = X.copy()
    near[2, 0] = 0.22  # 5 % of β_hi above β_lo, where an output bends
    assert error(run({"state": off}, near), "state", 0) == 0.0


def test_a_rung_of_a_ladder_is_judged_by_what_the_ladder_gives_with_it() -> None:
    ladder = {
        "name": "state",
        "op": "ladder",
        "input": "cand",
        "alpha": [[0.05, 0.75]],
        "beta_lo": [[0.2, 0.6]],
        "beta_hi": [[0.4, 1.0]],
    }
    first = [
        linear("proj", "x", [[1.0]], [0.0]),
        {"name": "cand", "op": "relu", "input": "proj"},
    ]
    nodes = [*first, ladder, linear("logits", "state", [[1.0], [0.5]], [0.0, 0.1])]
    model = from_dict(document("rungs", nodes, size=1, classes=("a", "b")))
    x = np.array([[0.1], [0.1], [0.46], [0.46], [1.4], [1.4]])
    samples = Samples(x[None], None, ("one",))
    for frames, level in (([0, 1], 0.05), ([3], 0.05), ([5], 0.8)):  # low: a share of α
        off = np.zeros((6, 1))
        off[frames] = 0.002
        (found,) = (
            each
            for each in compare(
                model, samples, [traces_of(model, x, added={"state": off})]
            ).unit_errors
            if each.node == "state"
        )
        assert found.error == pytest.approx(0.002 / level)
        assert found.scale == pytest.approx(level)


def test_parameters_that_no_sample_has_used_are_named() -> None:
    found = {(e.node, e.unit): e for e in run().unexercised}
    assert found["cand", 0].parameters == ("proj.weight[0][1]",)  # x[1] is always zero
    assert found["cand", 0].why == "the signal was always zero"
    assert ("state", 0) not in found  # rises above .4 and falls below .2
    assert set(found["logits", 1].parameters) == {"logits.weight[1][:]·proj.weight[:][1]"}


def test_thresholds_that_no_candidate_crosses_are_named() -> None:
    found = {(e.node, e.unit): e for e in run(x=np.full((4, 2), 0.1)).unexercised}
    assert found["state", 0].parameters == (
        "state.beta_hi[0]",
        "state.beta_lo[0]",
        "state.alpha[0]",
    )
    assert found["state", 0].why == "the cell was never high"
    up = {(e.node, e.unit): e for e in run(x=np.array([[1.0, 0.0]] * 4)).unexercised}
    assert up["state", 0].parameters == ("state.beta_lo[0]",)
    assert up["state", 0].why == "no candidate crossed it"


def test_a_row_that_never_conducts_is_named_whole() -> None:
    found = {(e.node, e.unit): e for e in run(x=np.array([[0.0, 1.0]] * 4)).unexercised}
    assert found["cand", 0].parameters == ("proj.weight[0][0]", "proj.weight[0][1]")
    assert "never positive" in found["cand", 0].why
