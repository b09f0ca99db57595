"""The plots of a population's causes and trade-offs: sensitivity, corners, unit area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from netgen.analysis.variability.population import CornerPoint, PopulationFigures
from netgen.analysis.variability.sensitivity import ERROR, GroupSensitivity, Sensitivity
from netgen.model.graph import Floats
from netgen.report import style
from netgen.report.variability.plots import plot_shares, variant_means

BARS = 16
"""At most this many bars of a ranking are plotted."""
BELIEVED = 0.05
"""Rate of false discoveries up to which a bar is coloured."""
SCALE = 10.0
"""Heat maps are as red as can be for errors of this many per cent, or for the largest beyond."""


def plot_sensitivity(sensitivity: Sensitivity, sheet: style.Sheet) -> Figure:
    """Rankings of single devices, of learned parameters and of nodes."""
    devices = sensitivity.deviations[:BARS]
    groups, nodes = sensitivity.groups[:BARS], sensitivity.nodes[:BARS]
    height = 1.2 + 0.25 * max(len(devices), len(groups), len(nodes))
    fig, (left, middle, right) = sheet.panels(3, height)
    rows = np.arange(len(devices))[::-1]
    believed = [style.CIRCUIT if entry.q < BELIEVED else style.PALE for entry in devices]
    left.barh(rows, [100 * entry.share for entry in devices], 0.7, color=believed)
    left.axvline(
        100 / (sensitivity.chips - 1), color=style.MUTED, linewidth=0.8, linestyle=(0, (3, 2))
    )
    left.set_yticks(rows, [style.plain(entry.name) for entry in devices], fontsize=8)
    left.set_title("devices", fontsize=9, loc="left")
    left.set_xlabel("mean ρ², %", fontsize=9)
    for axes, entries, title in (
        (middle, groups, "learned parameters and roles"),
        (right, nodes, "nodes"),
    ):
        _group_bars(axes, entries, 30 if sheet.wide else 22)
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel("share of the error's variance, %", fontsize=9)
    for axes in (left, middle, right):
        style.tidy(axes)
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", labelsize=8)
    handles: list[Artist] = [
        Patch(color=style.CIRCUIT),
        Patch(color=style.PALE),
        Line2D([], [], color=style.MUTED, linewidth=0.8, linestyle=(0, (3, 2))),
        Line2D([], [], color=style.SOFTWARE, marker="|", markersize=8, linestyle=""),
    ]
    names = [f"more than chance (q < {BELIEVED:g})", "not told from chance", "mean by chance"]
    names += [f"{100 * ERROR:.0f} % of what chance gives a group"]
    fig.legend(
        handles, names, fontsize=8, frameon=False, ncols=sheet.columns(4), loc="outside upper left"
    )
    return fig


def _group_bars(axes: Axes, entries: Sequence[GroupSensitivity], longest: int) -> None:
    rows = np.arange(len(entries))[::-1]
    colours = [style.CIRCUIT if entry.q < BELIEVED else style.PALE for entry in entries]
    axes.barh(rows, [100 * max(0.0, entry.share) for entry in entries], 0.7, color=colours)
    chance = [100 * entry.by_chance for entry in entries]
    axes.plot(chance, rows, "|", color=style.SOFTWARE, markersize=8)
    axes.set_yticks(rows, [_short(entry.name, longest) for entry in entries])
    axes.set_xlim(left=0)


def _short(name: str, longest: int) -> str:
    return style.plain(name if len(name) <= longest else f"{name[: longest - 1]}…")


def plot_corners(
    figures: PopulationFigures, points: Sequence[CornerPoint], sheet: style.Sheet
) -> Figure:
    """Heat maps, process against supply and temperature, for every kind of bias."""
    biases = list(dict.fromkeys(point.bias for point in points))
    corners = list(dict.fromkeys(point.corner for point in points))
    columns = sorted({(point.vdd, point.temperature) for point in points})
    decided = variant_means(np.where(figures.done, figures.agrees, np.nan))
    quantities = [
        ("decisions as software, %", 100 * decided, 100.0),
        ("states equal, %", 100 * variant_means(figures.state_agreement), 100.0),
        ("logit RMSE, % of full scale", 100 * variant_means(figures.logit_rmse_fs), 0.0),
    ]
    quantities = [entry for entry in quantities if not np.isnan(entry[1]).all()]
    wide = len(biases) if sheet.wide else 1
    tall = len(quantities) * len(biases) // wide
    fig = sheet.figure(0.8 + tall * (0.55 + 0.26 * len(corners)))
    panels = fig.subplots(tall, wide, squeeze=False).reshape(len(quantities), len(biases))
    for row, (label, values, ideal) in enumerate(quantities):
        worst = max(SCALE, float(np.nanmax(np.abs(values - ideal))))
        for column, bias in enumerate(biases):
            table = np.full((len(corners), len(columns)), np.nan)
            for point, value in zip(points, values, strict=True):
                if point.bias == bias:
                    place = columns.index((point.vdd, point.temperature))
                    table[corners.index(point.corner), place] = value
            axes = panels[row, column]
            _heat(axes, table, np.abs(table - ideal) / worst)
            axes.set_yticks(range(len(corners)), [style.plain(name) for name in corners])
            axes.set_title(f"{label}: {bias} bias", fontsize=9, loc="left")
            names = [f"{vdd:g} V\n{at:g} °C" for vdd, at in columns]
            last = row == len(quantities) - 1 and (sheet.wide or column == len(biases) - 1)
            axes.set_xticks(range(len(columns)), names if last else [""] * len(columns))
            narrow = len(columns) > (9 if wide > 1 else 18) or not sheet.wide
            axes.tick_params(labelsize=8, length=0, labelcolor=style.MUTED)
            axes.tick_params(axis="x", rotation=90 if narrow else 0)
    return fig


def _heat(axes: Axes, table: Floats, badness: Floats) -> None:
    """Draw a table whose cells are the redder the worse they are (0 … 1)."""
    axes.imshow(badness, aspect="auto", cmap="Reds", vmin=0, vmax=1.15)
    for (row, column), value in np.ndenumerate(table):
        text = "–" if np.isnan(value) else f"{value:.3g}"
        colour = style.LIGHT if badness[row, column] > 0.65 else style.FIXED
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    for side in axes.spines.values():
        side.set_color(style.AXIS)


@dataclass(frozen=True, eq=False)
class AreaPoint:
    """One build's population for the trade-off: its unit mirror (m) and its figures."""

    width: float
    length: float
    figures: PopulationFigures


