"""Ammeters in the supply, and area by block: every element is of a kind, none passes a meter."""

from __future__ import annotations

from collections import Counter

import pytest
from fake_technology import fake_technology, ratio_drawn
from hypothesis import given, settings
from random_graphs import graphs
from small_models import small_model

from netgen.circuit import REFERENCE, REFERENCE_PREFIX, Circuit, build_circuit
from netgen.circuit.netlist import Role
from netgen.circuit.synthesis import synthesise
from netgen.model import Model, from_dict
from netgen.netlist import KINDS
from netgen.netlist.area import areas, expected_wires, overhead
from netgen.netlist.meters import INPUT_METER
from netgen.netlist.partition import Network
from netgen.netlist.syntax import statements

TECHNOLOGY = fake_technology()


def device_counts(circuit: Circuit) -> dict[Role, int]:
    """Return how many transistors the record of a circuit holds, by role."""
    return synthesise(circuit, TECHNOLOGY).counts


def drawn(model: Model) -> Circuit:
    return ratio_drawn(build_circuit(model, TECHNOLOGY.unit))


@settings(max_examples=25)
@given(graphs())
def test_transistors_by_kind_are_those_of_the_circuit(model: Model) -> None:
    circuit = drawn(model)
    found: Counter[str] = Counter()
    for branch, area in areas(synthesise(circuit, TECHNOLOGY), TECHNOLOGY).items():
        found[branch.kind] += area.transistors
    assert found == Counter(device_counts(circuit))


@settings(max_examples=25)
@given(graphs())
def test_no_current_passes_the_meters(model: Model) -> None:
    network = Network(synthesise(drawn(model), TECHNOLOGY), TECHNOLOGY)
    text = "\n".join(line.text for line in network.plain.whole)
    inside = ""
    taking = []
    for line in statements(text):
        head, *rest = line.split()
        if head == ".subckt":
            inside = rest[0] if rest[0].startswith("layer_") else ""
        elif inside and "vdd" in rest:
            taking.append((inside, line))
    assert all(line.startswith("vmeter_") for _, line in taking)
    meters = network.plain.whole_meters
    assert len(meters) == len(taking) + 1  # and the one of the inputs
    assert text.startswith(INPUT_METER.statement)
    assert {branch.kind for branch in meters.values()} <= set(KINDS)
    # without its meters the network is what it was
    supplies = {line.split()[2] for line in statements(text) if line.startswith("vmeter_")}
    plain = [
        " ".join("vdd" if word in supplies else word for word in line.split())
        for line in statements(text)
        if not line.startswith("vmeter_")
    ]
    assert plain == [" ".join(line.split()) for line in statements(network.text)]


@settings(max_examples=25)
@given(graphs())
def test_every_meter_shows_the_node_of_its_layer(model: Model) -> None:
    circuit = drawn(model)
    network = Network(synthesise(circuit, TECHNOLOGY), TECHNOLOGY)
    nodes = {circuit.prefix(layer): layer.node for layer in circuit.layers}
    nodes |= {REFERENCE_PREFIX: REFERENCE, "x": "x"}
    for path, branch in network.plain.whole_meters.items():
        if path != INPUT_METER.name:
            word = path.split(".")[1][1:]
            assert (nodes[word], f"vmeter_{word}_{branch.kind}") == (
                branch.node,
                path.split(".")[2],
            )


def test_area_of_blocks() -> None:
    circuit = drawn(from_dict(small_model()))
    found = areas(synthesise(circuit, TECHNOLOGY), TECHNOLOGY)
    unit, d = TECHNOLOGY.unit, TECHNOLOGY.diffusion
    (diode,) = (a for c, a in found.items() if (c.node, c.kind) == (REFERENCE, "bias"))
    assert diode.gate_m2 == pytest.approx(unit.width * unit.length)
    share = overhead(sum(area.transistors for area in found.values()))
    assert diode.drawn_m2 == pytest.approx(share * (unit.width + d) * (unit.length + 3 * d))
    assert all(area.drawn_m2 > area.gate_m2 for area in found.values())


@pytest.mark.parametrize(
    ("transistors", "frames_m2", "layout_m2"),
    [
        (62, 511e-12, 1187e-12),
        (453, 4452e-12, 12071e-12),
        (476, 5087e-12, 15160e-12),
        (1038, 10142e-12, 28132e-12),
        (2433, 25941e-12, 99870e-12),
        (6551, 77089e-12, 491430e-12),
    ],
)
def test_estimate_is_near_the_layouts(transistors: int, frames_m2: float, layout_m2: float) -> None:
    assert overhead(transistors) * frames_m2 == pytest.approx(layout_m2, rel=0.1)


def test_wires_are_expected_at_every_net_but_the_supplies_by_its_terminals() -> None:
    netlist = synthesise(drawn(from_dict(small_model())), TECHNOLOGY)
    wires = expected_wires(netlist, TECHNOLOGY)
    terminals = Counter[str]()
    for each in netlist.transistors.values():
        terminals.update(dict.fromkeys(each.terminals[:3], 0))
        for net in each.terminals[:3]:
            terminals[net] += each.geometry.multiplicity
    assert set(wires) == set(terminals) - {"vdd", "vss"}
    area = sum(each.drawn_m2 for each in areas(netlist, TECHNOLOGY).values())
    for net, value in wires.items():
        assert value == pytest.approx(terminals[net] * (0.67e-15 + 11.4e-12 * area**0.5))
