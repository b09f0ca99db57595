"""Random reference networks: valid, drawable, alive, and the same everywhere."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netgen.model import (
    Linear,
    Model,
    Samples,
    check_samples,
    evaluate,
    from_dict,
    random_model,
    to_dict,
)

SHAPES = [
    {"state": 4, "layers": 1, "classes": 2, "inputs": 4},
    {"state": 4, "layers": 2, "classes": 2, "inputs": 13},
    {"state": 6, "layers": 2, "classes": 3, "inputs": 8, "frames": 30},
    {"state": 8, "layers": 3, "classes": 4, "inputs": 13},
    {"state": 64, "layers": 2, "classes": 10, "inputs": 13},
]


@pytest.fixture(params=[(shape, seed) for shape in SHAPES for seed in range(3)], ids=str)
def drawn(request: pytest.FixtureRequest) -> tuple[Model, Samples]:
    shape, seed = request.param
    return random_model(seed, samples=16, **shape)


def test_model_and_samples_are_valid(drawn: tuple[Model, Samples]) -> None:
    model, samples = drawn
    again = from_dict(json.loads(json.dumps(to_dict(model))))
    assert again.digest == model.digest
    check_samples(samples.x, samples.y, samples.ids, again)


def test_currents_and_weights_can_be_drawn(drawn: tuple[Model, Samples]) -> None:
    model, samples = drawn
    for name, value in evaluate(model, samples.x).items():
        assert np.abs(value).max() <= 4.2, name
    for node in model.nodes:
        if isinstance(node, Linear):
            sizes = np.abs(np.append(node.weight, node.bias))
            assert sizes.max() <= 4
            assert sizes[sizes > 0].min() >= 0.02


def test_every_cell_switches_both_ways(drawn: tuple[Model, Samples]) -> None:
    model, samples = drawn
    values = evaluate(model, samples.x)
    for cell in model.cells:
        states = (values[cell.name] > 0).astype(int)
        steps = np.diff(states, axis=1)
        assert (steps == 1).any(axis=(0, 1)).all()
        assert (steps == -1).any(axis=(0, 1)).all()
        assert (cell.rising - cell.falling).min() >= 0.05 - 1e-9
        assert cell.falling.min() >= 0.1
        assert cell.level.min() >= 0.3
        assert cell.level.max() <= 1.2


def test_structure_is_the_reference_network() -> None:
    model, samples = random_model(0, state=5, layers=3, classes=4, inputs=7, frames=20, samples=2)
    assert samples.x.shape == (2, 20, 7)
    assert len(model.nodes) == 1 + 3 * 7 + 1
    kinds = [type(node).__name__ for node in model.nodes]
    layer = ["Relu", "Linear", "Relu", "Bmru", "Linear", "Relu", "Add"]
    assert kinds == ["Linear", *layer, *layer, *layer, "Linear"]
    assert model.sizes["l2.state"] == 5
    assert model.sizes["logits"] == 4
    assert len({str(cell.initial_state) for cell in model.cells}) > 1


def test_model_does_not_depend_on_the_number_of_samples() -> None:
    one, first = random_model(7, samples=1)
    many, more = random_model(7, samples=6)
    assert one.digest == many.digest
    np.testing.assert_array_equal(first.x, more.x[:1])


def test_seeds_differ() -> None:
    assert len({random_model(seed, frames=20)[0].digest for seed in range(20)}) == 20


def test_a_seed_gives_the_same_model_anywhere() -> None:
    model, samples = random_model(2024, state=8, layers=2, classes=3, inputs=13)
    assert model.digest.startswith("97533abc2153e55b")
    assert round(samples.x.sum() * 1e6) == 3938778471


def test_without_dead_zone_no_weight_is_zero() -> None:
    model, _ = random_model(0, state=32, dead_zone=0.0)
    weights = [node.weight for node in model.nodes if isinstance(node, Linear)]
    assert min(np.abs(weight).min() for weight in weights) > 0


def test_large_network_keeps_its_currents_in_range() -> None:
    model, samples = random_model(0, state=512, frames=30)
    values = evaluate(model, samples.x)
    assert max(np.abs(value).max() for value in values.values()) <= 4.2
    for cell in model.cells:
        assert (np.diff(values[cell.name] > 0, axis=1).mean(axis=(0, 1)) > 0).mean() > 0.9
