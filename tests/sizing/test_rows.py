"""Weights to geometry: the inversion of a characterisation, on tables made by a formula."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_technology import UNIT, fake_characterisation, fake_gain, fake_mirrors, fake_technology
from one_row import model_of
from small_models import linear, small_model

from netgen.characterise import Characterisation
from netgen.characterise.mirrors import falling
from netgen.characterise.path import RATIO, path_points
from netgen.circuit import Circuit, Mirrors, build_circuit
from netgen.errors import ModelError
from netgen.model import Model, from_dict
from netgen.sizing import BelowFloor, measure_activity, size_circuit
from netgen.sizing.activity import Activity
from netgen.technology import POLARITIES, Geometry, Technology

TECHNOLOGY = fake_technology()
KNOWN = fake_characterisation(TECHNOLOGY)
CURRENTS = KNOWN.mirrors.axes.currents
VDD = 1.8
FLOOR = 0.22 / 50
"""W / L of the last point of the fake technology's path; its largest device is 10 units wide."""


def sized(
    model: Model,
    signal: float = 1e-9,
    technology: Technology = TECHNOLOGY,
    known: Characterisation = KNOWN,
) -> tuple[Circuit, tuple[BelowFloor, ...]]:
    """Size a model whose input signals all are ``signal`` amperes."""
    circuit = build_circuit(model, UNIT)
    x = np.full((1, 2, model.input_size), signal / model.unit_current)
    activity = measure_activity(circuit, x)
    return size_circuit(circuit, technology, known, activity, VDD)


def first(circuit: Circuit) -> Mirrors:
    return circuit.summing_layers[-1].mirrors[0]


def true_gain(mirrors: Mirrors, row: int, column: int, signal: float, drain: float) -> float:
    """Return what the formula says of the drawn device, signed."""
    drawn = mirrors.geometry
    assert drawn is not None
    geometry = Geometry(
        float(drawn.width[row, column]),
        float(drawn.length[row, column]),
        int(drawn.multiplicity[row, column]),
    )
    return float(np.sign(mirrors.weight[row, column]) * fake_gain(geometry, signal, drain))


WEIGHTS = [9.9, 4.0, 1.5, 1.0, 0.7, 0.32, 0.11, 0.05, 0.02, 0.0061]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("signal", [CURRENTS[12], 1e-9, 3.3e-11])
def test_drawn_device_has_the_wanted_gain(sign: int, signal: float) -> None:
    circuit, below = sized(model_of([[sign * w for w in WEIGHTS]]), float(signal))
    assert not below
    mirrors = first(circuit)
    assert mirrors.geometry is not None
    for column, weight in enumerate(WEIGHTS):
        realised = mirrors.geometry.realised[0, column]
        # half a grid step of length and the table's own grid, in current and geometry
        assert realised == pytest.approx(sign * weight, rel=2e-3)
        truth = true_gain(mirrors, 0, column, float(signal), VDD / 2)
        assert realised == pytest.approx(truth, rel=1e-3)


def test_geometry_lies_on_the_grid_and_within_the_limits() -> None:
    circuit, _ = sized(model_of([WEIGHTS]))
    drawn = first(circuit).geometry
    assert drawn is not None
    for size, limits in ((drawn.width, TECHNOLOGY.width), (drawn.length, TECHNOLOGY.length)):
        steps = size / TECHNOLOGY.grid
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
        assert np.all((size >= limits[0] - 1e-12) & (size <= limits[1] + 1e-12))


def test_width_falls_before_length_rises() -> None:
    circuit, _ = sized(model_of([WEIGHTS]))
    drawn = first(circuit).geometry
    assert drawn is not None
    wide = drawn.width[0] > 0.23e-6
    assert wide.any()
    assert (~wide).any()
    # the length only makes up for the rounding of the width there
    np.testing.assert_allclose(drawn.length[0, wide], UNIT.length, atol=15e-9)
    assert np.all(np.diff(drawn.length[0, ~wide]) > 0)


def test_weight_above_one_device_stands_as_equal_devices_in_parallel() -> None:
    circuit, _ = sized(model_of([[9.0, 25.0, -37.0, 70.0]]))
    mirrors = first(circuit)
    assert mirrors.geometry is not None
    np.testing.assert_array_equal(mirrors.geometry.multiplicity, [[1, 3, 4, 7]])
    np.testing.assert_allclose(mirrors.geometry.realised, mirrors.weight, rtol=1e-3)
    assert true_gain(mirrors, 0, 2, 1e-9, VDD / 2) == pytest.approx(-37.0, rel=1e-3)


