"""Groups of devices: each transistor in one, each drawn in its group's size, others as before."""

from __future__ import annotations

import pytest
from fake_technology import UNIT, fake_technology, ratio_drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import small_model

from netgen.circuit import Circuit, build_circuit
from netgen.circuit.blocks.groups import GATE_NETS, MIRRORS
from netgen.circuit.grouping import device_groups, group_names, refuse_groups
from netgen.circuit.synthesis import synthesise
from netgen.errors import UsageError
from netgen.model import Model, from_dict, random_model
from netgen.netlist.write import network_body
from netgen.technology import Geometry, scaled, with_sizes

TECHNOLOGY = fake_technology()
NAMES = (*GATE_NETS, "thresh", "width", "gain", *MIRRORS)


SMALL = from_dict(small_model())
TWO_LAYERS = random_model(1, state=2, layers=2, inputs=2, frames=4, samples=1)[0]


def circuit_of(sizes: dict[str, float], model: Model = SMALL) -> Circuit:
    unit = with_sizes(UNIT, {group: scaled(UNIT, by) for group, by in sizes.items()})
    return ratio_drawn(build_circuit(model, unit))


def read_at(node: str) -> Model:
    text = small_model()
    text["readout"]["node"] = node
    return from_dict(text)


def by_node(circuit: Circuit) -> dict[str, str]:
    return device_groups(circuit, synthesise(circuit, TECHNOLOGY), by_node=True)


PLACED = by_node(circuit_of({}, TWO_LAYERS))
LINES_AND_BIASES = sorted(n for n in set(PLACED.values()) if n.rpartition(".")[2] not in MIRRORS)


def test_every_transistor_that_copies_belongs_to_a_group() -> None:
    circuit = circuit_of({})
    netlist = synthesise(circuit, TECHNOLOGY)
    assert group_names(circuit) == NAMES
    found = device_groups(circuit, netlist)
    assert set(found.values()) == set(NAMES)
    rest = {name.rpartition(".")[2] for name in set(netlist.transistors) - set(found)}
    assert rest == {"switch", "m3", "m6"}  # what steers or starts copies nothing
    expected = {
        "x_0.diode": "x",
        "ref.diode": "reference",
        "relu_0.diode": "rows",
        "cand_1_to_p.copy": "candidates",
        "state_0.m1": "candidates",
        "state_0.m2": "thresh",
        "state_1_thresh.diode": "thresh",
        "state_0.m9": "width",
        "state_0.m5": "gain",
        "state_0.m4": "states",
        "state_0_to_n.diode": "states",
        "logits_0_from_x_0": "readout",
        "relu_1_bias": "weights",
    }
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize("node", ["post", "cand", "relu", "state", "out", "logits"])
def test_mirrors_are_of_the_group_whose_size_they_are_drawn_in(node: str) -> None:
    """A readout that copies a row has mirrors of its own: those into the row stay weights."""
    circuit = circuit_of({"weights": 2.0, "readout": 3.0}, read_at(node))
    netlist = synthesise(circuit, TECHNOLOGY)
    found = device_groups(circuit, netlist)
    drawn = {layer.prefix: layer.units for layer in netlist.layers}
    for layer in circuit.summing_layers:
        names = [each.name for unit in drawn[circuit.prefix(layer)] for each in unit.devices]
        (group,) = {found[name] for name in names}
        assert group == ("weights" if layer.kind == "relu" else "readout")
        assert circuit.unit.of(group) == circuit.units("x", layer)[1]


@pytest.mark.parametrize("group", [*GATE_NETS, "thresh", "width", "gain"])
def test_a_group_alone_is_drawn_in_its_size(group: str) -> None:
    plain, sized = circuit_of({}), circuit_of({group: 2.0})
    before = synthesise(plain, TECHNOLOGY).transistors
    after = synthesise(sized, TECHNOLOGY).transistors
    groups = device_groups(sized, synthesise(sized, TECHNOLOGY))
    assert list(after) == list(before)
    for name, device in after.items():
        by = 2.0 if groups.get(name) == group else 1.0
        assert device.geometry == scaled(before[name].geometry, by), name


def test_one_size_for_all_is_the_same_text() -> None:
    text = network_body(synthesise(circuit_of({}), TECHNOLOGY), TECHNOLOGY)
    assert network_body(synthesise(circuit_of({"x": 1.0}), TECHNOLOGY), TECHNOLOGY) == text
    sized = network_body(synthesise(circuit_of({"x": 3.0}), TECHNOLOGY), TECHNOLOGY)
    assert ".subckt diode_relu_x" in sized
    assert "_x " not in text.replace("l1_x ", "")


def test_what_cannot_be_sized_is_refused() -> None:
    with pytest.raises(UsageError, match="no group of devices 'inputs'; choose one of x, refer"):
        refuse_groups(circuit_of({"inputs": 2.0}))
    chain = small_model()
    chain["nodes"][5]["input"] = "again"
    again = {**chain["nodes"][4], "name": "again", "input": "state"}
    chain["nodes"].insert(5, again)
    unit = with_sizes(UNIT, {"x": Geometry(4e-6, 4e-6)})
    with pytest.raises(UsageError, match="cells that take the output of cells"):
        refuse_groups(build_circuit(from_dict(chain), unit))
    refuse_groups(build_circuit(from_dict(chain), UNIT))


