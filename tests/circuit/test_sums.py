"""Signed sums taken apart into copies of first-quadrant signals, and put together again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import graphs, random_inputs
from small_models import linear, small_model

from netgen.circuit.sums import SignedSums, signed_sums
from netgen.model import INPUT, Linear, Model, evaluate, from_dict, is_signed


def reformed(sums: SignedSums, values: dict[str, np.ndarray]) -> np.ndarray:
    """Put a node's sums together from the values of the nodes they copy."""
    total = sums.bias + 0.0
    for term in sums.terms:
        total = total + values[term.source] @ term.weight.T
    return total


def model_of(*nodes: dict[str, Any]) -> Model:
    """Return a model over two inputs whose readout is the last node, of two units."""
    data = small_model() | {"input": {"size": 2, "max": 1.0}, "nodes": list(nodes)}
    data["readout"] = {"node": nodes[-1]["name"], "rule": "last", "frames": [0, 1]}
    return from_dict(data)


@settings(max_examples=40)
@given(graphs())
def test_rows_form_what_the_software_computes(model: Model) -> None:
    values = evaluate(model, random_inputs(model)[None])
    sums = signed_sums(model)
    assert set(sums) == set(values)
    for name, value in values.items():
        scale = max(np.abs(value).max(), 1.0)
        np.testing.assert_allclose(reformed(sums[name], values), value, atol=1e-12 * scale)


@settings(max_examples=40)
@given(graphs())
def test_terms_copy_first_quadrant_signals_only(model: Model) -> None:
    for name, sums in signed_sums(model).items():
        assert len(sums.bias) == model.sizes[name]
        for term in sums.terms:
            assert term.source == INPUT or not is_signed(model.by_name[term.source])
            assert term.weight.shape == (model.sizes[name], model.sizes[term.source])
        ways = [(term.source, term.chain) for term in sums.terms]
        assert len(set(ways)) == len(ways)


@settings(max_examples=40)
@given(graphs())
def test_weights_of_a_linear_are_not_rounded(model: Model) -> None:
    sums = signed_sums(model)
    for node in model.nodes:
        if isinstance(node, Linear) and (
            node.input == INPUT or not is_signed(model.by_name[node.input])
        ):
            (term,) = sums[node.name].terms
            assert term.chain == (node.name,)
            np.testing.assert_array_equal(term.weight, node.weight)
            np.testing.assert_array_equal(sums[node.name].bias, node.bias)


A = linear("a", "x", [[0.1, -0.2], [0.3, 0.4]], [0.5, -0.25])
B = linear("b", "a", [[2.0, 1.0], [-1.0, 3.0]], [0.125, 0.0])


def test_linear_of_linear_is_a_product() -> None:
    sums = signed_sums(model_of(A, B))["b"]
    (term,) = sums.terms
    assert (term.source, term.chain) == ("x", ("b", "a"))
    np.testing.assert_allclose(term.weight, [[0.5, 0.0], [0.8, 1.4]])
    np.testing.assert_allclose(sums.bias, [2 * 0.5 - 0.25 + 0.125, -0.5 - 0.75])
    assert sums.bias_chains == (("b",), ("b", "a"))


def test_residual_connection_copies_the_terms_of_both_ways() -> None:
    nodes = (A, B, {"name": "sum", "op": "add", "inputs": ["a", "b"]})
    sums = signed_sums(model_of(*nodes))["sum"]
    assert [(term.source, term.chain) for term in sums.terms] == [("x", ("a",)), ("x", ("b", "a"))]
    assert sums.bias_chains == (("a",), ("b",), ("b", "a"))


@pytest.mark.parametrize("source", ["x", "a"])
def test_add_of_the_same_node_twice_is_one_copy_of_twice_the_weight(source: str) -> None:
    nodes = (A, {"name": "twice", "op": "add", "inputs": [source, source]})
    sums = signed_sums(model_of(*nodes))["twice"]
    (term,) = sums.terms
    weight = np.eye(2) if source == "x" else np.array(A["weight"])
    np.testing.assert_array_equal(term.weight, 2 * weight)


def test_add_of_a_line_and_a_sum() -> None:
    nodes = (
        A,
        {"name": "r", "op": "relu", "input": "a"},
        {"name": "rr", "op": "relu", "input": "r"},
        {"name": "sum", "op": "add", "inputs": ["rr", "a", "r"]},
    )
    sums = signed_sums(model_of(*nodes))["sum"]
    assert [(t.source, t.chain) for t in sums.terms] == [("rr", ()), ("x", ("a",)), ("r", ())]


def test_readout_of_a_line_is_its_copy() -> None:
    sums = signed_sums(model_of(A, {"name": "r", "op": "relu", "input": "a"}))["r"]
    (term,) = sums.terms
    assert (term.source, term.chain, sums.bias_chains) == ("r", (), ())
    np.testing.assert_array_equal(term.weight, np.eye(2))
