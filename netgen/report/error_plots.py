"""Plots over all samples: errors by node and their distribution."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AsinhLocator, NullLocator

from netgen.analysis import Comparison
from netgen.model import Model
from netgen.report.style import CIRCUIT, MUTED, current_label, figure, tidy

COLUMNS = 3
BINS = 60


def draw_node_errors(comparison: Comparison, model: Model) -> Figure:
    """Bars of each node's RMSE, free-running behind same-state."""
    nodes = comparison.nodes[::-1]
    fig = figure(1.2 + 0.27 * len(nodes))
    axes = fig.subplots()
    rows = np.arange(len(nodes))
    axes.barh(
        rows,
        [node.free_running.rmse for node in nodes],
        0.75,
        color="#d8dde3",
        label="free-running",
    )
    axes.barh(
        rows, [node.same_state.rmse for node in nodes], 0.4, color=CIRCUIT, label="same state"
    )
    labels = [node.node + ("" if node.observed == "line" else "  (re-formed)") for node in nodes]
    axes.set_yticks(rows, labels, fontsize=8)
    axes.set_ylim(-0.6, len(nodes) - 0.4)
    axes.set_xlabel(current_label(model, "RMSE"), fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="best")
    tidy(axes)
    axes.grid(False, axis="y")
    return fig


def draw_histograms(comparison: Comparison, model: Model) -> Figure:
    """One histogram a node that flows as a current, counts on a logarithmic scale."""
    names = [node.node for node in comparison.nodes if node.observed == "line"]
    rows = math.ceil(len(names) / COLUMNS)
    fig = figure(0.7 + 1.7 * rows)
    panels = fig.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        _histogram(axes, comparison, name)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    fig.legend(handles, labels, fontsize=8, frameon=False, ncols=2, loc="outside upper left")
    fig.supxlabel(current_label(model, "circuit − software"), fontsize=9)
    fig.supylabel("frames × units, all samples", fontsize=9)
    return fig


def _histogram(axes: Axes, comparison: Comparison, name: str) -> None:
    circuit = comparison.circuit[name]
    free = (circuit - comparison.software[name]).ravel()
    same = (circuit - comparison.same_state[name]).ravel()
    # Analog errors and whole flipped states on one axis: linear near zero, logarithmic beyond.
    linear = max(float(np.sqrt(np.mean(same**2))), 1e-6)
    reach = 1.05 * max(float(np.abs(np.concatenate([free, same])).max()), linear)
    end = np.arcsinh(reach / linear)
    edges = (linear * np.sinh(np.linspace(-end, end, BINS + 1))).tolist()
    axes.hist(same, edges, color=CIRCUIT, alpha=0.75, label="same state")
    axes.hist(free, edges, histtype="step", color="#20262e", linewidth=1.0, label="free-running")
    axes.set_yscale("log")
    axes.set_title(name, fontsize=9, loc="left")
    axes.axvline(0, color=MUTED, linewidth=0.6)
    tidy(axes)
    axes.set_xscale("asinh", linear_width=linear)
    axes.xaxis.set_major_locator(AsinhLocator(linear, numticks=5))
    axes.xaxis.set_minor_locator(NullLocator())
