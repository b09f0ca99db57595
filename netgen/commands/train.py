"""``netgen train``."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from netgen.commands.options import PATH, replace_option
from netgen.commands.output import progress_hidden
from netgen.errors import UsageError
from netgen.model.load import MODEL_NAME
from netgen.project.results import results, write_results
from netgen.report.index import write_index
from netgen.report.studies.training import TrainingReport, training_files
from netgen.report.text import percent
from netgen.simulators import cache_folder
from netgen.training.corpus import SPLITS, Corpus
from netgen.training.dataset import Dataset, prepare
from netgen.training.frontend import DEFAULT, FRONT_ENDS
from netgen.training.needs import need
from netgen.training.opening import open_corpus
from netgen.training.task import KINDS, Kind, Task, make_task

if TYPE_CHECKING:  # torch: not for a usage error
    from netgen.training.network import Architecture
    from netgen.training.recipe import Recipe
    from netgen.training.session import Base
    from netgen.training.structured import ChipErrors
    from netgen.training.teacher import Teacher

KIND = "train"
_SHOWN = 5
_FEW = 20
"""With fewer recordings of a class a share of them is uncertain by more than 20 points."""
CHIPS = ("independent", "structured", "trimmed")


@click.command("train")
@click.argument("data", type=PATH, metavar="DATA")
@click.option("-o", "--output", type=PATH, required=True, metavar="DIR", help="Where results go.")
@replace_option
@click.option(
    "--task",
    "kind",
    type=click.Choice(KINDS),
    default="keyword",
    show_default=True,
    help="Keywords from the rest, every label a class, or a Speech Commands task.",
)
@click.option("-k", "--keyword", "keywords", multiple=True, metavar="WORD", help="Repeatable.")
@click.option("-d", "--units", type=click.IntRange(1, 256), help="State units.  [default: 4]")
@click.option("-n", "--layers", type=click.IntRange(1, 16), help="Layers.  [default: 2]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--seeds",
    type=click.IntRange(1, 256),
    help="Networks started side by side; the best are kept.  [default: 128 / units, 32 at most; "
    "to fine-tune 16 / units, 4 at most]",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Steps of plain training; hardening takes a third as many more.  [default: 3000]",
)
@click.option(
    "--features",
    type=click.Choice(tuple(FRONT_ENDS)),
    help=f"What the front end delivers.  [default: {DEFAULT}]",
)
@click.option(
    "--test-speaker",
    "test_speakers",
    multiple=True,
    metavar="NAME",
    help="Keep this speaker for the test alone; repeatable.",
)
@click.option(
    "--augment/--no-augment",
    default=None,
    help="Train on altered copies too.  [default: if the test speakers are not in training]",
)
@click.option(
    "--teacher/--no-teacher",
    default=True,
    show_default=True,
    help="Learn the answers of a larger network, trained first, beside the labels.",
)
@click.option("--plain", is_flag=True, help="Train without regard to the circuit.")
@click.option(
    "--chips",
    type=click.Choice(CHIPS),
    default=CHIPS[0],
    show_default=True,
    help="Virtual chips of hardening: every parameter off by 5 % by itself; each transistor off as "
    "in the default technology at its drawn size; the same with trimmed cells.",
)
@click.option(
    "--fine-tune", "base_file", type=PATH, metavar="MODEL.json", help="Harden this model instead."
)
@click.option("--name", metavar="NAME", help="The model's name.  [default: made from the task]")
@click.option(
    "--samples",
    "count",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Test samples to write.",
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
def train_command(
    data: Path,
    output: Path,
    replace: bool,
    kind: Kind,
    keywords: tuple[str, ...],
    units: int | None,
    layers: int | None,
    seed: int,
    seeds: int | None,
    steps: int | None,
    features: str | None,
    test_speakers: tuple[str, ...],
    augment: bool | None,
    teacher: bool,
    plain: bool,
    chips: str,
    base_file: Path | None,
    name: str | None,
    count: int,
    threads: int,
) -> None:
    """Train a network on the recordings in DATA and write model.json, samples and a report.

    DATA is Speech Commands, Free Spoken Digits or any folder of LABEL/FILE.wav. The command
    continues where it was interrupted when it is given again. The test split is never used for a
    choice.
    """
    if base_file is not None and (plain or units or layers or features):
        raise UsageError(
            "--fine-tune keeps the model's size and features and hardens it: "
            "drop --plain, -d, -n, --features"
        )
    if name is not None and not MODEL_NAME.fullmatch(name):
        raise UsageError(f"--name {name}: use A-Z a-z 0-9 _ . - and at most 100 of them")
    corpus = open_corpus(data, test_speakers)
    task = make_task(corpus, kind, keywords)
    altered = corpus.tests_unheard if augment is None else augment
    need("torch").set_num_threads(threads)
    _train(
        corpus,
        task,
        output,
        replace,
        base_file,
        _Choices(
            units or 4,
            layers or 2,
            seed,
            seeds,
            steps,
            features or DEFAULT,
            altered,
            teacher,
            plain,
            chips,
            name,
            count,
        ),
    )


@dataclass(frozen=True)
class _Choices:
    units: int
    layers: int
    seed: int
    seeds: int | None
    steps: int | None
    features: str
    augment: bool
    teacher: bool
    plain: bool
    chips: str
    name: str | None
    samples: int


def _train(
    corpus: Corpus,
    task: Task,
    output: Path,
    replace: bool,
    base_file: Path | None,
    choices: _Choices,
) -> None:
    from netgen.training.network import Architecture
    from netgen.training.recipe import default_recipe
    from netgen.training.session import check_base, load_base

    base = None if base_file is None else load_base(base_file)
    if base is None:
        channels = FRONT_ENDS[choices.features].channels
        arch = Architecture(channels, choices.units, choices.layers, len(task.classes))
    else:
        check_base(base, task, str(base_file))
        arch = base.arch
    recipe = default_recipe(
        arch,
        seed=choices.seed,
        starts=choices.seeds,
        steps=choices.steps,
        plain=choices.plain,
        taught=choices.teacher,
        fine_tune=base is not None,
        errors=_errors(choices.chips),
    )
    if base_file is not None and base_file.resolve() == (output / "model.json").resolve():
        raise UsageError(f"{base_file} would be overwritten; choose another folder with -o")
    name = choices.name or _default_name(task, arch.units)
    with results(output, KIND, name, replace):
        _train_into(output, corpus, task, arch, recipe, base, name, choices)


def _train_into(
    output: Path,
    corpus: Corpus,
    task: Task,
    arch: Architecture,
    recipe: Recipe,
    base: Base | None,
    name: str,
    choices: _Choices,
) -> None:
    """Read, train, and write all files at the end."""
    from netgen.training.outcome import make_report
    from netgen.training.session import finish_model, model_files, pick_samples, train_network

    started = time.process_time()
    mapping = None if base is None else base.mapping
    wanted = sum(task.class_of(recording.label) is not None for recording in corpus.recordings)
    with _progress("reading", wanted) as bar:
        data = prepare(
            corpus, task, augment=choices.augment, features=choices.features, mapping=mapping,
            cache=cache_folder() / "features", step=lambda: bar.update(1),
        )  # fmt: skip
    cpu_s = {"reading": time.process_time() - started}
    _say_data(corpus, data, task.classes)
    teacher, cpu_s["teacher"] = _teacher(recipe, data, arch.classes)
    with _progress("training", recipe.steps) as bar:
        trained, first = train_network(arch, recipe, data, output, base, teacher, bar.update)
    cpu_s["training"] = trained.cpu_s
    if first:
        click.echo(f"continued from step {first} of {recipe.steps}")
    meta = {
        "data": corpus.layout,
        "task": task.kind,
        "validation_score": trained.score,
        "operating_point": list(trained.offsets),
    }
    model = finish_model(arch, recipe, data, task, name, trained, meta)
    samples = pick_samples(data.test, len(task.classes), choices.samples, choices.seed)
    report = make_report(recipe, data, corpus, model, trained, cpu_s, _rerun())
    files = model_files(model, samples) | training_files(report)
    for kept in write_results(output, KIND, files):
        click.secho(f"{output}: a file that was edited is now {kept.name}", fg="yellow")
    write_index(output)
    _say_result(output, report, len(samples))


def _teacher(recipe: Recipe, data: Dataset, classes: int) -> tuple[Teacher | None, float]:
    """Train the teacher where it has a share, and return it with its CPU seconds."""
    from netgen.training.teacher import make_teacher

    if not recipe.taught:
        return None, 0.0
    started = time.process_time()
    with _progress("teacher", recipe.lesson.steps) as bar:
        teacher = make_teacher(
            data.train, data.pool, data.mapping.front, classes, recipe.seed, recipe.lesson,
            cache=cache_folder() / "teachers", step=lambda: bar.update(1),
        )  # fmt: skip
    return teacher, time.process_time() - started


def _errors(chips: str) -> ChipErrors | None:
    """Return the errors of virtual chips' transistors, None for independent parameters."""
    if chips == CHIPS[0]:
        return None
    from netgen.project import BuildOptions, resolve_options
    from netgen.training.structured import chip_errors
    from netgen.trim import CodeRange

    technology, _, unit = resolve_options(BuildOptions())
    return chip_errors(technology, unit, CodeRange().step if chips == "trimmed" else None)


