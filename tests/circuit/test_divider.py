"""Dividers of inputs: a larger current at each pin, and what their devices do to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_technology import UNIT, fake_technology, ratio_drawn
from hypothesis import given
from hypothesis import strategies as st
from ideal_twin import SLOPE, one_row, twin_of

from netgen.behavioural import Twin
from netgen.behavioural.fast import fast_chips
from netgen.characterise.tables import Response
from netgen.circuit import build_circuit
from netgen.circuit.blocks import mirror, relu
from netgen.circuit.blocks.divider import DIVIDER, RATIOS, SERIES, Divider
from netgen.circuit.nets import input_nets, network_ports
from netgen.circuit.synthesis import synthesise
from netgen.errors import UsageError
from netgen.model import INPUT
from netgen.model.random import random_model
from netgen.netlist.characterisation import comparator_deck, divider_deck
from netgen.netlist.models import Conditions
from netgen.netlist.testbench import input_sources
from netgen.project import BuildOptions, SimulationChoices, build, read_build, simulate
from netgen.project.runs import read_runs
from netgen.technology import scaled, with_sizes


@given(st.floats(*RATIOS), st.floats(0.8, 1.3))
def test_devices_are_counted_to_the_ratio(ratio: float, gain: float) -> None:
    divider = Divider.of(ratio, gain)
    assert divider.drawn == divider.sink * divider.source * SERIES
    # one device more or less of the smaller diode is the coarsest step
    assert abs(divider.drawn / (ratio * gain) - 1) <= 0.5 / divider.source
    assert divider.sink >= divider.source
    if ratio >= 500:
        assert divider.drawn == pytest.approx(ratio * gain, rel=0.01)


@pytest.mark.parametrize("ratio", [0.5, 2.0, RATIOS[0] - 1, RATIOS[1] + 1, float("nan")])
def test_a_ratio_that_no_devices_make_is_refused(ratio: float) -> None:
    with pytest.raises(UsageError, match=r"give 1 \(no divider\) or 50 … 10000"):
        BuildOptions(input_ratio=ratio)


def test_dividers_and_comparators_are_measured_on_the_diodes_that_they_have() -> None:
    technology = fake_technology()
    unit = with_sizes(UNIT, {"x": scaled(UNIT, 2), "l1.relu.rows": scaled(UNIT, 3)})
    where = technology, Conditions("typical", 25.0, 1.8), unit, 1e-9
    deck, _ = divider_deck(*where, Divider.of(100.0), (-4.0, 1.0, 0.5))
    assert f"Xdiode n vss {relu.DIODE}_x" in deck.body
    compared, _ = comparator_deck(*where, [1.0], (0.8, 1.2, 0.1), ("rows", "l1.relu"))
    for line in ("Xa0 a0 vss", "Xb0 b0 vss"):
        assert f"{line} {relu.DIODE}_l1_relu_rows" in compared.body
    assert f"Xp0 a0 p0 vdd vss {mirror.TO_P}_l1_relu_rows" in compared.body


def test_pins_take_the_place_of_the_diodes_nets() -> None:
    model, samples = random_model(3, inputs=3, frames=8)
    plain = ratio_drawn(build_circuit(model, UNIT))
    divider = Divider.of(1000)
    divided = replace(plain, divider=divider)
    netlist = synthesise(divided, fake_technology())
    (layer,) = (each for each in netlist.layers if each.node == INPUT)
    pins = input_nets(divided)
    assert layer.outer == pins == network_ports(divided)[:3]
    assert set(pins).isdisjoint(input_nets(plain))
    for unit, pin, inside in zip(layer.units, pins, input_nets(plain), strict=True):
        (instance,) = (each for each in unit.instances if each.module == DIVIDER)
        assert instance.nets == (pin, inside, "vdd", "vss")
    assert netlist.counts["divider"] == 3 * (divider.sink + 1 + divider.source + SERIES)
    assert DIVIDER not in synthesise(plain, fake_technology()).blocks
    larger, small = (input_sources(each, samples.x[0] / 1000) for each in (divided, plain))
    assert [each.net for each in larger] == list(pins)
    exact = [each.waveform for each in input_sources(plain, samples.x[0])]
    assert [each.waveform for each in larger] == exact
    assert exact != [each.waveform for each in small]


@pytest.mark.parametrize(
    ("names", "polarity", "sign"),
    [
        (("sink_diode",), "nmos", 1),
        (("sink_copy",), "nmos", -1),
        (("source_diode",), "pmos", 1),
        (("source_copy", "source_copy_s1"), "pmos", -1),
    ],
)
def test_what_a_device_deviates_is_a_factor_on_its_input(
    names: tuple[str, ...], polarity: str, sign: int
) -> None:
    twin = twin_of(one_row([0.5, -0.25]))
    circuit = replace(twin.circuit, divider=Divider.of(1000))
    twin = replace(twin, circuit=circuit, netlist=synthesise(circuit, twin.technology))
    volts = 0.007 if polarity == "nmos" else -0.007  # less current by either
    shifts = {f"x_0_divider.{name}": np.array([[volts, 0.0]]) for name in names}
    x = np.array([[[1.0, 1.0]]])
    expected = 0.5 * np.exp(sign * 0.007 / SLOPE[polarity]) - 0.25
    fast = fast_chips(twin)
    found = fast.run(fast.errors(shifts), x).logits.squeeze()
    assert found == pytest.approx(expected, rel=1e-4)
    assert twin.run(shifts, x).logits.squeeze() == pytest.approx(expected, rel=1e-3)


def test_the_twin_divides_as_measured() -> None:
    """Between measured inputs by their logarithm, beyond them as at the end."""
    plain = twin_of(one_row([0.5, -0.25]))
    response = Response(np.array([0.1, 1.0]), np.array([1.02, 0.98]))
    twin = replace(plain, known=replace(plain.known, divider=response))
    x = np.array([[[0.0, 1.0], [0.01, 0.1], [10**-0.5, 2.0]]])
    shares = np.array([[[1, 0.98], [1.02, 1.02], [1.0, 0.98]]])
    for divided, ideal in ((twin, plain), (fast_chips(twin), fast_chips(plain))):
        runs = [
            each.run({}, values) if isinstance(each, Twin) else each.run(np.zeros((1, 8)), values)
            for each, values in ((divided, x), (ideal, x * shares))
        ]
        np.testing.assert_allclose(runs[0].logits, runs[1].logits, rtol=1e-6, atol=1e-9)


@pytest.mark.ngspice
@pytest.mark.parametrize("engine", ["monolithic", "staged"])
def test_divided_inputs_are_the_inputs(tmp_path: Path, engine: str) -> None:
    model, samples = random_model(7, state=2, layers=1, inputs=3, frames=6, samples=1)
    found = {}
    for ratio in (1.0, 1000.0):
        folder = tmp_path / f"{ratio:g}"
        build(model, folder, BuildOptions("generic180", input_ratio=ratio), samples)
        made = read_build(folder)
        assert made.options.input_ratio == ratio
        record: Any = made.record
        low, high = record["options"]["divider_error"] or (0.0, 0.0)
        assert -0.02 < low <= high < 0.02
        done = simulate(made, samples, [0], SimulationChoices(1, engine=engine))
        assert [each.failure for each in done] == [None]
        traces = read_runs(made).traces(0)
        kinds = {branch.kind for branch in traces.power.branches}
        assert ("divider" in kinds) == (ratio > 1)
        found[ratio] = traces.frames
    for node, values in found[1.0].items():
        np.testing.assert_allclose(found[1000.0][node], values, atol=0.02 * np.ptp(values) + 5e-3)
