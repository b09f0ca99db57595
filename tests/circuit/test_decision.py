"""The decision on the chip: a winner-take-all or a comparator on the readout's currents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_technology import UNIT, fake_technology, ratio_drawn
from hypothesis import given
from hypothesis import strategies as st
from ideal_twin import SLOPE, twin_of
from small_models import linear, small_model

from netgen.analysis.comparison.winners import WinnerTally, relative_lead
from netgen.analysis.variability.population import measure
from netgen.behavioural import Twin, TwinResult
from netgen.behavioural.fast import fast_chips
from netgen.characterise.responses import comparator_response
from netgen.characterise.tables import Response
from netgen.circuit import DECISION_PREFIX, REFERENCE, Readout, build_circuit
from netgen.circuit.blocks import comparator, wta
from netgen.circuit.nets import net, winner_nets
from netgen.circuit.synthesis import synthesise
from netgen.errors import UsageError
from netgen.model import Relu, decide, evaluate, from_dict
from netgen.model.decision import with_currents
from netgen.model.random import random_model
from netgen.netlist import shift_words
from netgen.project import (
    BuildOptions,
    SimulationChoices,
    build,
    read_build,
    resolve_options,
    simulate,
)
from netgen.project.build import bench_of, design
from netgen.project.runs import read_runs
from netgen.project.simulate import plain_engine, pool, workbench
from netgen.project.twin import twin_of_build
from netgen.project.verify import verify
from netgen.simulation import Traces
from netgen.simulation.engines import run_tasks
from netgen.simulation.traces import NO_POWER, NO_WINNERS
from netgen.technology import Variation, sample_deviations

CHIPS = 6


@given(st.integers(0, 10_000))
def test_a_readout_of_currents_decides_alike(seed: int) -> None:
    model, samples = random_model(seed, frames=12)
    raised = with_currents(model, samples.x)
    logits, currents = (evaluate(m, samples.x)[m.readout.node] for m in (model, raised))
    assert isinstance(raised.by_name[raised.readout.node], Relu)
    common = (currents - logits)[currents > 0]
    np.testing.assert_allclose(common, common[0], atol=1e-9)
    np.testing.assert_allclose(currents, np.maximum(logits + common[0], 0), atol=1e-9)
    assert (currents.max(axis=-1) >= 0.099 * np.ptp(logits)).all()
    np.testing.assert_array_equal(currents.argmax(axis=-1), logits.argmax(axis=-1))
    np.testing.assert_array_equal(decide(raised.readout, currents), decide(model.readout, logits))
    assert with_currents(raised, samples.x) is raised


def test_every_class_has_a_branch_on_one_common_net() -> None:
    model, samples = random_model(3, frames=8)
    model = with_currents(model, samples.x)
    circuit = replace(ratio_drawn(build_circuit(model, UNIT)), decision=wta.BLOCK)
    netlist = synthesise(circuit, fake_technology())
    (layer,) = (layer for layer in netlist.layers if layer.prefix == DECISION_PREFIX)
    *branches, bias = layer.units[0].instances
    assert [each.module for each in branches] == [wta.CLASS] * len(model.classes)
    assert bias.module == wta.BIAS
    assert {each.nets[2] for each in branches} == {bias.nets[0]}
    assert tuple(each.nets[3] for each in branches) == winner_nets(circuit) == layer.outer
    assert netlist.counts["decision"] == 6 * len(model.classes) + 1
    plain = synthesise(ratio_drawn(build_circuit(model, UNIT)), fake_technology())
    assert wta.CLASS not in plain.blocks
    assert set(winner_nets(circuit)).isdisjoint(plain.ports)


def test_a_node_named_as_the_decision_gets_another_word() -> None:
    data = json.loads(json.dumps(small_model()).replace('"proj"', f'"{DECISION_PREFIX}"'))
    words = build_circuit(from_dict(data), UNIT).prefixes
    assert words[DECISION_PREFIX] != DECISION_PREFIX


def trace(winners: list[list[float]]) -> Traces:
    none = np.zeros(0)
    return Traces(
        0, {}, {}, none, {}, 0.0, 0.0, "default", "", power=NO_POWER, winners=np.array(winners)
    )


def test_agreement_counts_exactly_the_named_class() -> None:
    tally = WinnerTally()
    list(tally.watched([trace([[1.0, 0.0], [0.9, 0.8], [0.0, 0.1], [0.0, 1.0], [1.0, 0.0]])]))
    circuit = np.array([[[2.0, 1.0], [2.0, 1.0], [1.0, 2.0], [1.0, 2.0], [1.0, 1.005]]])
    software = np.array([[[2.0, 1.0], [2.0, 1.0], [1.0, 2.0], [2.0, 1.0], [1.0, 1.001]]])
    found = tally.agreement(circuit, software, 1.0)
    assert found.circuit == 2 / 4  # both high, none high; the last lead is below 1 %
    assert found.software == 1 / 4
    assert WinnerTally().agreement(circuit, software, 1.0).circuit is None


@pytest.mark.parametrize("only", [False, True])
def test_a_comparator_takes_one_gate_net_of_each_class(only: bool) -> None:
    model, samples = random_model(3, frames=8)
    model = with_currents(model, samples.x)
    circuit = replace(ratio_drawn(build_circuit(model, UNIT)), decision=comparator.BLOCK)
    circuit = replace(circuit, layers=circuit.layers[:-1]) if only else circuit
    netlist = synthesise(circuit, fake_technology())
    (layer,) = (layer for layer in netlist.layers if layer.prefix == DECISION_PREFIX)
    (instance,) = layer.units[0].instances
    node, (first, second) = model.readout.node, winner_nets(circuit)
    copied = net(circuit, node, 0, "p"), net(circuit, node, 1, "n")
    reference = net(circuit, REFERENCE, 0, "n")
    assert instance.nets == (*copied, reference, first, second, "vdd", "vss")
    assert layer.outer == (first, second)
    assert netlist.counts["decision"] == 6
    assert circuit.gate_nets[node, "p"].tolist() == [True, not only]


def test_a_comparator_flows_through_both_copies() -> None:
    currents = np.array([[3e-9, 1e-9], [0.0, 2e-9]])
    np.testing.assert_allclose(comparator.BLOCK.supply(currents, 1e-9), [1.125e-9, 0.125e-9])


@pytest.mark.parametrize(
    ("device", "polarity", "factor"),
    [("source", "pmos", [-1, 0]), ("sink", "nmos", [0, -1]), ("stage", "pmos", [0, 0])],
)
def test_a_comparator_is_off_by_its_copies_and_as_measured(
    device: str, polarity: str, factor: list[int]
) -> None:
    """By a copy's mismatch, and by what it nominally is, at each current."""
    rows = [
        linear("row", "x", [[1.0], [0.5]], [0.0, 0.0]),
        {"name": "out", "op": "relu", "input": "row"},
    ]
    changes = {"input": {"size": 1, "max": 1.5}, "nodes": rows, "classes": ["a", "b"]}
    readout = {"node": "out", "rule": "last", "frames": [0, 2]}
    twin = twin_of(from_dict(small_model() | changes | {"readout": readout}))
    circuit = replace(twin.circuit, decision=comparator.BLOCK, layers=twin.circuit.layers[:-1])
    response = Response(np.array([0.5, 1.0]), np.array([1.01, 0.98]))
    netlist = synthesise(circuit, twin.technology)
    known = replace(twin.known, comparator=response)
    twin = replace(twin, circuit=circuit, netlist=netlist, known=known)
    volts = 0.007 if polarity == "nmos" else -0.007  # less current by either
    shifts = {f"{DECISION_PREFIX}_comparator.{device}": np.array([[volts, 0.0]])}
    x = np.array([[[0.4], [1.0]]])
    expected = np.array([[0.4, 0.2], [1.0, 0.5]]) * [[1.01, 1], [0.98, 1]]
    expected = expected * np.exp(np.array(factor) * 0.007 / SLOPE[polarity])
    for result in (twin.run(shifts, x), fast(twin, shifts, x)):
        np.testing.assert_allclose(result.compared[0, 0], expected, rtol=2e-3)