def plot_area(points: Sequence[AreaPoint], sheet: style.Sheet) -> Figure:
    """Decisions, yield and errors against the area of the unit mirror."""
    fig, (left, right) = sheet.panels(2, 3.6)
    ordered = sorted(points, key=lambda point: point.width * point.length)
    area = np.array([point.width * point.length * 1e12 for point in ordered])
    plot_shares(left, area, [p.figures.yielded for p in ordered], style.CIRCUIT,
            label="yield: chips that decide all samples as software")  # fmt: skip
    shares = [point.figures.agreement.share for point in ordered]
    left.plot(
        area,
        np.array(shares, dtype=np.float64),
        "s--",
        color=style.SOFTWARE,
        linewidth=1,
        markersize=4,
        label="decisions",
    )
    known = [p.figures.yielded.share for p in ordered]
    style.share_axis(left, [each for each in (*shares, *known) if each is not None])
    left.set_ylabel("as software", fontsize=9)
    for values, colour, label in (
        ([p.figures.logit_rmse_same_state_fs for p in ordered], style.CIRCUIT, "same states"),
        ([p.figures.logit_rmse_fs for p in ordered], style.SOFTWARE, "free-running"),
    ):
        rmse = [100 * float(np.nanmedian(entry)) for entry in values]
        right.plot(area, rmse, "o-", color=colour, linewidth=1, markersize=5, label=label)
    right.set_ylim(bottom=0)
    right.set_ylabel("logit RMSE (median run), % of full scale", fontsize=9)
    labels = [f"{p.width * 1e6:g} × {p.length * 1e6:g}" for p in ordered]
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xticks(area, labels)
        axes.set_xticks([], minor=True)
        axes.set_xlabel("unit mirror, µm × µm (by area)", fontsize=9)
        axes.legend(fontsize=8, frameon=False, loc="best")
        style.tidy(axes)
    return fig
