"""The ladder cell: a memory of more than two states, from the model to SPICE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cells import ladder
from fake_technology import UNIT, fake_technology, ratio_drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import document, linear

from netgen.api import build, compare, make_samples, simulate
from netgen.circuit import build_circuit
from netgen.circuit.blocks import block_of, schmitt9
from netgen.circuit.blocks.kit import Kit
from netgen.circuit.blocks.ladder import Ladder, LadderBlock
from netgen.circuit.blocks.schmitt9 import Bmru
from netgen.circuit.netlist import Device
from netgen.circuit.synthesis import synthesise
from netgen.errors import ModelError
from netgen.model import Model, evaluate, from_dict, model_schema, to_dict
from netgen.project import read_build, verify
from netgen.project.footprint import footprint_of_build
from netgen.project.trim import circuit_of, sampled_chips
from netgen.project.twin import twin_of_build
from netgen.technology import Variation
from netgen.trim import CodeRange, nominal_codes, trim_measured


def laddered() -> dict[str, Any]:
    """Return a model of one ladder of three rungs, and one of two behind it."""
    second = {"beta_hi": [[0.6, 1.1]], "beta_lo": [[0.3, 0.8]], "alpha": [[0.5, 0.7]]}
    nodes = [
        linear("sum", "x", [[1.0]], [0.0]),
        {"name": "candidate", "op": "relu", "input": "sum"},
        ladder("mem", "candidate", 1, 3, [1]),
        linear("next", "mem", [[0.9]], [0.05]),
        {"name": "post", "op": "relu", "input": "next"},
        {"name": "second", "op": "ladder", "input": "post", **second},
        linear("logits", "second", [[1.0], [-1.0]], [-0.5, 0.5]),
    ]
    return document("laddered", nodes, maximum=1.6)


@pytest.fixture(scope="module")
def model() -> Model:
    return from_dict(laddered())


STAIRS = np.array([0.3, 0.5, 1.05, 0.85, 1.6, 1.35, 1.05, 0.6, 0.1])
LEVELS = np.array([1, 1, 2, 2, 3, 3, 2, 1, 0])
"""How many rungs are high at those candidates, with one high before the first."""


# Model


def test_each_rung_has_its_own_hysteresis(model: Model) -> None:
    values = evaluate(model, STAIRS[np.newaxis, :, np.newaxis])
    np.testing.assert_allclose(values["mem"][0, :, 0], 0.5 * LEVELS)


def test_what_is_written_is_read(model: Model) -> None:
    again = from_dict(to_dict(model))
    assert to_dict(again) == to_dict(model)
    (first, second) = again.cells
    assert (first.size, first.rungs, second.rungs) == (1, 3, 2)
    np.testing.assert_array_equal(first.initial_state, [True, False, False])
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(to_dict(model), model_schema())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"beta_hi": [[0.4, 0.4, 1.4]]}, "nodes[2].beta_hi[0][1]: 0.4 must be above"),
        ({"beta_lo": [[0.2, 0.1, 1.2]]}, "nodes[2].beta_lo[0][1]: 0.1 must be above"),
        ({"beta_lo": [[0.2, 0.7, 1.5]]}, "nodes[2].beta_lo[0][2]: 1.5 must be below beta_hi"),
        ({"alpha": [[0.5, 0.0, 0.5]]}, "nodes[2].alpha[0][1]: 0 must be above 0"),
        ({"alpha": [[0.5, 0.5]]}, "nodes[2].beta_lo[0]: has 3 entries; alpha wants 2"),
        ({"alpha": [0.5]}, "nodes[2].alpha[0]: must be a list, not a number"),
        ({"initial_state": [4]}, "nodes[2].initial_state[0]: must be a whole number of 0 … 3"),
        ({"beta_hi": [[0.4]] * 2}, "nodes[2].beta_hi: has 2 entries"),
    ],
)
def test_what_makes_no_ladder_is_named(change: dict[str, Any], problem: str) -> None:
    data = laddered()
    data["nodes"][2] |= change
    with pytest.raises(ModelError) as caught:
        from_dict(data)
    assert any(found.startswith(problem) for found in caught.value.problems), caught.value


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 3))
def test_a_ladder_is_the_sum_of_cells_on_one_candidate(seed: int, rungs: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    low = np.cumsum(rng.uniform(0.05, 0.4, (size, rungs)), axis=1)
    width, alpha = rng.uniform(0.02, 0.3, (size, 1)), rng.uniform(0.2, 1.0, (size, rungs))
    high = rng.integers(0, rungs + 1, size)
    first = np.arange(rungs) < high[:, np.newaxis]
    cell = Ladder("l", "x", alpha, low, low + width, initial_state=first.reshape(-1))
    candidate = rng.uniform(0, 2, (2, 12, size))
    states = cell.states(candidate)
    total = np.zeros(candidate.shape)
    for rung in range(rungs):
        one = Bmru("b", "x", *(a[:, rung] for a in (alpha, low, low + width)),
                   initial_state=first[:, rung])  # fmt: skip
        own = one.states(candidate)
        np.testing.assert_array_equal(states[..., rung::rungs], own)
        total += own * one.level
    np.testing.assert_allclose(cell.output(states), total)
    # what the output says is what the states are, with the errors that a circuit has, too
    off = 1 + rng.uniform(-0.04, 0.04, total.shape) / rungs
    np.testing.assert_array_equal(cell.read(cell.output(states) * off), states)


@settings(max_examples=50)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_swapped_rungs_are_read_by_what_they_add(steps: list[int], seed: int) -> None:
    """Levels of 1, 3, 9 … are apart in every sum, whatever rungs are high."""
    size, rungs = len(steps), 3
    alpha = 0.1 * np.array(steps)[:, np.newaxis] * 3.0 ** np.arange(rungs)
    low = np.tile(np.arange(1.0, rungs + 1), (size, 1))
    rest = np.zeros(size * rungs, dtype=np.bool_)
    cell = Ladder("l", "x", alpha, low, low + 0.5, initial_state=rest)
    states = np.random.default_rng(seed).random((2, 7, size * rungs)) < 0.5
    np.testing.assert_array_equal(cell.read(cell.output(states)), states)


def test_a_level_between_two_is_read_in_order() -> None:
    cell = Ladder("l", "x", np.array([[0.5, 0.55]]), np.array([[0.2, 0.7]]),
                  np.array([[0.4, 0.9]]), initial_state=np.zeros(2, dtype=np.bool_))  # fmt: skip
    output = np.array([[[0.0], [0.56], [0.2], [1.0]]])
    wanted = [[False, False], [True, False], [False, False], [True, True]]
    np.testing.assert_array_equal(cell.read(output)[0], wanted)


# Circuit


@pytest.mark.parametrize("rungs", [1, 2, 3, 5])
def test_it_has_nine_and_eight_transistors_a_rung(rungs: int) -> None:
    data = laddered()
    data["nodes"][2] = ladder("mem", "candidate", 1, rungs, [0])
    netlist = synthesise(ratio_drawn(build_circuit(from_dict(data), UNIT)), fake_technology())
    own = netlist.blocks[f"ladder_{8 * rungs + 1}t"]
    assert len(own.devices) == 9 + 8 * (rungs - 1)
    # one diode carries all outputs
    assert [d.name for d in own.devices if d.drain == "p" and d.polarity == "pmos"] == ["m4"]
    assert sum(d.drain == "p" and d.polarity == "nmos" for d in own.devices) == rungs
    (unit,) = next(layer for layer in netlist.layers if layer.node == "mem").units
    assert sum(each.role == "start" for each in unit.instances) == rungs
    assert len(unit.sources) == 3 * rungs


def test_one_rung_is_the_two_state_cell() -> None:
    """The same transistors at the same nets, and the same biases, whatever their names' ends."""
    kit = Kit(fake_technology(), UNIT)
    one, cell = LadderBlock(1), schmitt9.BLOCK
    (own,), (other,) = one.modules(kit), cell.modules(kit)

    def plain(device: Device) -> tuple[object, ...]:
        names = tuple(name.removesuffix("_1") for name in (device.name, *device.terminals))
        return *names, device.polarity, device.geometry

    assert {plain(each) for each in own.devices} == {plain(each) for each in other.devices}
    assert [bias.name.removesuffix("_1") for bias in one.biases] == [b.name for b in cell.biases]
    assert one.ports == tuple(f"{p}_1" if p in {b.name for b in cell.biases} else p
                              for p in cell.ports)  # fmt: skip


