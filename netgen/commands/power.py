"""``netgen power``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from netgen.analysis import Consumption, PowerFigures
from netgen.analysis.power.consumption import GROUPINGS
from netgen.commands.actions import open_action
from netgen.commands.options import edited_option, folder_argument
from netgen.document import Json, number_at, table_at, text_at, whole_at
from netgen.project.power import power as measure
from netgen.units import counted, engineering


@click.command("power")
@folder_argument
@edited_option
def power_command(folder: Path, edited: bool) -> None:
    """Say where the supply power of the simulated samples of DIR went, and what takes the area.

    Writes power.html, power.json and plots of it into DIR.
    """
    build = open_action(folder, edited)
    figures, footprint = measure(build)
    click.echo(f"{folder}: {counted(figures.samples, 'samples')}")
    for grouping in GROUPINGS:
        click.echo(_line(grouping, ("average", "share", "peak", "a sample", "a frame")))
        for name, entry in figures.groups[grouping].items():
            click.echo(_line(name, _cells(entry, figures)))
        click.echo(_line("total", _cells(figures.total, figures)))
        click.echo()
    record: Mapping[str, Json] = {"area": {}, "predicted_power": {}, **build.record}
    for line in _area(table_at(record, "area")):
        click.echo(line)
    if footprint is not None:
        click.echo(f"  {footprint.summary}")
        click.echo()
    for line in _predicted(table_at(record, "predicted_power")):
        click.echo(line)
    click.echo(
        f"written: {folder / 'power.html'}, {folder / 'power.json'}, {folder / 'plots'}/power-*.png"
    )


def _cells(entry: Consumption, figures: PowerFigures) -> tuple[str, ...]:
    return (
        engineering(entry.average_w, "W"),
        f"{entry.average_w / figures.total.average_w:.1%}",
        engineering(entry.peak_w, "W"),
        engineering(entry.energy_sample_j, "J"),
        engineering(entry.energy_frame_j, "J"),
    )


def _line(name: str, cells: tuple[str, ...]) -> str:
    return "  " + f"{name:<14}" + "".join(f"{cell:>11}" for cell in cells)


def _area(area: Json) -> Iterator[str]:
    """Yield transistors and area by kind of block."""
    if not area:
        return
    yield _line("block", ("transistors", "gates", "drawn"))
    for name, entry in (*table_at(area, "by_block").items(), ("total", area)):
        squares = (f"{number_at(entry, key) * 1e12:.0f} µm²" for key in ("gate_m2", "drawn_m2"))
        yield _line(name, (f"{whole_at(entry, 'transistors')}", *squares))
    yield f"  drawn, an estimate: {text_at(area, 'assumption')}"
    yield ""


def _predicted(predicted: Json) -> Iterator[str]:
    if predicted:
        watts = engineering(number_at(predicted, "average_w"), "W")
        yield f"  predicted by the build, over the inputs it was sized for: {watts}"
