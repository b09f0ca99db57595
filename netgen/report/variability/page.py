"""``report.html`` of a population: one self-contained page, read from the yield down."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
import numpy as np

from netgen.analysis.comparison.ties import TIE
from netgen.analysis.variability.population import QUANTITIES, PopulationFigures
from netgen.analysis.variability.proportions import spread
from netgen.analysis.variability.sensitivity import LEVEL
from netgen.report.comparison.page import Picture
from netgen.report.comparison.plots import Plot
from netgen.report.text import class_name, percent, printable
from netgen.report.variability.accuracy import accuracy_facts
from netgen.report.variability.population import PopulationReport
from netgen.resources import templates
from netgen.units import engineering

TEMPLATE = "variability.html.j2"
LISTED = 40
"""At most this many rows of a ranking are listed; all are in ``report.json``."""

QUANTITY_NAMES = {
    "state_agreement": "states equal",
    "frame_agreement": "frames with the same largest logit",
    "logit_rmse_fs": "logit RMSE, both running freely",
    "logit_rmse_same_state_fs": "logit RMSE, software forced to the circuit's states",
    "lead_fs": "lead of software's class in the circuit",
    "power_w": "supply power",
}


@dataclass(frozen=True)
class SampleRow:
    """One sample, as text."""

    sample: int
    id: str
    label: str
    software: str
    margin: str
    lead: str
    votes: str
    share: str
    interval: str
    failed: int
    pending: int
    unanimous: bool


@dataclass(frozen=True)
class CaseRow:
    """One variant, as text."""

    case: str
    agreeing: str
    failed: int
    states: str
    frames: str
    error: str
    error_same: str
    lead: str
    power: str
    passes: bool


def to_html(report: PopulationReport, plots: Sequence[Plot]) -> str:
    """Return the page. It refers to nothing outside itself, and escapes every name."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(templates().joinpath(TEMPLATE).read_text("utf-8"))
    figures = report.figures
    page = template.render(
        name=report.model.name,
        population=report.name,
        what=report.what,
        summary=_summary(report),
        facts=_facts(report),
        failures=figures.failures,
        pending=int((~figures.done).sum()),
        lacking=int((~figures.whole).sum()),
        chips=report.what == "chips",
        agreement=figures.agreement,
        yielded=figures.yielded,
        wilson=interval(figures.yielded.wilson),
        exact=interval(figures.yielded.exact),
        samples=_sample_rows(report),
        cases=_case_rows(figures),
        spreads=_spread_rows(figures),
        worst=[
            (QUANTITY_NAMES[w.quantity], written(w.quantity, w.value), w.case, w.sample)
            for w in figures.worst()
        ],
        blame=report.blame,
        level=f"{LEVEL:g}",
        listed=LISTED,
        percent=percent,
        pictures=_pictures(plots),
        sources=report.facts,
        rerun=report.rerun,
    )
    return printable(page)


def written(quantity: str, value: float) -> str:
    """Write a run's figure for people."""
    return engineering(value, "W") if quantity == "power_w" else percent(value)


def interval(ends: tuple[float, float] | None) -> str:
    """Write a confidence interval of a share."""
    return "–" if ends is None else f"{100 * ends[0]:.1f} … {100 * ends[1]:.1f} %"


def _summary(report: PopulationReport) -> str:
    figures = report.figures
    agreement, yielded = figures.agreement, figures.yielded
    one = "chip" if report.what == "chips" else "corner"
    text = (
        f"{agreement.hits} of {agreement.trials} runs decide as software does "
        f"({percent(agreement.share)}); {yielded.hits} of {yielded.trials} {report.what} do so on "
        f"all {len(figures.samples)} samples."
    )
    tied = int(figures.ties.sum())
    if tied:
        text += (
            f" {tied} samples are ties: software's own classes lie within {percent(TIE)} of full "
            "scale; either counts neither for nor against."
        )
    failed, pending = int(figures.failed.sum()), int((~figures.done).sum())
    if failed:
        text += f" {failed} runs failed and count as not deciding so."
    if pending:
        text += (
            f" {pending} runs are not simulated yet; a {one} that lacks some is not judged as a "
            "whole."
        )
    return text


