"""Plots over all samples: errors by node and their distribution."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from netgen.analysis import Comparison
from netgen.model import Model
from netgen.report import style

COLUMNS = 3
BINS = 60


def plot_node_errors(comparison: Comparison, model: Model, sheet: style.Sheet) -> Figure:
    """Bars of each node's RMSE, free-running behind same-state."""
    nodes, unit = comparison.nodes[::-1], style.nanoamperes(model)
    fig = sheet.figure(1.2 + 0.27 * len(nodes))
    axes = fig.subplots()
    rows = np.arange(len(nodes))
    free = [unit * node.free_running.rmse for node in nodes]
    same = [unit * node.same_state.rmse for node in nodes]
    axes.barh(rows, free, 0.75, color=style.PALE, label="free-running")
    axes.barh(rows, same, 0.4, color=style.CIRCUIT, label="same state")
    labels = [node.node + ("" if node.observed == "line" else "  (re-formed)") for node in nodes]
    axes.set_yticks(rows, labels, fontsize=8)
    axes.set_ylim(-0.6, len(nodes) - 0.4)
    axes.set_xlabel("RMSE (nA)", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="best")
    axes.set_xlim(left=0)
    style.tidy(axes)
    axes.grid(False, axis="y")
    return fig


def plot_histograms(comparison: Comparison, model: Model, sheet: style.Sheet) -> Figure:
    """One histogram a node that flows as a current, counts on a logarithmic scale."""
    names = [node.node for node in comparison.nodes if node.observed == "line"]
    columns = sheet.columns(COLUMNS)
    rows = math.ceil(len(names) / columns)
    fig = sheet.figure(0.7 + 1.7 * rows)
    panels = fig.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        _histogram(axes, comparison, name, style.nanoamperes(model))
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    fig.legend(handles, labels, fontsize=8, frameon=False, ncols=2, loc="outside upper left")
    fig.supxlabel("circuit − software (nA)", fontsize=9)
    fig.supylabel("frames × units, all samples", fontsize=9)
    return fig


def _histogram(axes: Axes, comparison: Comparison, name: str, unit: float) -> None:
    circuit = comparison.circuit[name]
    free = unit * (circuit - comparison.software[name]).ravel()
    same = unit * (circuit - comparison.same_state[name]).ravel()
    # Analog errors and whole flipped states on one axis: linear near zero, logarithmic beyond.
    linear = max(float(np.sqrt(np.mean(same**2))), 1e-6)
    reach = 1.05 * max(float(np.abs(np.concatenate([free, same])).max()), linear)
    edges = np.linspace(-1, 1, BINS + 1) * np.arcsinh(reach / linear)
    counts = [np.histogram(np.arcsinh(error / linear), edges)[0] for error in (same, free)]
    axes.stairs(counts[0], edges, fill=True, color=style.CIRCUIT, alpha=0.75, label="same state")
    axes.stairs(counts[1], edges, color=style.SOFTWARE, linewidth=1.0, label="free-running")
    axes.set_yscale("log")
    axes.set_ylim(0.7, 2.0 * max(float(count.max()) for count in counts))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    ticks = _ticks(linear, reach)
    axes.set_xticks(np.arcsinh(np.array(ticks) / linear), [f"{tick:g}" for tick in ticks])
    axes.set_title(style.plain(name), fontsize=9, loc="left")
    axes.axvline(0, color=style.MUTED, linewidth=0.6)
    style.tidy(axes)


def _ticks(linear: float, reach: float) -> list[float]:
    """Zero, and on either side the largest decade in reach and the smallest that is not crowded."""
    last = math.floor(math.log10(reach))
    first = min(math.ceil(math.log10(2 * linear)), last)
    positive = sorted({10.0**first, 10.0**last})
    return [-tick for tick in reversed(positive)] + [0.0, *positive]
