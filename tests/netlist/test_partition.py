"""A network in parts: every element in one, every net driven by one, every gate counted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from random import Random

import pytest
from fake_technology import fake_technology, ratio_drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from netlists import network_text
from random_graphs import COLLIDING, graphs
from small_models import linear, small_model

from netgen.circuit import build_circuit
from netgen.circuit.netlist import SUPPLIES
from netgen.circuit.synthesis import synthesise
from netgen.errors import ConfigurationError, UsageError
from netgen.model import Model, from_dict
from netgen.netlist.partition import GATE_NETS, MOST_PORTS, Network, nets_of, placeable, without
from netgen.netlist.read import read_network
from netgen.netlist.syntax import statements

TECHNOLOGY = fake_technology()
SMALL = from_dict(small_model())


def network(model: Model, *, mirrored_bias: bool = False) -> Network:
    circuit = ratio_drawn(build_circuit(model, TECHNOLOGY.unit))
    circuit = replace(circuit, mirrored_bias=mirrored_bias)
    return Network(synthesise(circuit, TECHNOLOGY), TECHNOLOGY)


def edited(where: str, put: str) -> Network:
    """Return the small network after a person changed its text."""
    circuit = ratio_drawn(build_circuit(SMALL, TECHNOLOGY.unit))
    text = network_text(circuit, TECHNOLOGY)
    assert where in text
    changed = text.replace(where, put, 1)
    return Network(read_network(changed, TECHNOLOGY, synthesise(circuit, TECHNOLOGY)), TECHNOLOGY)


@settings(max_examples=25)
@given(graphs(), st.integers(4, 40))
def test_placeable_parts_of_a_layer_hold_its_units_and_few_ports(model: Model, most: int) -> None:
    for layer in network(model).netlist.layers:
        parts = placeable(layer, most)
        assert [unit for part in parts for unit in part.units] == list(layer.units)
        used = {net for unit in layer.units for each in unit.elements for net in nets_of(each)}
        assert {port for part in parts for port in part.ports} >= used & set(layer.ports)
        assert len({part.subckt for part in parts}) == len(parts)
        assert all(len(part.ports) <= most or len(part.units) == 1 for part in parts)


@settings(max_examples=25)
@given(graphs(), st.randoms(use_true_random=False))
def test_a_layer_without_idle_lines_keeps_what_others_drive(model: Model, random: Random) -> None:
    for layer in network(model).netlist.layers:
        own = {net.name for unit in layer.units for net in unit.nets}
        ports = sorted(set(layer.ports) - {*SUPPLIES, *own})
        idle = frozenset(random.sample(ports, random.randint(0, len(ports))))
        used = without(layer, idle, "used")
        for unit, before in zip(used.units, layer.units, strict=True):
            assert unit.devices == tuple(d for d in before.devices if d.gate not in idle)
            assert unit.instances == before.instances
        touched = {net for unit in used.units for each in unit.elements for net in nets_of(each)}
        assert set(used.ports) >= touched & set(layer.ports)
        assert set(used.ports) & idle <= touched


@settings(max_examples=25)
@given(graphs(), st.randoms(use_true_random=False))
def test_a_layer_without_absent_nets_has_the_units_that_drive_others(
    model: Model, random: Random
) -> None:
    for layer in network(model).netlist.layers:
        gates = {u.index: {n.name for n in u.nets if n.kind in GATE_NETS} for u in layer.units}
        gone = random.sample(sorted(gates), random.randint(0, len(gates)))
        absent = frozenset(net for index in gone for net in gates[index])
        left = without(layer, frozenset(), "left", absent)
        kept = [u for u in layer.units if u.index not in gone or not gates[u.index]]
        assert [u.index for u in left.units] == [u.index for u in kept]
        used = {net for unit in kept for each in unit.elements for net in nets_of(each)}
        assert set(left.ports) & absent == used & absent


@pytest.mark.parametrize("channels", [3, 2000])
def test_network_that_ngspice_cannot_place_is_refused_with_the_way_out(
    channels: int,
) -> None:
    weight = [[1.0] * channels]
    nodes = [linear("sum", "x", weight, [0.0]), {"name": "row", "op": "relu", "input": "sum"}]
    readout = {"node": "row", "rule": "last", "frames": [0, 1]}
    wide = {
        "input": {"size": channels, "max": 1.0},
        "nodes": nodes,
        "readout": readout,
        "classes": ["a"],
    }
    whole = network(from_dict(small_model() | wide))
    if channels == 3:
        whole.check_placeable()
        return
    with pytest.raises(UsageError, match=r"^netlist.cir: .* nets, .*--engine staged") as caught:
        whole.check_placeable()
    assert "\n" not in str(caught.value)
    (nets,) = re.findall(r"has ([\d,]+) nets", str(caught.value))
    assert int(nets.replace(",", "")) > MOST_PORTS


@settings(max_examples=25)
@given(graphs(), st.booleans())
def test_parts_are_the_whole_network(model: Model, mirrored_bias: bool) -> None:
    whole = network(model, mirrored_bias=mirrored_bias)
    assert sum(part.devices for part in whole) == sum(whole.netlist.counts.values())
    inside = re.findall(r"(?ms)^\.subckt layer_\w+.*?^\.ends", whole.text)
    written = [line for body in inside for line in statements(body) if line[0] != "."]
    lines = [
        line.text for part in whole for line in whole.plain.units[part.prefix, part.unit].elements
    ]
    assert sorted(re.sub(r" vdd_(?!\d)\w+", " vdd", line) for line in lines) == sorted(written)


@settings(max_examples=100)
@given(st.one_of(graphs(), graphs(called=COLLIDING)), st.booleans())
def test_every_net_is_of_one_part_and_others_only_touch_it_at_gates(
    model: Model, mirrored_bias: bool
) -> None:
    whole = network(model, mirrored_bias=mirrored_bias)
    owned = [net for part in whole for net in part.nets]
    assert len(owned) == len(set(owned))
    for part in whole:
        for net in part.uses:
            assert net in owned or re.match(r"(reset|set)_\d", net)
            assert whole.hung[net][part]
        touched = {n for d in part.transistors for n in (d.terminals[0], d.terminals[2])}
        assert not touched & set(part.uses)


def test_a_node_called_like_the_unit_of_another_keeps_its_nets() -> None:
    renamed = json.loads(json.dumps(small_model()).replace('"cand"', '"state_0"'))
    parts = network(from_dict(renamed)).parts
    assert "state_0_0_p" in parts["state_0"][0].nets
    assert parts["state"][0].uses[0] == "state_0_0_p"


def test_gates_have_the_geometry_of_their_mirrors() -> None:
    whole = network(SMALL)
    part = whole.parts["relu"][0]
    (line,) = (
        line.text
        for line in whole.plain.units["relu", 0].elements
        if "relu_0_from_x_0 " in line.text
    )
    (gate,) = whole.hung["x_0_p"][part]
    assert gate.polarity == "pmos"
    assert f"w={gate.geometry.width / TECHNOLOGY.devices['pmos'].length_unit:.12g}" in line
    # a cell's own input transistor hangs on its candidate's net
    (cell,) = (part for part in whole.hung["cand_1_p"] if part.prefix == "state")
    assert cell.unit == 1
    assert [g.geometry.width for g in whole.hung["cand_1_p"][cell]] == [TECHNOLOGY.unit.width]


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        (".subckt network", "cwire relu_0_n 0 1f"),
        (".ends network", "ccouple relu_0_n relu_1_n 1f"),
        (".ends network", "xrelu2 relu_0_n vss diode_relu"),
        (".subckt diode_relu", ".param wide=2"),
        (".ends layer_relu", "rwire relu_0_n relu_1_n 1k"),
    ],
)
def test_what_no_part_would_hold_is_refused(where: str, statement: str) -> None:
    changed = edited(where, f"{statement}\n{where}")
    with pytest.raises(ConfigurationError, match=r"belongs to no single unit.*--engine mono"):
        _ = changed.parts
    assert statement in [line.text for line in changed.plain.whole]


def test_a_load_on_one_net_is_of_the_part_that_drives_it() -> None:
    changed = edited(".ends network", "Cwire relu_0_n 0 1f\n.ends network")
    (part, other) = changed.parts["relu"]
    lines = [line.text for line in changed.plain.units["relu", 0].elements]
    assert "cwire relu_0_n 0 1f" in lines
    assert not other.elements.statements
    assert part.elements.statements


def test_a_transistor_without_a_size_cannot_deviate() -> None:
    changed = edited("Xstate_0 ", "Xstate_0 ")
    assert changed.deviating
    line = next(s for s in changed.text.splitlines() if s.startswith("Xrelu_0_from_x_0 "))
    hidden = edited(line, "Xrelu_0_from_x_0 relu_0_n x_0_p vdd vdd pch w={a} l=1u")
    assert hidden.sizes is None
    with pytest.raises(ConfigurationError, match="no size that could deviate"):
        _ = hidden.deviating
