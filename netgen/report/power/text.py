"""Power and area for the pages: numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping

from netgen.analysis import PowerFigures
from netgen.analysis.power.consumption import Grouping
from netgen.report.comparison.provenance import BuildSummary
from netgen.report.page import Content, Table, plain_rows
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


def power_tables(figures: PowerFigures) -> list[Content]:
    """Return a table by kind of block and one by layer; each adds up to the same total."""
    return [
        _power_table("block", "Supply power by kind of block", figures, MEANINGS),
        _power_table("layer", "Supply power by layer", figures, {}),
    ]


def _power_table(
    grouping: Grouping, label: str, figures: PowerFigures, meanings: Mapping[str, str]
) -> Table:
    entries = [*figures.groups[grouping].items(), ("total", figures.total)]
    columns: tuple[str, ...] = (grouping, ">average", ">share", ">peak", ">a sample", ">a frame")
    columns += ("what",) if meanings else ()
    rows = [
        (
            name,
            engineering(entry.average_w, "W"),
            percent(entry.average_w / figures.total.average_w),
            engineering(entry.peak_w, "W"),
            engineering(entry.energy_sample_j, "J"),
            engineering(entry.energy_frame_j, "J"),
            *([meanings.get(name, "")] if meanings else []),
        )
        for name, entry in entries
    ]
    return Table(label, columns, plain_rows(rows))
