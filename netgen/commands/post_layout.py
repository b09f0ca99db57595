"""The circuit without and with the wires of its layout, on the terminal."""

from __future__ import annotations

import click

from netgen.project.post_layout import SideBySide


def say_side_by_side(comparison: SideBySide) -> None:
    """Print figures of both."""
    click.echo(f"{comparison.schematic.samples} samples            without wires   with wires")
    for name, *values in comparison.rows:
        click.echo(f"  {name:<26}" + "".join(f"{value:>14}" for value in values))
