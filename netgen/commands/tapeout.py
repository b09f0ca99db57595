"""``netgen tapeout``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netgen.commands.layout import layout_progress
from netgen.commands.options import edited_option, folder_argument, integer_option
from netgen.commands.steps import open_step
from netgen.layout.assemble import Choices
from netgen.project.tapeout import NOT_RUN
from netgen.project.tapeout import tapeout as write_submission


@click.command("tapeout")
@folder_argument
@click.option("--target", required=True, help="ttgf-1x2, or block for a macro of any chip.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="[default: DIR/tapeout/TARGET]"
)
@integer_option("--seed", least=0, default=0)
@edited_option
def tapeout_command(
    folder: Path, target: str, output: Path | None, seed: int, edited: bool
) -> None:
    """Draw the circuit of DIR into a shuttle's tile, with all that a submission needs.

    Writes a new folder. The build must have the tile's supply (--vdd 3.3).
    """
    made = open_step(folder, edited)
    where = output or folder / "tapeout" / target
    with layout_progress("drawing") as told:
        done = write_submission(made, target, where, Choices(seed=seed), told)
    if done.tile is not None:
        for port, pin in done.tile.pins.items():
            click.echo(f"  {pin:<10}{port}")
        for port in done.tile.inside:
            click.echo(f"  no pin    {port}")
    for problem in done.problems[:10]:
        click.echo(f"{where}: {problem}")
    verdict = "NOT clean" if done.problems else "design rules and LVS clean"
    click.echo(f"{where}: {verdict}; not run: {NOT_RUN}")
    sys.exit(1 if done.problems else 0)