def _progress(label: str, length: int) -> Any:
    return click.progressbar(
        length=length,
        label=label,
        file=sys.stderr,
        show_eta=True,
        hidden=progress_hidden(),
    )


def _default_name(task: Task, units: int) -> str:
    words = "-".join(task.named) if task.kind == "keyword" else task.kind
    return f"kws-{re.sub('[^A-Za-z0-9_.-]', '_', words)[:60]}-d{units}"


def _rerun() -> str:
    return shlex.join(["netgen", *sys.argv[1:]])


def _say_data(corpus: Corpus, data: Dataset, classes: Sequence[str]) -> None:
    """State what was read, and every repair with its count."""
    counts = f"{len(data.train)} training, {len(data.validation)} validation, {len(data.test)} test"
    click.echo(f"{corpus.root}: {corpus.layout}, {counts} samples at {data.mapping.rate} Hz")
    for repair, number in data.repairs.items():
        click.echo(f"  {number} recordings {repair}")
    for split, part in zip(SPLITS, (data.train, data.validation, data.test), strict=True):
        by_class = np.bincount(part.y, minlength=len(classes))
        few = int(by_class.min())
        if few < _FEW:
            what = f"{split}: the class {classes[int(by_class.argmin())]} has {few}"
            said = f"{what} recordings; with fewer than {_FEW} a class its figures mean little"
            click.secho(f"warning: {said}", fg="yellow", err=True)
    for remark in corpus.remarks:
        click.echo(f"  {remark}")
    if data.left_out:
        click.secho(f"  {len(data.left_out)} files left out:", fg="yellow", err=True)
        for problem in data.left_out[:_SHOWN]:
            click.echo(f"    {problem}", err=True)
        if len(data.left_out) > _SHOWN:
            click.echo("    … all are listed in training.json", err=True)


def _say_result(output: Path, report: TrainingReport, samples: int) -> None:
    click.echo(
        f"{report.name}: {percent(report.balanced_accuracy)} balanced accuracy on "
        f"{report.confusion.sum()} test samples"
    )
    for forecast in report.forecasts:
        if forecast.spread:
            click.echo(
                f"  {forecast.chips} virtual chips off by {100 * forecast.spread:g} %: accuracy "
                f"{percent(forecast.accuracy)}, states {percent(forecast.states)}"
            )
    click.echo(f"  {report.races:.3g} predicted race events a sample")
    click.echo(f"  {sum(report.cpu_s.values()):.0f} s of CPU time")
    click.echo(f"{output / 'model.json'}, {output / 'samples.npz'} ({samples} test samples)")
    click.echo(f"report: {output / 'training.html'}")
