"""``netgen train``."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from netgen.commands.options import PATH, output_option, replace_option
from netgen.commands.output import progress, warn
from netgen.commands.train_options import CHIPS, TrainingOptions, training_options
from netgen.document import Json
from netgen.errors import UsageError
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
from netgen.training.task import TrainingTask, make_task

if TYPE_CHECKING:  # torch: not for a usage error
    from netgen.training.network import Architecture
    from netgen.training.passages import Passages, TriggerPoint
    from netgen.training.recipe import Recipe
    from netgen.training.session import Base
    from netgen.training.structured import ChipErrors
    from netgen.training.teacher import Teacher

KIND = "train"
_SHOWN = 5
_FEW = 20
"""With fewer recordings of a class a share of them is uncertain by more than 20 points."""


@click.command("train")
@click.argument("data", type=PATH, metavar="DATA")
@output_option
@replace_option
@training_options
def train_command(data: Path, output: Path, replace: bool, training: TrainingOptions) -> None:
    """Train a network on the recordings in DATA and write model.json, samples and a report.

    DATA is Speech Commands, Free Spoken Digits or any folder of LABEL/FILE.wav. The command
    continues where it was interrupted when it is given again. The test split is never used for a
    choice.
    """
    training.check()
    corpus = open_corpus(data, training.test_speakers)
    task = make_task(corpus, training.kind, training.keywords)
    need("torch").set_num_threads(training.threads)
    _train(corpus, task, output, replace, training)


def _train(
    corpus: Corpus, task: TrainingTask, output: Path, replace: bool, options: TrainingOptions
) -> None:
    from netgen.training.network import Architecture
    from netgen.training.recipe import default_recipe
    from netgen.training.session import check_base, load_base

    file = options.base_file
    base = None if file is None else load_base(file)
    if base is None:
        channels = FRONT_ENDS[options.features or DEFAULT].channels
        sizes = options.units or 4, options.layers or 2, len(task.classes), options.rungs
        arch = Architecture(channels, *sizes)
    else:
        check_base(base, task, str(file))
        arch = base.arch
    recipe = default_recipe(
        arch,
        seed=options.seed,
        starts=options.seeds,
        steps=options.steps,
        plain=options.plain,
        taught=options.teacher,
        fine_tune=base is not None,
        streams=options.streams,
        errors=None if options.plain else _errors(options.chips or CHIPS[0]),
    )
    if file is not None and file.resolve() == (output / "model.json").resolve():
        raise UsageError(f"{file} would be overwritten; choose another folder with -o")
    name = options.name or _default_name(task, arch)
    with results(output, KIND, name, replace):
        _train_into(output, corpus, task, arch, recipe, base, name, options)


def _train_into(
    output: Path,
    corpus: Corpus,
    task: TrainingTask,
    arch: Architecture,
    recipe: Recipe,
    base: Base | None,
    name: str,
    options: TrainingOptions,
) -> None:
    """Read, train, and write all files at the end."""
    from netgen.training.result import make_report
    from netgen.training.session import finish_model, model_files, pick_samples, train_network

    started = time.process_time()
    mapping = None if base is None else base.mapping
    altered = corpus.tests_unheard if options.augment is None else options.augment
    wanted = sum(task.class_of(recording.label) is not None for recording in corpus.recordings)
    with progress("reading", wanted) as bar:
        data = prepare(
            corpus, task, augment=altered, features=options.features or DEFAULT, mapping=mapping,
            cache=cache_folder() / "features", step=lambda: bar.update(1),
        )  # fmt: skip
    cpu_s = {"reading": time.process_time() - started}
    _say_data(corpus, data, task.classes)
    streams, cpu_s["streams"] = _streams(corpus, task, data, recipe)
    teacher, cpu_s["teacher"] = _teacher(recipe, data, arch.classes)
    with progress("training", recipe.steps) as bar:
        trained, first = train_network(
            arch, recipe, data, output, base, teacher, streams, bar.update
        )
    cpu_s["training"] = trained.cpu_s
    if first:
        click.echo(f"continued from step {first} of {recipe.steps}")
    meta: dict[str, Json] = {
        "data": corpus.layout,
        "task": task.kind,
        "validation_score": trained.score,
        "trigger": [[point.rate, point.offset, point.missed] for point in trained.trigger],
        "operating_point": list(trained.offsets),
    }
    model = finish_model(arch, recipe, data, task, name, trained, meta)
    samples, validation = (
        pick_samples(part, len(task.classes), options.count, options.seed)
        for part in (data.test, data.validation)
    )
    report = make_report(recipe, data, corpus, model, trained, cpu_s, _rerun())
    files = model_files(model, samples=samples, validation=validation) | training_files(report)
    for kept in write_results(output, KIND, files):
        click.secho(f"{output}: a file that was edited is now {kept.name}", fg="yellow")
    write_index(output)
    _say_result(output, report, len(samples), trained.trigger)


def _teacher(recipe: Recipe, data: Dataset, classes: int) -> tuple[Teacher | None, float]:
    """Train the teacher where it has a share, and return it with its CPU seconds."""
    from netgen.training.teacher import make_teacher

    if not recipe.taught:
        return None, 0.0
    started = time.process_time()
    with progress("teacher", recipe.lesson.steps) as bar:
        teacher = make_teacher(
            data.train, data.pool, data.mapping.front, classes, recipe.seed, recipe.lesson,
            cache=cache_folder() / "teachers", step=lambda: bar.update(1),
        )  # fmt: skip
    return teacher, time.process_time() - started


def _streams(
    corpus: Corpus, task: TrainingTask, data: Dataset, recipe: Recipe
) -> tuple[tuple[Passages, Passages] | None, float]:
    """Mix the streams of training and validation where some are heard, and return CPU seconds."""
    from netgen.training.passages import MINUTES, make_passages

    if not any(phase.passages for phase in recipe.phases):
        return None, 0.0
    started = time.process_time()
    with progress("mixing", sum(MINUTES.values())) as bar:
        train, validation = (
            make_passages(
                corpus, task.classes, data.mapping, split, cache_folder() / "streams",
                lambda: bar.update(1),
            )
            for split in MINUTES
        )  # fmt: skip
    return (train, validation), time.process_time() - started


def _errors(chips: str) -> ChipErrors | None:
    """Return the errors of virtual chips' transistors, None for independent parameters."""
    if chips == "independent":
        return None
    from netgen.project import BuildOptions, resolve_options
    from netgen.training.structured import chip_errors
    from netgen.trim import CodeRange

    technology, _, unit = resolve_options(BuildOptions())
    return chip_errors(technology, unit, CodeRange().step if chips == "trimmed" else None)