def test_weight_below_the_floor_is_not_drawn_and_listed() -> None:
    circuit, below = sized(model_of([[1.0, -0.8 * FLOOR], [0.5 * FLOOR, 0.0]], [0.001, 0.0]))
    mirrors = first(circuit)
    assert mirrors.geometry is not None
    np.testing.assert_array_equal(mirrors.geometry.multiplicity, [[1, 0], [0, 0]])
    np.testing.assert_array_equal(mirrors.geometry.realised[1], [0.0, 0.0])
    found = {entry.parameter: entry for entry in below}
    assert set(found) == {"row.weight[0][1]", "row.weight[1][0]", "row.bias[0]"}
    entry = found["row.weight[0][1]"]
    assert entry.weight == pytest.approx(-0.8 * FLOOR)
    assert entry.floor == pytest.approx(FLOOR, rel=0.05)
    assert str(entry) == (
        f"row.weight[0][1] = {-0.8 * FLOOR:+.4g} into row[0] is below the floor of "
        f"{entry.floor:.3g}: left out"
    )


def test_series_of_transistors_lowers_the_floor() -> None:
    path = (("10u", "1u"), ("0.22e-6", "1u"), ("0.22e-6", "200e-6"))
    stacked = replace(TECHNOLOGY, max_series=4, sizing=dict.fromkeys(POLARITIES, path))
    known = fake_characterisation(stacked)
    found, below = sized(model_of([[FLOOR / 3]]), technology=stacked, known=known)
    drawn = first(found).geometry
    assert not below
    assert drawn is not None
    assert drawn.series.tolist() == [[4]]
    assert drawn.transistors == 4
    assert drawn.length[0, 0] > 3 * stacked.length[1]
    assert drawn.realised[0, 0] == pytest.approx(FLOOR / 3, rel=1e-3)


def test_smallest_weight_that_can_be_drawn_is() -> None:
    _, below = sized(model_of([[0.99 * FLOOR]]))
    circuit, none = sized(model_of([[below[0].floor * (1 + 1e-9)]]))
    drawn = first(circuit).geometry
    assert not none
    assert drawn is not None
    assert drawn.length[0, 0] == pytest.approx(50e-6)


def test_weights_above_the_largest_are_errors_all_of_them() -> None:
    with pytest.raises(ModelError) as caught:
        sized(model_of([[1.0, 100.0], [-100.0, 1.0]], [90.0, 0.0]))
    problems = caught.value.problems
    assert len(problems) == 3
    assert problems[0].startswith("row.weight[1][0]: -100 into row[1] is above 8")
    assert all("rescale the model" in problem for problem in problems)
    assert caught.value.exit_status == 3


def test_weights_that_are_zero_are_no_devices() -> None:
    circuit, below = sized(model_of([[0.0, 1.0]]))
    drawn = first(circuit).geometry
    assert not below
    assert drawn is not None
    np.testing.assert_array_equal(drawn.multiplicity, [[0, 1]])
    np.testing.assert_array_equal(drawn.width[0, 0], 0.0)


def test_row_of_a_relu_sits_at_its_diodes_voltage() -> None:
    data: dict[str, Any] = {
        "nodes": [linear("lin", "x", [[0.5]], [0.0]), {"name": "r", "op": "relu", "input": "lin"}]
    }
    data["readout"] = {"node": "r", "rule": "last", "frames": [0, 1]}
    circuit, _ = sized(model_of([[1.0]], **data))
    mirrors = circuit.summing_layers[0].mirrors[0]
    diode = float(KNOWN.mirrors.diode_voltage(np.array([0.5e-9]))[0])
    assert diode == pytest.approx(0.4 + 0.035 * np.log(0.5), abs=1e-3)
    assert true_gain(mirrors, 0, 0, 1e-9, diode) == pytest.approx(0.5, rel=1e-3)
    assert true_gain(mirrors, 0, 0, 1e-9, VDD / 2) != pytest.approx(0.5, rel=1e-3)


# Tables


def test_gain_that_turns_back_begins_a_run_of_its_own() -> None:
    geometry = [Geometry(w * 1e-6, 2e-6) for w in (4, 3, 2, 1, 0.8, 0.5)]
    gain = np.array([2.0, 1.5, 1.6, 1.55, 0.9, 0.8995])[:, None, None] * np.ones((1, 3, 2))
    table = falling(geometry, gain)
    assert [g.width for g in table.geometry] == [4e-6, 3e-6, 1e-6, 0.8e-6]
    assert table.runs == (0, 2)
    assert table.gain.shape == (4, 3, 2)
    np.testing.assert_allclose(table.gain[:, 0, 0], [2.0, 1.5, 1.55, 0.9])


