"""``netgen init``."""

from __future__ import annotations

from pathlib import Path

import click

from netgen.commands.options import PATH
from netgen.project.starter import write_starter


@click.command("init")
@click.argument("folder", type=PATH, metavar="DIR")
def init_command(folder: Path) -> None:
    """Write a small model with notes, and samples for it, into DIR: a start for one of your own."""
    model, samples = write_starter(folder)
    click.echo(f"{model}: one memory cell; the notes are in its meta")
    click.echo(f"try: netgen run {model} {samples} -o {folder / 'out'}")
