"""A population's files: ``report.json``, ``report.html`` and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from netgen import __version__
from netgen.analysis.variability.population import QUANTITIES, PopulationFigures
from netgen.analysis.variability.proportions import Proportion, spread
from netgen.analysis.variability.sensitivity import LEVEL, Sensitivity
from netgen.document import Json
from netgen.files import write_whole
from netgen.report.index import write_page
from netgen.report.pictures import write_pictures
from netgen.report.plot import Plot, render
from netgen.report.text import percent
from netgen.report.variability.accuracy import accuracy_document
from netgen.report.variability.page import QUANTITY_NAMES, population_page, written
from netgen.report.variability.plots import (
    chosen_bands,
    plot_bands,
    plot_margins,
    plot_spreads,
    plot_votes,
)
from netgen.report.variability.population import PopulationReport
from netgen.report.variability.studies import AreaPoint, plot_area, plot_corners, plot_sensitivity
from netgen.schema import head
from netgen.units import counted


def write_population(folder: Path, report: PopulationReport) -> None:
    """Write ``report.json``, ``report.html`` and the plots into ``folder``."""
    plots = _plots(report)
    for name in ("report.json", "report.html"):  # never beside pictures of another analysis
        (folder / name).unlink(missing_ok=True)
    write_pictures(folder, "variability", {plot.file: plot.png for plot in plots})
    text = json.dumps(population_document(report), indent=1, allow_nan=False)
    write_whole(folder / "report.json", f"{text}\n")
    write_page(folder / "report.html", population_page(report, plots))


def write_area(path: Path, points: Sequence[AreaPoint]) -> None:
    """Write the trade-off between the area of the unit mirror and agreement as PNG."""
    write_whole(path, render(path.name, "", "", "", "", partial(plot_area, points)).png)


def _plots(report: PopulationReport) -> list[Plot]:
    figures, what = report.figures, report.what
    bars = "N" if what == "corners" else "Bars are 95 % intervals (Wilson); n"
    decided = (
        f"{figures.agreement.hits} of {counted(figures.agreement.trials, 'runs')} decide as "
        "software; "
        f"{figures.yielded.hits} of {figures.yielded.trials} {what} do so on all "
        f"{counted(len(figures.samples), 'samples')}."
    )
    plots = [
        render(
            "votes.png",
            "samples",
            "Decisions",
            f"How many {what} decide each sample as software does, and how many samples each of "
            f"the {what} gets right.",
            decided,
            partial(plot_votes, figures, what),
        )
    ]
    if figures.simulated.any():
        plots += [
            render(
                "margins.png",
                "samples",
                "Agreement against software's margin",
                f"{bars}umbers are samples, of several in one place the first. The lead is that of "
                "software's class over the next logit, averaged over the readout's frames.",
                _margin_summary(figures, what),
                partial(plot_margins, figures, what),
            ),
            render(
                "bands.png",
                "samples",
                "Logits over time",
                f"Median and 5 … 95 % of all {what} by frame, for the most disputed sample, one "
                "between, and the least disputed.",
                "Logits of samples "
                + ", ".join(str(figures.samples[at]) for at in chosen_bands(figures))
                + f" over time: software's inside or outside of the band of all {what}. {decided}",
                partial(plot_bands, figures, report.model, what),
            ),
            render(
                "spreads.png",
                "spread",
                "Distributions",
                f"One entry for each of the {what}: its mean over the samples.",
                _spread_summary(figures),
                partial(plot_spreads, figures, what),
            ),
        ]
        if report.corners:
            worst = figures.variants[int(figures.agrees.sum(axis=1).argmin())]
            plots.append(
                render(
                    "corners.png",
                    "corners",
                    "Decisions, states and errors by corner",
                    "Process against supply and temperature, means over the samples.",
                    f"Tables of decisions, states and errors by corner; fewest decisions as "
                    f"software: {worst}.",
                    partial(plot_corners, figures, report.corners),
                )
            )
    if report.sensitivity is not None:
        first = report.sensitivity.groups[0] if report.sensitivity.groups else None
        plots.append(
            render(
                "sensitivity.png",
                "sensitivity",
                "What goes along with the error of the lead",
                "Threshold shifts against the error of the lead, over chips: single devices, and "
                "added up by learned parameter (or role) and by node.",
                f"{report.sensitivity.significant} of {len(report.sensitivity.deviations)} stand "
                "out."
                + ("" if first is None else f" First: {first.name}, {percent(first.share)}."),
                partial(plot_sensitivity, report.sensitivity),
            )
        )
    return plots


def _margin_summary(figures: PopulationFigures, what: str) -> str:
    shares = [vote.share for vote in figures.votes() if vote.share is not None]
    return (
        f"{counted(len(shares), 'samples')} by software's lead: between {percent(min(shares))} and "
        f"{percent(max(shares))} of the {what} decide like software."
    )


def _spread_summary(figures: PopulationFigures) -> str:
    parts = []
    for name, label in QUANTITY_NAMES.items():
        distribution = spread(getattr(figures, name))
        if distribution is not None:
            ends = (
                written(name, each)
                for each in (distribution.low, distribution.median, distribution.high)
            )
            parts.append(f"{label}: 5 %, median and 95 % are {', '.join(ends)}")
    return "; ".join(parts) + "."


def population_document(report: PopulationReport) -> dict[str, Json]:
    """Return the report as a JSON object; figures that do not exist are null, never NaN."""
    figures, model = report.figures, report.model
    accuracies, balanced = figures.accuracies(), figures.balanced()
    spreads = {name: spread(getattr(figures, name)) for name in QUANTITIES}
    return {
        **head("variability"),
        "population": report.name,
        "kind": report.what,
        "netgen": __version__,
        "model": {"name": model.name, "sha256": model.digest, "classes": list(model.classes)},
        "provenance": dict(report.facts),
        "rerun": list(report.rerun),
        "runs": {
            "asked": figures.done.size,
            "simulated": int(figures.simulated.sum()),
            "failed": int(figures.failed.sum()),
            "not_simulated_yet": int((~figures.done).sum()),
            "failures": dict(figures.failures),
        },
        "cases": len(figures.variants),
        "cases_whole": int(figures.whole.sum()),
        "ties": [figures.samples[at] for at in np.flatnonzero(figures.ties)],
        "decision_agreement": figures.agreement.share,
        "yield": _proportion(figures.yielded, report.what),
        "balanced_accuracy": None if balanced is None else accuracy_document(balanced),
        "accuracy_software": None if accuracies is None else accuracies[0],
        "accuracy_circuit": None if accuracies is None else accuracies[1],
        "logit_full_scale": figures.logit_full_scale,
        "spread": {name: None if s is None else asdict(s) for name, s in spreads.items()},
        "worst": [asdict(entry) for entry in figures.worst()],
        "per_sample": _per_sample(figures, report.what),
        "per_case": _per_variant(report),
        "sensitivity": None if report.sensitivity is None else _sensitivity(report.sensitivity),
        "contributions": None if report.contributions is None else asdict(report.contributions),
    }


def _proportion(entry: Proportion, what: str) -> dict[str, Json]:
    """Return a share; corners are chosen, not sampled, and so have no intervals."""
    intervals = {"wilson": None, "exact": None} if what == "corners" else {}
    return asdict(entry) | intervals | {"share": entry.share}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _per_sample(figures: PopulationFigures, what: str) -> list[dict[str, Json]]:
    return [
        {
            "sample": sample,
            "id": figures.ids[at],
            "y": None if figures.labels is None else int(figures.labels[at]),
            "class_software": int(figures.software[at]),
            "margin": float(figures.margin[at]),
            "lead_software_fs": float(figures.lead_software[at] / figures.logit_full_scale),
            "tie": np.flatnonzero(figures.possible[at]).tolist() if figures.ties[at] else [],
            "votes": _proportion(vote, what),
            "failed": int(figures.failed[:, at].sum()),
            "not_simulated_yet": int((~figures.done[:, at]).sum()),
        }
        for at, (sample, vote) in enumerate(zip(figures.samples, figures.votes(), strict=True))
    ]


def _per_variant(report: PopulationReport) -> list[dict[str, Json]]:
    figures = report.figures
    records = []
    for row, variant in enumerate(figures.variants):
        record: dict[str, Json] = {"case": variant}
        if report.corners:
            record |= asdict(report.corners[row])
        done = figures.done[row]
        record |= {
            "agreeing": int(figures.agrees[row].sum()),
            "done": int(done.sum()),
            "failed": int(figures.failed[row].sum()),
            "decisions": [
                int(c) if s else None
                for c, s in zip(figures.decision[row], figures.simulated[row], strict=True)
            ],
        }
        for name in QUANTITIES:
            values = getattr(figures, name)[row]
            known = values[~np.isnan(values)]
            record[name] = _number(known.mean() if known.size else np.nan)
        records.append(record)
    return records


def _sensitivity(sensitivity: Sensitivity) -> dict[str, Json]:
    return {
        "chips": sensitivity.chips,
        "chips_left_out": sensitivity.left_out,
        "level": LEVEL,
        "expected_by_chance": sensitivity.expected,
        "found": sensitivity.significant,
        "deviations": [asdict(entry) for entry in sensitivity.deviations],
        "groups": [asdict(entry) for entry in sensitivity.groups],
        "nodes": [asdict(entry) for entry in sensitivity.nodes],
    }
