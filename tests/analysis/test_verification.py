"""Figures of mirrors, rows and cells from measured sums, and how a network is taken apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cells import ladder
from fake_technology import fake_technology, ratio_drawn
from netlists import network_text
from small_models import linear, small_model

from netgen.analysis import Tolerances, Verification, verified
from netgen.analysis.comparison.sum_plan import (
    HIGHEST,
    SMALLEST,
    Operation,
    SumPlan,
    operation,
    plan_sums,
)
from netgen.analysis.comparison.verification import (
    SMALLEST_BIAS,
    WORKING,
    CellFigure,
    MirrorFigure,
    never_started,
    read_cells,
    read_sums,
)
from netgen.circuit import REFERENCE, Circuit, SummingLayer, build_circuit
from netgen.circuit.netlist import Netlist
from netgen.circuit.synthesis import synthesise
from netgen.errors import ConfigurationError
from netgen.model import from_dict, random_model
from netgen.model.graph import Floats
from netgen.netlist.partition import placed_layers
from netgen.netlist.read import read_network
from netgen.project.verify import _assembled, _drawn
from netgen.technology import Geometry

UNIT = 1e-9


@pytest.fixture(scope="module")
def circuit() -> Circuit:
    return build_circuit(random_model(3, state=3, layers=1, inputs=4)[0], Geometry(2e-6, 2e-6))


@pytest.fixture(scope="module")
def where(circuit: Circuit) -> Operation:
    x = np.random.default_rng(1).uniform(0, 1.5, (2, 30, 4))
    return operation(circuit, x)


def ideal(plan: SumPlan, spoiled: tuple[str, int, int] | None = None, by: float = 1.0) -> Floats:
    """Return what perfect mirrors sum up to, A, (points, rows); one weight is multiplied."""
    points = len(next(iter(plan.currents.values())))
    total = np.zeros((points, plan.layer.size))
    for source, weights in plan.learned.items():
        drawn = weights.copy()
        if spoiled is not None and source == spoiled[0]:
            drawn[spoiled[1:]] *= by
        amperes = np.full((points, 1), UNIT) if source == REFERENCE else plan.currents[source]
        total += amperes @ drawn.T
    if plan.layer.kind == "relu":
        total[plan.alone :] = np.maximum(total[plan.alone :], 0)
    return total


def read(
    circuit: Circuit, layer: SummingLayer, where: Operation, sums: Floats
) -> tuple[list[MirrorFigure], dict[int, float]]:
    plan = plan_sums(circuit, layer, where)
    expected = {
        (source, row, column): float(weights[row, column])
        for source, weights in plan.learned.items()
        for row, column in np.ndindex(weights.shape)
        if weights[row, column]
    }
    mirrors, rows = read_sums(circuit, plan, where, sums, expected, {})
    return mirrors, {figure.row: figure.error for figure in rows}


def test_perfect_mirrors_have_no_error(circuit: Circuit, where: Operation) -> None:
    for layer in circuit.summing_layers:
        sums = ideal(plan_sums(circuit, layer, where))
        mirrors, rows = read(circuit, layer, where, sums)
        assert max(abs(m.error) for m in mirrors) < 1e-9
        assert max(rows.values()) < 1e-9


def test_one_weight_off_is_named_and_no_other(circuit: Circuit, where: Operation) -> None:
    layer = circuit.summing_layers[0]
    plan = plan_sums(circuit, layer, where)
    row, column = (int(at) for at in np.argwhere(np.abs(plan.learned["x"]) > 0.1)[0])
    mirrors, rows = read(circuit, layer, where, ideal(plan, ("x", row, column), 1.05))
    off = [m for m in mirrors if abs(m.error) > 0.03]
    assert [(m.node, m.row, m.source, m.column) for m in off] == [(layer.node, row, "x", column)]
    assert off[0].error == pytest.approx(0.05)
    assert [at for at, error in rows.items() if error > 1e-6] == [row]


@pytest.mark.parametrize(("together", "mirrors"), [(64, 4096), (1, 1), (1, 12), (2, 5)])
def test_decks_of_a_layer_measure_every_point_of_every_row(
    circuit: Circuit, where: Operation, together: int, mirrors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netgen.analysis.comparison.sum_plan.TOGETHER", together)
    monkeypatch.setattr("netgen.analysis.comparison.sum_plan.MIRRORS", mirrors)
    for layer in circuit.summing_layers:
        plan = plan_sums(circuit, layer, where)
        wanted, parts = ideal(plan), list(plan.parts())
        leaks = [0.0 if part.points[-1] == plan.points - 1 else 1e-12 for part in parts]
        measured = [
            (part, wanted[np.ix_(part.points, part.rows)] + leak)
            for part, leak in zip(parts, leaks, strict=True)
        ]
        assert (len(parts) > 1) == plan.wide
        assert np.isnan(_assembled(plan, measured[:-1])).any()
        np.testing.assert_allclose(_assembled(plan, measured[::-1]), wanted, rtol=1e-9, atol=1e-20)
        for part in parts:  # frames end free, signals alone are held
            free = [stiff == 0 for stiff in part.stiff]
            last = {point: at for at, point in enumerate(part.points.tolist())}
            assert [free[at] for at in last.values()] == [p >= plan.alone for p in last]


def test_rows_are_held_where_ideal_transistors_would_be(circuit: Circuit, where: Operation) -> None:
    for layer in circuit.summing_layers:
        plan = plan_sums(circuit, layer, where)
        frames = slice(plan.alone, None)
        sums = ideal(replace(plan, layer=replace(layer, kind="readout")))[frames]
        times, above = plan.times[frames], plan.above[frames]
        clear = np.abs(sums) > 1e-6 * UNIT
        assert (times == (sums >= 0))[clear].all()
        larger = sums > plan.typical  # a diode's voltage grows with its current
        assert (above[larger] > 0).all()
        assert (above[(times > 0) & ~larger] <= 0).all()
        assert ((above >= 0) & (above <= HIGHEST + 1e-12))[times == 0].all()
        assert np.isfinite(above).all()
        assert (plan.times[: plan.alone] == 1).all()
        assert not plan.above[: plan.alone].any()


@pytest.mark.parametrize("other", [0.4, -0.3])
@pytest.mark.parametrize("spoiled", [0, 1])
def test_a_fault_in_one_of_two_mirrors_of_a_weight_names_both(other: float, spoiled: int) -> None:
    """Branches that meet copy the same signal into the same row: their mirrors are one weight."""
    branches = {"main": [[0.8, 0.5], [0.3, 0.7]], "branch": [[0.2, other], [0.6, 0.4]]}
    model = small_model() | {
        "input": {"size": 2, "max": 1.0},
        "nodes": [
            *(linear(name, "x", weight, [0.0, 0.0]) for name, weight in branches.items()),
            {"name": "sum", "op": "add", "inputs": ["main", "branch"]},
            {"name": "relu", "op": "relu", "input": "sum"},
            linear("logits", "relu", [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]),
        ],
    }
    technology = fake_technology()
    circuit = ratio_drawn(build_circuit(from_dict(model), technology.unit))
    where = operation(circuit, np.random.default_rng(1).uniform(0, 1, (1, 20, 2)))
    layer = circuit.summing_layers[0]
    assert [mirrors.source for mirrors in layer.mirrors] == ["x", "x", REFERENCE]
    expected, parameters = _drawn(circuit, layer, synthesise(circuit, technology))
    plan = plan_sums(circuit, layer, where)
    weight = np.sum(list(branches.values()), axis=0)
    np.testing.assert_allclose(plan.learned["x"], weight)
    part = list(branches.values())[spoiled][0][1]
    wrong = ideal(plan, ("x", 0, 1), 1 + 0.5 * part / weight[0, 1])  # one mirror is half too wide
    mirrors, _ = read_sums(circuit, plan, where, wrong, expected, parameters)
    off = [m for m in mirrors if abs(m.error) > 0.03]
    assert [(m.row, m.source, m.column) for m in off] == [(0, "x", 1)]
    assert off[0].parameter == "main.weight[0][1] + branch.weight[0][1]"
    assert off[0].learned == pytest.approx(weight[0, 1])
    assert off[0].expected == pytest.approx(weight[0, 1])
    assert off[0].measured == pytest.approx(weight[0, 1] + 0.5 * part)


def test_small_weights_are_judged_by_a_floor() -> None:
    figure = MirrorFigure("a", 0, "x", 0, "w", 0.0, 0.0, SMALLEST / 10, 1.0)
    assert figure.error == pytest.approx(0.1)


def test_mirror_of_a_silent_signal_counts_by_what_it_carries() -> None:
    spoiled = MirrorFigure("a", 0, "x", 0, "w", 1.0, 1.0, 0.9, WORKING)
    silent = replace(spoiled, current=WORKING / 10)
    deleted = replace(silent, measured=0.0)
    assert spoiled.error == pytest.approx(-0.1)
    assert silent.error == pytest.approx(-0.01)
    assert deleted.error == pytest.approx(-0.1)  # still far above the limit


def test_leakage_of_a_row_is_no_error_of_its_bias() -> None:
    bias = MirrorFigure("a", 0, "(reference)", None, "b", 0.017, 0.016, 0.017, 1.0)
    assert bias.error == pytest.approx(0.001 / SMALLEST_BIAS)


def test_an_operation_counts_currents_by_their_square(circuit: Circuit) -> None:
    x = np.zeros((1, 4, 4))
    x[0, :, 0] = (0.0, 0.0, 1.0, 1.0)
    found = operation(circuit, x)
    assert found.signals["x"][0] == pytest.approx(UNIT)
    assert found.signals["x"][1] == pytest.approx(0.008 * UNIT)  # never flows


def curve(high: float, low: float, v0: Floats) -> Floats:
    """A candidate that rises to ``high`` at 0.6 V, falls to ``low`` at 1.2 V and rises again."""
    return np.interp(v0, [0.0, 0.6, 1.2, 1.8], [0.0, high, low, 2 * high])


@pytest.mark.parametrize("gain", [1.0, 0.9])
def test_a_cell_is_read_through_its_own_input_transistor(circuit: Circuit, gain: float) -> None:
    layer = circuit.cells[0]
    v0 = np.linspace(0.005, 1.8, 360)
    candidates = np.stack([layer.wanted[0], layer.wanted[0] - layer.wanted[1]])
    needed = np.empty((layer.size, 3, len(v0)))
    for unit in range(layer.size):
        held = curve(candidates[0, unit], candidates[1, unit], v0)
        needed[unit] = gain * held - gain * np.array([0.0, *candidates[:, unit]])[:, None]
    output = np.where(v0 > 1.0, layer.wanted[2][:, None], 0.0)
    for figure in read_cells(circuit, layer, candidates, needed, output):
        # parabolas through the corners of the curve miss them by a grid step's height
        assert abs(figure.threshold_error) < 0.02
        assert abs(figure.width_error) < 0.03
        assert figure.output_error == pytest.approx(0.0)


def test_a_cell_without_hysteresis_is_wholly_off(circuit: Circuit) -> None:
    layer = circuit.cells[0]
    v0 = np.linspace(0.005, 1.8, 360)
    candidates = np.stack([layer.wanted[0], layer.wanted[0] - layer.wanted[1]])
    needed = np.tile(np.linspace(0, 2e-9, len(v0)), (layer.size, 3, 1))
    needed[:, 1:] -= candidates.T[:, :, None]
    figures = read_cells(circuit, layer, candidates, needed, np.zeros((layer.size, len(v0))))
    assert [f.threshold_error for f in figures] == [-1.0] * layer.size
    checks = verified(Verification((), (), tuple(figures)), Tolerances())
    failed = {check.name for check in checks if not check.passed}
    assert failed == {"threshold_error_max", "width_error_max", "output_error_max"}
    assert all(check.value is None or np.isfinite(check.value) for check in checks)


def test_the_worst_places_are_named_first() -> None:
    cells = tuple(
        CellFigure("state", unit, f"[{unit}]", 1.0, 0.5, 1.0, 1.0 + off, 0.5, 1.0)
        for unit, off in enumerate((0.0, 0.02, -0.05))
    )
    found = Verification((), (), cells, {"logits": "timeout"})
    checks = {check.name: check for check in verified(found, Tolerances())}
    assert checks["threshold_error_max"].value == pytest.approx(0.05)
    assert [place.what for place in checks["threshold_error_max"].places] == [
        *("state[2]", "state[1]")
    ]
    assert checks["width_error_max"].passed
    assert not checks["verification_failures"].passed
    assert [place.node for place in checks["verification_failures"].places] == ["logits"]


def network(statement: str) -> Netlist:
    """Return a network that a person put a statement into."""
    technology = fake_technology()
    circuit = ratio_drawn(build_circuit(from_dict(small_model()), technology.unit))
    text = network_text(circuit, technology)
    changed = text.replace(".ends network", f"{statement}\n.ends network")
    return read_network(changed, technology, synthesise(circuit, technology))


@pytest.mark.parametrize(
    "line", ["* nothing", "Cwire relu_0_n state_0_p 1e-15", "Cx relu_0_n 0 1f"]
)
def test_layers_are_those_of_the_record(line: str) -> None:
    placed = placed_layers(network(line))
    assert list(placed) == ["ref", "x", "relu", "cand", "state", "post", "logits"]
    assert placed["cand"].ports[:2] == ("vdd", "vss")


@pytest.mark.parametrize(
    "line",
    ["Rleak relu_0_n relu_1_n 1e9", "Xother vdd vss relu_0_n diode_relu", "Xodd relu_0_n thing"],
)
def test_what_is_no_layer_is_refused(line: str) -> None:
    with pytest.raises(ConfigurationError, match="is no layer of the network"):
        placed_layers(network(line))


@pytest.mark.parametrize("rung", [0, 1])
def test_a_cell_whose_switch_does_not_win_is_named_with_its_rung(rung: int) -> None:
    model = small_model()
    model["nodes"] = [
        linear("drive", "x", [[1.0] * model["input"]["size"]] * 2, [0, 0]),
        {"name": "candidate", "op": "relu", "input": "drive"},
        ladder("memory", "candidate", 2, 2, [0, 2]),
        linear("logits", "memory", [[1, 0], [0, 1]], [0, 0]),
    ]
    layer = build_circuit(from_dict(model), Geometry(2e-6, 2e-6)).cells[0]
    needed = np.zeros((2, 4, 3))
    needed[:, :-1, 1] = 1e-9  # what a cell takes
    needed[:, -1, 1] = 1e-6, -1e-6  # switches sink and source more
    assert never_started(layer, needed, rung) == []
    needed[1, -1, 1] = 0.5e-9
    assert never_started(layer, needed, rung) == [f"memory[1][{rung}] is not set high"]