@pytest.mark.ngspice
def test_a_comparator_turns_where_the_currents_are_alike() -> None:
    options = BuildOptions("generic180")
    technology, at, unit = resolve_options(options)
    circuit = build_circuit(random_model(3)[0], unit)
    response = comparator_response(bench_of(technology, at, unit, 1e-9, kept=False), circuit)
    assert (np.abs(response.shares - 1) < 0.02).all()
    assert (np.diff(response.shares) <= 0).all()  # the NMOS copy gives too much, more at more


@pytest.mark.parametrize("readout", ["comparator", "comparator-only"])
def test_a_comparator_decides_between_two(readout: Readout) -> None:
    model, samples = random_model(7, classes=3, frames=8)
    with pytest.raises(UsageError, match="between 2 classes, the model has 3; use wta"):
        design(model, BuildOptions("generic180", readout=readout), samples.x)


@pytest.mark.ngspice
@pytest.mark.parametrize(
    ("engine", "readout"),
    [
        ("monolithic", "wta"),
        ("monolithic", "wta-only"),
        ("monolithic", "comparator-only"),
        ("staged", "wta"),
        ("staged", "wta-only"),
        ("staged", "comparator"),
    ],
)
def test_winners_are_the_largest_currents(tmp_path: Path, engine: str, readout: Readout) -> None:
    model, samples = random_model(7, state=2, layers=1, inputs=3, frames=12, samples=1)
    options = BuildOptions("generic180", bias="mirrored", readout=readout)
    build(model, tmp_path / "b", options, samples)
    made = read_build(tmp_path / "b")
    choices = SimulationChoices(1, engine=engine)
    assert [step.failure for step in simulate(made, samples, [0], choices)] == [None]
    found = read_runs(made).traces(0)
    logits = found.frames[made.model.readout.node]
    tally = WinnerTally()
    list(tally.watched([found]))
    software = evaluate(made.model, samples.x)[made.model.readout.node]
    agreement = tally.agreement(logits[np.newaxis], software, float(np.ptp(software)))
    assert agreement.circuit == 1.0
    assert len(set(logits.argmax(axis=1).tolist())) > 1
    watts = dict(zip(found.power.branches, found.power.average_w, strict=True))
    (taken,) = (value for each, value in watts.items() if each.kind == "decision")
    assert 0 < taken < 5e-9
    network = workbench(made, engine).network.netlist
    outputs = [each for unit in network.units for each in unit.nets if each.kind == "output"]
    assert bool(outputs) == (not readout.endswith("only"))
    assert any(each.kind == "readout" for each in watts) == bool(outputs)
    assert verify(made, 1, lambda *_: None).failures == {}


