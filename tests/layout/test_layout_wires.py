"""Capacitance of wires: reference wires by hand, and what the record makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layout_cases import drawn, simple

from netgen.circuit.netlist import Capacitor
from netgen.circuit.wires import with_wires
from netgen.layout.capacitance import capacitances, summed
from netgen.layout.process import Process, load_process
from netgen.netlist.write import network_body
from netgen.technology import load_technology

db = pytest.importorskip("klayout.db")
PROCESS = load_process(load_technology("gf180mcu"))
PLAIN = replace(PROCESS, fringes={})
LAYERS = ("comp", "poly2", "metal1", "metal2", "metal3")


def wires(
    *boxes: tuple[str, float, float, float, float], process: Process = PLAIN
) -> dict[int, float]:
    """Return the capacitance, fF, of nets of one rectangle each (layer and sides in µm).

    No edge sees another layer unless a process is given.
    """
    stack = {layer: [db.Region() for _ in boxes] for layer in LAYERS}
    for number, (layer, *sides) in enumerate(boxes):
        stack[layer][number].insert(db.Box(*(round(1000 * side) for side in sides)))
    names = [str(number) for number in range(len(boxes))]
    found = summed(stack, names, process)
    return {int(name): value.total * 1e15 for name, value in found.items()}


def test_a_wire_alone_has_area_and_edges() -> None:
    (found,) = wires(("metal2", 0, 0, 1, 100)).values()
    assert found == pytest.approx(100 * 0.0150 + 202 * 0.0333, rel=1e-9)
    assert found == pytest.approx(8.2, rel=0.01)


def test_crossing_wires_share_their_overlap() -> None:
    alone = [wires((layer, 0, 0, 1, 100))[0] for layer in ("metal2", "metal3")]
    both = wires(("metal2", -50, 50, 51, 51), ("metal3", 0, 0, 1, 100))
    assert both[0] - wires(("metal2", -50, 50, 51, 51))[0] == pytest.approx(0.0590, rel=1e-6)
    assert both[1] - alone[1] == pytest.approx(0.0590 - 0.0101, rel=1e-6)  # no area below there


def test_a_wire_hides_what_is_below_it() -> None:
    two = wires(("metal1", 0, 0, 10, 10), ("metal3", 0, 0, 10, 10))
    three = wires(("metal1", 0, 0, 10, 10), ("metal3", 0, 0, 10, 10), ("metal2", -1, -1, 11, 11))
    assert two[1] - three[1] == pytest.approx(100 * (0.0202 - 0.0590), rel=1e-6)


def test_neighbours_see_each_other_and_not_those_behind() -> None:
    alone = wires(("metal2", 0, 0, 0.28, 100))[0]
    pair = wires(("metal2", 0, 0, 0.28, 100), ("metal2", 0.56, 0, 0.84, 100))
    side = 0.0467 * 100 / (0.28 + 0.289)
    left = 2 / np.pi * np.arctan(0.69 * 0.28 * 15.0 / 34.5)  # of the fringe of a facing edge
    side -= 100 * 0.0333 * (1 - left)
    assert pair[0] - alone == pytest.approx(side, rel=1e-6)
    assert pair[1] - alone == pytest.approx(side, rel=1e-6)
    row = wires(*(("metal2", 0.56 * i, 0, 0.56 * i + 0.28, 100) for i in range(3)))
    assert row[0] == pytest.approx(pair[0], rel=1e-9)
    assert row[1] - alone == pytest.approx(2 * side, rel=1e-6)
    far = wires(("metal2", 0, 0, 0.28, 100), ("metal2", 9, 0, 9.28, 100))
    assert far[0] == pytest.approx(alone, rel=1e-9)


def test_an_edge_sees_the_layers_around_it() -> None:
    wire, plate = ("metal2", 0, 0, 1, 100), ("metal1", -10, -10, 110, 110)
    found = wires(wire, plate, process=PROCESS)
    assert found[0] == pytest.approx(100 * 0.0590 + 202 * 0.0476, rel=1e-6)


def test_a_neighbour_takes_less_of_the_fringe_the_farther_it_is() -> None:
    shares = [PROCESS.wires["metal1"].seen(gap * 1e-6) for gap in (0.0, 0.23, 1.0, 8.0, 1e6)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[1] == pytest.approx(0.0853, rel=2e-3)
    assert shares[-1] == pytest.approx(1.0, rel=1e-5)


def test_every_net_of_a_layout_has_wires() -> None:
    case = drawn(simple())
    checks = case.checks()
    found = capacitances(checks.extraction, checks.comparison.names, case.process)
    assert set(found) == {"a", "b", "i", "out", "p", "q", "set", "vdd", "vss"}
    assert all(0.2e-15 < own.total < 100e-15 for own in found.values())
    assert all(0.0 <= own.coupling < own.total for own in found.values())


def test_capacitors_are_elements_of_the_unit_that_drives_the_net() -> None:
    network = with_wires(simple(), {"a": 3e-15, "elsewhere": 1e-15})
    (unit,) = network.units
    assert unit.capacitors == (Capacitor("w_a", ("a", "0"), 3e-15),)
    assert unit.capacitors[0] in unit.elements
    text = network_body(network, load_technology("gf180mcu"))
    assert "Cw_a a 0 3e-15" in text
    assert network_body(with_wires(simple(), {}), load_technology("gf180mcu")) == network_body(
        replace(simple(), digest=""), load_technology("gf180mcu")
    )
