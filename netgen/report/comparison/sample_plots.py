"""Plots of one sample over time: logits, candidates and states, circuit over software."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from netgen.analysis import Comparison, SampleComparison
from netgen.model import Cell, Model
from netgen.model.graph import Floats
from netgen.report.style import (
    AXIS,
    BAND,
    CIRCUIT,
    CLASSES,
    DIFFERS,
    MUTED,
    SOFTWARE,
    WINDOW,
    current_label,
    darker,
    figure,
    plain,
    tidy,
    time_label,
)
from netgen.simulation.traces import Traces

PANELS = 6
"""At most this many cells of a node are drawn in full."""

DIFFERENCES = ("#ffffff", "#c9d3de", CIRCUIT, DIFFERS)
DIFFERENCE_NAMES = ("both low", "both high", "only the circuit high", "only software high")


RING: dict[str, Any] = {
    "markerfacecolor": "none",
    "markeredgecolor": "black",
    "markeredgewidth": 1.4,
    "markersize": 10,
    "clip_on": False,
}


@dataclass(frozen=True, eq=False)
class SampleView:
    """One sample as the plots need it; ``at`` is its position in the comparison."""

    role: str
    at: int
    entry: SampleComparison
    comparison: Comparison
    model: Model
    traces: Traces

    @property
    def heading(self) -> str:
        """What the sample is, for titles."""
        return f"{self.role}, {self.entry.sample}: {self.entry.id}"

    @property
    def frames(self) -> int:
        """Frames of the sample."""
        return self.comparison.frames

    def wave(self, node: str) -> tuple[Floats, NDArray[np.float32]] | None:
        """The circuit's (time in frames, values) of a node, where it was recorded."""
        if node not in self.traces.waves:
            return None
        return self.traces.time / self.model.frame_period, self.traces.waves[node]


def draw_logits(view: SampleView) -> Figure:
    """Readout currents over time with the readout's frames shaded, and each frame's winner."""
    readout = view.model.readout
    fig = figure(4.6)
    top, strip = fig.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (5, 1)})
    software = view.comparison.software[readout.node][view.at]
    wave = view.wave(readout.node)
    top.axvspan(readout.start, readout.stop, color=WINDOW, linewidth=0)
    handles: list[Artist] = []
    for unit in range(software.shape[1]):
        colour = CLASSES[unit % len(CLASSES)]
        if wave is not None:
            top.plot(wave[0], wave[1][:, unit], color=colour, linewidth=1.6, alpha=0.85)
        _steps(top, software[:, unit], darker(colour))
        handles.append(Line2D([], [], color=colour, linewidth=2))
    names = [f"circuit: {plain(name)}" for name in view.model.classes]
    handles += [
        Line2D([], [], color=SOFTWARE, linewidth=1, linestyle=(0, (3, 2))),
        Patch(color=WINDOW),
    ]
    names += ["software", f"readout frames ({readout.rule.replace('_', ' ')})"]
    top.legend(
        handles, names, fontsize=8, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1)
    )
    top.set_ylabel(current_label(view.model, "logit"), fontsize=9)
    tidy(top)
    _winners(strip, view, software)
    return fig


def _winners(axes: Axes, view: SampleView, software: Floats) -> None:
    """A strip with the largest unit of every frame, software above circuit."""
    circuit = view.comparison.circuit[view.model.readout.node][view.at]
    winners = np.stack([software.argmax(1), circuit.argmax(1)])
    axes.imshow(
        winners % len(CLASSES),
        aspect="auto",
        interpolation="nearest",
        extent=(0, view.frames, 2, 0),
        cmap=ListedColormap(CLASSES),
        norm=BoundaryNorm(np.arange(len(CLASSES) + 1) - 0.5, len(CLASSES)),
        alpha=0.75,
    )
    differs = np.flatnonzero(winners[0] != winners[1])
    axes.plot(differs + 0.5, np.full(len(differs), 1.0), "x", color="black", markersize=5)
    axes.set_yticks([0.5, 1.5], ["software", "circuit"], fontsize=8)
    axes.set_xlim(0, view.frames)
    axes.set_xlabel(time_label(view.model) + "; × where the largest logit differs", fontsize=9)
    axes.axhline(1, color="white", linewidth=1.5)
    _frame(axes)


