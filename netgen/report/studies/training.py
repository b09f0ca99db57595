"""The training report: ``training.json``, ``training.html`` and its plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netgen._version import __version__
from netgen.document import Json
from netgen.report.page import Lines, Page, Pairs, Section, Table, Text, plain_rows, to_html
from netgen.report.plot import Plot, render
from netgen.report.style import (
    BAND,
    CIRCUIT,
    CLASSES,
    FIXED,
    LIGHT,
    MUTED,
    PALE,
    Sheet,
    plain,
    share_axis,
    tidy,
)
from netgen.report.text import percent
from netgen.schema import head

PLOTS = "training-plots"
_NEAR = 0.02


@dataclass(frozen=True)
class CurvePoint:
    """Loss and balanced validation accuracy (hard gates) of the networks at one step.

    None for a network that was pruned before.
    """

    step: int
    loss: tuple[float | None, ...]
    validation: tuple[float | None, ...]


@dataclass(frozen=True)
class ChipForecast:
    """Virtual chips at one relative ``spread`` of their parameters."""

    spread: float
    chips: int
    #: ``accuracy``, ``worst``: balanced accuracy: mean over the chips, and the worst chip.
    accuracy: float
    worst: float
    states: float  #: Share of BMRU states equal to the network as drawn.


@dataclass(frozen=True, eq=False)
class TrainingReport:
    """What a training run found."""

    name: str
    task: str
    classes: tuple[str, ...]
    #: What was read: counts, repairs and what was left out, as (label, value).
    data: tuple[tuple[str, str], ...]
    recipe: Mapping[str, Json]  #: Every choice that decides the run.
    curves: tuple[CurvePoint, ...]
    #: Number of the network that was kept, by ``validation_score`` (mean balanced accuracy over
    #: virtual chips on the validation split).
    kept: int
    validation_score: float
    confusion: NDArray[np.int64]  #: Test samples, (true class, decided class).
    #: By BMRU node, |ĥ − nearest threshold| / β_hi over test samples, (samples, frames, units).
    distances: Mapping[str, NDArray[np.float64]]
    forecasts: tuple[ChipForecast, ...]
    races: float  #: Predicted race events a sample.
    parameters: tuple[tuple[str, str], ...]
    cpu_s: Mapping[str, float]  #: CPU seconds of reading and of training.
    rerun: str

    @property
    def accuracy(self) -> float:
        """Share of test samples decided correctly."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def balanced_accuracy(self) -> float:
        """Mean over classes of the share decided correctly."""
        return float(np.mean(np.diag(self.confusion) / self.confusion.sum(axis=1)))

    @property
    def near(self) -> float:
        """Share of candidates within 2 % of β_hi of a threshold."""
        every = np.concatenate([values.ravel() for values in self.distances.values()])
        return float((every <= _NEAR).mean())


def training_files(report: TrainingReport) -> dict[str, str | bytes]:
    """Return ``training.json``, ``training.html`` and ``training-plots/*.png``, by name."""
    plots = {plot.group: plot for plot in _plots(report)}
    document = json.dumps(_document(report), indent=1, allow_nan=False)
    pictures = {f"{PLOTS}/{plot.file}": plot.png for plot in plots.values()}
    return {
        **pictures,
        "training.json": f"{document}\n",
        "training.html": to_html(_page(report, plots)),
    }


def _plots(report: TrainingReport) -> Iterator[Plot]:
    yield render(
        "curves.png",
        "curves",
        "Loss and validation accuracy",
        "The kept network in front of the others.",
        f"Loss and balanced validation accuracy of {len(report.curves[0].loss)} networks over "
        f"{report.curves[-1].step} steps; network {report.kept} was kept.",
        partial(_plot_curves, report),
    )
    yield render(
        "confusion.png",
        "confusion",
        "Confusion matrix of the test split",
        "Shaded by the share of the true class.",
        f"{int(np.trace(report.confusion))} of {report.confusion.sum()} test samples are on the "
        f"diagonal; classes: {', '.join(report.classes)}.",
        partial(_plot_confusion, report),
    )
    yield render(
        "distances.png",
        "distances",
        "Distance of candidates from the nearest threshold",
        "By node; the last bin holds all above.",
        f"{percent(report.near)} of all candidates lie within 2 % of β_hi of a threshold.",
        partial(_plot_distances, report),
    )
    summary = "; ".join(
        f"{100 * f.spread:g} % spread: {percent(f.accuracy)}, worst {percent(f.worst)}"
        for f in report.forecasts
    )
    yield render(
        "chips.png",
        "chips",
        "Virtual chips",
        "Accuracy and state agreement over the spread of the parameters.",
        f"Balanced accuracy by spread. {summary}.",
        partial(_plot_forecasts, report),
    )


