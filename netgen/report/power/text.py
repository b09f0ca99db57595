"""Power and area for the page: numbers as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass

from netgen.analysis import Comparison
from netgen.report.comparison.provenance import BuildSummary
from netgen.report.power.document import MEANINGS
from netgen.report.text import percent
from netgen.units import engineering


@dataclass(frozen=True)
class BlockRow:
    """One kind of block: its transistors and their area in µm², as text."""

    block: str
    count: int
    gate: str
    drawn: str


@dataclass(frozen=True)
class PowerRow:
    """What one kind of block, or one layer, takes from the supply, as text."""

    name: str
    meaning: str
    average: str
    share: str
    peak: str
    sample: str
    frame: str


def block_rows(build: BuildSummary) -> list[BlockRow]:
    """Return kinds of block, those with most transistors first."""
    rows = []
    for kind, count in sorted(build.devices_by_block.items(), key=lambda item: -item[1]):
        area = build.area_by_block.get(kind)
        gate, drawn = ("", "") if area is None else (_square(area.gate_m2), _square(area.drawn_m2))
        rows.append(BlockRow(kind, count, gate, drawn))
    return rows


def _square(area: float) -> str:
    return f"{area * 1e12:.0f}"


def power_rows(comparison: Comparison) -> list[PowerRow]:
    """Return kinds of block, then layers, then everything; nothing without figures."""
    figures = comparison.power
    if figures is None:
        return []
    entries = [(name, MEANINGS[name], entry) for name, entry in figures.groups["block"].items()]
    entries += [(name, "layer", entry) for name, entry in figures.groups["layer"].items()]
    entries.append(("total", "", figures.total))
    return [
        PowerRow(
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
