"""``netgen noise``."""

from __future__ import annotations

from pathlib import Path

import click

from netgen.analysis.noise.network import PLACES, Case, Immunity, NoiseSampling, Place
from netgen.analysis.noise.statistics import Interval
from netgen.commands import options as shared
from netgen.commands.output import followed
from netgen.errors import UsageError
from netgen.model import load_model, load_samples, random_model
from netgen.project.studies.noise import NoiseChoices, noise_immunity

RANDOM_SAMPLES = 32


@click.command("noise")
@shared.model_argument
@shared.samples_argument
@shared.output_option
@shared.replace_option
@click.option(
    "--also",
    type=(shared.PATH, shared.PATH),
    multiple=True,
    metavar="MODEL SAMPLES",
    help="Another model and its samples; repeatable.",
)
@click.option(
    "--random",
    "sizes",
    type=(click.IntRange(min=1), click.IntRange(min=1)),
    multiple=True,
    metavar="D N",
    help="A random network of N layers of D cells too; repeatable.",
)
@click.option(
    "--levels",
    default="0.003,0.01,0.03,0.1,0.3",
    show_default=True,
    metavar="A,B,…",
    help="Noise, units rms.",
)
@click.option(
    "--at",
    "places",
    type=click.Choice(PLACES),
    multiple=True,
    help="Where noise is added; repeatable.  [default: everywhere in turn]",
)
@shared.integer_option("--repeats", default=5, help="Noise samples for each sample.")
@shared.integer_option(
    "--per-frame", default=1, help="Independent values in a frame: 2·B·T for noise up to B."
)
@shared.integer_option("--seed", least=0, default=1)
@shared.technology_options
def noise_command(
    model: Path,
    samples: Path,
    output: Path,
    replace: bool,
    also: tuple[tuple[Path, Path], ...],
    sizes: tuple[tuple[int, int], ...],
    levels: str,
    places: tuple[Place, ...],
    repeats: int,
    per_frame: int,
    seed: int,
    technology: shared.TechnologyOptions,
) -> None:
    """Say what noise does to MODEL's decisions and states on SAMPLES, by the software model.

    White noise at the inputs, at the rows that feed cells, or at all rows; and the noise that the
    circuit's own rows have. Writes noise.json and plots into DIR.
    """
    cases = [_case(*files) for files in ((model, samples), *also)]
    for units, layers in sizes:
        network = random_model(seed, state=units, layers=layers, samples=RANDOM_SAMPLES)
        cases.append(Case(*network))
    sampling = NoiseSampling(seed, repeats, per_frame)
    choices = NoiseChoices(tuple(places) or PLACES, _levels(levels), sampling)
    results = noise_immunity(cases, technology.build_options(), choices, output, replace)
    listed = list(followed(results, "noise", choices.result_count(cases)))
    click.echo("95 % intervals in brackets; noise in % of a unit rms")
    for result in listed:
        click.echo(_line(result))
    click.echo(f"results: {output / 'noise.json'}")


def _case(model: Path, samples: Path) -> Case:
    loaded = load_model(model)
    return Case(loaded, load_samples(samples, loaded))


def _levels(text: str) -> tuple[float, ...]:
    try:
        levels = tuple(sorted({float(word) for word in text.split(",")}))
    except ValueError:
        levels = ()
    if not levels or not all(0 < level < float("inf") for level in levels):
        raise UsageError(f"--levels {text}: write numbers above 0, such as 0.01,0.1")
    return levels


def _line(result: Immunity) -> str:
    parts = [f"{result.case} {result.place} {100 * result.level:.3g} %:"]
    for name in ("decisions", "states", "accuracy"):
        share: Interval | None = getattr(result, name)
        if share is not None:
            low, high = 100 * share.low, 100 * share.high
            parts.append(f"{name} {100 * share.value:.4g} % [{low:.3g}, {high:.3g}]")
    return " ".join(parts)
