"""Which blocks a model turns into: layers, gate nets, release orders, names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from cells import bmru
from fake_technology import UNIT, ratio_drawn
from hypothesis import given, settings
from random_graphs import graphs
from small_models import linear, small_model

from netgen.circuit import (
    REFERENCE,
    REFERENCE_PREFIX,
    CellLayer,
    Circuit,
    SummingLayer,
    build_circuit,
    parameter_path,
)
from netgen.circuit.circuit import realised_weight
from netgen.model import INPUT, Cell, Model, Relu, from_dict


def circuit_of(data: dict[str, Any]) -> Circuit:
    return build_circuit(from_dict(data), UNIT)


# Layers


@settings(max_examples=40)
@given(graphs())
def test_every_relu_and_bmru_is_a_layer_and_the_readout_is_last(model: Model) -> None:
    circuit = build_circuit(model, UNIT)
    own = [node.name for node in model.nodes if isinstance(node, Relu | Cell)]
    assert [layer.node for layer in circuit.layers] == [*own, model.readout.node]
    assert [layer.node for layer in circuit.cells] == [cell.name for cell in model.cells]
    readout = circuit.layers[-1]
    assert isinstance(readout, SummingLayer)
    assert readout.kind == "readout"
    for layer in circuit.layers:
        assert layer.size == model.sizes[layer.node]


def test_cells_stand_for_currents() -> None:
    (cells,) = circuit_of(small_model() | {"unit_current": 2e-9}).cells
    assert cells.candidate == "cand"
    np.testing.assert_allclose(cells.wanted, [[1.5e-9, 0.8e-9], [1.0e-9, 0.4e-9], [2e-9, 1e-9]])
    np.testing.assert_array_equal(cells.initial_state, [False, True])


def test_residual_stream_is_re_formed_at_its_consumer() -> None:
    readout = circuit_of(small_model()).summing_layers[-1]
    assert [(m.source, m.chains) for m in readout.mirrors] == [
        ("x", (("logits", "proj"),)),
        ("post", (("logits",),)),
        (REFERENCE, (("logits",), ("logits", "proj"))),
    ]


def test_paths_name_every_learned_parameter_of_a_mirror() -> None:
    readout = circuit_of(small_model()).summing_layers[-1]
    product, plain, bias = readout.mirrors
    assert parameter_path(product, 1, 2) == "logits.weight[1][:]·proj.weight[:][2]"
    assert parameter_path(plain, 1, 0) == "logits.weight[1][0]"
    assert parameter_path(bias, 1, 0) == "logits.bias[1] + logits.weight[1][:]·proj.bias"


# Lines


@settings(max_examples=40)
@given(graphs())
def test_lines_are_only_where_a_mirror_or_a_cell_needs_them(model: Model) -> None:
    circuit = ratio_drawn(build_circuit(model, UNIT))
    for name, size in circuit.signals:
        is_cell = isinstance(model.by_name.get(name), Cell)
        for unit in range(size):
            users = [
                realised_weight(mirrors)[:, unit]
                for layer in circuit.summing_layers
                for mirrors in layer.mirrors
                if mirrors.source == name
            ]
            drives = any(cell.candidate == name for cell in circuit.cells)
            sourcing = any((weights > 0).any() for weights in users) or drives
            sinking = any((weights < 0).any() for weights in users)
            assert circuit.gate_nets[name, "p"][unit] == (is_cell or sourcing)
            assert circuit.gate_nets[name, "n"][unit] == (not is_cell or sinking)


def test_weight_that_is_not_drawn_needs_no_line() -> None:
    data = small_model()
    data["nodes"] = [linear("logits", "x", [[1.0, 0.0, 0.0], [0.0, 0.0, 0.01]], [0.0, 0.0])]
    circuit = circuit_of(data)
    np.testing.assert_array_equal(circuit.gate_nets["x", "p"], [True, False, True])
    drawn = ratio_drawn(circuit)
    small = drawn.summing_layers[0].mirrors[0].geometry
    assert small is not None
    small.multiplicity[1, 2] = 0
    np.testing.assert_array_equal(drawn.gate_nets["x", "p"], [True, False, False])


# Start-up


def orders(*nodes: dict[str, Any]) -> list[int]:
    data = small_model() | {"nodes": list(nodes), "input": {"size": 1, "max": 1.0}}
    data["readout"] = {"node": nodes[-1]["name"], "rule": "last", "frames": [0, 1]}
    data["classes"] = ["one"]
    circuit = circuit_of(data)
    assert circuit.releases == max((cell.release for cell in circuit.cells), default=-1) + 1
    return [cell.release for cell in circuit.cells]


def test_release_order_is_the_number_of_cell_layers_below() -> None:
    first, second = bmru("b1", "x", 1), bmru("b2", "b1", 1)
    beside = bmru("b3", "x", 1)
    both = {"name": "sum", "op": "add", "inputs": ["b2", "b3"]}
    relu = {"name": "r", "op": "relu", "input": "sum"}
    assert orders(first, second, beside, both, relu, bmru("b4", "r", 1)) == [0, 1, 0, 2]


def test_circuit_without_cells_has_no_release_orders() -> None:
    assert orders({"name": "r", "op": "relu", "input": "x"}) == []


# Names


@settings(max_examples=40)
@given(graphs())
def test_words_are_unique_and_safe(model: Model) -> None:
    words = build_circuit(model, UNIT).prefixes
    assert set(words) == {INPUT, *(node.name for node in model.nodes)}
    assert len(set(words.values())) == len(words)
    assert REFERENCE_PREFIX not in words.values()
    assert REFERENCE not in words
    assert all(re.fullmatch("[a-z][a-z0-9_]*", word) for word in words.values())


@settings(max_examples=40)
@given(graphs())
def test_layers_have_words_of_their_own(model: Model) -> None:
    circuit = build_circuit(model, UNIT)
    words = [circuit.prefix(layer) for layer in circuit.layers]
    assert len(set(words)) == len(words)
    assert not {REFERENCE_PREFIX, circuit.prefixes[INPUT]} & set(words)


@pytest.mark.parametrize(
    "names", [("a.b", "a_b", "A.B", "a_b__2"), ("ref", "REF", "ref__2"), ("X", "x.", "x__2", "x_")]
)
def test_names_that_a_netlist_cannot_tell_apart(names: tuple[str, ...]) -> None:
    data = small_model() | {"nodes": [{"name": n, "op": "relu", "input": "x"} for n in names]}
    data["readout"] = {"node": names[-1], "rule": "last", "frames": [0, 1]}
    data["classes"] = ["a", "b", "c"]
    circuit = circuit_of(data)
    assert len(set(circuit.prefixes.values())) == len(names) + 1
    assert isinstance(circuit.layers[0], SummingLayer)
    assert not any(isinstance(layer, CellLayer) for layer in circuit.layers)
