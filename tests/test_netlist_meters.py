"""Ammeters in the supply, and area by block: every element is of a kind, none passes a meter."""

from __future__ import annotations

from collections import Counter

import pytest
from fake_technology import fake_technology, ratio_drawn
from hypothesis import given, settings
from random_graphs import graphs
from small_models import small_model

from netgen.circuit import REFERENCE, Circuit, build_circuit
from netgen.circuit.netlist import Role
from netgen.model import Model, from_dict
from netgen.netlist import KINDS, netlist_of, network_text
from netgen.netlist.area import OVERHEAD, areas
from netgen.netlist.meters import INPUT_METER_LINE, kind_of, metered_network
from netgen.netlist.partition import elements

TECHNOLOGY = fake_technology()


def device_counts(circuit: Circuit) -> dict[Role, int]:
    """Return how many transistors the record of a circuit holds, by role."""
    return netlist_of(circuit, TECHNOLOGY).counts


def drawn(model: Model) -> Circuit:
    return ratio_drawn(build_circuit(model, TECHNOLOGY.unit))


@settings(max_examples=25)
@given(graphs())
def test_transistors_by_kind_are_those_of_the_circuit(model: Model) -> None:
    circuit = drawn(model)
    found: Counter[str] = Counter()
    for consumer, area in areas(netlist_of(circuit, TECHNOLOGY), TECHNOLOGY).items():
        found[consumer.kind] += area.transistors
    assert found == Counter(device_counts(circuit))


@settings(max_examples=25)
@given(graphs())
def test_no_current_passes_the_meters(model: Model) -> None:
    text, meters = metered_network(network_text(drawn(model), TECHNOLOGY))
    inside = ""
    taking = []
    for line in elements(text):
        head, *rest = line.split()
        if head == ".subckt":
            inside = rest[0] if rest[0].startswith("layer_") else ""
        elif inside and "vdd" in rest:
            taking.append((inside, line))
    assert all(line.startswith("vmeter_") for _, line in taking)
    assert len(meters) == len(taking) + 1  # and the one of the inputs
    assert text.startswith(INPUT_METER_LINE)
    assert {kind for _, kind in meters.values()} <= set(KINDS)
    # without its meters the network is what it was
    plain = [
        " ".join("vdd" if word.startswith("vdd_") else word for word in line.split())
        for line in elements(text)
        if not line.startswith("vmeter_")
    ]
    assert plain == [
        " ".join(line.lower().split()) for line in elements(network_text(drawn(model), TECHNOLOGY))
    ]


@pytest.mark.parametrize(
    ("line", "word", "kind"),
    [
        ("xrelu_0_from_x_0 relu_0_n x_0_p vdd vdd pfet w=1 l=1", "relu", "mirror"),
        ("mrelu_0_from_x_1 relu_0_n x_1_n vss vss nfet w=1 l=1", "relu", "mirror"),
        ("xrelu_0_bias_s1 relu_0_bias_d1 ref_p vdd vdd pfet w=1 l=1", "relu", "bias"),
        ("istate_0_gain vdd state_0_gain 1e-09", "state", "bias"),
        ("xstate_0_to_n state_0_p state_0_n vdd vss p_to_n", "state", "line"),
        ("xref ref_n vss diode_relu", "ref", "bias"),
        ("xx_0 x_0_n vss diode_relu", "x", "input"),
        # a node that is called ref is another word in the netlist, and its lines are no constants
        ("xa_0_from_ref__2_0 a_0_n ref__2_0_p vdd vdd pfet w=1 l=1", "a", "mirror"),
    ],
)
def test_kinds(line: str, word: str, kind: str) -> None:
    assert kind_of(line, word) == kind


def test_area_of_blocks() -> None:
    circuit = drawn(from_dict(small_model()))
    found = areas(netlist_of(circuit, TECHNOLOGY), TECHNOLOGY)
    unit, d = TECHNOLOGY.unit, TECHNOLOGY.diffusion
    (diode,) = (a for c, a in found.items() if (c.node, c.kind) == (REFERENCE, "bias"))
    assert diode.gate_m2 == pytest.approx(unit.width * unit.length)
    assert diode.drawn_m2 == pytest.approx(OVERHEAD * (unit.width + d) * (unit.length + 3 * d))
    assert all(area.drawn_m2 > area.gate_m2 for area in found.values())
