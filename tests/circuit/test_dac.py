"""Programmable bias currents: a DAC's steps, its netlist, its levels, and what its devices do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_technology import UNIT, fake_technology, ratio_drawn
from hypothesis import given
from hypothesis import strategies as st

from netgen.circuit import build_circuit
from netgen.circuit.blocks.dac import COPIED, DAC, DacRange
from netgen.circuit.codes import CodeRange
from netgen.circuit.nets import code_nets, network_ports
from netgen.circuit.synthesis import synthesise
from netgen.errors import UsageError
from netgen.model.random import random_model
from netgen.netlist.testbench import startup

spans = st.builds(DacRange, st.integers(3, 8), st.floats(0.3, 0.8), st.floats(1.3, 2.5))


@given(spans)
def test_currents_rise_in_equal_steps_through_the_nominal_one(span: DacRange) -> None:
    codes = np.arange(span.last + 1)
    factors = np.exp(span.logs(codes))
    np.testing.assert_allclose(np.diff(factors), 1 / span.steps, rtol=1e-9)
    assert factors[span.nominal] == pytest.approx(1)
    half = (span.unit + 1) / 2 / span.steps  # the fixed part is a whole number of units
    assert factors[0] == pytest.approx(span.low, abs=3 * half)
    assert factors[-1] == pytest.approx(span.high, abs=3 * half)
    np.testing.assert_array_equal(span.nearest(span.logs(codes)), codes)
    assert span.beyond(np.log([factors[0] / 2, 1.0, factors[-1] * 2])) == 2


@given(spans)
def test_branches_that_are_on_make_the_current(span: DacRange) -> None:
    codes = np.arange(span.last + 1)
    units = np.array([parallel / series for _, parallel, series in span.branches])
    current = (span.on(codes) * units[:, np.newaxis]).sum(axis=0) / COPIED * span.copied
    np.testing.assert_allclose(current, np.exp(span.logs(codes)))


def test_ranges_that_no_dac_has() -> None:
    with pytest.raises(UsageError, match="9 bits"):
        DacRange(9)
    with pytest.raises(UsageError, match="lower end"):
        DacRange(6, 1.2, 1.8)
    assert CodeRange(9).last == 511


def test_every_bias_of_every_cell_has_a_dac_with_pins_for_its_code() -> None:
    model, _ = random_model(3, frames=8)
    span = DacRange(4)
    circuit = ratio_drawn(build_circuit(model, UNIT)).biased("programmable", span)
    netlist = synthesise(circuit, fake_technology())
    biases = sum(layer.wanted.size for layer in circuit.cells)
    dacs = [i for unit in netlist.units for i in unit.instances if i.module == DAC]
    assert len(dacs) == biases
    assert list(netlist.sources) == ["ref"]
    units = sum(p * s for _, p, s in span.branches) + COPIED
    assert netlist.counts["dac"] == biases * (units + span.bits + 1)
    assert netlist.ports[2:] == network_ports(circuit)
    bits = [net for layer in circuit.cells for net in code_nets(circuit, layer)]
    assert len(set(bits)) == len(bits) == biases * span.bits
    assert set(bits) <= set(netlist.ports)
    for dac in dacs:  # its diode takes a copy of the reference, its output feeds the cell's diode
        line, out, *pins, _ = dac.nets
        (copy,) = (d for d in netlist.transistors.values() if d.drain == line and d.gate == "ref_n")
        assert copy.role == "dac"
        assert set(pins) <= set(bits)
        assert any(d.drain == d.gate == out for d in netlist.transistors.values())


def test_codes_are_levels_and_low_is_on() -> None:
    model, _ = random_model(3, frames=8)
    circuit = build_circuit(model, UNIT).biased("programmable", DacRange(4))
    layer = circuit.cells[0]
    codes = np.arange(layer.wanted.size).reshape(layer.wanted.shape) % 16
    circuit = replace(circuit, codes={layer.node: codes})
    levels = {source.net: source.waveform for source in startup(circuit, 1.8)}
    word = circuit.prefix(layer)
    for (bias, unit), code in np.ndenumerate(codes):
        name = f"{word}_{unit}_{layer.block.biases[bias].name}"
        found = [levels[f"{name}_bit{place}_b"] for place in range(4)]
        assert found == ["dc 0" if code >> place & 1 else "dc 1.8" for place in range(4)]