def test_bits_decide_for_chips_where_they_are(tmp_path: Path) -> None:
    model, samples = random_model(3, frames=8, samples=1)
    logits = evaluate(model, samples.x)
    frames = {node: value[0] for node, value in logits.items()}
    other = (int(decide(model.readout, logits[model.readout.node])[0]) + 1) % len(model.classes)
    levels = np.zeros((8, len(model.classes)))
    levels[:, other] = 1.0
    extremes = {cell.input: np.stack([frames[cell.input]] * 2, axis=-1) for cell in model.cells}
    plain = replace(trace([]), frames=frames, extremes=extremes, winners=NO_WINNERS)
    for found, decision in ((plain, None), (replace(plain, winners=levels), other)):
        figures = measure(model, samples, [0], ["chip_0"], [[found]])
        assert np.isnan(figures.winner_agreement).all() == (decision is None)
        if decision is not None:
            assert figures.decision.item() == decision
            own = frames[model.readout.node]
            wrong = own.argmax(axis=1) != other
            assert figures.winner_agreement.item() == 1 - wrong.mean()
            assert figures.winner_lead.item() == pytest.approx(relative_lead(own)[wrong].max())


@pytest.mark.ngspice
@pytest.mark.parametrize("readout", ["wta", "comparator-only"])
def test_chips_decide_by_their_bits_as_the_twin_says(tmp_path: Path, readout: Readout) -> None:
    """Offsets of the winner-take-all are those of its transistors: SPICE against the twin."""
    model, samples = random_model(7, state=2, layers=1, inputs=3, frames=30, samples=1)
    build(model, tmp_path / "b", BuildOptions("generic180", readout=readout), samples)
    made = read_build(tmp_path / "b")
    nominal, twin = workbench(made, "staged"), twin_of_build(made)
    drawn = sample_deviations(twin.technology, Variation(5), twin.netlist.transistors, 0, CHIPS)
    devices = twin.netlist.transistors  # those that decide deviate much, all others do not
    shifts = {
        name: values * 4 * (devices[name].role == "decision") for name, values in drawn.items()
    }
    choices = SimulationChoices(1).scaled(made.model)
    words = [shift_words({n: v[chip] for n, v in shifts.items()}) for chip in range(CHIPS)]
    benches = [replace(nominal, shifts=each) for each in words]
    tasks = (
        (at, plain_engine("staged", bench, choices, 30).task(samples.x[0], at))
        for at, bench in enumerate(benches)
    )
    found = dict(run_tasks(tasks, pool(choices, nominal.technology)))
    traces = [found[at] for at in range(CHIPS)]
    named = np.array([each.winners for each in traces if isinstance(each, Traces)]).argmax(axis=2)
    for result in (twin.run(shifts, samples.x), fast(twin, shifts, samples.x)):
        assert result.currents is not None
        currents = result.currents[:, 0]
        clear = relative_lead(currents) > 0.05
        assert clear.mean() > 0.5
        assert (named == currents.argmax(axis=2))[clear].mean() > 0.98
        # nothing but the offsets says so
        assert (named == result.logits[:, 0].argmax(axis=2))[clear].mean() < 0.95


def fast(twin: Twin, shifts: Mapping[str, np.ndarray], x: np.ndarray) -> TwinResult:
    made = fast_chips(twin)
    return made.run(made.errors(shifts), x)


def test_a_mean_over_frames_cannot_be_left_to_bits_alone() -> None:
    model, samples = random_model(7, state=2, layers=1, inputs=3, frames=8, samples=1)
    model = replace(model, readout=replace(model.readout, rule="mean"))
    ways: dict[Readout, str] = {"wta-only": "wta", "comparator-only": "comparator"}
    for readout, way_out in ways.items():
        with pytest.raises(UsageError, match=f"a mean over frames decides .*; use {way_out}$"):
            design(model, BuildOptions("generic180", readout=readout), samples.x)
