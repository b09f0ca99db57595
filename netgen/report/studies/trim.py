"""A page of ``netgen trim``: chips before and after, and the codes they got."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from netgen.analysis.variability.accuracy import TrimmedChips
from netgen.arrays import Integers
from netgen.document import Json
from netgen.report.index import write_page
from netgen.report.page import Content, Page, Section, Table, TableRow, provenance
from netgen.report.plot import render
from netgen.report.style import AGREES, CIRCUIT, MUTED, SOFTWARE, Sheet, tidy
from netgen.report.text import percent
from netgen.trim import CodeRange
from netgen.units import counted

FEW = 0.01
"""Share of codes at the ends of the range from which a row of the table is marked."""
_BINS = 40


def write_trim_page(
    path: Path,
    name: str,
    span: CodeRange,
    codes: Mapping[str, Integers],
    accuracies: TrimmedChips | None,
    sources: Mapping[str, Json],
) -> None:
    """Write the page, and the index of its folder.

    Parameters
    ----------
    name
        Of the model.
    codes
        Of all chips and units, by what they set, (codes,).
    accuracies
        What chips decide; None without labelled samples that no trial used.
    sources
        Where the codes come from.
    """
    every = np.concatenate(list(codes.values()))
    ends = _at_ends(span, every)
    summary = f"{percent(ends)} of {every.size} codes are at an end of their range."
    contents: list[Content] = []
    facts: list[tuple[str, str]] = []
    if accuracies is not None:
        before, after = accuracies.before, accuracies.after
        summary = (
            f"The mean balanced accuracy of {counted(after.chips, 'chips')} goes from "
            f"{percent(before.mean)} to {percent(after.mean)} (software {percent(after.software)}),"
            f" its 5 % quantile from {percent(before.low)} to {percent(after.low)}. {summary}"
        )
        facts = [("software", percent(after.software)), *_change("mean", before.mean, after.mean)]
        facts += _change("5 % quantile", before.low, after.low)
        facts += _change(
            "chips within 5 points of software", before.far.share or 0, after.far.share or 0
        )
        caption = f"Chips by balanced accuracy over {after.samples} labelled samples."
        draw = partial(_plot_accuracies, accuracies)
        title = "Balanced accuracy of chips"
        contents = [render("trim.png", "chips", title, caption, summary, draw)]
    title = "Codes used"
    caption = f"Codes 0 … {span.last} set factors of {span.low:g} … {span.high:g}; ends are marked."
    plot_codes = partial(_plot_codes, span, codes)
    plot = render("codes.png", "codes", title, caption, _alt(span, codes), plot_codes)
    sections = [Section("chips", "Chips before and after", contents, "Chips")] if contents else []
    sections += [
        Section("codes", "Codes", [plot, _table(span, codes)]),
        provenance([entry for entry in sources.items() if entry[1] is not None], ()),
    ]
    write_page(path, Page(name, "trim", summary, sections, facts))


def _change(label: str, before: float, after: float) -> list[tuple[str, str]]:
    return [(label, f"{percent(before)} → {percent(after)}")]


def _at_ends(span: CodeRange, codes: Integers) -> float:
    return float(((codes == 0) | (codes == span.last)).mean())


def _alt(span: CodeRange, codes: Mapping[str, Integers]) -> str:
    medians = (
        f"{what}: median factor {np.exp(np.median(span.logs(code))):.3g}, "
        f"{percent(_at_ends(span, code))} at the ends"
        for what, code in codes.items()
    )
    return "; ".join(medians) + "."


def _table(span: CodeRange, codes: Mapping[str, Integers]) -> Table:
    rows = []
    for what, code in codes.items():
        low, middle, high = np.exp(np.quantile(span.logs(code), (0.05, 0.5, 0.95)))
        ends = _at_ends(span, code)
        cells = (f"`{what}`", str(code.size), f"{middle:.3f}", f"{low:.3f} … {high:.3f}",
                 percent(ends))  # fmt: skip
        rows.append(TableRow(cells, ends > FEW))
    columns = ("what they set", ">codes", ">median factor", ">5 … 95 %", ">at an end of the range")
    return Table("Codes by what they set", columns, rows)


def _plot_accuracies(accuracies: TrimmedChips, sheet: Sheet) -> Figure:
    fig = sheet.figure(3.4)
    axes = fig.subplots()
    low = float(accuracies.accuracies.min())
    bins = np.linspace(low, max(float(accuracies.accuracies.max()), low + 0.02), _BINS)
    for share, colour, label in zip(
        accuracies.accuracies, (CIRCUIT, AGREES), ("before", "after"), strict=True
    ):
        axes.hist(share, bins.tolist(), color=colour, alpha=0.6, label=label)
    axes.axvline(accuracies.after.software, color=SOFTWARE, linestyle=(0, (3, 2)), label="software")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("balanced accuracy", fontsize=9)
    axes.set_ylabel("chips", fontsize=9)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    tidy(axes)
    return fig


def _plot_codes(span: CodeRange, codes: Mapping[str, Integers], sheet: Sheet) -> Figure:
    fig, panels = sheet.panels(len(codes), 2.6)
    places = np.arange(span.last + 1)
    colours = [CIRCUIT if at in (0, span.last) else MUTED for at in places]
    for axes, (what, code) in zip(panels, codes.items(), strict=True):
        axes.bar(places, np.bincount(code, minlength=span.last + 1), 1.0, color=colours)
        axes.set_title(what, fontsize=9)
        axes.set_xlabel("code", fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        tidy(axes)
    panels[0].set_ylabel("chips × units", fontsize=9)
    return fig
