"""The supply power as JSON and as plots: by block, layer and node, and over time."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netgen.analysis.power.consumption import GROUPINGS, Grouping, PowerFigures, group_of
from netgen.document import Json
from netgen.netlist import KINDS
from netgen.report.style import CLASSES, MUTED, SOFTWARE, Sheet, plain, tidy
from netgen.simulation.traces import Traces

COLOURS = dict(zip(KINDS, CLASSES, strict=False))
MEANINGS = {
    "mirror": "copies of signals into rows (weights)",
    "relu": "diodes of rows: fed by the mirrors, nothing of their own",
    "cell": "cells: candidate, feedback and output branches",
    "bias": "constants of rows, and the bias currents of cells",
    "line": "P-gate nets of inputs and rows, N-gate nets of cells",
    "input": "input currents",
    "start": "start-up switches",
    "decision": "what decides: copies of the readout's currents, and its bias",
    "dac": "DACs of bias currents: their diodes, and the currents that they give to cells",
    "divider": "dividers of inputs: what both of their mirrors give",
    "readout": "what the readout's sources at half the supply give (or take back)",
}
"""What each kind of block takes from the supply."""


def power_document(figures: PowerFigures) -> dict[str, Json]:
    """Return the power as a JSON object."""
    return {
        "samples": figures.samples,
        "total": asdict(figures.total),
        **{
            f"by_{grouping}": {
                name: asdict(each) for name, each in figures.groups[grouping].items()
            }
            for grouping in GROUPINGS
        },
        "blocks": [
            {"node": branch.node, "block": branch.kind, "average_w": watts}
            for branch, watts in figures.blocks.items()
        ],
        "frames_w": {kind: watts.tolist() for kind, watts in figures.frames_w.items()},
    }


def plot_over_time(traces: Traces, sheet: Sheet) -> Figure:
    """Draw a sample's supply power by kind of block, stacked over time."""
    fig = sheet.figure(4.2)
    axes = fig.subplots()
    by_kind = _by_kind(traces)
    shown = _extremes(np.sum(list(by_kind.values()), axis=0))
    by_kind = {kind: watts[shown] for kind, watts in by_kind.items()}
    time = 1e3 * traces.time[shown]
    order = sorted(by_kind, key=lambda kind: -float(by_kind[kind].mean()))
    taking = [kind for kind in order if by_kind[kind].mean() >= 0]
    giving = [kind for kind in order if kind not in taking]
    nano = {kind: watts * 1e9 for kind, watts in by_kind.items()}
    for kinds in (taking, giving):
        if kinds:
            colours = [COLOURS[kind] for kind in kinds]
            stack = np.stack([nano[kind] for kind in kinds])
            axes.stackplot(time, stack, labels=kinds, colors=colours, alpha=0.85, linewidth=0)
    total = np.sum(list(nano.values()), axis=0)
    axes.plot(time, total, color=SOFTWARE, linewidth=0.8, label="total")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xlim(0, time[-1])
    axes.set_xlabel("time (ms)", fontsize=9)
    axes.set_ylabel("supply power (nW)", fontsize=9)
    fig.legend(fontsize=8, frameon=False, ncols=sheet.columns(9), loc="outside upper left")
    tidy(axes)
    return fig


def _extremes(values: NDArray[np.float64], stretches: int = 500) -> NDArray[np.int64]:
    """Return where the least and the largest value of every stretch are: what a plot can show."""
    ends = np.linspace(0, len(values), stretches + 1).astype(np.int64)
    indices = {0, len(values) - 1}
    for start, stop in pairwise(ends.tolist()):
        if stop > start:
            part = values[start:stop]
            indices |= {start + int(part.argmin()), start + int(part.argmax())}
    return np.array(sorted(indices))


def plot_by_block(figures: PowerFigures, sheet: Sheet) -> Figure:
    """Draw the mean power by kind of block, and by node with its kinds of block."""
    nodes = list(dict.fromkeys(branch.node for branch in figures.blocks))
    kinds = list(figures.groups["block"])
    fig = sheet.figure(1.6 + 0.24 * (len(nodes) + len(kinds)))
    ratios = (len(kinds) + 1, len(nodes) + 1)
    upper, lower = fig.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": ratios})
    longest = max(_bars(upper, figures, "block", kinds), _bars(lower, figures, "node", nodes))
    lower.set_xlim(
        right=(1.2 if sheet.wide else 1.8) * longest
    )  # the axis is shared; the figures at the bars need room
    lower.set_xlabel("supply power, mean (nW)", fontsize=9)
    handles, labels = lower.get_legend_handles_labels()
    fig.legend(
        handles, labels, fontsize=8, frameon=False, ncols=sheet.columns(8), loc="outside upper left"
    )
    return fig


def _bars(axes: Axes, figures: PowerFigures, grouping: Grouping, names: list[str]) -> float:
    """Draw one bar a name, stacked by kind of block, and return the longest's end in nW.

    What is given back goes to the left.
    """
    rows = np.arange(len(names))[::-1]
    left, right = np.zeros(len(names)), np.zeros(len(names))
    for kind in figures.groups["block"]:
        width = np.zeros(len(names))
        for branch, watts in figures.blocks.items():
            if branch.kind == kind:
                width[names.index(group_of(branch, grouping))] += watts * 1e9
        start = np.where(width < 0, left, right)
        axes.barh(rows, width, 0.7, left=start, color=COLOURS[kind], label=kind)
        left, right = left + np.minimum(width, 0), right + np.maximum(width, 0)
    for row, end, name in zip(rows, right, names, strict=True):
        watts = figures.groups[grouping][name].average_w
        share = watts / figures.total.average_w
        axes.annotate(
            f"{watts * 1e9:.3g} nW, {100 * share:.1f} %",
            (end, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=MUTED,
        )
    axes.set_yticks(rows, [plain(name) for name in names], fontsize=8)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    tidy(axes)
    axes.grid(False, axis="y")
    return float(right.max())


def _by_kind(traces: Traces) -> dict[str, np.ndarray]:
    by_kind: dict[str, np.ndarray] = {}
    for at, branch in enumerate(traces.power.branches):
        wave = traces.power.wave_w[:, at].astype(np.float64)
        by_kind[branch.kind] = by_kind.get(branch.kind, np.zeros(len(wave))) + wave
    return by_kind
