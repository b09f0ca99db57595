"""A network taken apart: every element in one part, every line driven, every gate counted."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from fake_technology import fake_technology, ratio_drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import COLLIDING, graphs
from small_models import small_model

from netgen.circuit import Circuit, build_circuit
from netgen.circuit.netlist import Role
from netgen.errors import ConfigurationError
from netgen.model import Model, from_dict
from netgen.netlist import netlist_of, network_text
from netgen.netlist.partition import elements, gates, partition

TECHNOLOGY = fake_technology()


def device_counts(circuit: Circuit) -> dict[Role, int]:
    """Return how many transistors the record of a circuit holds, by role."""
    return netlist_of(circuit, TECHNOLOGY).counts


def drawn(model: Model) -> Circuit:
    return ratio_drawn(build_circuit(model, TECHNOLOGY.unit))


def small_text() -> str:
    return network_text(drawn(from_dict(small_model())), TECHNOLOGY)


@settings(max_examples=25)
@given(graphs(), st.booleans())
def test_parts_are_the_whole_network(model: Model, mirrored_bias: bool) -> None:
    circuit = replace(drawn(model), mirrored_bias=mirrored_bias)
    text = network_text(circuit, TECHNOLOGY)
    parted = partition(text)
    assert sum(part.devices for part in parted) == sum(device_counts(circuit).values())
    inside = re.findall(r"(?ms)^\.subckt layer_\w+.*?^\.ends", text)
    written = [line.lower() for body in inside for line in elements(body) if line[0] != "."]
    assert sorted(line for part in parted for line in part.lines) == sorted(written)


@settings(max_examples=100)
@given(st.one_of(graphs(), graphs(called=COLLIDING)), st.booleans())
def test_every_line_is_of_one_part_and_others_only_touch_it_at_gates(
    model: Model, mirrored_bias: bool
) -> None:
    circuit = replace(drawn(model), mirrored_bias=mirrored_bias)
    parted = partition(network_text(circuit, TECHNOLOGY))
    owned = [net for part in parted for net in part.nets]
    assert len(owned) == len(set(owned))
    hung = gates(parted, TECHNOLOGY)
    for part in parted:
        for net in part.uses:
            assert net in owned or re.match(r"(reset|set)_\d", net)
            assert hung[net][part]


def test_gates_have_the_geometry_of_their_mirrors() -> None:
    parted = partition(small_text())
    hung = gates(parted, TECHNOLOGY)
    part = parted.parts["relu"][0]
    (line,) = (line for line in part.lines if "relu_0_from_x_0 " in line)
    (gate,) = hung["x_0_p"][part]
    assert gate.polarity == "pmos"
    assert f"w={gate.geometry.width / TECHNOLOGY.devices['pmos'].length_unit:.12g}" in line
    # a cell's own input transistor hangs on its candidate's line
    (cell,) = (part for part in hung["cand_1_p"] if part.word == "state")
    assert cell.unit == 1
    assert [g.geometry.width for g in hung["cand_1_p"][cell]] == [TECHNOLOGY.unit.width]


def test_an_element_that_names_no_unit_cannot_be_placed() -> None:
    text = small_text().replace(".ends layer_relu", "Rwire relu_0_n relu_1_n 1k\n.ends layer_relu")
    with pytest.raises(ConfigurationError, match=r"'rwire', which names no unit.*--engine mono"):
        partition(text)


def test_a_node_called_like_the_unit_of_another_keeps_its_nets() -> None:
    content = small_model()
    renamed = json.loads(json.dumps(content).replace('"cand"', '"state_0"'))
    parted = partition(network_text(drawn(from_dict(renamed)), TECHNOLOGY))
    assert "state_0_0_p" in parted.parts["state_0"][0].nets
    assert parted.parts["state"][0].uses[0] == "state_0_0_p"


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        (".subckt network", "Cwire relu_0_n 0 1f\n.subckt network"),
        (".ends network", "Cwire relu_0_n 0 1f\n.ends network"),
        (".ends network", "Xrelu relu_0_n vss diode_relu\n.ends network"),
        (".subckt diode_relu", ".param wide=2\n.subckt diode_relu"),
        ("Xrelu\n+ vdd vss", "Xrelu\n+ vss vdd"),
    ],
)
def test_nothing_outside_of_layers_is_dropped(where: str, statement: str) -> None:
    text = small_text()
    assert where in text
    with pytest.raises(ConfigurationError, match=r"in no layer of the network; .*--engine mono"):
        partition(text.replace(where, statement, 1))


def test_statements_are_joined_and_bare() -> None:
    text = "* title\nXa 1 2 ; note\n+ 3\n\n*\nV1 a b 2\n"
    assert list(elements(text)) == ["Xa 1 2 3", "V1 a b 2"]