@pytest.mark.parametrize("index", [1, 6, 11])
def test_turn_that_depends_on_the_current_leaves_no_gap(index: int) -> None:
    """Where the gain turns back on average it may still fall at this current."""
    mirrors = fake_mirrors(TECHNOLOGY, UNIT, VDD)
    table = mirrors.tables["n", "pmos"]
    bump = np.ones(table.gain.shape[:2])
    bump[20:] = np.linspace(1.01, 1.3, 13)  # narrow devices are stronger, the more so at 10 nA
    turned = falling(list(table.geometry), table.gain * bump[:, :, None])
    assert len(turned.runs) == 2
    known = replace(
        KNOWN, mirrors=replace(mirrors, tables={**mirrors.tables, ("n", "pmos"): turned})
    )
    wanted = np.geomspace(9, 0.01, 200)
    model = model_of([wanted.tolist()], input={"size": 200, "max": 10.0})
    done, _ = sized(model, CURRENTS[index], known=known)
    drawn = first(done).geometry
    assert drawn is not None
    # else two weights would be drawn alike, and one of them called what it is not
    assert np.all(np.diff(drawn.width[0] / drawn.length[0]) < 0)


def test_inversion_passes_over_dropped_points() -> None:
    mirrors = fake_mirrors(TECHNOLOGY, UNIT, VDD)
    table = mirrors.tables["n", "pmos"]
    bump = np.ones(len(table.geometry))
    bump[10:14] = 1.6  # narrow-width effects: a stretch of the path is worth more than it looks
    kinked = falling(list(table.geometry), table.gain * bump[:, None, None])
    assert len(kinked.geometry) < len(table.geometry)
    known = replace(
        KNOWN, mirrors=replace(mirrors, tables={**mirrors.tables, ("n", "pmos"): kinked})
    )
    wanted = np.geomspace(9, 0.01, 40)
    done, below = sized(model_of([wanted.tolist()]), known=known)
    drawn = first(done).geometry
    assert not below
    assert drawn is not None
    np.testing.assert_allclose(drawn.realised[0], wanted, rtol=5e-3)
    assert np.all(np.diff(drawn.width[0] / drawn.length[0]) < 0)


@pytest.mark.parametrize("unit", [UNIT, Geometry(10e-6, 5e-6), Geometry(0.3e-6, 20e-6)])
def test_path_is_sampled_finely_and_never_turns_back(unit: Geometry) -> None:
    for polarity in POLARITIES:
        points = path_points(TECHNOLOGY, polarity, unit)
        width = np.array([p.width for p in points])
        length = np.array([p.length for p in points])
        assert np.all(np.diff(width) <= 0)
        assert np.all(np.diff(length) >= 0)
        assert np.all((np.diff(width) < 0) | (np.diff(length) > 0))
        assert (width[:-1] / width[1:]).max() < RATIO * 1.03  # rounded to the grid
        assert (length[1:] / length[:-1]).max() < RATIO * 1.03
        assert TECHNOLOGY.length[1] == length[-1]


# Activity


def activity_of(model: Model, x: list[list[float]]) -> Activity:
    return measure_activity(build_circuit(model, UNIT), np.array([x]))


def test_signal_counts_by_its_current_squared() -> None:
    low, high = 0.03, 0.4
    found = activity_of(model_of([[1.0]]), [[low], [low], [high], [0.0]]).signals["x"]
    logs, weight = np.log([low, high]), np.array([2 * low**2, high**2])
    assert found[0] == pytest.approx(1e-9 * np.exp(np.average(logs, weights=weight)))


def test_silence_counts_for_nothing() -> None:
    """A signal that hardly ever flows is sized for when it does, not for the frames without it."""
    found = activity_of(model_of([[1.0]]), [[0.0]] * 5000 + [[0.14]]).signals["x"]
    assert found[0] == pytest.approx(0.14e-9)


@pytest.mark.parametrize("signal", [0.0, 1e-6])
def test_signal_below_the_table_counts_at_its_first_current(signal: float) -> None:
    found = activity_of(model_of([[1.0]]), [[signal], [signal]]).signals["x"]
    assert found[0] == pytest.approx(CURRENTS[0])


def test_cell_counts_at_its_gain_whether_it_was_high_or_not() -> None:
    model = from_dict(small_model())
    found = activity_of(model, [[0.0, 0.0, 0.0]]).signals["state"]
    np.testing.assert_allclose(found, np.array([1.0, 0.5]) * 1e-9)


def test_reference_counts_at_one_unit() -> None:
    found = activity_of(model_of([[1.0]]), [[0.1]]).signals["(ref)"]
    np.testing.assert_allclose(found, 1e-9)


def test_row_current_is_the_geometric_mean_while_it_flows() -> None:
    rows = activity_of(model_of([[2.0], [0.0]], [-1.0, 0.5]), [[0.0], [1.0], [2.5]]).sums
    np.testing.assert_allclose(rows["row"], np.array([2.0, 0.5]) * 1e-9)
