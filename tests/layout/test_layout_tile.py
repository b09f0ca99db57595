"""A block in a shuttle's tile: pins where the shuttle has them, wired, clean."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import netgen
from layout_cases import quiet, simple

from netgen.errors import UsageError
from netgen.layout.assemble import Choices
from netgen.layout.make import Laid, lay_out
from netgen.layout.process import load_process
from netgen.layout.tile import Tile, assigned, fill, load_target
from netgen.project.tapeout import workflow
from netgen.technology import load_technology

pytest.importorskip("klayout.db")
TECHNOLOGY = load_technology("gf180mcu")
PROCESS = load_process(TECHNOLOGY)
TARGET = load_target("ttgf-1x2", PROCESS)


@pytest.fixture(scope="module")
def laid() -> Laid:
    return lay_out(simple(), TECHNOLOGY, PROCESS, Choices(effort=0.1), quiet)


@pytest.fixture(scope="module")
def tile(laid: Laid) -> Tile:
    pins, inside = assigned(TARGET, ["a"], ["set"], ["out"])
    assert pins == {"a": "ua[0]", "out": "ua[1]", "set": "ui_in[0]"}
    assert inside == ()
    return fill(laid, TARGET, "tt_um_simple", pins)


@pytest.mark.parametrize(
    ("pin", "box"),
    [
        ("ua[0]", (325_820, 0, 328_820, 1_000)),
        ("ua[7]", (20_060, 0, 23_060, 1_000)),
        ("ena", (338_370, 324_360, 338_670, 325_360)),
        ("clk", (331_090, 324_360, 331_390, 325_360)),
        ("ui_in[0]", (316_530, 324_360, 316_830, 325_360)),
        ("uio_in[7]", (207_330, 324_360, 207_630, 325_360)),
        ("uo_out[0]", (200_050, 324_360, 200_350, 325_360)),
        ("uio_out[0]", (141_810, 324_360, 142_110, 325_360)),
        ("uio_oe[7]", (32_610, 324_360, 32_910, 325_360)),
    ],
)
def test_pins_are_where_the_shuttle_has_them(pin: str, box: tuple[int, int, int, int]) -> None:
    assert TARGET.pins[pin] == box
    assert len(TARGET.pins) == 51


def test_tile_is_clean_and_the_circuit(tile: Tile) -> None:
    assert tile.problems == ()
    box = tile.layout.cell("tt_um_simple").bbox()
    assert (box.left, box.bottom, box.right, box.top) == (0, 0, 346_640, 325_360)


def test_no_layer_takes_the_whole_way_to_a_gate(tile: Tile) -> None:
    """A line of gates alone has no diffusion that leads charge away while metal is etched."""
    left, bottom, right, _ = TARGET.pins["ui_in[0]"]
    cell, middle = tile.layout.cell(tile.top), (left + right) // 2
    longest = {}
    for layer in PROCESS.roles.wires[3:5]:
        index = tile.layout.find_layer(*PROCESS.layers[layer])
        boxes = [shape.bbox() for shape in cell.shapes(index).each() if shape.is_box()]
        heights = [b.height() for b in boxes if b.left < middle < b.right and b.width() < 1_000]
        longest[layer] = max(heights)
    way = sum(longest.values())
    assert bottom / 2 < way < bottom
    assert all(each < 0.55 * way for each in longest.values())


def test_a_pin_on_another_net_is_found(laid: Laid) -> None:
    wrong = fill(laid, TARGET, "tt_um_simple", {"a": "ua[0]", "out": "ua[1]"})
    assert wrong.problems == ()  # the switch's line stays inside: no pin is asked for
    moved = fill(laid, TARGET, "tt_um_simple", {"a": "ua[0]", "set": "uo_out[0]"})
    assert moved.problems  # an output that lies at ground


def test_too_many_pins_are_refused() -> None:
    with pytest.raises(UsageError, match="6 analog pins"):
        assigned(TARGET, [f"x{i}" for i in range(6)], [], ["out"])
    with pytest.raises(UsageError, match="no target 'moon'"):
        load_target("moon", PROCESS)


def test_workflow_hands_over_what_is_written() -> None:
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load(workflow(TARGET, "tt_um_simple"))["jobs"]
    assert list(jobs) == ["gds", "precheck", "viewer"]
    assert all(jobs[name]["needs"] == "gds" for name in ("precheck", "viewer"))
    given = jobs["gds"]["steps"][1]["with"]
    assert given["gds_path"] == "gds/tt_um_simple.gds"
    assert given["pdk"] == "gf180mcuD"


def test_tapeout_of_no_build_is_refused(tmp_path: Path) -> None:
    done = netgen("tapeout", tmp_path, "--target", "block")
    assert done.exit_code == 3
