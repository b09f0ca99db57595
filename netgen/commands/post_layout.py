"""The circuit without and with the wires of its layout, on the terminal."""

from __future__ import annotations

import click

from netgen.project.post_layout import SideBySide


def say_side_by_side(found: SideBySide) -> None:
    """Print figures of both."""
    click.echo(f"{found.schematic.samples} samples            without wires   with wires")
    for name, *values in found.rows:
        click.echo(f"  {name:<26}" + "".join(f"{value:>14}" for value in values))
