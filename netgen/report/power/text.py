"""Power and area for the pages: numbers as a person reads them."""

from __future__ import annotations

from netgen.analysis import PowerFigures
from netgen.report.comparison.provenance import BuildSummary
from netgen.report.page import Table, plain_rows
from netgen.report.power.document import MEANINGS
from netgen.report.text import percent
from netgen.units import engineering


def block_rows(build: BuildSummary) -> list[tuple[str, ...]]:
    """Return kinds of block, those with most transistors first: count, gate and drawn area."""
    rows: list[tuple[str, ...]] = []
    for kind, count in sorted(build.devices_by_block.items(), key=lambda item: -item[1]):
        area = build.area_by_block.get(kind)
        sizes = ("", "") if area is None else (_square(area.gate_m2), _square(area.drawn_m2))
        rows.append((kind, str(count), *sizes))
    return rows


def _square(area: float) -> str:
    return f"{area * 1e12:.0f}"


def power_table(figures: PowerFigures) -> Table:
    """Return kinds of block, then layers, then everything."""
    entries = [(name, MEANINGS[name], entry) for name, entry in figures.groups["block"].items()]
    entries += [(name, "layer", entry) for name, entry in figures.groups["layer"].items()]
    entries.append(("total", "", figures.total))
    columns = ("block or layer", "what", ">average", ">share", ">peak", ">a sample", ">a frame")
    rows = [
        (
            name,
            meaning,
            engineering(entry.average_w, "W"),
            percent(entry.average_w / figures.total.average_w),
            engineering(entry.peak_w, "W"),
            engineering(entry.energy_sample_j, "J"),
            engineering(entry.energy_frame_j, "J"),
        )
        for name, meaning, entry in entries
    ]
    return Table("Supply power by kind of block and by layer", columns, plain_rows(rows))