def _facts(report: PopulationReport) -> list[tuple[str, str]]:
    figures = report.figures
    facts = [(report.what, str(len(figures.cases))), ("samples each", str(len(figures.samples)))]
    balanced = figures.balanced()
    if balanced is not None:
        facts += accuracy_facts(balanced, report.what)
    if report.what == "chips":
        facts.append(("yield", percent(figures.yielded.share)))
        facts.append(("its 95 % interval (Wilson)", interval(figures.yielded.wilson)))
    facts.append(("decisions as software", percent(figures.agreement.share)))
    accuracies = figures.accuracies()
    if accuracies is not None:
        facts.append(("accuracy, software", percent(accuracies[0])))
        facts.append(("accuracy, circuit", percent(accuracies[1])))
    for name, label in (("state_agreement", "states equal, median"), ("power_w", "power, median")):
        found = spread(getattr(figures, name))
        if found is not None:
            facts.append((label, written(name, found.median)))
    return facts


def _sample_rows(report: PopulationReport) -> list[SampleRow]:
    figures, model = report.figures, report.model
    votes_rule = model.readout.rule == "majority_vote"
    rows = []
    for at, (sample, vote) in enumerate(zip(figures.samples, figures.votes(), strict=True)):
        margin = float(figures.margin[at])
        label = "" if figures.labels is None else class_name(model, int(figures.labels[at]))
        rows.append(
            SampleRow(
                sample=sample,
                id=figures.ids[at],
                label=label,
                software=" or ".join(
                    class_name(model, int(index)) for index in np.flatnonzero(figures.possible[at])
                ),
                margin=percent(margin) if votes_rule else f"{margin:.3g}",
                lead=percent(float(figures.lead_software[at]) / figures.logit_full_scale),
                votes=f"{vote.hits} of {vote.trials}",
                share=percent(vote.share),
                interval=interval(vote.wilson) if report.what == "chips" else "",
                failed=int(figures.failed[:, at].sum()),
                pending=int((~figures.done[:, at]).sum()),
                unanimous=vote.hits == vote.trials,
            )
        )
    return rows


def _case_rows(figures: PopulationFigures) -> list[CaseRow]:
    rows = []
    for at, case in enumerate(figures.cases):
        means = {}
        for name in QUANTITIES:
            values = getattr(figures, name)[at]
            known = values[~np.isnan(values)]
            means[name] = written(name, float(known.mean())) if known.size else "–"
        hits, done = int(figures.agrees[at].sum()), int(figures.done[at].sum())
        rows.append(
            CaseRow(
                case=case,
                agreeing=f"{hits} of {done}",
                failed=int(figures.failed[at].sum()),
                states=means["state_agreement"],
                frames=means["frame_agreement"],
                error=means["logit_rmse_fs"],
                error_same=means["logit_rmse_same_state_fs"],
                lead=means["lead_fs"],
                power=means["power_w"],
                passes=hits == done,
            )
        )
    return rows


def _spread_rows(figures: PopulationFigures) -> list[tuple[str, ...]]:
    rows = []
    for name, label in QUANTITY_NAMES.items():
        found = spread(getattr(figures, name))
        if found is not None:
            values = (found.minimum, found.low, found.median, found.mean, found.high, found.maximum)
            rows.append((label, *(written(name, value) for value in values)))
    return rows


def _pictures(plots: Sequence[Plot]) -> dict[str, list[Picture]]:
    groups: dict[str, list[Picture]] = {"samples": [], "spread": [], "corners": [], "blame": []}
    for plot in plots:
        data = base64.b64encode(plot.png).decode("ascii")
        source = f"data:image/png;base64,{data}"
        groups[plot.group].append(Picture(plot.title, plot.caption, plot.file, source))
    return groups
