"""``netgen synth``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netgen.commands.options import PATH
from netgen.training.synth import SPEAKERS, make_script, speak


@click.command()
@click.argument("keywords", nargs=-1, required=True, metavar="KEYWORD...")
@click.option("-o", "--output", type=PATH, required=True, metavar="DIR", help="The folder to make.")
@click.option(
    "--other",
    "others",
    multiple=True,
    metavar="WORD",
    help="A word to tell keywords from; repeatable.  [default: twenty common words]",
)
@click.option(
    "--speakers",
    type=click.IntRange(8, SPEAKERS),
    default=48,
    show_default=True,
    help="Voices; 15 % of them each are kept for validation and for test.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def synth(
    keywords: tuple[str, ...], output: Path, others: tuple[str, ...], speakers: int, seed: int
) -> None:
    """Speak a keyword corpus with espeak-ng, in the layout of Speech Commands."""
    script = make_script(keywords, others, speakers, seed)
    with click.progressbar(
        length=script.recordings,
        label="speaking",
        file=sys.stderr,
        show_pos=True,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        speak(script, output, lambda: bar.update(1))
    words = len(script.keywords) + len(script.others)
    click.echo(f"{output}: {script.recordings} recordings of {words} words by {speakers} voices")
