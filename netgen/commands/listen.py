"""``netgen listen``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from netgen._version import __version__
from netgen.commands.options import PATH, TechnologyOptions, model_argument, technology_options
from netgen.commands.output import give_document
from netgen.document import Json
from netgen.errors import UsageError
from netgen.model import Model, Samples, load_model
from netgen.model.graph import Floats
from netgen.project import BuildOptions
from netgen.report.text import percent
from netgen.schema import head
from netgen.training.listen import Classified, classify, decide_by_software, hear


@click.command("listen")
@model_argument
@click.argument("sound", type=PATH, metavar="FILE.wav")
@click.option(
    "--circuit", is_flag=True, help="Build the circuit and let its transistors decide, in ngspice."
)
@technology_options
def listen_command(model: Path, sound: Path, circuit: bool, technology: TechnologyOptions) -> None:
    """Say which of its classes MODEL.json hears in one second of FILE.wav.

    The options of the technology are those of the circuit (--circuit).
    """
    if not circuit and technology.given:
        raise UsageError("--pdk and the like are about the circuit; add --circuit")
    loaded = load_model(model)
    samples, repairs = hear(sound, loaded, str(model))
    for repair in repairs:
        click.echo(f"{sound}: {repair}", err=True)
    software = decide_by_software(loaded, samples)
    document = head("heard") | {"netgen": __version__, "repairs": list(repairs)}
    document |= {"software": _decision(software), "circuit": None}
    if not circuit:
        click.echo(_sentence(software, loaded))
        give_document(document)
        return
    classified = classify(loaded, _simulate(loaded, samples, technology.build_options()))
    give_document(document | {"circuit": _decision(classified)})
    click.echo(_sentence(classified, loaded))
    agrees = "agrees" if classified.decision == software.decision else "DOES NOT AGREE"
    click.echo(f"software {agrees}: {_sentence(software, loaded)}", err=True)


def _decision(classified: Classified) -> Json:
    return {"class": classified.decision, "margin": classified.margin}


def _sentence(classified: Classified, model: Model) -> str:
    if model.readout.rule == "majority_vote":
        return f"{classified.decision} (leads by {percent(classified.margin)} of the votes)"
    return f"{classified.decision} (leads by {classified.margin:.3g})"


def _simulate(model: Model, samples: Samples, options: BuildOptions) -> Floats:
    """Return the readout of the model's circuit, (frames, classes), in software units."""
    from netgen.project import SimulationChoices, build, read_build, read_runs, simulate

    with tempfile.TemporaryDirectory(prefix="netgen-listen-") as scratch:
        folder = Path(scratch) / "circuit"
        build(model, folder, options)
        opened = read_build(folder)
        for finished in simulate(opened, samples, [0], SimulationChoices(jobs=1)):
            if finished.failure is not None:
                raise finished.failure
        return read_runs(opened).traces(0).frames[model.readout.node]