def draw_candidates(view: SampleView, cell: Cell) -> Figure:
    """Candidates of a node's cells against their hysteresis bands."""
    units = _busiest(view, cell)
    fig = figure(0.9 + 1.35 * len(units))
    panels = fig.subplots(len(units), 1, sharex=True, squeeze=False)[:, 0]
    software = view.comparison.software[cell.input][view.at]
    flips = view.comparison.states[cell.name].flips[view.at]
    wave = view.wave(cell.input)
    for axes, unit in zip(panels, units, strict=True):
        axes.axhspan(cell.falling[unit], cell.rising[unit], color=BAND, linewidth=0)
        if wave is not None:
            axes.plot(wave[0], wave[1][:, unit], color=CIRCUIT, linewidth=1.4)
        _steps(axes, software[:, unit], SOFTWARE)
        at = np.flatnonzero(flips[:, unit])
        axes.plot(
            at + 0.5,
            np.full(len(at), 0.04),
            "^",
            color=DIFFERS,
            markersize=5,
            transform=axes.get_xaxis_transform(),
        )
        axes.set_ylabel(f"[{unit}]", rotation=0, labelpad=14, va="center", fontsize=9)
        axes.set_xlim(0, view.frames)
        axes.set_ylim(bottom=0)
        tidy(axes)
    handles = [
        Line2D([], [], color=CIRCUIT, linewidth=2),
        Line2D([], [], color=SOFTWARE, linewidth=1, linestyle=(0, (3, 2))),
        Patch(color=BAND),
        Line2D([], [], color=DIFFERS, marker="^", linestyle=""),
    ]
    names = ["circuit", "software", r"band, $β_{lo}$ to $β_{hi}$", "state differs"]
    fig.legend(handles, names, fontsize=8, frameon=False, ncols=4, loc="outside upper left")
    label = time_label(view.model)
    if len(units) < cell.size:
        label += f"; {len(units)} of {cell.size} cells: those that differ or switch most"
    panels[-1].set_xlabel(label, fontsize=9)
    fig.supylabel(current_label(view.model, f"candidate of {cell.name}"), fontsize=9)
    return fig


def _busiest(view: SampleView, cell: Cell) -> list[int]:
    """The cells that differ most, then those that switch most; in order of their index."""
    states = view.comparison.states[cell.name]
    software = states.software[view.at]
    switches = (software[1:] != software[:-1]).sum(axis=0)
    order = np.lexsort((-switches, -states.flips[view.at].sum(axis=0)))
    return sorted(int(unit) for unit in order[:PANELS])


def draw_states(view: SampleView) -> Figure:
    """A raster of all BMRU states: equal ones pale, differences in strong colours."""
    cells = view.model.cells
    readings = [view.comparison.states[cell.name] for cell in cells]
    software = np.concatenate([r.software[view.at] for r in readings], axis=1).T
    circuit = np.concatenate([r.circuit[view.at] for r in readings], axis=1).T
    codes = np.select([software & circuit, circuit, software], [1, 2, 3], 0)
    rows = len(codes)
    fig = figure(min(9.0, 1.3 + 0.24 * rows))
    axes = fig.subplots()
    axes.imshow(
        codes,
        aspect="auto",
        interpolation="nearest",
        extent=(0, view.frames, rows, 0),
        cmap=ListedColormap(DIFFERENCES),
        norm=BoundaryNorm(np.arange(5) - 0.5, 4),
    )
    axes.axvline(view.model.readout.start, color=MUTED, linewidth=0.8, linestyle=":")
    axes.axvline(view.model.readout.stop, color=MUTED, linewidth=0.8, linestyle=":")
    _label_rows(axes, cells)
    axes.set_xlabel(f"{time_label(view.model)}; dotted: readout frames", fontsize=9)
    _frame(axes)
    handles: list[Artist] = [
        Patch(facecolor=colour, edgecolor=AXIS, linewidth=0.6) for colour in DIFFERENCES
    ]
    names = list(DIFFERENCE_NAMES)
    first = view.entry.first_divergence
    if first is not None and first.node in view.comparison.states:
        row = _first_row(cells, first.node) + first.unit
        handles += axes.plot(first.frame + 0.5, row + 0.5, "o", **RING)
        names.append(f"first divergence ({first.cause.replace('_', ' ')})")
    fig.legend(handles, names, fontsize=8, frameon=False, ncols=5, loc="outside upper left")
    return fig


def _first_row(cells: tuple[Cell, ...], node: str) -> int:
    """Return the raster's row of a node's unit 0."""
    names = [cell.name for cell in cells]
    return sum(cell.size for cell in cells[: names.index(node)])


def _frame(axes: Axes) -> None:
    """Give a raster thin edges."""
    for spine in axes.spines.values():
        spine.set_color(AXIS)
        spine.set_linewidth(0.6)
    axes.tick_params(length=2, color=AXIS, labelsize=8)


def _label_rows(axes: Axes, cells: tuple[Cell, ...]) -> None:
    """Name every row while there are few, else every node; a line between nodes."""
    sizes = [cell.size for cell in cells]
    ends = np.cumsum(sizes)
    for end in ends[:-1]:
        axes.axhline(end, color=MUTED, linewidth=0.8)
    if ends[-1] <= 32:
        names = [
            f"{cell.name}[{unit}]"
            for cell, size in zip(cells, sizes, strict=True)
            for unit in range(size)
        ]
        axes.set_yticks(np.arange(ends[-1]) + 0.5, names)
    else:
        axes.set_yticks(ends - np.array(sizes) / 2, [cell.name for cell in cells])


def _steps(axes: Axes, values: Floats, colour: str | tuple[float, float, float]) -> None:
    """Draw one value a frame as the software holds it."""
    axes.stairs(
        values,
        np.arange(len(values) + 1),
        baseline=None,
        color=colour,
        linewidth=1.0,
        linestyle=(0, (3, 2)),
    )
