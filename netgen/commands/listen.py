"""``netgen listen``."""

from __future__ import annotations

from pathlib import Path

import click

from netgen.commands.options import PATH, model_argument
from netgen.model import load_model
from netgen.report.text import percent
from netgen.training.listen import decide_by_software, hear


@click.command()
@model_argument
@click.argument("sound", type=PATH, metavar="FILE.wav")
def listen(model: Path, sound: Path) -> None:
    """Say which of its classes MODEL.json hears in one second of FILE.wav."""
    loaded = load_model(model)
    samples, repairs = hear(sound, loaded, str(model))
    for repair in repairs:
        click.echo(f"{sound}: {repair}", err=True)
    heard = decide_by_software(loaded, samples)
    votes = loaded.readout.rule == "majority_vote"
    lead = (
        f"leads by {percent(heard.margin)} of the votes"
        if votes
        else f"leads by {heard.margin:.3g}"
    )
    click.echo(f"{heard.decision} ({lead})")