def test_figures_and_switching_are_inverse(model: Model) -> None:
    for cell in model.cells:
        block = block_of(cell)
        found = block.ideal(block.wanted(cell))
        for own, learned in zip(found, (cell.rising, cell.falling, cell.level), strict=True):
            np.testing.assert_allclose(own, learned)


# With ngspice


def check_curve(file: Path) -> None:
    """See that the first cell's ramp takes all steps, up and down, where they were set."""
    candidate, output = np.loadtxt(file, delimiter=",", skiprows=1).T
    turn = int(candidate.argmax())
    level = np.round(output / 0.5)
    np.testing.assert_allclose(output, 0.5 * level, atol=0.06)  # softest before a rung falls
    for part, jumps in ((slice(None, turn), [0.4, 0.9, 1.4]), (slice(turn, None), [1.2, 0.7, 0.2])):
        at = np.flatnonzero(np.diff(level[part]))
        np.testing.assert_allclose(candidate[part][at], jumps, atol=0.02)


@pytest.mark.ngspice
def test_circuit_twin_and_netlist_have_its_levels(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netgen.report.comparison.write.plot_all", lambda *_: [])
    x = STAIRS[np.newaxis, :, np.newaxis]
    samples = make_samples(x, None, model)
    built = build(model, tmp_path / "out", technology="generic180", calibration=samples)
    simulate(built, samples)
    result = compare(built)
    assert not [check for check in result.checks if not check.passed]
    states = result.comparison.states["mem"]
    np.testing.assert_array_equal(states.circuit[0].sum(axis=1), LEVELS)
    np.testing.assert_allclose(result.comparison.circuit["mem"][0, :, 0], 0.5 * LEVELS, atol=0.01)
    check_curve(built.folder / "hysteresis.csv")
    folder = read_build(built.folder)
    expected = footprint_of_build(folder)
    assert expected is not None
    assert expected.frame_s is not None  # every storage node has its wires
    chips = twin_of_build(folder)
    np.testing.assert_array_equal(chips.run({}, x).states["mem"][0, 0].sum(axis=1), LEVELS)
    # the second rung's threshold current grows by 20 %: only that rung stays low at 1.05
    shifted = chips.run({"mem_0.m2_2": np.array([[0.0, 0.2]])}, x).states["mem"][0, 0]
    np.testing.assert_array_equal(shifted[2], [True, False, False])
    found = verify(folder, 1, lambda *_: None)
    assert [cell.name for cell in found.cells[:3]] == ["mem[0][0]", "mem[0][1]", "mem[0][2]"]
    for cell in found.cells:
        assert abs(cell.threshold_error) < 0.005
        assert abs(cell.width_error) < 0.01
        assert abs(cell.output_error) < 0.005


@pytest.mark.ngspice
def test_programmable_biases_the_staged_engine_and_a_trim_at_3_volts(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netgen.report.comparison.write.plot_all", lambda *_: [])
    samples = make_samples(STAIRS[np.newaxis, :, np.newaxis], None, model)
    folder = tmp_path / "out"
    built = build(
        model, folder, technology="gf180mcu", vdd=3.3, bias="programmable", calibration=samples
    )
    simulate(built, samples, engine="staged")
    found = compare(built).comparison
    for name, states in found.states.items():
        np.testing.assert_array_equal(states.circuit, states.software)
        # an output sags while its candidate is close above a lower threshold, most at 3.3 V
        np.testing.assert_allclose(found.circuit[name], found.software[name], atol=0.04)
    np.testing.assert_array_equal(found.states["mem"].circuit[0].sum(axis=1), LEVELS)

    made = read_build(folder)
    span, chips = CodeRange(), sampled_chips(made, Variation(0), 20)
    codes = trim_measured(circuit_of(made), chips.cells, span, len(chips)).codes
    for cell in model.cells:
        before, after = (
            np.abs(np.log(chips.cells(each)[cell.name].rising / cell.rising))
            for each in (nominal_codes(circuit_of(made), span, len(chips)).settings, codes.settings)
        )
        assert np.median(before) > 0.04
        # half a step of a code, and what other currents' codes add
        assert np.quantile(after, 0.9) < span.step
