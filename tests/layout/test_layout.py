"""Layouts: any devices, the same bytes, what is refused, the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from command_line import netgen
from layout_cases import Case, devices, drawn, network, simple

from netgen.circuit.netlist import Device, Statement
from netgen.errors import ConfigurationError
from netgen.layout.assemble import Choices
from netgen.layout.canvas import layout_of, write_gds
from netgen.layout.checks import rule_count
from netgen.layout.draw import levels
from netgen.layout.lef import lef_text
from netgen.layout.matching import mirror_groups
from netgen.layout.process import load_process
from netgen.technology import Geometry, load_technology

pytest.importorskip("klayout.db")


@pytest.mark.parametrize("seed", range(6))
def test_any_devices_are_drawn_by_the_rules(seed: int) -> None:
    case = drawn(devices(seed, 15, 8), Choices(effort=0.02, seed=seed))
    checks = case.checks()
    assert [str(each) for each in checks.violations] == []
    assert checks.comparison.differences == ()


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_any_number_of_rows_is_clean(rows: int) -> None:
    assert drawn(simple(), Choices(rows=rows)).checks().clean


@pytest.mark.parametrize("polarity", ["nmos", "pmos"])
def test_one_transistor_is_a_layout(polarity: str) -> None:
    one = next(d for d in simple().transistors.values() if d.polarity == polarity)
    assert drawn(network([one], [one.drain])).checks().clean


def test_extracted_sizes_are_those_of_the_record() -> None:
    checks = drawn(simple()).checks()
    found = sorted(
        (round(d.parameter("W"), 3), round(d.parameter("L"), 3))
        for d in checks.extraction.circuit.each_device()
    )
    assert (0.22, 7.0) in found
    assert (2.5, 2.0) in found  # 5 µm in two parts
    assert (5.0, 2.0) not in found


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        case = drawn(devices(3, 20, 8), Choices(effort=0.5, seed=seed))
        path = tmp_path / f"{name}.gds"
        write_gds(layout_of(case.made.canvas, case.process, case.task.name), path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def crossed(case: Case) -> set[str]:
    """Return the wires that cross a gate of the record, with a part of it below them."""
    boxes, found = case.made.canvas.boxes, set[str]()
    where = levels(case.made.floor, case.process)
    for row, level in zip(case.made.floor.standing, where, strict=True):
        for each in (each for each in row if not each.finger.device.startswith("dummy")):
            left = each.x + (each.shape.span - each.finger.length) // 2
            low, high = sorted((level.base, level.base + level.sign * each.finger.width))
            for layer in ("metal1", "metal2", "metal3"):
                found |= {
                    layer for a, b, c, d in boxes[layer]
                    if a < left + each.finger.length and c > left and b < high and d > low
                }  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(3))
def test_no_wire_crosses_a_gate_where_none_may(seed: int) -> None:
    netlist = devices(seed, 15, 8)
    usual, clear = (
        drawn(netlist, Choices(effort=0.02, seed=seed, clear=clear)) for clear in (False, True)
    )
    assert {"metal2", "metal3"} <= crossed(usual)
    assert crossed(clear) == set()
    assert clear.checks().clean


def test_enough_rules() -> None:
    assert rule_count(load_process(load_technology("gf180mcu"))) >= 100


def test_mirrors_stand_together_and_alike() -> None:
    case = drawn(simple())
    groups = mirror_groups(case.made.floor, levels(case.made.floor, case.process), case.task)
    by_net = {group.net: group for group in groups}
    for net, fingers in (("a", 3), ("p", 3), ("b", 5)):
        group = by_net[net]
        assert (group.fingers, group.rows, group.turned, group.neighbours) == (fingers, 1, 0, 1.0)
        assert group.farthest_m < 15e-6


def test_lef_names_every_port_once() -> None:
    case = drawn(simple())
    text = lef_text("block", (10_000, 5_000), (), case.process)
    assert "SIZE 10.000 BY 5.000 ;" in text
    assert "MACRO block" in text


def changed(**changes: object) -> Device:
    device = simple().transistors["c1"]
    return replace(device, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (changed(geometry=Geometry(0.1e-6, 2e-6)), "c1: W = 0.1 µm, outside"),
        (changed(geometry=Geometry(2e-6, 60e-6)), "c1: L = 60 µm, outside"),
        (changed(geometry=Geometry(2.001e-6, 2e-6)), "c1: W = 2.001 µm is not on the grid"),
        (changed(geometry=Geometry(2e-6, 2e-6, 0)), "c1: m = 0"),
        (changed(extra="nf=2"), "c1: nf=2 cannot be drawn"),
        (changed(terminals=("p", "a", "vss", "p")), "c1: its bulk is p, not vss"),
    ],
)
def test_what_cannot_be_drawn_is_named(device: Device, said: str) -> None:
    with pytest.raises(ConfigurationError, match="netlist") as caught:
        drawn(network([device], ["a"]))
    assert said in str(caught.value)


def test_other_elements_cannot_be_drawn() -> None:
    edited = replace(simple(), outside=(Statement("R1 a b 1k", ("a", "b")),))
    with pytest.raises(ConfigurationError, match="R1 a b 1k"):
        drawn(edited)


def test_technology_without_layout_data_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"holds no layout\.toml.*gf180mcu"):
        load_process(load_technology("generic180"))


def test_layout_of_no_build_is_refused(tmp_path: Path) -> None:
    done = netgen("layout", tmp_path)
    assert done.exit_code == 3
    assert "is no build folder" in done.output
