"""Layers under other names draw the same: code knows roles, data names."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_end_at
from layout_cases import quiet, simple

from netgen.errors import ConfigurationError
from netgen.layout.assemble import Choices
from netgen.layout.canvas import write_gds
from netgen.layout.lef import lef_text
from netgen.layout.make import Laid, lay_out
from netgen.layout.process import Process, load_process, process_of
from netgen.layout.tile import fill, load_target
from netgen.technology import load_technology

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytest.importorskip("klayout.db")
TECHNOLOGY = load_technology("gf180mcu")
PINS = {"a": "ua[0]", "out": "ua[1]", "set": "ui_in[0]"}


def data() -> dict[str, Any]:
    text = Path(load_process(TECHNOLOGY).source).read_text(encoding="utf-8")
    return tomllib.loads(text)


def renamed(entry: Any, names: set[str]) -> Any:
    if isinstance(entry, dict):
        return {renamed(key, names): renamed(value, names) for key, value in entry.items()}
    if isinstance(entry, list):
        return [renamed(each, names) for each in entry]
    return f"other_{entry}" if isinstance(entry, str) and entry in names else entry


def files(process: Process, layer: str, folder: Path) -> tuple[bytes, bytes, str, Laid]:
    """Return a block and a tile as GDS, the block's LEF, and the layout."""
    laid = lay_out(simple(), TECHNOLOGY, process, Choices(effort=0.0), quiet)
    target = load_target("ttgf-1x2", load_process(TECHNOLOGY))
    target = replace(target, facts={**target.facts, "layer": layer})
    tile = fill(laid, target, "tt_um_simple", PINS)
    assert tile.problems == ()
    written = []
    for layout in (laid.layout, tile.layout):
        write_gds(layout, folder / "layout.gds")
        written.append((folder / "layout.gds").read_bytes())
    return written[0], written[1], lef_text("a", laid.size, laid.terminals, process), laid


def test_a_layout_that_finds_no_room_says_so(tmp_path: Path) -> None:
    laid = lay_out(simple(), TECHNOLOGY, load_process(TECHNOLOGY), Choices(effort=0.0), quiet)
    with files_end_at(), pytest.raises(OSError, match=r"too large.*a\.gds"):
        write_gds(laid.layout, tmp_path / "a.gds")
    assert list(tmp_path.iterdir()) == []


def test_names_of_layers_are_data_alone(tmp_path: Path) -> None:
    given = data()
    process = process_of(given, "gf180mcu", tmp_path / "layout.toml")
    other = process_of(
        {**renamed(given, set(given["layers"])), "drawing": given["drawing"]},
        "gf180mcu",
        tmp_path / "layout.toml",
    )
    block, tile, lef, laid = files(process, "metal4", tmp_path)
    assert (block, tile, lef) == files(other, "other_metal4", tmp_path)[:3]
    assert laid.checks.clean


@pytest.mark.parametrize(
    ("role", "names"), [("wires", ["poly2", "metal1"]), ("cuts", ["contact", "via1"])]
)
def test_too_few_wires_are_refused(role: str, names: list[str]) -> None:
    given = data()
    given["roles"][role] = names
    with pytest.raises(ConfigurationError, match="four wires at least"):
        process_of(given, "gf180mcu", Path("layout.toml"))


def test_a_technology_without_layout_data_says_where_the_docs_say_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"SKY130.*docs/layout\.md"):
        load_process(load_technology("sky130"))
