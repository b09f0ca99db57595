"""A sweep's plot and page: agreement against power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from netgen.report.page import Page, Section, Table, TableRow, to_html
from netgen.report.plot import render
from netgen.report.style import CIRCUIT, CLASSES, MUTED, Sheet, share_axis, tidy, value_axis
from netgen.report.text import percent
from netgen.units import engineering


@dataclass(frozen=True)
class SweepCurve:
    """One quantity over its values, (points,) each; None where there was nothing to measure."""

    label: str  #: Quantity and unit, for the axis.
    logarithmic: bool  #: Whether its values are spread over decades.
    values: Sequence[float]
    decisions: Sequence[float]  #: Share of decisions that agree.
    states: Sequence[float | None]
    power_w: Sequence[float | None]
    frames: Sequence[str]  #: The shortest frames to expect, with wires, for people.
    summaries: Sequence[str]  #: What limits the circuit.


def sweep_files(name: str, curves: Sequence[SweepCurve]) -> dict[str, str | bytes]:
    """Return ``sweep.png`` and ``sweep.html``, by name.

    Parameters
    ----------
    name
        Of the model.
    """
    shares = [share for curve in curves for share in curve.decisions]
    summary = (
        f"{sum(share == 1 for share in shares)} of {len(shares)} builds decide every sample as "
        f"software does; the worst {percent(min(shares))} of them."
    )
    plot = render(
        "sweep.png",
        "sweep",
        "Agreement against power",
        "One quantity at a time; the others are the model's and the technology's own.",
        f"Decisions and states over {', '.join(curve.label for curve in curves)}, supply power "
        f"below. {summary}",
        partial(plot_sweep, curves),
    )
    sections = [Section("plot", "Agreement against power", [plot])]
    sections += [
        Section(f"quantity-{at}", curve.label, [_table(curve)]) for at, curve in enumerate(curves)
    ]
    page = to_html(Page(name, "sweep", summary, sections))
    return {plot.file: plot.png, "sweep.html": page}


def _table(curve: SweepCurve) -> Table:
    rows = [
        TableRow(
            (
                f"{value:g}",
                percent(decided),
                percent(states),
                "–" if watts is None else engineering(watts, "W"),
                frame,
                summary,
            ),
            decided < 1,
        )
        for value, decided, states, watts, frame, summary in zip(
            *(
                curve.values,
                curve.decisions,
                curve.states,
                curve.power_w,
                curve.frames,
                curve.summaries,
            ),
            strict=True,
        )
    ]
    columns = (
        f">{curve.label}",
        ">decisions as software",
        ">states",
        ">supply power",
        ">shortest frame",
        "limits",
    )
    return Table(curve.label, columns, rows)


def plot_sweep(curves: Sequence[SweepCurve], sheet: Sheet) -> Figure:
    """Draw agreement and power over each quantity: side by side, or below one another."""
    count = len(curves)
    page = sheet.figure(5.2 if sheet.wide else 4.4 * count)
    rows, columns = (2, count) if sheet.wide else (2 * count, 1)
    for at, curve in enumerate(curves):
        first, second = (1 + at, 1 + count + at) if sheet.wide else (1 + 2 * at, 2 + 2 * at)
        above = page.add_subplot(rows, columns, first)
        below = page.add_subplot(rows, columns, second, sharex=above)
        pairs = zip(curve.values, curve.states, strict=True)
        known = [(value, share) for value, share in pairs if share is not None]
        above.plot(curve.values, curve.decisions, "o-", color=CIRCUIT, label="decisions")
        if known:
            above.plot(*zip(*known, strict=True), "s--", color=CLASSES[0], label="states")
        powers = [
            (v, watts * 1e9)
            for v, watts in zip(curve.values, curve.power_w, strict=True)
            if watts is not None
        ]
        if powers:
            below.plot(*zip(*powers, strict=True), "o-", color=MUTED)
        value_axis(below, [watts for _, watts in powers])
        if powers and max(powers, key=_watts)[1] > 4 * min(powers, key=_watts)[1] > 0:
            below.set_yscale("log")
            below.autoscale(axis="y")
            below.yaxis.set_major_formatter("{x:g}")
            below.yaxis.set_minor_formatter(NullFormatter())
        if curve.logarithmic:
            below.set_xscale("log")
            below.set_xticks(curve.values, [f"{value:g}" for value in curve.values])
            below.set_xticks([], minor=True)
        below.set_xlabel(curve.label, fontsize=9)
        above.tick_params(labelbottom=False)
        if at == 0 or not sheet.wide:
            above.set_ylabel("agrees with software", fontsize=9)
            below.set_ylabel("supply power (nW)", fontsize=9)
        if at == 0:
            above.legend(frameon=False, fontsize=8)
        for axes in (above, below):
            tidy(axes)
        share_axis(above, [*curve.decisions, *(share for _, share in known)])
    return page


def _watts(point: tuple[float, float]) -> float:
    return point[1]