def _document(report: TrainingReport) -> dict[str, Json]:
    quantiles = (0.01, 0.05, 0.25, 0.5)
    return {
        **head("training"),
        "netgen": __version__,
        "name": report.name,
        "task": report.task,
        "classes": list(report.classes),
        "accuracy_test": report.accuracy,
        "balanced_accuracy_test": report.balanced_accuracy,
        "validation_score": report.validation_score,
        "confusion_test": report.confusion.tolist(),
        "races_a_sample": report.races,
        "near_threshold": report.near,
        "threshold_distance_quantiles": {
            node: {f"{q:g}": float(np.quantile(values, q)) for q in quantiles}
            for node, values in report.distances.items()
        },
        "virtual_chips": [asdict(forecast) for forecast in report.forecasts],
        "kept_network": report.kept,
        "curves": [asdict(point) for point in report.curves],
        "data": dict(report.data),
        "parameters": dict(report.parameters),
        "recipe": dict(report.recipe),
        "cpu_s": dict(report.cpu_s),
        "rerun": report.rerun,
    }


def _page(report: TrainingReport, plots: Mapping[str, Plot]) -> Page:
    facts = [
        ("balanced accuracy, test", percent(report.balanced_accuracy)),
        ("accuracy, test", percent(report.accuracy)),
        ("test samples", f"{report.confusion.sum()}"),
        *(
            (f"on chips off by {100 * forecast.spread:g} %", percent(forecast.accuracy))
            for forecast in report.forecasts
            if forecast.spread
        ),
        ("race events a sample", f"{report.races:.3g}"),
        ("training, CPU", f"{sum(report.cpu_s.values()):.0f} s"),
    ]
    columns = (">spread", ">chips", ">balanced accuracy", ">worst chip", ">states as drawn")
    rows = [
        (f"{100 * f.spread:g} %", str(f.chips), percent(f.accuracy), percent(f.worst),
         percent(f.states))
        for f in report.forecasts
    ]  # fmt: skip
    chips = (
        "Virtual chips: every weight, bias, threshold, hysteresis width and α off by a random "
        "factor, and every candidate by a random offset, fixed for the chip."
    )
    near = (
        f"{percent(report.near)} of all candidates lie within 2 % of β_hi of a threshold; a "
        "circuit may decide otherwise there, if the state hangs on it."
    )
    kept = (
        f"Network {report.kept} was kept: {percent(report.validation_score)} balanced on virtual "
        "chips over the validation split."
    )
    sections = [
        Section("test", "Test split, never used for a choice", [plots["confusion"]], "Test"),
        Section("chips", "How it would do as a circuit",
                [Text(chips), Table("Virtual chips", columns, plain_rows(rows)), plots["chips"]],
                "As a circuit"),
        Section("distances", "How close candidates come to thresholds",
                [Text(near), plots["distances"]], "Thresholds"),
        Section("curves", "Training", [Text(kept), plots["curves"]]),
        Section("data", "Data", [Pairs(report.data)]),
        Section("parameters", "Parameters as drawn", [Pairs(report.parameters)], "Parameters"),
        Section("recipe", "Recipe", [Pairs(_flat(report.recipe)), Lines([report.rerun])]),
    ]  # fmt: skip
    return Page(report.name, "training", report.task, sections, facts)


