"""``netgen trim``."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from netgen.analysis.variability.accuracy import (
    TrimmedChips,
    balanced_accuracy,
    population_accuracy,
)
from netgen.commands import options as shared
from netgen.commands.actions import open_action
from netgen.commands.output import followed, give_document
from netgen.commands.records import taking
from netgen.document import Json
from netgen.errors import UsageError
from netgen.files import is_netgen_page
from netgen.model import Samples, decide, evaluate, load_samples
from netgen.model.graph import Integers
from netgen.project.reading import Build, calibrated_for, held
from netgen.project.trim import (
    FILE,
    SampledChips,
    Trim,
    by_kind,
    initial_codes,
    refuse_foreign,
    sampled_chips,
    trim_of_measurements,
    write_trim,
)
from netgen.report.variability.accuracy import accuracy_document, accuracy_lines
from netgen.trim import CodeRange, Codes, trim_by_trial, trim_measured

RECORDINGS = 40
"""So many labelled samples a search by trial uses, if nothing else is asked for."""


@dataclass(frozen=True)
class _TrimResult:
    """Codes, and what the file says of how they were found."""

    codes: Codes
    method: str
    beyond: int | None = None
    error: float | None = None
    recordings: tuple[int, ...] = ()
    evaluations: int | None = None


@dataclass(frozen=True)
class TrimOptions:
    """How codes are found, and of what range."""

    bits: int | None
    ends: tuple[float, float] | None
    error: float
    trial: bool
    recordings: str | None
    evaluations: int
    inputs: bool
    measured: Path | None

    def span(self, build: Build) -> CodeRange:
        """Return the range of the codes.

        Raises
        ------
        UsageError
            It is none, or not that of the build's DACs.
        """
        if build.options.bias == "programmable":
            if self.bits is not None or self.ends is not None:
                raise UsageError("--bits and --range are those of the build's DACs; leave them out")
            return build.options.codes
        usual = CodeRange()
        bits = usual.bits if self.bits is None else self.bits
        return CodeRange(bits, *(self.ends or (usual.low, usual.high)))


@click.command("trim")
@shared.folder_argument
@click.argument("samples", type=shared.PATH, metavar="[SAMPLES]", required=False)
@click.option("--chips", type=click.IntRange(min=1), default=200, show_default=True, metavar="N")
@shared.chip_options
@taking(
    "search",
    TrimOptions,
    click.option("--bits", type=int, help="Of a code.  [default: 6, or those of the DACs]"),
    click.option(
        "--range",
        "ends",
        type=(float, float),
        metavar="LOW HIGH",
        help="Factors on the nominal current at the ends.  [default: 0.55 1.8, or the DACs']",
    ),
    click.option(
        "--error",
        type=click.FloatRange(min=0),
        default=0.0,
        show_default=True,
        help="Relative standard deviation of each measured current.",
    ),
    click.option(
        "--trial",
        is_flag=True,
        help="Search by trial on labelled SAMPLES instead of measuring cells.",
    ),
    click.option(
        "--recordings",
        metavar="A:B",
        help=f"Samples that the trial uses; the others test it.  "
        f"[default: half of them, {RECORDINGS} at most]",
    ),
    shared.integer_option(
        "--evaluations", default=300, metavar="N", help="Runs of its recordings through each chip."
    ),
    click.option("--inputs", is_flag=True, help="Set a digital gain in front of each input too."),
    click.option(
        "--measured",
        type=shared.PATH,
        metavar="FILE",
        help="Measurements of real chips (see netgen schema measurements); with --inputs those of "
        "their inputs too.",
    ),
)
@click.option("-o", "--output", type=shared.PATH, metavar="FILE", help=f"[default: DIR/{FILE}]")
@shared.edited_option
def trim_command(
    folder: Path,
    samples: Path | None,
    chips: int,
    chosen_chips: shared.ChipOptions,
    search: TrimOptions,
    output: Path | None,
    edited: bool,
) -> None:
    """Find the codes of the cells' bias currents for N chips of the build in DIR.

    Each cell's thresholds and output are measured with currents forced into its candidate's diode,
    and its threshold, width and gain currents are set so that they become the learned ones. With
    --trial nothing is measured: codes are changed at random, and kept where labelled recordings are
    told apart better. The chips are those of netgen sim --monte-carlo, by the fast chip model. With
    SAMPLES the balanced accuracy before and after is stated, over the samples that no trial used.

    netgen twin and netgen sim --monte-carlo take the file by --trim.
    """
    build = open_action(folder, edited)
    if not build.model.cells:
        raise UsageError("the model has no cells: there is nothing to trim")
    span = search.span(build)
    path = output or folder / FILE
    refuse_foreign(path)
    if search.measured is not None:
        if search.trial:
            raise UsageError("--trial and --measured both say where codes come from; give one")
        whole, beyond = trim_of_measurements(build, search.measured, span, search.inputs)
        click.echo(f"{len(whole)} measured chips, {beyond} factors beyond the codes' reach")
        _write(build, whole, _TrimResult(whole.codes, "measured", beyond), None, path)
        return
    variation = chosen_chips.variation()
    if search.trial and samples is None:
        raise UsageError("--trial needs labelled SAMPLES")
    loaded = None if samples is None else load_samples(samples, build.model)
    sampled = sampled_chips(build, variation, chips)
    if search.trial:
        assert loaded is not None
        result = _by_trial(build, sampled, span, loaded, search, variation.seed)
    else:
        codes = trim_measured(
            sampled.fast.twin.circuit, sampled.cells, span, chips, search.error, variation.seed
        )
        trimmed = codes.codes
        if search.inputs:
            trimmed = sampled.with_inputs(
                trimmed, calibrated_for(build), search.error, variation.seed
            )
        result = _TrimResult(trimmed, "simulated measurement", codes.beyond, search.error)
        total = _count(codes.codes)
        click.echo(f"{codes.beyond} of {total} currents are beyond the reach of the codes")
    accuracy_of_chips = None if loaded is None else _accuracies(sampled, loaded, result)
    for title, accuracy in () if accuracy_of_chips is None else accuracy_of_chips.titled:
        for line in accuracy_lines(accuracy, "chips"):
            click.echo(f"{title}: {line}")
    _write(build, Trim(result.codes, (), variation), result, accuracy_of_chips, path)


def _accuracies(
    sampled: SampledChips, samples: Samples, result: _TrimResult
) -> TrimmedChips | None:
    """Return what chips decide of samples that no trial used; None if none of them has a label."""
    rest = samples.pick([i for i in range(len(samples)) if i not in result.recordings])
    if rest.y is None or not len(rest):
        return None
    labels = rest.y.astype(np.intp)
    each = [sampled.decisions(rest.x, settings) for settings in (None, result.codes.settings)]
    readout = sampled.model.readout
    software = decide(readout, evaluate(sampled.model, rest.x)[readout.node])
    before, after = (population_accuracy(decisions, software, labels) for decisions in each)
    accuracies = np.array([balanced_accuracy(decisions, labels) for decisions in each])
    return TrimmedChips(accuracies, before, after)


def _write(
    build: Build, trim: Trim, result: _TrimResult, accuracies: TrimmedChips | None, path: Path
) -> None:
    """Write codes and their page, and say where they are."""
    from netgen.report.studies.trim import write_trim_page  # matplotlib: not for --help

    document = _document(result, accuracies)
    page = path.with_suffix(".html")
    if page.exists() and not is_netgen_page(page):
        raise UsageError(f"{page} is no page of netgen and would be overwritten; choose another -o")
    write_trim(build, trim, document, path)
    variation = trim.variation
    sources: dict[str, Json] = {
        "circuit": build.identity,
        "chips": len(trim),
        "seed": None if variation is None else variation.seed,
        "method": result.method,
        "currents beyond every code": result.beyond,
        "error of measurement": result.error,
        "evaluations": result.evaluations,
    }
    with held(build):
        write_trim_page(page, build.model.name, result.codes.span, by_kind(build, result.codes),
                        accuracies, sources)  # fmt: skip
    click.echo(f"{path}, {page}")
    give_document(json.loads(path.read_text(encoding="utf-8")))


def _count(codes: Codes) -> int:
    return sum(each.size for each in codes.biases.values())


def _by_trial(
    build: Build,
    sampled: SampledChips,
    span: CodeRange,
    loaded: Samples,
    search: TrimOptions,
    seed: int,
) -> _TrimResult:
    if loaded.y is None:
        raise UsageError("--trial needs samples with labels (y)")
    if search.recordings is None:
        used = _in_equal_shares(loaded.y, min(RECORDINGS, len(loaded) // 2))
    else:
        used = shared.picked_of(search.recordings, len(loaded))
    picked = loaded.pick(used)
    assert picked.y is not None
    if len(np.unique(picked.y)) < 2:
        raise UsageError("the recordings of the trial are all of one class; choose --recordings")
    trials = trim_by_trial(
        build.model.readout,
        lambda settings: sampled.logits(picked.x, settings),
        picked.y.astype(np.intp),
        initial_codes(sampled, span, search.inputs),
        search.evaluations,
        seed,
    )
    best = deque(followed(trials, "trying", search.evaluations), maxlen=1).pop()
    return _TrimResult(best.codes, "trial", None, None, tuple(used), best.evaluations)


def _in_equal_shares(labels: Integers, count: int) -> list[int]:
    """Return the first samples of each class in turn, as many as asked for."""
    rank = np.empty(len(labels), dtype=np.intp)
    for each in np.unique(labels):
        rank[labels == each] = np.arange((labels == each).sum())
    return sorted(np.argsort(rank, kind="stable")[:count].tolist())


def _document(result: _TrimResult, accuracies: TrimmedChips | None) -> dict[str, Json]:
    return {
        "method": result.method,
        "beyond": result.beyond,
        "error": result.error,
        "recordings": list(result.recordings),
        "evaluations": result.evaluations,
        "before": None if accuracies is None else accuracy_document(accuracies.before),
        "after": None if accuracies is None else accuracy_document(accuracies.after),
    }
