"""``power.html``: where the supply power of a build's samples goes, and what takes the area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netgen.analysis import PowerFigures
from netgen.document import Json, number_at, table_at, text_at, whole_at
from netgen.report.page import Page, Section, Table, Text, plain_rows
from netgen.report.plot import Plot
from netgen.report.power.text import power_tables
from netgen.report.text import percent
from netgen.units import counted, engineering


def power_page(
    name: str,
    figures: PowerFigures,
    plots: Sequence[Plot],
    area: Mapping[str, Json],
    predicted: Mapping[str, Json],
    layout: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of the supply power.

    Parameters
    ----------
    area, predicted
        As in ``build.json``; may be empty.
    layout
        Facts about area and wires.
    """
    total, kinds = figures.total, figures.groups["block"]
    most = max(kinds, key=lambda kind: kinds[kind].average_w)
    summary = (
        f"{engineering(total.average_w, 'W')} on average over "
        f"{counted(figures.samples, 'samples')}; {most} "
        f"takes most, {percent(kinds[most].average_w / total.average_w)}."
    )
    facts = [
        ("supply power", engineering(total.average_w, "W")),
        ("peak", engineering(total.peak_w, "W")),
        ("energy a sample", engineering(total.energy_sample_j, "J")),
        ("energy a frame", engineering(total.energy_frame_j, "J")),
    ]
    if predicted:
        facts.append(
            ("predicted by the build", engineering(number_at(predicted, "average_w"), "W"))
        )
    facts += layout
    sections = [Section("power", "Where the power goes", [*plots, *power_tables(figures)], "Power")]
    if area:
        columns = ("block", ">transistors", ">gate area, µm²", ">drawn area, µm²")
        rows = [
            (kind, str(whole_at(area_of_kind, "transistors")),
             *(f"{number_at(area_of_kind, key) * 1e12:.0f}" for key in ("gate_m2", "drawn_m2")))
            for kind, area_of_kind in (*table_at(area, "by_block").items(), ("total", area))
        ]  # fmt: skip
        note = Text(f"Drawn area is an estimate: {text_at(area, 'assumption')}.", "note")
        table = Table("Transistors and area by kind of block", columns, plain_rows(rows))
        sections.append(Section("area", "What takes the area", [table, note], "Area"))
    return Page(name, "supply power", summary, sections, facts)
