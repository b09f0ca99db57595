"""The reader: what was written comes back as it was, and what a person edits is not lost."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from fake_technology import fake_technology, ratio_drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import COLLIDING, graphs
from small_models import small_model

from netgen.circuit import build_circuit
from netgen.circuit.netlist import Netlist, Statement, Unit
from netgen.circuit.synthesis import synthesise
from netgen.errors import ConfigurationError
from netgen.model import Model, from_dict
from netgen.netlist.read import read_network
from netgen.netlist.syntax import number, statements
from netgen.netlist.write import network_body

TECHNOLOGY = fake_technology()


def built(model: Model, *, mirrored_bias: bool = False) -> Netlist:
    circuit = ratio_drawn(build_circuit(model, TECHNOLOGY.unit))
    return synthesise(replace(circuit, mirrored_bias=mirrored_bias), TECHNOLOGY)


def small() -> Netlist:
    return built(from_dict(small_model()))


def edited(find: str, put: str) -> tuple[Netlist, str]:
    """Return what is read of the small network with one place of its text replaced, and that."""
    before = network_body(small(), TECHNOLOGY)
    text = re.sub(find, lambda _: put, before, count=1, flags=re.M)
    assert text != before
    return read_network(text, TECHNOLOGY, small()), text


def unit_of(netlist: Netlist, word: str, index: int) -> Unit:
    (layer,) = (layer for layer in netlist.layers if layer.prefix == word)
    return layer.units[index]


def same_text(one: str, other: str) -> bool:
    """Tell whether texts are equal, numbers to eleven digits."""
    pairs = zip(one.split(), other.split(), strict=True)
    return all(
        a == b
        or (
            a.partition("=")[0] == b.partition("=")[0]
            and math.isclose(float(a.partition("=")[2]), float(b.partition("=")[2]), rel_tol=1e-11)
        )
        for a, b in pairs
    )


@settings(max_examples=60)
@given(st.one_of(graphs(), graphs(called=COLLIDING)), st.booleans())
def test_what_was_written_is_read_as_it_was(model: Model, mirrored_bias: bool) -> None:
    netlist = built(model, mirrored_bias=mirrored_bias)
    text = network_body(netlist, TECHNOLOGY)
    read = read_network(text, TECHNOLOGY, netlist)
    assert not read.statements
    assert same_text(network_body(read, TECHNOLOGY), text)
    assert list(read.transistors) == list(netlist.transistors)
    for one, other in zip(read.transistors.values(), netlist.transistors.values(), strict=True):
        alike = replace(one, geometry=other.geometry)
        assert alike == other
        assert one.geometry.width == pytest.approx(other.geometry.width, rel=1e-11)
        assert one.geometry.length == pytest.approx(other.geometry.length, rel=1e-11)
    for mine, before in zip(read.units, netlist.units, strict=True):
        assert (mine.nets, mine.missing) == (before.nets, before.missing)


@settings(max_examples=60)
@given(graphs(called=COLLIDING), st.booleans())
def test_every_net_is_of_one_unit_and_every_name_of_one_element(
    model: Model, mirrored_bias: bool
) -> None:
    netlist = built(model, mirrored_bias=mirrored_bias)
    nets = [net.name for unit in netlist.units for net in unit.nets]
    assert len(nets) == len(set(nets))
    names = [e.name for u in netlist.units for e in u.devices]
    names += [e.name for u in netlist.units for e in u.instances]
    assert len(names) == len(set(names))
    assert len(netlist.transistors) == sum(
        len(unit.devices) + sum(len(netlist.blocks[i.module].devices) for i in unit.instances)
        for unit in netlist.units
    )


def test_edited_geometry_keeps_its_meaning() -> None:
    read, _ = edited(r"^(Xrelu_0_from_x_0 .* )w=\S+ l=2e-06 .*$", "Xrelu_0_from_x_0 "
                     "relu_0_n x_0_p vdd vdd pch w=3u l = 2u nf=2")  # fmt: skip
    device = read.transistors["relu_0_from_x_0"]
    before = small().transistors["relu_0_from_x_0"]
    assert (device.geometry.width, device.geometry.length) == pytest.approx((3e-6, 2e-6))
    assert device.extra == "nf=2"
    assert (device.parameter, device.node, device.unit) == (before.parameter, "relu", 0)
    assert " nf=2\n" in network_body(read, TECHNOLOGY)


def test_an_edited_bias_current_is_read() -> None:
    read, _ = edited(r"^Istate_1_gain .*$", "Istate_1_gain vdd state_1_gain 0.4n")
    assert read.sources["state_1_gain"].current == pytest.approx(0.4e-9)
    assert read.sources["state_1_gain"].parameter == "state.alpha[1]"


def test_an_edited_block_is_edited_in_every_unit() -> None:
    read, _ = edited(r"^Xm3 (.*) w=\S+ l=\S+ .*$", "Xm3 p v0 tail_gain vss nch w=4u l=5u")
    found = [d for name, d in read.transistors.items() if name.endswith(".m3")]
    assert [d.geometry.length for d in found] == pytest.approx([5e-6, 5e-6])


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        (r"^\.ends layer_relu", "cwire relu_0_n 0 1f"),
        (r"^\.ends layer_relu", "rleak relu_0_n vss 1g"),
        (r"^\.ends network", "cwire relu_0_n 0 1f"),
    ],
)
def test_an_added_element_belongs_to_the_unit_whose_net_it_is_on(
    where: str, statement: str
) -> None:
    ends = where.removeprefix("^").replace("\\", "")
    read, _ = edited(where, f"{statement}\n{ends}")
    assert [each.text for each in unit_of(read, "relu", 0).statements] == [statement]
    assert not read.loose
    assert f"\n{statement}\n" in network_body(read, TECHNOLOGY)


def test_a_chain_of_added_elements_is_followed() -> None:
    read, _ = edited(
        r"^\.ends layer_relu", "cfar inner 0 1f\nrwire relu_1_n inner 1k\n.ends layer_relu"
    )
    unit = unit_of(read, "relu", 1)
    assert [each.text for each in unit.statements] == ["rwire relu_1_n inner 1k", "cfar inner 0 1f"]
    assert unit.nets[-1].name == "inner"


def test_an_added_transistor_belongs_to_its_drain() -> None:
    read, _ = edited(
        r"^\.ends layer_relu", "Xmore relu_1_n x_0_n vss vss nch w=1u l=1u\n.ends layer_relu"
    )
    added = read.transistors["more"]
    assert (added.node, added.unit, added.parameter) == ("relu", 1, None)


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        (r"^\.ends layer_relu", "rshort relu_0_n relu_1_n 1k"),
        (r"^\.ends layer_relu", "bodd relu_0_n 0 i=1n*v(relu_1_n)"),
        (r"^\.ends network", "ccouple relu_0_n state_0_p 1f"),
        (r"^\.subckt network", ".param wide=2"),
    ],
)
def test_what_belongs_to_no_unit_is_kept_and_known_to_be_loose(where: str, statement: str) -> None:
    end = where.removeprefix("^").replace("\\", "")
    read, _ = edited(where, f"{statement}\n{end}")
    stray = [*read.loose, *read.outside, *(s for layer in read.layers for s in layer.loose)]
    assert [each.text for each in stray] == [statement]
    assert not read.hidden or statement[0] == "."
    assert f"\n{statement}\n" in network_body(read, TECHNOLOGY)


def test_a_transistor_with_an_expression_is_a_statement() -> None:
    read, _ = edited(
        r"^Xrelu_0_from_x_0 .*$", "Xrelu_0_from_x_0 relu_0_n x_0_p vdd vdd pch w={a} l=1u"
    )
    assert "relu_0_from_x_0" not in read.transistors
    (kept,) = unit_of(read, "relu", 0).statements
    assert isinstance(kept, Statement)
    assert "w={a}" in kept.text


@pytest.mark.parametrize(
    ("find", "put", "problem"),
    [
        (r"^\.subckt layer_relu", ".subckt other", "no subcircuit layer_relu"),
        (r"^\.subckt network", ".subckt other", "no subcircuit network"),
        (r"^Xrelu\n\+ vdd vss", "Xrelu\n+ vss vdd", "layer relu is not connected once"),
    ],
)
def test_a_network_without_its_layers_is_refused(find: str, put: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        edited(find, put)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2e-06", 2e-6), ("2u", 2e-6), ("10MEG", 1e7), ("3m", 3e-3), ("1.5nA", 1.5e-9), ("7V", 7.0)],
)
def test_numbers_have_suffixes(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "{w}", "a", "1*2", "'x'"])
def test_anything_else_is_no_number(text: str) -> None:
    assert number(text) is None


def test_statements_are_joined_and_bare() -> None:
    text = "* title\nXa 1 2 ; note\n+ 3\n\n*\nV1 a b 2\n"
    assert list(statements(text)) == ["Xa 1 2 3", "V1 a b 2"]
