"""Layer races, predicted from software and from given states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_models import document, linear

import netgen.analysis.comparison.race as race
from netgen.analysis import forecast_races
from netgen.analysis.comparison.race import near_threshold, predict_races
from netgen.model import Model, evaluate, from_dict, random_model


def cell(name: str, source: str, initial: int = 0) -> dict[str, Any]:
    """One cell with α = 1 and its band from 0.2 to 0.4."""
    return {
        "name": name,
        "op": "bmru",
        "input": source,
        "alpha": [1.0],
        "beta_lo": [0.2],
        "beta_hi": [0.4],
        "initial_state": [initial],
    }


def chain(couplings: list[float], initial: list[int] | None = None) -> Model:
    """Cell k follows relu(x_k + coupling · state of cell k − 1); the first follows x_0 alone."""
    count = len(couplings) + 1
    nodes: list[dict[str, Any]] = []
    for k in range(count):
        pick = [[1.0 if channel == k else 0.0 for channel in range(count)]]
        nodes.append(linear(f"in{k}", "x", pick, [0.0]))
        total = f"in{k}"
        if k:
            nodes.append(linear(f"from{k}", f"state{k - 1}", [[couplings[k - 1]]], [0.0]))
            nodes.append({"name": f"sum{k}", "op": "add", "inputs": [f"in{k}", f"from{k}"]})
            total = f"sum{k}"
        nodes.append({"name": f"cand{k}", "op": "relu", "input": total})
        nodes.append(cell(f"state{k}", f"cand{k}", initial[k] if initial else 0))
    last = f"state{count - 1}"
    nodes.append(linear("logits", last, [[1.0], [0.0]], [0.0, 0.5]))
    return from_dict(document("chain", nodes, size=count, frames=(0, 2), maximum=3.0))


def flagged(model: Model, x: list[list[float]], node: str) -> list[int]:
    """Frames in which software alone forecasts a race of a one-cell node."""
    return np.flatnonzero(forecast_races(model, np.array([x]))[node][0, :, 0]).tolist()


def test_a_cell_may_be_set_by_the_old_state_below() -> None:
    # Frame 1: cell 0 rises and takes the candidate 0.9 down to 0.3, inside the band.
    model = chain([-0.6])
    assert flagged(model, [[0.1, 0.3], [0.6, 0.9], [0.6, 0.9]], "state1") == [1]


def test_a_cell_may_be_reset_by_the_old_state_below() -> None:
    # Frame 1: cell 0 falls; the candidate rests at 0.3 but was 0.0 with the old state.
    model = chain([-0.6], initial=[1, 1])
    assert flagged(model, [[0.6, 0.9], [0.1, 0.3], [0.1, 0.3]], "state1") == [1]


def test_frame_0_begins_with_the_initial_states() -> None:
    assert flagged(chain([-0.6]), [[0.6, 0.9], [0.6, 0.9]], "state1") == [0]
    assert flagged(chain([-0.6], initial=[1, 0]), [[0.6, 0.9]] * 2, "state1") == []


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ([0.1, 0.30], [0.6, 1.1], "the settled candidate 0.5 sets the cell anyway"),
        ([0.1, 0.30], [0.6, 0.7], "the settled candidate 0.1 resets the cell anyway"),
        ([0.1, 0.30], [0.1, 0.3], "nothing below changes"),
        ([0.1, 0.75], [0.6, 0.9], "the cell is high already, and no transient is low"),
    ],
)
def test_no_race(first: list[float], second: list[float], why: str) -> None:
    assert flagged(chain([-0.6]), [first, second], "state1") == [], why


@pytest.mark.parametrize(
    ("transient", "settled", "expected"),
    [(0.393, 0.3, [1]), (0.391, 0.3, []), (0.9, 0.407, [1]), (0.9, 0.193, [1]), (0.9, 0.191, [])],
)
def test_margins_are_two_per_cent_of_beta_hi(
    transient: float, settled: float, expected: list[int]
) -> None:
    model = chain([settled - transient])
    assert flagged(model, [[0.1, 0.0], [0.6, transient]], "state1") == expected


def two_below() -> Model:
    """Cells a and b follow x_0 and x_1; the cell above sees x_2 + 0.6 a − 0.6 b."""
    data = document(
        "two-below",
        [
            linear("pair", "x", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0.0, 0.0]),
            {"name": "pair_relu", "op": "relu", "input": "pair"},
            {
                **cell("low", "pair_relu"),
                "alpha": [1.0, 1.0],
                "beta_lo": [0.2, 0.2],
                "beta_hi": [0.4, 0.4],
                "initial_state": [0, 0],
            },
            linear("direct", "x", [[0.0, 0.0, 1.0]], [0.0]),
            linear("difference", "low", [[0.6, -0.6]], [0.0]),
            {"name": "sum", "op": "add", "inputs": ["direct", "difference"]},
            {"name": "cand", "op": "relu", "input": "sum"},
            cell("high", "cand"),
            linear("logits", "high", [[1.0]], [0.0]),
        ],
        size=3,
        frames=(0, 1),
        classes=("only",),
        maximum=3.0,
    )
    return from_dict(data)


def test_cells_of_one_layer_may_switch_one_by_one() -> None:
    # All old and all new give 0.3 alike; only "a before b" gives 0.9.
    assert flagged(two_below(), [[0.1, 0.1, 0.3], [0.6, 0.6, 0.3]], "high") == [1]
    assert flagged(two_below(), [[0.1, 0.1, 0.3], [0.6, 0.1, 0.3]], "high") == []


def test_a_pulse_of_a_layer_between_counts() -> None:
    # Cell 1 is low before and after (settled candidate 0.1) but sees 0.7 for a moment; if it
    # pulses, cell 2 sees 0.3 + 0.6 and stays high at 0.3.
    model = chain([-0.6, 0.6])
    x = [[0.1, 0.1, 0.3], [0.6, 0.7, 0.3]]
    states = evaluate(model, np.array([x]))
    assert not states["state1"].any()
    assert flagged(model, x, "state1") == []
    assert flagged(model, x, "state2") == [1]


def test_given_states_are_taken_for_the_settled_ones() -> None:
    model = chain([-0.6])
    x = np.array([[[0.1, 0.3], [0.6, 0.9]]])
    low = np.zeros((1, 2, 1), dtype=bool)
    rose = np.array([[[False], [True]]])
    assert predict_races(model, x, {"state0": rose, "state1": rose})["state1"][0, 1, 0]
    # Cell 0 of the circuit never rose: nothing changed below, and 0.9 sets the cell by itself.
    assert not predict_races(model, x, {"state0": low, "state1": low})["state1"].any()


@pytest.mark.parametrize("seed", range(6))
def test_bounds_never_miss_what_subsets_find(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = random_model(seed, state=6, layers=3, frames=40)
    exact = forecast_races(model, samples.x)
    monkeypatch.setattr(race, "ENUMERATED", 0)
    bounds = forecast_races(model, samples.x)
    assert sum(int(flags.sum()) for flags in exact.values()) > 0
    for name, flags in exact.items():
        assert not (flags & ~bounds[name]).any()


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = random_model(3, state=6, layers=3, frames=40)
    whole = forecast_races(model, samples.x)
    monkeypatch.setattr(race, "_BLOCK", 7)
    parts = forecast_races(model, samples.x)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_subsets_agree_with_trying_them_one_by_one() -> None:
    model, samples = random_model(5, state=3, layers=2, frames=60)
    values = evaluate(model, samples.x)
    states = {c.name: values[c.name] > 0 for c in model.cells}
    lower, upper = model.cells
    expected = np.zeros_like(states[upper.name])
    candidate, reach = values[upper.input], race.NEAR * upper.rising
    previous = np.concatenate(
        [np.broadcast_to(upper.initial_state, (4, 1, 3)), states[upper.name][:, :-1]], axis=1
    )
    before = np.concatenate(
        [np.broadcast_to(lower.initial_state, (4, 1, 3)), states[lower.name][:, :-1]], axis=1
    )
    in_band = (candidate >= upper.falling - reach) & (candidate <= upper.rising + reach)
    for choice in range(8):
        old = np.array([choice >> unit & 1 for unit in range(3)], dtype=bool)
        mixed = np.where(old, before, states[lower.name])
        seen = evaluate(model, samples.x, states | {lower.name: mixed})[upper.input]
        rises = (
            ~previous
            & (seen > upper.rising - reach)
            & (seen > candidate + race.MOVED * upper.rising)
        )
        falls = (
            previous
            & (seen < upper.falling + reach)
            & (seen < candidate - race.MOVED * upper.rising)
        )
        expected |= (rises | falls) & in_band
    assert expected.any()
    assert np.array_equal(forecast_races(model, samples.x)[upper.name], expected)


def test_near_threshold_is_two_per_cent_of_beta_hi_from_either() -> None:
    (node,) = (node for node in chain([]).cells)
    candidate = np.array([0.19, 0.193, 0.207, 0.21, 0.3, 0.39, 0.393, 0.407, 0.41])
    near = near_threshold(node, candidate[None, :, None])[0, :, 0]
    assert near.tolist() == [False, True, True, False, False, False, True, True, False]
