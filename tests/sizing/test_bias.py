"""Bias currents mirrored from one reference: as drawn by a formula, and on ngspice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_technology import UNIT, fake_characterisation, fake_gain, fake_technology
from netlists import mirrored as with_mirrors
from netlists import network_text
from small_models import small_model

from netgen.characterise import characterise_gates
from netgen.characterise.setup import MeasurementSetup
from netgen.circuit import CellLayer, build_circuit
from netgen.circuit.netlist import Netlist
from netgen.circuit.nets import network_ports
from netgen.model import Model, from_dict
from netgen.model.random import random_model
from netgen.netlist import Network, SimulatorOptions, Workbench
from netgen.netlist.characterisation import ACCURATE
from netgen.netlist.deck import Deck, Sweep, drain_current
from netgen.project import BuildOptions, Design, design
from netgen.simulation import Traces
from netgen.simulation.engines import Staged, run_tasks
from netgen.simulators import LocalPool, cache_folder, job_of, run_job
from netgen.sizing import measure_activity, size_circuit
from netgen.technology import Geometry

TECHNOLOGY = fake_technology()
KNOWN = fake_characterisation(TECHNOLOGY)
FLOOR = 0.22 / 50
"""W / L of the last point of the fake technology's path."""


def sized(**cell: Any) -> CellLayer:
    """Size the cells of the small model with other thresholds or gains."""
    data = small_model()
    data["nodes"][4] |= cell
    circuit = build_circuit(from_dict(data), UNIT)
    activity = measure_activity(circuit, np.ones((1, 4, 3)))
    circuit, _ = size_circuit(circuit, TECHNOLOGY, KNOWN, activity, 1.8)
    return circuit.cells[0]


def test_a_copy_gives_its_bias_current_into_the_diode() -> None:
    layer = sized(alpha=[7.0, 0.02], beta_lo=[0.5, 0.05], beta_hi=[7.5, 0.09])
    assert layer.bias is not None
    assert layer.bias_geometry is not None
    drawn = layer.bias_geometry
    volts = KNOWN.mirrors.diode_voltage(layer.bias)
    for kind, unit in np.ndindex(layer.bias.shape):
        wanted = layer.bias[kind, unit] / 1e-9
        gain = fake_gain(drawn.at(kind, unit), 1e-9, volts[kind, unit])
        # half a grid step of width or length, as for weights
        assert gain == pytest.approx(wanted, rel=2.5e-3)
        assert drawn.realised[kind, unit] == pytest.approx(gain, rel=1e-3)
    steps = drawn.width / TECHNOLOGY.grid
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)


def test_a_bias_below_the_floor_is_drawn_at_the_floor() -> None:
    layer = sized(beta_hi=[0.025, 0.4], beta_lo=[0.0225, 0.2])
    assert layer.bias is not None
    assert layer.bias_geometry is not None
    assert layer.bias[1, 0] < 0.8 * FLOOR * 1e-9
    assert layer.bias_geometry.at(1, 0) == Geometry(0.22e-6, 50e-6)
    assert layer.bias_geometry.realised[1, 0] == pytest.approx(FLOOR, rel=0.1)


# On ngspice


@pytest.fixture(scope="module")
def made() -> Design:
    model, _ = random_model(7, state=3, layers=2, inputs=4, frames=16)
    return design(model, BuildOptions("generic180"))


def biases(layer: CellLayer) -> np.ndarray:
    assert layer.bias is not None
    return layer.bias


def text_of(made: Design, mirrored_bias: bool) -> str:
    return network_text(replace(made.circuit, mirrored_bias=mirrored_bias), made.technology)


@pytest.mark.ngspice
def test_every_bias_line_carries_its_current(made: Design) -> None:
    circuit, technology, at = made.circuit, made.technology, made.conditions
    probes = {
        drain_current(technology, "nmos", f"xnet.x{word}.x{word}_{unit}_{kind}", "diode"): current
        for layer in circuit.cells
        for word in [circuit.prefix(layer)]
        for unit in range(layer.size)
        for kind, current in zip(("thresh", "width", "gain"), biases(layer)[:, unit], strict=True)
    }
    levels = {"set": at.vdd, "reset": 0.0}
    ports = network_ports(circuit)
    sources = [
        f"I{port} vdd {port} 0.5n"
        if port.endswith("_n")
        else f"V{port} {port} 0 {levels.get(port.partition('_')[0], at.vdd / 2)}"
        for port in ports
    ]
    body = [
        text_of(made, mirrored_bias=True),
        f"Vvdd vdd 0 {at.vdd}",
        f"Xnet vdd 0 {' '.join(ports)} network",
        *sources,
    ]
    end = at.vdd + 0.001
    sweep = Sweep("Vvdd", at.vdd, end, 0.001, end=end)
    observed = tuple(probes)
    deck = Deck.at(technology, at, "bias currents", "\n".join(body), observed, sweep)
    found = run_job(job_of("bias", deck, (("default", ACCURATE),), 60.0))
    for name, wanted in probes.items():
        assert found[name][0] == pytest.approx(wanted, rel=4e-3), name


def simulated(made: Design, model: Model, x: np.ndarray, netlist: Netlist) -> Traces:
    technology, at = made.technology, made.conditions
    load = characterise_gates(
        MeasurementSetup(
            technology, at, made.circuit.unit, model.unit_current, cache_folder(), run_job
        )
    )
    bench = Workbench(made.circuit, technology, at, Network(netlist, technology), load)
    engine = Staged(bench, SimulatorOptions(), 120.0, lambda x, frames: 0)
    ((_, traces),) = run_tasks([(0, engine.task(x, 0))], LocalPool(1))
    assert isinstance(traces, Traces)
    return traces


@pytest.mark.ngspice
def test_network_does_the_same_with_mirrored_biases(made: Design) -> None:
    model, samples = random_model(7, state=3, layers=2, inputs=4, frames=16)
    ideal, mirrored = (
        simulated(made, model, samples.x[0], netlist)
        for netlist in (made.netlist, with_mirrors(made.circuit, made.technology))
    )
    states = [
        np.concatenate([t.frames[c.name] > c.level / 2 for c in model.cells], axis=1)
        for t in (ideal, mirrored)
    ]
    assert (states[0][1:] != states[0][:-1]).any()
    np.testing.assert_array_equal(states[0], states[1])
    logits = ideal.frames[model.readout.node]
    error = np.abs(mirrored.frames[model.readout.node] - logits)
    assert 0 < error.max() < 5e-3 * np.ptp(logits)
