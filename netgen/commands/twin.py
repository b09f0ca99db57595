"""``netgen twin``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from netgen.analysis.variability.accuracy import population_accuracy
from netgen.analysis.variability.proportions import Proportion, proportion
from netgen.commands import options as shared
from netgen.commands.actions import open_action
from netgen.commands.output import followed
from netgen.document import Json
from netgen.files import sha256_of, write_whole
from netgen.model import decide, evaluate, load_samples
from netgen.project.grouped import contributions_of
from netgen.project.reading import held
from netgen.project.trim import trim_of_chips
from netgen.project.twin import BATCH, twin_decisions
from netgen.report.variability.accuracy import accuracy_document, accuracy_lines
from netgen.report.variability.contributions import contribution_lines
from netgen.schema import head
from netgen.units import counted


@click.command("twin")
@shared.folder_argument
@shared.samples_argument
@click.option("--samples", "picked", metavar="A:B", help="Which samples, such as 0:10 or 0,4.")
@click.option("--chips", type=click.IntRange(min=1), default=1000, show_default=True, metavar="N")
@shared.chip_options
@click.option(
    "--fast",
    is_flag=True,
    help="By one log-normal error a transistor: some 80 times faster, 99.5 % of decisions equal.",
)
@click.option("--trim", type=shared.PATH, metavar="FILE", help="Codes that netgen trim found.")
@click.option(
    "--temperature",
    type=float,
    metavar="°C",
    help="Of the chips; sizes, bias currents and codes stay as they are.  [default: the build's]",
)
@shared.edited_option
def twin_command(
    folder: Path,
    samples: Path,
    picked: str | None,
    chips: int,
    chosen_chips: shared.ChipOptions,
    fast: bool,
    trim: Path | None,
    temperature: float | None,
    edited: bool,
) -> None:
    """Predict what N chips of the build in DIR decide, without SPICE.

    The behavioural twin: the software model with the characterised errors of every device, for the
    same chips as netgen sim --monte-carlo. Writes DIR/twin.json and DIR/twin.html.
    """
    from netgen.report.studies.twin import write_twin  # matplotlib: not for --help

    variation = chosen_chips.variation()
    build = open_action(folder, edited)
    loaded = load_samples(samples, build.model)
    indices = shared.picked_of(picked, len(loaded))
    x = loaded.x[indices]
    settings, span, inputs = None, None, False
    if trim is not None:
        codes = trim_of_chips(build, trim, variation, chips).codes
        settings, span, inputs = codes.settings, codes.span, codes.inputs is not None
    batches = twin_decisions(build, x, variation, chips, fast, settings, temperature)
    classes = np.concatenate(list(followed(batches, "chips", -(-chips // BATCH))))
    readout = build.model.readout
    software = decide(readout, evaluate(build.model, x)[readout.node])
    agrees = classes == software
    whole = proportion(agrees.all(axis=1))
    votes = [proportion(column) for column in agrees.T]
    accuracy = None
    if loaded.y is not None:
        accuracy = population_accuracy(classes, software, loaded.y[indices])
    groups = None
    if variation.mismatch:
        groups = contributions_of(build, x, variation.seed, span, inputs, temperature)
    record: dict[str, Json] = {
        **head("twin"),
        "circuit": build.identity,
        "edited": list(build.edited),
        "chips": chips,
        "seed": variation.seed,
        "mismatch": variation.mismatch,
        "process": variation.process,
        "fast": fast,
        "temperature": build.options.temperature if temperature is None else temperature,
        "trim": None if trim is None else sha256_of(trim),
        "balanced_accuracy": None if accuracy is None else accuracy_document(accuracy),
        "contributions": None if groups is None else asdict(groups),
        "decision_agreement": float(agrees.mean()),
        "yield": _record(whole),
        "per_sample": [
            {"sample": index, "class_software": int(decision), "votes": _record(vote)}
            for index, decision, vote in zip(indices, software, votes, strict=True)
        ],
    }
    with held(build):
        write_whole(folder / "twin.json", json.dumps(record, indent=1) + "\n")
        names = [build.model.classes[decision] for decision in software]
        listed = list(zip(indices, (loaded.ids[at] for at in indices), names, strict=True))
        sources = {
            key: record[key]
            for key in ("circuit", "seed", "mismatch", "process", "fast", "temperature", "trim")
        }
        write_twin(folder, build.model.name, listed, votes, whole, sources, accuracy, groups)
    if accuracy is not None:
        for line in accuracy_lines(accuracy, "chips"):
            click.echo(line)
    by = "the fast chip model" if fast else "the behavioural twin"
    click.echo(f"decisions as software, by {by}: {agrees.mean():.2%} of {agrees.size}")
    assert whole.wilson is not None
    low, high = whole.wilson
    click.echo(
        f"chips that decide all {counted(len(indices), 'samples')} as software: "
        f"{whole.hits} of {chips} "
        f"(95 %: {low:.1%} … {high:.1%})"
    )
    for line in () if groups is None else contribution_lines(groups):
        click.echo(line)
    click.echo(f"{folder / 'twin.json'}, {folder / 'twin.html'}")


def _record(proportion: Proportion) -> Json:
    return asdict(proportion) | {"share": proportion.share}
