"""``netgen export``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from netgen.commands.actions import open_action
from netgen.commands.options import PATH, edited_option, folder_argument, replace_option
from netgen.project import TARGETS, Build, Target, export


@click.command("export")
@folder_argument
@click.option(
    "--to",
    type=click.Choice(TARGETS),
    multiple=True,
    required=True,
    help="Simulator (a deck of one sample), netlist of the circuit alone, or schematics; "
    "repeatable. Only ngspice is ever run by netgen.",
)
@click.option(
    "-o", "--output", type=PATH, metavar="OUT", help="Where to write.  [default: DIR/export]"
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    metavar="N",
    help="The simulated sample that decks run, from 0.  [default: the first, or one made up]",
)
@click.option(
    "--nodes", is_flag=True, help="Decks save the voltage of every net, inside cells too."
)
@replace_option
@edited_option
def export_command(
    folder: Path,
    to: tuple[Target, ...],
    output: Path | None,
    sample: int | None,
    nodes: bool,
    replace: bool,
    edited: bool,
) -> None:
    """Hand the circuit of DIR over to other tools.

    What is written names no file outside of its own folder, which may be moved as a whole. An
    ngspice deck is the one that netgen ran, and a control block that writes a waveform file and a
    plot.
    """
    export_action(open_action(folder, edited), to, output, sample, nodes, replace)


def export_action(
    build: Build,
    to: Collection[Target],
    output: Path | None = None,
    sample: int | None = None,
    nodes: bool = False,
    replace: bool = False,
) -> None:
    """Write the files and name them."""
    files, kept = export(build, to, output, sample, nodes, replace)
    for each in kept:
        click.secho(f"your edited file is now {each}", fg="yellow", err=True)
    for folder in dict.fromkeys(file.parent for file in files):
        names = [file.name for file in files if file.parent == folder]
        written = names[0] if len(names) == 1 else f"{len(names)} files"
        click.echo(f"{folder}: {written if len(names) > 4 else ', '.join(names)}")
