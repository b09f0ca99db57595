"""The network in PyTorch against the model room's NumPy, export, import and rescaling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("torch")
import torch

torch.set_num_threads(1)

from netgen.circuit.blocks.ladder import Ladder  # noqa: E402
from netgen.circuit.blocks.schmitt9 import Bmru  # noqa: E402
from netgen.errors import ModelError  # noqa: E402
from netgen.model import Cell, Linear, Model, decide, evaluate, random_model  # noqa: E402
from netgen.training.exchange import from_model, to_model  # noqa: E402
from netgen.training.hardware import DEAD_ZONE, without_dead_zone  # noqa: E402
from netgen.training.network import (  # noqa: E402
    ALPHA_MIN,
    LARGEST,
    LO_MIN,
    RUNG_MIN,
    WIDTH_MIN,
    Architecture,
    clamp_cells,
    hard,
    initial,
    run,
)
from netgen.training.rescale import HIGHEST_PEAK, rescale_parameters  # noqa: E402
from netgen.training.scoring import respond, to_inputs  # noqa: E402

SIZES = [
    Architecture(13, 4, 2, 2),
    Architecture(3, 1, 1, 2),
    Architecture(13, 8, 3, 10),
    Architecture(2, 5, 2, 1),
    Architecture(13, 4, 2, 2, rungs=2),
    Architecture(3, 3, 2, 3, rungs=3),
]
CELL = SIZES[0]


def sequences(inputs: int, frames: int = 60, samples: int = 20) -> np.ndarray:
    rng = np.random.default_rng(5)
    knots = rng.random((samples, frames // 6 + 1, inputs)) * 1.5
    return np.repeat(knots, 6, axis=1)[:, :frames]


def export(arch: Architecture, parameters: torch.Tensor, frames: int) -> Model:
    return to_model(
        arch,
        parameters,
        name="net",
        classes=[f"c{k}" for k in range(arch.classes)],
        frames=frames,
        input_max=1.5,
        meta={},
    )


@pytest.mark.parametrize("arch", SIZES, ids=str)
def test_numpy_gives_the_same_states_and_decisions(arch: Architecture) -> None:
    parameters = initial(arch, 3, torch.Generator().manual_seed(1))
    x = sequences(arch.inputs)
    found = respond(arch, parameters.to(torch.float64), to_inputs(x))
    risen = np.zeros(arch.rungs, dtype=np.bool_)
    for number in range(3):
        model = export(arch, parameters[number], x.shape[1])
        values = evaluate(model, x)
        for layer, cell in enumerate(model.cells):
            states = cell.states(values[cell.input])
            np.testing.assert_array_equal(found.states[number, layer].swapaxes(0, 1), states)
            risen[cell.together(states).any(axis=(0, 1, 2))] = True
        decisions = decide(model.readout, values["logits"])
        np.testing.assert_array_equal(found.decisions[number], decisions)
    assert 0.02 < found.states.mean() < 0.98, "cells that never switch would prove nothing"
    assert risen.all(), "nor would a rung that never rises"


@pytest.mark.parametrize("rungs", [1, 2, 3])
def test_logits_and_candidates_agree_to_rounding(rungs: int) -> None:
    arch = replace(CELL, rungs=rungs)
    parameters = initial(arch, 1, torch.Generator().manual_seed(2)).to(torch.float64)
    x = sequences(13)
    acts = run(arch, parameters, to_inputs(x), hard)
    values = evaluate(export(arch, parameters[0], x.shape[1]), x)
    for found, name in (
        (acts.logits, "logits"),
        (acts.layers[1].candidate, "l2.cand_lin"),
        (acts.layers[0].post, "l1.post_lin"),
        (acts.out, "l2.out"),
    ):
        np.testing.assert_allclose(found[0].swapaxes(0, 1), values[name], atol=1e-12)


@pytest.mark.parametrize("arch", SIZES, ids=str)
def test_a_model_comes_back_from_json_as_it_went(arch: Architecture) -> None:
    parameters = initial(arch, 1, torch.Generator().manual_seed(3)).to(torch.float64)
    model = export(arch, parameters[0], 60)
    assert {type(cell) for cell in model.cells} == {Bmru if arch.rungs == 1 else Ladder}
    again, back = from_model(model, "m.json")
    assert again == arch
    torch.testing.assert_close(back, parameters, rtol=1e-14, atol=1e-15)
    x = sequences(arch.inputs)
    logits = evaluate(export(again, back[0], 60), x)["logits"]
    np.testing.assert_allclose(logits, evaluate(model, x)["logits"], atol=1e-12)


def test_a_random_model_of_the_model_room_can_be_imported() -> None:
    model, samples = random_model(4, state=6)
    rest = np.zeros(6, dtype=np.bool_)
    nodes = tuple(
        replace(node, initial_state=rest) if isinstance(node, Cell) else node
        for node in model.nodes
    )
    model = replace(model, nodes=nodes)
    arch, parameters = from_model(model, "m.json")
    found = respond(arch, parameters, to_inputs(samples.x)).states[0]
    values = evaluate(model, samples.x)
    for layer, cell in enumerate(model.cells):
        np.testing.assert_array_equal(found[layer].swapaxes(0, 1), values[cell.name] > 0)


def test_layers_of_different_rungs_are_refused() -> None:
    arch = replace(CELL, rungs=2)
    parameters = initial(arch, 1, torch.Generator().manual_seed(3))
    model = export(arch, parameters[0], 60)
    first = next(node for node in model.nodes if isinstance(node, Ladder))
    figures = {key: getattr(first, key)[:, :1] for key in ("alpha", "beta_lo", "beta_hi")}
    short = replace(first, **figures, initial_state=np.zeros(4, dtype=np.bool_))
    nodes = tuple(short if node is first else node for node in model.nodes)
    with pytest.raises(ModelError, match="not the reference network"):
        from_model(replace(model, nodes=nodes), "m.json")


@given(
    arrays(np.float64, (2, 3, 3), elements=st.floats(-6, 6)),
    arrays(np.float64, (2, 3, 3), elements=st.floats(-6, 6)),
)
def test_clamped_rungs_are_in_order_and_those_that_were_stay(
    hi: np.ndarray, width: np.ndarray
) -> None:
    cells = [torch.from_numpy(each.copy()) for each in (hi, width, hi)]
    clamp_cells(*cells)
    high, wide, alpha = (each.numpy() for each in cells)
    low = high - wide
    assert high.max() <= LARGEST + 1e-12
    assert low.min() >= LO_MIN - 1e-12
    assert wide.min() >= WIDTH_MIN - 1e-12
    assert alpha.min() >= ALPHA_MIN
    assert alpha.max() <= LARGEST
    for thresholds in (high, low):
        assert np.diff(thresholds, axis=-1).min() >= RUNG_MIN - 1e-12
    clamp_cells(*cells)
    np.testing.assert_allclose(cells[0].numpy(), high, rtol=0, atol=1e-12)
    np.testing.assert_allclose(cells[1].numpy(), wide, rtol=0, atol=1e-12)


def test_another_graph_is_refused() -> None:
    model, _ = random_model(0)
    last = model.nodes[-1]
    assert isinstance(last, Linear)
    early = replace(last, input=model.nodes[0].name)  # the readout leaves the layers out
    around = replace(model, nodes=(*model.nodes[:-1], early))
    first_cell = next(i for i, node in enumerate(model.nodes) if node.name == model.cells[0].name)
    high = replace(model.cells[0], initial_state=np.ones(4, dtype=np.bool_))
    nodes = (*model.nodes[:first_cell], high, *model.nodes[first_cell + 1 :])
    for other in (around, replace(model, nodes=nodes)):
        with pytest.raises(ModelError, match=r"m\.json: nodes: not the reference network"):
            from_model(other, "m.json")


def largest_current(arch: Architecture, parameters: torch.Tensor, x: torch.Tensor) -> float:
    acts = run(arch, parameters, x, hard)
    sums = [acts.out]
    for layer in acts.layers:
        sums += [layer.signed, layer.candidate, layer.post]
    return max(float(current.abs().max()) for current in sums)


@pytest.mark.parametrize(("rungs", "seed"), [(1, 4), (3, 7)])
def test_rescaling_changes_currents_but_no_state_and_no_decision(rungs: int, seed: int) -> None:
    arch = Architecture(13, 6, 2, 3, rungs)
    parameters = initial(arch, 1, torch.Generator().manual_seed(seed)).to(torch.float64)
    parameters[:, arch.mask("w0", "b0", "wp", "bp") & (parameters[0].abs() < 0.2)] = 0
    arch.take(parameters, "w0").mul_(4)
    parameters = without_dead_zone(arch, parameters)
    arch.take(parameters, "wo").mul_(0.5)
    x = to_inputs(sequences(13))
    scaled = rescale_parameters(arch, parameters, x)
    assert largest_current(arch, parameters, x) > 4
    assert largest_current(arch, scaled, x) <= HIGHEST_PEAK * (1 + 1e-12)
    before, after = respond(arch, parameters, x), respond(arch, scaled, x)
    np.testing.assert_array_equal(before.states, after.states)
    np.testing.assert_array_equal(before.decisions, after.decisions)
    logits = [run(arch, each, x, hard).logits for each in (parameters, scaled)]
    torch.testing.assert_close(*logits)


def test_rescaling_raises_low_thresholds_and_keeps_weights_drawable() -> None:
    arch = CELL
    parameters = initial(arch, 1, torch.Generator().manual_seed(5)).to(torch.float64)
    for layer in (1, 2):
        for name in ("wc", "bc", "hi", "width"):
            arch.take(parameters, f"{layer}.{name}").mul_(0.3)
    parameters = without_dead_zone(arch, parameters)
    weights = arch.mask("w0", "b0", "wc", "bc", "wp", "bp", "wo", "bo")
    scaled = rescale_parameters(arch, parameters, to_inputs(sequences(13)))
    his = [arch.take(each, "1.hi").min() for each in (parameters, scaled)]
    assert his[1] > 1.5 * his[0]
    drawn = scaled[0, weights].abs()
    assert torch.equal(drawn == 0, parameters[0, weights] == 0)
    assert drawn[drawn > 0].min() >= DEAD_ZONE * (1 - 1e-12)
    assert drawn.max() <= 4 * (1 + 1e-12)
