"""Bounds of candidates while a frame settles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import graphs
from small_models import bmru, document, linear

from netgen.analysis.comparison.bounds import AS_SIZED, VARIED, Bounds, Margins, left_open
from netgen.analysis.comparison.race import predict_races
from netgen.circuit import REFERENCE, CellLayer, Circuit, build_circuit
from netgen.model import INPUT, Model, evaluate, from_dict, random_model
from netgen.technology import Geometry

EXACT = Margins(excursion=0.0, reach=0.0, hidden=0.0)
FRAMES = 5


def circuit_of(model: Model) -> Circuit:
    return build_circuit(model, Geometry(2e-6, 2e-6))


def settled(model: Model, x: np.ndarray) -> dict[str, np.ndarray]:
    """What an ideal circuit shows of one sample, (frames, units) by node."""
    return {name: value[0] for name, value in evaluate(model, x[np.newaxis]).items()}


def mixed(
    circuit: Circuit, values: dict[str, np.ndarray], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Give every signal in every frame its old value, its new one, or one on the way."""

    def between(new: np.ndarray) -> np.ndarray:
        old = np.concatenate([new[:1], new[:-1]])
        share = random.choice([0.0, 1.0, 0.5, random.uniform()], new.shape)
        return np.asarray(share * new + (1 - share) * old)

    lines = {INPUT: between(values[INPUT]), REFERENCE: np.ones((FRAMES, 1))}
    for layer in circuit.layers:
        if isinstance(layer, CellLayer):
            lines[layer.node] = between(values[layer.node])
        elif layer.kind == "relu":
            total = np.sum([lines[m.source] @ m.weight.T for m in layer.mirrors], axis=0)
            way = np.where(random.integers(0, 2, total.shape), total, between(values[layer.node]))
            lines[layer.node] = np.maximum(way, 0.0)
    return lines


@given(graphs(), st.integers(0, 2**32 - 1))
def test_no_mixture_of_old_and_new_values_leaves_the_bounds(model: Model, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.uniform(0.0, 1.5, (FRAMES, model.input_size))
    values, circuit = settled(model, x), circuit_of(model)
    found = Bounds(x, values, EXACT)
    for _ in found.through(circuit):
        pass
    bounds = found.ranges
    for _ in range(3):
        for name, line in mixed(circuit, values, random).items():
            assert (line >= bounds[name].low - 1e-9).all(), name
            assert (line <= bounds[name].high + 1e-9).all(), name


@given(graphs(), st.integers(0, 2**32 - 1))
def test_every_race_that_software_predicts_is_left_open(model: Model, seed: int) -> None:
    x = np.random.default_rng(seed).uniform(0.0, 1.5, (FRAMES, model.input_size))
    values = settled(model, x)
    states = {cell.name: values[cell.name][np.newaxis] > 0 for cell in model.cells}
    found = left_open(circuit_of(model), x, values, AS_SIZED)
    for name, races in predict_races(model, x[np.newaxis], states).items():
        # the first frame has none: cells are released one layer after the other
        missed = races[0, 1:] & ~found[name][1:]
        assert not missed.any()


def one_cell(weights: list[float]) -> Model:
    """A cell with its band from 0.4 to 0.6 whose candidate is a sum of inputs."""
    cell: dict[str, Any] = bmru("state", "cand", [1.0], [0.4], [0.6], initial_state=[0])
    return from_dict(
        document(
            "one-cell",
            [
                linear("sum", "x", [weights], [0.0]),
                {"name": "cand", "op": "relu", "input": "sum"},
                cell,
                linear("logits", "state", [[1.0], [0.0]], [0.0, 0.5]),
            ],
            size=len(weights),
            frames=(0, 2),
        )
    )


@pytest.mark.parametrize(
    ("first", "second", "expected", "why"),
    [
        ([0.5, 0.0], [1.0, 0.5], True, "the first input may come before the second: 1.0"),
        ([0.5, 0.0], [0.55, 0.0], False, "no mixture goes beyond 0.55"),
        ([0.5, 0.0], [1.2, 0.5], False, "it rises in any case"),
        ([0.5, 0.0], [1.0, 0.9], False, "it comes to rest below the band"),
        ([0.5, 0.0], [0.5, 0.0], False, "nothing moves"),
    ],
)
def test_order_of_arrival_of_inputs(
    first: list[float], second: list[float], expected: bool, why: str
) -> None:
    model, x = one_cell([1.0, -1.0]), np.array([first, second])
    found = left_open(circuit_of(model), x, settled(model, x), AS_SIZED)["state"]
    assert found[:, 0].tolist() == [False, expected], why


def test_the_ends_are_those_of_the_circuit() -> None:
    """A circuit whose candidate is larger than software's comes closer to its threshold."""
    model, x = one_cell([1.0, -1.0]), np.array([[0.5, 0.3], [0.6, 0.35]])
    values = settled(model, x)
    assert not left_open(circuit_of(model), x, values, AS_SIZED)["state"].any()
    shown = values | {"cand": values["cand"] + 0.3}
    assert left_open(circuit_of(model), x, shown, AS_SIZED)["state"][1, 0]


def test_wider_margins_leave_more_open() -> None:
    model, samples = random_model(5, state=6, layers=2, frames=40, samples=1)
    values, circuit = settled(model, samples.x[0]), circuit_of(model)
    counts = []
    for margins in (EXACT, AS_SIZED, VARIED):
        found = left_open(circuit, samples.x[0], values, margins)
        counts.append(sum(int(states.sum()) for states in found.values()))
    assert 0 < counts[0] <= counts[1] < counts[2]
