"""Noise immunity as files: JSON, page and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from netgen._version import __version__
from netgen.analysis.noise.network import Immunity, NoiseSampling
from netgen.analysis.noise.statistics import Interval
from netgen.report.page import Page, Section, Table, plain_rows, provenance, to_html
from netgen.report.plot import render
from netgen.report.style import CLASSES, MUTED, Sheet, plain, share_axis, tidy
from netgen.report.text import percent
from netgen.schema import head

MEASURES = {
    "decisions": "decisions equal to those without noise",
    "states": "states equal to those without noise",
    "accuracy": "right decisions",
}
"""What is plotted, by the attribute of :class:`Immunity`."""


def noise_files(
    results: Sequence[Immunity], sampling: NoiseSampling, technology: str
) -> dict[str, str | bytes]:
    """Return ``noise.json``, ``noise.html`` and a PNG for each measure, by name.

    Parameters
    ----------
    technology
        Whose noise the intrinsic one is.
    """
    document = {
        **head("noise"),
        "netgen": __version__,
        "pdk": technology,
        "draws": asdict(sampling),
        "results": [asdict(result) for result in results],
    }
    text = json.dumps(document, indent=1, allow_nan=False)
    files: dict[str, str | bytes] = {"noise.json": text + "\n"}
    plots = []
    for measure, label in MEASURES.items():
        known = [result for result in results if getattr(result, measure) is not None]
        if not known:
            continue
        plots.append(
            render(
                f"noise-{measure}.png",
                measure,
                f"{label[0].upper()}{label[1:]}",
                "Shaded: 95 % intervals over samples; dotted: the mean noise of the circuit's own "
                "rows.",
                _alt(known, measure),
                partial(plot_curves, known, measure),
            )
        )
        files[plots[-1].file] = plots[-1].png
    sections = [
        Section("curves", "Against the level of noise", plots, "Curves"),
        Section("results", "Every result", [_table(results)], "Results"),
    ]
    sources = [("technology", technology), ("netgen", __version__), *asdict(sampling).items()]
    sections.append(provenance(sources, ()))
    names = ", ".join(dict.fromkeys(result.case for result in results))
    intrinsic = (result for result in results if result.place == "intrinsic")
    summary = " ".join(map(_intrinsic_summary, intrinsic))
    return files | {"noise.html": to_html(Page(names, "noise", summary, sections))}


def _intrinsic_summary(result: Immunity) -> str:
    parts = [
        f"{percent(getattr(result, measure).value)} {label}"
        for measure, label in MEASURES.items()
        if getattr(result, measure) is not None
    ]
    level = f"{100 * result.level:.3g} % of a unit"
    return f"{result.case} with the circuit's own noise ({level}): {', '.join(parts)}."


def _alt(results: Sequence[Immunity], measure: str) -> str:
    """Say what the plot of a measure shows."""
    parts = []
    for case, place in dict.fromkeys((r.case, r.place) for r in results if r.place != "intrinsic"):
        selected = [r for r in results if (r.case, r.place) == (case, place)]
        first, last = (percent(getattr(r, measure).value) for r in (selected[0], selected[-1]))
        levels = f"{100 * selected[0].level:.3g} to {100 * selected[-1].level:.3g} % of a unit"
        parts.append(f"{case}, noise at {place} of {levels}: {first} to {last}")
    return f"{MEASURES[measure]}. {'; '.join(parts)}."


def _table(results: Sequence[Immunity]) -> Table:
    rows = [
        (
            result.case,
            result.place,
            f"{100 * result.level:.3g} %",
            *(_share(getattr(result, measure)) for measure in MEASURES),
        )
        for result in results
    ]
    columns = (
        "network",
        "noise at",
        ">rms, of a unit",
        *(f">{label}" for label in MEASURES.values()),
    )
    return Table("Every result", columns, plain_rows(rows))


def _share(share: Interval | None) -> str:
    if share is None:
        return ""
    return f"{percent(share.value)}\n{100 * share.low:.1f} … {100 * share.high:.1f} %"


def plot_curves(results: Sequence[Immunity], measure: str, sheet: Sheet) -> Figure:
    """Draw a measure over the level of noise: a panel for each place, a curve for each network."""
    by_case = {result.case: result for result in results if result.place == "intrinsic"}
    places = list(dict.fromkeys(r.place for r in results if r.place != "intrinsic"))
    fig, panels = sheet.panels(max(len(places), 1), 3.6)
    shares = [end for r in results for end in (getattr(r, measure).low, getattr(r, measure).high)]
    for axes, place in zip(panels, places, strict=False):
        for index, (case, intrinsic) in enumerate(by_case.items()):
            colour = CLASSES[index % len(CLASSES)]
            chosen = [r for r in results if (r.case, r.place) == (case, place)]
            _curve(axes, chosen, measure, plain(case), colour)
            axes.axvline(100 * intrinsic.level, color=colour, linewidth=0.9, linestyle=":")
        axes.plot([], [], ":", color=MUTED, linewidth=0.9, label="mean of the circuit's own rows")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(f"noise at {place}, % of a unit rms", fontsize=9)
        share_axis(axes, shares)
        tidy(axes)
    panels[0].set_ylabel(MEASURES[measure], fontsize=9)
    panels[0].legend(fontsize=8, frameon=False)
    return fig


def _curve(axes: Axes, results: Sequence[Immunity], measure: str, label: str, colour: str) -> None:
    levels = [100 * result.level for result in results]
    intervals: list[Interval] = [getattr(result, measure) for result in results]
    axes.plot(levels, [f.value for f in intervals], "o-", color=colour, markersize=3, label=label)
    low, high = [f.low for f in intervals], [f.high for f in intervals]
    axes.fill_between(levels, low, high, color=colour, alpha=0.15, linewidth=0)