def _flat(recipe: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Return the choices of a run as rows; those of a phase follow one another."""
    rows: list[tuple[str, Json]] = []
    for name, value in recipe.items():
        phases = value if isinstance(value, list | tuple) else ()
        for number, entry in enumerate(phases, start=1):
            if isinstance(entry, Mapping):
                rows += [(f"phase {number}, {name}", what) for name, what in entry.items()]
        if not any(isinstance(entry, Mapping) for entry in phases):
            rows.append((name, value))
    return rows


def _plot_curves(report: TrainingReport, sheet: Sheet) -> Figure:
    """Loss and validation accuracy over the steps, the kept network in front."""
    fig, panels = sheet.panels(2, 3.2)
    steps = [point.step for point in report.curves]
    for axes, field, label in zip(
        panels, ("loss", "validation"), ("loss", "balanced accuracy, validation"), strict=True
    ):
        for number in range(len(report.curves[0].loss)):
            every = [getattr(point, field)[number] for point in report.curves]
            values = [np.nan if value is None else value for value in every]
            mine = number == report.kept
            colour, width = (CIRCUIT, 1.8) if mine else (PALE, 0.9)
            name = f"network {number}, kept" if mine else None
            axes.plot(steps, values, color=colour, lw=width, zorder=2 + mine, label=name)
        axes.set_xlabel("step", fontsize=9)
        axes.set_ylabel(label, fontsize=9)
        if field == "validation":
            known = [v for point in report.curves for v in point.validation if v is not None]
            share_axis(axes, known)
        tidy(axes)
    panels[0].legend(fontsize=8, frameon=False)
    return fig


def _plot_confusion(report: TrainingReport, sheet: Sheet) -> Figure:
    """The confusion matrix of the test split, shaded by the share of the true class."""
    count = len(report.classes)
    fig = sheet.figure(min(1.6 + 0.42 * count, 7.0))
    axes = fig.subplots()
    shares = report.confusion / report.confusion.sum(axis=1, keepdims=True)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(count, count):
        colour = LIGHT if shares[row, column] > 0.6 else FIXED
        text = str(report.confusion[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    names = [plain(name) for name in report.classes]
    axes.set_xticks(range(count), names, fontsize=8, rotation=45 if count > 4 else 0)
    axes.set_yticks(range(count), names, fontsize=8)
    axes.set_xlabel("decided", fontsize=9)
    axes.set_ylabel("spoken", fontsize=9)
    return fig


def _plot_distances(report: TrainingReport, sheet: Sheet) -> Figure:
    """How far candidates stay from the nearest threshold, by layer."""
    fig = sheet.figure(3.0)
    axes = fig.subplots()
    bins = np.linspace(0, 1.0, 51).tolist()
    for place, (node, values) in enumerate(report.distances.items()):
        colour = CLASSES[place % len(CLASSES)]
        weights = np.full(values.size, 1 / values.size)
        clipped = np.minimum(values.ravel(), 1.0)
        axes.hist(clipped, bins, weights=weights, histtype="step", color=colour, label=node, lw=1.4)
    axes.axvspan(0, _NEAR, color=BAND, zorder=0, label="within 2 % of β_hi")
    axes.set_xlabel("|candidate − nearest threshold| / β_hi", fontsize=9)
    axes.set_ylabel("share of candidates", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    tidy(axes)
    return fig


def _plot_forecasts(report: TrainingReport, sheet: Sheet) -> Figure:
    """Accuracy and state agreement of virtual chips over the spread of their parameters."""
    fig = sheet.figure(3.0)
    axes = fig.subplots()
    spreads = [100 * forecast.spread for forecast in report.forecasts]
    rows: Sequence[tuple[str, str, str, str]] = (
        ("accuracy", "balanced accuracy, mean", CIRCUIT, "-"),
        ("worst", "balanced accuracy, worst chip", MUTED, ":"),
        ("states", "states as drawn", CLASSES[0], "--"),
    )
    for field, label, colour, style in rows:
        values = [getattr(forecast, field) for forecast in report.forecasts]
        axes.plot(spreads, values, style, color=colour, marker="o", ms=4, label=label)
    share_axis(axes, [getattr(f, field) for f in report.forecasts for field, *_ in rows])
    axes.set_xlabel("spread of every parameter from chip to chip, %", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    tidy(axes)
    return fig