def test_sizes_are_on_the_grid_and_within_the_process() -> None:
    found = TECHNOLOGY.check_unit(with_sizes(UNIT, {"x": Geometry(3.0011e-6, 3.0011e-6)}))
    assert found.of("x") == Geometry(3e-6, 3e-6)
    assert found.of("") == found.of("weights") == UNIT
    with pytest.raises(UsageError, match=r"0\.2 µm"):
        TECHNOLOGY.check_unit(with_sizes(UNIT, {"x": Geometry(0.2e-6, 0.2e-6)}))


def test_a_group_that_several_nodes_have_is_told_apart_by_node() -> None:
    expected = {
        "x_1.diode": "x",
        "l1_relu_0.diode": "l1.relu.rows",
        "l1_state_1.m1": "l1.cand.candidates",
        "l2_cand_0_to_p.copy": "l2.cand.candidates",
        "l2_state_1.m2": "l2.state.thresh",
        "l1_state_0_width.diode": "l1.state.width",
        "l2_state_0.m4": "l2.state.states",
        "l2_cand_1_from_l2_relu_1": "l2.cand.weights",
        "logits_0_from_x_0": "readout",
    }
    assert {name: PLACED.get(name) for name in expected} == expected


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(LINES_AND_BIASES), st.sampled_from([0.5, 1.0, 2.0, 3.5])),
    st.booleans(),
)
def test_groups_are_drawn_in_their_sizes_at_each_node(sizes: dict[str, float], all_: bool) -> None:
    plain = synthesise(circuit_of({}, TWO_LAYERS), TECHNOLOGY).transistors
    everywhere = {"thresh": 1.5} if all_ else {}
    sized = circuit_of(sizes | everywhere, TWO_LAYERS)
    after = synthesise(sized, TECHNOLOGY).transistors
    assert list(after) == list(plain)
    for name, device in after.items():
        place = PLACED.get(name, "")
        by = sizes.get(place, everywhere.get(place.rpartition(".")[2], 1.0))
        assert device.geometry == scaled(plain[name].geometry, by), name
    cells = {(layer.node, sized.cell_unit(layer)) for layer in sized.cells}
    for node, unit in cells:  # what is characterised is what is drawn
        for group in ("thresh", "width", "gain", "states"):
            assert unit.of(group) == sized.unit.of(group, node)


def test_the_size_of_a_layer_holds_at_its_nodes_but_where_a_node_has_another() -> None:
    unit = circuit_of({"rows": 2.0, "l2.rows": 3.0, "l2.post.rows": 1.0}, TWO_LAYERS).unit
    nodes = ("l1.relu", "l2.relu", "l2.post", "l20.relu")
    assert [unit.of("rows", node).width / UNIT.width for node in nodes] == [2, 3, 1, 2]
    assert unit.of("states", "l2.state") == UNIT
    assert with_sizes(UNIT, {"l1.rows": UNIT, "x": UNIT}) == UNIT


def test_mirrors_are_known_for_each_pair_of_sizes_that_is_drawn() -> None:
    sizes = {"x": 2.0, "l1.relu.rows": 3.0, "l2.weights": 0.5, "l2.cand.candidates": 1.5}
    circuit = circuit_of(sizes, TWO_LAYERS)
    x, rows, weights, candidates = (scaled(UNIT, by) for by in sizes.values())
    expected = {(UNIT, UNIT), (x, UNIT), (x, weights), (rows, UNIT), (UNIT, weights)}
    assert set(circuit.mirror_units) == expected | {(candidates, UNIT)}
    assert circuit_of({}, TWO_LAYERS).mirror_units == ((UNIT, UNIT),)


@pytest.mark.parametrize("name", ["l3.rows", "l1.cand.rows", "l1.", ".rows", "x.reference"])
def test_a_group_that_is_not_at_a_place_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"'{name}'.*one node or layer such as logits\.readout"):
        refuse_groups(circuit_of({name: 2.0}, TWO_LAYERS))
    refuse_groups(circuit_of({"l1.rows": 2.0, "l2.state.gain": 3.0}, TWO_LAYERS))


def test_two_sizes_with_one_name_in_a_netlist_are_refused() -> None:
    text = small_model()
    for node, name in (("relu", "a.b"), ("post", "a_b")):
        for each in text["nodes"]:
            for key, value in each.items():
                if value == node and key != "op":
                    each[key] = name
                elif isinstance(value, list) and node in value:
                    each[key] = [name if entry == node else entry for entry in value]
    both = {"a.b.rows": 2.0, "a_b.rows": 3.0}
    with pytest.raises(UsageError, match="two have one name"):
        refuse_groups(circuit_of(both, from_dict(text)))
