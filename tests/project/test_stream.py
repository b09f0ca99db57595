"""A stream in parts: the circuit and its twin go on from the states that they ended with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ideal_twin import twin_of

from netgen.model import Samples, evaluate, load_model, load_samples, random_model
from netgen.project import BuildOptions, SimulationChoices
from netgen.project.studies.stream import circuit_stream

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset"


@pytest.mark.parametrize("seed", range(4))
def test_a_twin_goes_on_from_any_states(seed: int) -> None:
    model, samples = random_model(seed)
    twin = twin_of(model)
    x = np.concatenate([*samples.x, *samples.x])[np.newaxis]
    whole = twin.run({}, x)
    cut = x.shape[1] // 3
    first = twin.run({}, x[:, :cut])
    states = {name: each[:, 0, -1] for name, each in first.states.items()}
    rest = twin.run({}, x[:, cut:], states)
    logits = np.concatenate([first.logits, rest.logits], axis=2)
    np.testing.assert_allclose(logits, whole.logits, rtol=1e-9, atol=1e-12)
    for name, found in whole.states.items():
        parts = np.concatenate([first.states[name], rest.states[name]], axis=2)
        np.testing.assert_array_equal(parts, found)


def test_a_model_with_other_states() -> None:
    model, _ = random_model(1)
    states = {cell.name: ~cell.initial_state for cell in model.cells}
    for cell in model.started(states).cells:
        np.testing.assert_array_equal(cell.initial_state, states[cell.name])
    back = model.started({cell.name: cell.initial_state for cell in model.cells})
    assert back.digest == model.digest


@pytest.mark.ngspice
def test_a_circuit_goes_on_from_its_own_states(tmp_path: Path) -> None:
    """A latch that is set in the first part is still set in the second, without an input."""
    model = load_model(EXAMPLE / "model.json")
    samples = load_samples(EXAMPLE / "samples.npz", model)
    x = samples.x[0]
    values = evaluate(model, x[np.newaxis])
    start = {cell.name: cell.initial_state for cell in model.cells}
    half = len(x) // 2 + 1
    arguments = (model, x, start, tmp_path / "parts", BuildOptions(), SimulationChoices(jobs=1))
    parts = list(circuit_stream(*arguments, half, samples))
    assert [part.first for part in parts] == [0, half]
    assert all(part.fresh for part in parts)
    for cell in model.cells:
        states = np.concatenate([part.states[cell.name] for part in parts])
        np.testing.assert_array_equal(states, values[cell.name][0] > 0)
    logits = np.concatenate([part.logits for part in parts])
    np.testing.assert_allclose(logits, values[model.readout.node][0], atol=0.1)
    power = np.concatenate([part.power_w for part in parts])
    assert power.shape == (len(x),)
    assert (power > 0).all()
    again = list(circuit_stream(*arguments, half, samples))
    assert not any(part.fresh for part in again)
    np.testing.assert_array_equal(np.concatenate([part.logits for part in again]), logits)
    other = Samples(0.9 * samples.x, samples.y, samples.ids)
    assert all(part.fresh for part in circuit_stream(*arguments, half, other)), "other devices"
