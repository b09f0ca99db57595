"""The circuit without and with the wires of its layout, on the terminal."""

from __future__ import annotations

import click

from netgen.project.post_layout import SideBySide
from netgen.units import counted


def say_side_by_side(comparison: SideBySide) -> None:
    """Print figures of both."""
    click.echo(
        f"{counted(comparison.schematic.samples, 'samples'):<34}"
        f"{'without wires':>14}{'with wires':>14}"
    )
    for name, *values in comparison.rows:
        click.echo(f"  {name:<32}" + "".join(f"{value:>14}" for value in values))
