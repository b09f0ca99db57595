"""``netgen listen``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from netgen.commands.options import PATH, model_argument
from netgen.model import Model, Samples, load_model
from netgen.model.graph import Floats
from netgen.report.text import percent
from netgen.training.listen import Heard, decide_by_software, hear, judge


@click.command()
@model_argument
@click.argument("sound", type=PATH, metavar="FILE.wav")
@click.option(
    "--circuit", is_flag=True, help="Build the circuit and let its transistors decide, in ngspice."
)
def listen(model: Path, sound: Path, circuit: bool) -> None:
    """Say which of its classes MODEL.json hears in one second of FILE.wav."""
    loaded = load_model(model)
    samples, repairs = hear(sound, loaded, str(model))
    for repair in repairs:
        click.echo(f"{sound}: {repair}", err=True)
    software = decide_by_software(loaded, samples)
    if not circuit:
        click.echo(_sentence(software, loaded))
        return
    heard = judge(loaded, _simulate(loaded, samples))
    click.echo(_sentence(heard, loaded))
    agrees = "agrees" if heard.decision == software.decision else "DOES NOT AGREE"
    click.echo(f"software {agrees}: {_sentence(software, loaded)}", err=True)


def _sentence(heard: Heard, model: Model) -> str:
    if model.readout.rule == "majority_vote":
        return f"{heard.decision} (leads by {percent(heard.margin)} of the votes)"
    return f"{heard.decision} (leads by {heard.margin:.3g})"


def _simulate(model: Model, samples: Samples) -> Floats:
    """Return the readout of the model's circuit, (frames, classes), in software units."""
    from netgen.project import (
        BuildOptions,
        SimulationChoices,
        build,
        read_build,
        read_runs,
        simulate,
    )

    with tempfile.TemporaryDirectory(prefix="netgen-listen-") as scratch:
        folder = Path(scratch) / "circuit"
        build(model, folder, BuildOptions())
        made = read_build(folder)
        for step in simulate(made, samples, [0], SimulationChoices(jobs=1)):
            if step.failure is not None:
                raise step.failure
        return read_runs(made).traces(0).frames[model.readout.node]
