"""``netgen tapeout``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import click

from netgen.commands.actions import open_action
from netgen.commands.layout import layout_progress, say_opinions
from netgen.commands.options import deck_option, edited_option, folder_argument, integer_option
from netgen.layout.assemble import Choices
from netgen.project.tapeout import About, not_run
from netgen.project.tapeout import tapeout as write_submission


@click.command("tapeout")
@folder_argument
@click.option("--target", required=True, help="ttgf-1x2, or block for a macro of any chip.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="[default: DIR/tapeout/TARGET]"
)
@integer_option("--seed", least=0, default=0)
@click.option("--author", default="", help="For info.yaml.")
@click.option(
    "--license",
    "licence",
    type=click.File(encoding="utf-8"),
    help="A text that becomes the submission's LICENSE.",
)
@deck_option
@edited_option
def tapeout_command(
    folder: Path,
    target: str,
    output: Path | None,
    seed: int,
    author: str,
    licence: TextIO | None,
    decks: tuple[str, ...],
    edited: bool,
) -> None:
    """Draw the circuit of DIR into a shuttle's tile, with all that a submission needs.

    Writes a new folder. The build must have the tile's supply (--vdd 3.3).
    """
    build = open_action(folder, edited)
    where = output or folder / "tapeout" / target
    about = About(author, None if licence is None else licence.read())
    with layout_progress("drawing", decks) as progress:
        done = write_submission(build, target, where, Choices(seed=seed), progress, about, decks)
    if done.tile is not None:
        for port, pin in done.tile.pins.items():
            click.echo(f"  {pin:<10}{port}")
        for port in done.tile.inside:
            click.echo(f"  no pin    {port}")
    for problem in done.problems[:10]:
        click.echo(f"{where}: {problem}")
    if done.tile is not None and licence is None:
        click.echo(f"{where}: holds no LICENSE; add one, or name it with --license")
    result = "NOT clean" if done.problems else "design rules and LVS clean"
    click.echo(f"{where}: {result}; not run: {not_run(done.opinions)}")
    say_opinions(str(where), done.opinions)
    sys.exit(1 if done.problems else 0)
