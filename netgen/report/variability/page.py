"""``report.html`` of a population, read from the yield down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netgen.analysis.comparison.ties import TIE
from netgen.analysis.variability.population import QUANTITIES, PopulationFigures
from netgen.analysis.variability.proportions import spread
from netgen.analysis.variability.sensitivity import LEVEL, GroupSensitivity, Sensitivity
from netgen.report.page import Content, Page, Section, Table, TableRow, Text, plain_rows, provenance
from netgen.report.plot import Plot
from netgen.report.text import class_name, percent
from netgen.report.variability.accuracy import accuracy_facts
from netgen.report.variability.contributions import contribution_section
from netgen.report.variability.population import PopulationReport
from netgen.units import counted, engineering

LISTED = 40
"""At most this many rows of a ranking are listed; all are in ``report.json``."""

QUANTITY_NAMES = {
    "state_agreement": "states equal",
    "frame_agreement": "frames with the same largest logit",
    "logit_rmse_fs": "logit RMSE, both running freely",
    "logit_rmse_same_state_fs": "logit RMSE, software forced to the circuit's states",
    "lead_fs": "lead of software's class in the circuit",
    "power_w": "supply power",
    "winner_agreement": "frames in which the chip's bits name the circuit's largest current",
    "winner_lead": "largest lead of a current that it does not name",
}


def population_page(report: PopulationReport, plots: Sequence[Plot]) -> Page:
    """Return the page of a population."""
    figures, what = report.figures, report.what
    groups: dict[str, list[Content]] = {}
    for plot in plots:
        groups.setdefault(plot.group, []).append(plot)
    sections = [
        Section("samples", "Sample by sample",
                [*_notes(report), *groups.get("samples", []), *_samples(report)], "Samples"),
        *([Section("corners", "Corners", groups["corners"])] if "corners" in groups else []),
        Section("spreads", "Spreads", [*groups.get("spread", []), *_spreads(figures)]),
    ]  # fmt: skip
    if what == "chips":
        title = "Sensitivity: which deviations go along with errors"
        contents = _sensitivity(report.sensitivity, groups.get("sensitivity", []))
        sections.append(Section("sensitivity", title, contents, "Sensitivity"))
    if report.contributions is not None:
        sections.append(contribution_section(report.contributions))
    variants: list[Content] = [
        Text("Means over the samples that are simulated.", "note"),
        _cases(figures, what),
    ]
    sections.append(
        Section("cases", f"{what.capitalize()}, one by one", variants, what.capitalize())
    )
    sections.append(provenance(report.facts, report.rerun))
    title = f"{what} ({report.name.replace('_', ' ')})"
    return Page(report.model.name, title, _summary(report), sections, _facts(report))


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
        f"{agreement.hits} of {counted(agreement.trials, 'runs')} decide as software does "
        f"({percent(agreement.share)}); {yielded.hits} of {yielded.trials} {report.what} do so on "
        f"all {counted(len(figures.samples), 'samples')}."
    )
    tied = int(figures.ties.sum())
    if tied:
        text += (
            f" Ties: {counted(tied, 'samples')}, of which software's own classes lie within "
            f"{percent(TIE)} of full scale; either counts neither for nor against."
        )
    failed, pending = int(figures.failed.sum()), int((~figures.done).sum())
    if failed:
        text += f" Failed, and so not deciding as software: {counted(failed, 'runs')}."
    if pending:
        text += (
            f" Not simulated yet: {counted(pending, 'runs')}; a {one} that lacks some is not "
            "judged "
            "as a whole."
        )
    return text


def _facts(report: PopulationReport) -> list[tuple[str, str]]:
    figures = report.figures
    facts = [(report.what, str(len(figures.variants))), ("samples each", str(len(figures.samples)))]
    balanced = figures.balanced()
    if balanced is not None:
        facts += accuracy_facts(balanced, report.what)
    if report.what == "chips":
        facts.append(("yield", percent(figures.yielded.share)))
        facts.append(("its 95 % interval (Wilson)", interval(figures.yielded.wilson)))
    facts.append(("decisions as software, SPICE", percent(figures.agreement.share)))
    accuracies = figures.accuracies()
    if accuracies is not None:
        facts.append(("accuracy, software", percent(accuracies[0])))
        facts.append(("accuracy, circuit", percent(accuracies[1])))
    for name, label in (("state_agreement", "states equal"), ("power_w", "power")):
        distribution = spread(getattr(figures, name))
        if distribution is not None:
            facts.append((f"{label}, median of runs", written(name, distribution.median)))
    return facts


def _notes(report: PopulationReport) -> list[Content]:
    """Say what failed, and the yield of chips."""
    figures, contents = report.figures, []
    if figures.failures:
        listed = ", ".join(f"{count} × {kind}" for kind, count in figures.failures.items())
        text = f"Runs that failed: {listed}. They count as not deciding like software."
        contents.append(Text(text, "no"))
    if report.what == "chips":
        proportion, lacking = figures.yielded, int((~figures.whole).sum())
        text = (
            f"Yield: {proportion.hits} of {proportion.trials} chips decide every sample as "
            f"software does; 95 % interval {interval(proportion.wilson)} (Wilson), "
            f"{interval(proportion.exact)} (Clopper and Pearson)."
        )
        text += f" Not judged for lack of runs: {counted(lacking, 'chips')}." if lacking else ""
        contents.append(Text(text))
    return [*contents]


def _samples(report: PopulationReport) -> list[Content]:
    figures, model, chips = report.figures, report.model, report.what == "chips"
    votes_rule = model.readout.rule == "majority_vote"
    rows = []
    for at, (sample, vote) in enumerate(zip(figures.samples, figures.votes(), strict=True)):
        margin = float(figures.margin[at])
        possible = np.flatnonzero(figures.possible[at])
        cells = (
            str(sample),
            figures.ids[at],
            "" if figures.labels is None else class_name(model, int(figures.labels[at])),
            " or ".join(class_name(model, int(index)) for index in possible),
            percent(margin) if votes_rule else f"{margin:.3g}",
            percent(float(figures.lead_software[at]) / figures.logit_full_scale),
            f"{vote.hits} of {vote.trials}",
            percent(vote.share),
            *([interval(vote.wilson)] if chips else []),
            str(int(figures.failed[:, at].sum())),
            str(int((~figures.done[:, at]).sum())),
        )
        share = 2.0 if vote.share is None else vote.share
        rows.append((share, TableRow(cells, vote.hits != vote.trials)))
    rows.sort(key=lambda entry: entry[0])  # the most disputed first
    columns = (
        *(">#", "sample", "label", "software", ">margin", ">lead", ">votes", ">share"),
        *([">95 % interval"] if chips else []),
        *(">failed", ">not simulated yet"),
    )
    note = (
        "The most disputed first. Margin: lead of software's class by the readout's rule. Lead: by "
        "how much its logit leads the next, averaged over the readout's frames, as a share of full "
        f"scale. Votes: {report.what} that decide as software does."
    )
    return [Text(note, "note"), Table("Samples", columns, [row for _, row in rows])]


def _spreads(figures: PopulationFigures) -> list[Content]:
    rows = []
    for name, label in QUANTITY_NAMES.items():
        distribution = spread(getattr(figures, name))
        if distribution is not None:
            values = (
                distribution.minimum,
                distribution.low,
                distribution.median,
                distribution.mean,
                distribution.high,
                distribution.maximum,
            )
            rows.append((label, *(written(name, value) for value in values)))
    worst = [
        (QUANTITY_NAMES[w.quantity], written(w.quantity, w.value), f"`{w.case}`", str(w.sample))
        for w in figures.worst()
    ]
    columns = ("of all runs", ">smallest", ">5 %", ">median", ">mean", ">95 %", ">largest")
    return [
        Table("Spreads over all runs", columns, plain_rows(rows)),
        Text("The worst run by each", "h3"),
        Table("Worst runs", ("figure", ">worst", "in", ">sample"), plain_rows(worst)),
    ]


def _sensitivity(sensitivity: Sensitivity | None, plots: Sequence[Content]) -> list[Content]:
    if sensitivity is None:
        return [Text("Too few chips with all their samples for correlations.", "note")]
    left = f" ({sensitivity.left_out} lack runs and are left out)" if sensitivity.left_out else ""
    text = (
        "The error of the lead (circuit minus software) of every sample against every random "
        f"deviation of the threshold voltages, over {sensitivity.chips} chips{left}: Spearman's "
        f"ρ. Of {len(sensitivity.deviations)} deviations, {sensitivity.significant} have p < "
        f"{LEVEL:g}; chance alone would give {sensitivity.expected:.1f}. p is found by permuting "
        "chips; q is the rate of false discoveries among all down to the row (Benjamini and "
        "Hochberg)."
    )
    devices = [
        (
            f"`{row.name}`",
            f"`{row.group}`",
            f"`{row.node}`",
            percent(row.share),
            percent(row.effect_fs),
            f"{row.rho:.2f}",
            str(row.sample),
            f"{row.p:.2g}",
            f"{row.q:.2g}",
        )
        for row in sensitivity.deviations[:LISTED]
    ]
    columns = ("device", "parameter or role", "node", ">mean ρ²", ">effect of 1 σ",
               ">strongest ρ", ">in sample", ">p", ">q")  # fmt: skip
    return [
        Text(text),
        *plots,
        Text("Devices", "h3"),
        Table("Sensitivity to devices", columns, plain_rows(devices)),
        Text(
            f"A share of variance is an estimate from {counted(sensitivity.chips, 'chips')}: "
            "what chance "
            "gives on average is taken off, so one without effect comes out around 0, and half of "
            "them below it. A negative estimate says that no effect was found, and is shown as 0. "
            "Chance alone stays below the column beside it in 95 % of cases: what is smaller "
            "is not told from nothing.",
            "note",
        ),
        *_groups("Learned parameters and roles", sensitivity.groups),
        *_groups("Nodes", sensitivity.nodes),
        Text("Only the strongest are listed; `report.json` has all. Current factors are left out: "
             "in subthreshold, thresholds do most.", "note"),
    ]  # fmt: skip


def _groups(title: str, entries: Sequence[GroupSensitivity]) -> list[Content]:
    columns = ("name", ">deviations", ">share of variance", ">chance gives (95 %)", ">p",
               ">q")  # fmt: skip
    rows = [
        (
            f"`{row.name}`",
            str(row.devices),
            percent(row.share) if row.share >= 0 else f"0 ({percent(row.share)})",
            f"≤ {percent(row.by_chance)}",
            f"{row.p:.2g}",
            f"{row.q:.2g}",
        )
        for row in entries[:LISTED]
    ]
    return [Text(title, "h3"), Table(title, columns, plain_rows(rows))]


def _cases(figures: PopulationFigures, what: str) -> Table:
    rows = []
    for at, variant in enumerate(figures.variants):
        means = {}
        for name in QUANTITIES:
            values = getattr(figures, name)[at]
            known = values[~np.isnan(values)]
            means[name] = written(name, float(known.mean())) if known.size else "–"
        hits, done = int(figures.agrees[at].sum()), int(figures.done[at].sum())
        cells = (
            f"`{variant}`",
            f"{hits} of {done}",
            str(int(figures.failed[at].sum())),
            *(means[name] for name in ("state_agreement", "frame_agreement", "logit_rmse_fs")),
            *(means[name] for name in ("logit_rmse_same_state_fs", "lead_fs", "power_w")),
        )
        rows.append(TableRow(cells, hits != done))
    columns = (what, ">as software", ">failed", ">states equal", ">frames equal", ">error",
               ">error, same states", ">lead", ">power")  # fmt: skip
    return Table(f"{what.capitalize()}, one by one", columns, rows)