def _default_name(task: TrainingTask, arch: Architecture) -> str:
    ladder = "" if arch.rungs == 1 else f"-ladder{arch.rungs}"
    words = "-".join(task.named) if task.kind == "keyword" else task.kind
    return f"kws-{re.sub('[^A-Za-z0-9_.-]', '_', words)[:60]}-d{arch.units}{ladder}"


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
            warning = f"{what} recordings; with fewer than {_FEW} a class its figures mean little"
            warn(warning)
    for remark in corpus.remarks:
        click.echo(f"  {remark}")
    if data.left_out:
        click.secho(f"  {len(data.left_out)} files left out:", fg="yellow", err=True)
        for problem in data.left_out[:_SHOWN]:
            click.echo(f"    {problem}", err=True)
        if len(data.left_out) > _SHOWN:
            click.echo("    … all are listed in training.json", err=True)


def _say_result(
    output: Path, report: TrainingReport, samples: int, trigger: Sequence[TriggerPoint]
) -> None:
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
    for point in trigger:
        click.echo(
            f"  validation stream: misses {percent(point.missed)} at {point.rate:g} false alarms "
            f"an hour (netgen stream --offset {point.offset:g})"
        )
    click.echo(f"  {report.races:.3g} predicted race events a sample")
    click.echo(f"  {sum(report.cpu_s.values()):.0f} s of CPU time")
    click.echo(f"{output / 'model.json'}, {output / 'samples.npz'} ({samples} test samples)")
    click.echo(f"report: {output / 'training.html'}")
