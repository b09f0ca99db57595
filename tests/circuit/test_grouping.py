"""Groups of devices: each transistor in one, each drawn in its group's size, others as before."""

from __future__ import annotations

import pytest
from fake_technology import UNIT, fake_technology, ratio_drawn
from small_models import small_model

from netgen.circuit import Circuit, build_circuit
from netgen.circuit.blocks.groups import GATE_NETS, MIRRORS
from netgen.circuit.grouping import device_groups, group_names, refuse_groups
from netgen.circuit.synthesis import synthesise
from netgen.errors import UsageError
from netgen.model import from_dict
from netgen.netlist.write import network_body
from netgen.technology import Geometry, scaled, with_sizes

TECHNOLOGY = fake_technology()
NAMES = (*GATE_NETS, "thresh", "width", "gain", *MIRRORS)


def circuit_of(sizes: dict[str, float]) -> Circuit:
    unit = with_sizes(UNIT, {group: scaled(UNIT, by) for group, by in sizes.items()})
    return ratio_drawn(build_circuit(from_dict(small_model()), unit))


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
