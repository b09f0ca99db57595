"""Plots of one sample over time: logits, candidates and states, circuit over software."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from netgen.analysis import Comparison, SampleComparison
from netgen.model import Cell, Model
from netgen.model.graph import Floats
from netgen.report import style
from netgen.report.text import sample_name
from netgen.simulation.traces import Traces

PANELS = 6
"""At most this many cells of a node are plotted in full."""

DIFFERENCES = (style.PAPER, style.PALE, style.CIRCUIT, style.DIFFERS)
DIFFERENCE_NAMES = ("both low", "both high", "only the circuit high", "only software high")


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
        return f"{self.role}: {sample_name(self.entry.sample, self.entry.id)}"

    @property
    def frames(self) -> int:
        """Frames of the sample."""
        return self.comparison.frames

    @property
    def frame(self) -> float:
        """Length of a frame, ms."""
        return style.milliseconds(self.model)

    @property
    def unit(self) -> float:
        """The current that 1 stands for, nA."""
        return style.nanoamperes(self.model)

    @property
    def end(self) -> float:
        """Length of the sample, ms."""
        return self.frames * self.frame

    @property
    def window(self) -> tuple[float, float]:
        """Begin and end of the frames that the readout looks at, ms."""
        return self.model.readout.start * self.frame, self.model.readout.stop * self.frame

    def wave(self, node: str) -> tuple[Floats, NDArray[np.float32]] | None:
        """The circuit's (time in ms, currents in nA) of a node, where it was recorded."""
        if node not in self.traces.waves:
            return None
        return 1e3 * self.traces.time, np.float32(self.unit) * self.traces.waves[node]


def plot_logits(view: SampleView, sheet: style.Sheet = style.WIDE) -> Figure:
    """Readout currents over time with the readout's frames shaded, and each frame's winner."""
    readout = view.model.readout
    fig = sheet.figure(4.6)
    top, strip = fig.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (5, 1)})
    software = view.comparison.software[readout.node][view.at]
    wave = view.wave(readout.node)
    top.axvspan(*view.window, color=style.WINDOW, linewidth=0)
    handles: list[Artist] = []
    for unit in range(software.shape[1]):
        colour = style.CLASSES[unit % len(style.CLASSES)]
        if wave is not None:
            top.plot(wave[0], wave[1][:, unit], color=colour, linewidth=1.6, alpha=0.85)
        _steps(top, view, software[:, unit], style.darker(colour))
        handles.append(Line2D([], [], color=colour, linewidth=2))
    names = [f"circuit: {style.plain(name)}" for name in view.model.classes]
    handles += [
        Line2D([], [], color=style.SOFTWARE, linewidth=1, linestyle=(0, (3, 2))),
        Patch(color=style.WINDOW),
    ]
    names += ["software", f"readout frames ({readout.rule.replace('_', ' ')})"]
    fig.legend(
        handles, names, fontsize=8, frameon=False, ncols=sheet.columns(4), loc="outside upper left"
    )
    top.set_ylabel("logit (nA)", fontsize=9)
    style.tidy(top)
    _winners(strip, view, software)
    return fig


def _winners(axes: Axes, view: SampleView, software: Floats) -> None:
    """A strip with the largest unit of every frame, software above circuit."""
    winners = np.stack([software.argmax(1), _circuit_winners(view)])
    for row in (0, 1):
        for start, stop, unit in _runs(winners[row]):
            span = (start * view.frame, row), (stop - start) * view.frame, 1
            axes.add_patch(
                Rectangle(*span, color=style.CLASSES[unit % len(style.CLASSES)], linewidth=0)
            )
    differs = np.flatnonzero(winners[0] != winners[1])
    axes.plot(
        (differs + 0.5) * view.frame, np.full(len(differs), 1.0), "x", color=style.SOFTWARE, ms=5
    )
    axes.set_yticks([0.5, 1.5], ["software", "circuit"], fontsize=8)
    axes.set_xlim(0, view.end)
    axes.set_ylim(2, 0)
    axes.set_xlabel("time (ms); × where the largest logit differs", fontsize=9)
    axes.axhline(1, color=style.PAPER, linewidth=1.5)
    _frame(axes)


def _circuit_winners(view: SampleView) -> NDArray[np.int64]:
    winners: NDArray[np.int64] = view.comparison.circuit[view.model.readout.node][view.at].argmax(1)
    return winners


def _runs(values: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield (first, behind the last, value) of every stretch of equal values."""
    ends = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    for start, stop in pairwise(ends):
        yield start, stop, int(values[start])


def logits_alt(view: SampleView) -> str:
    """Say what the plot of logits shows."""
    entry, classes, readout = view.entry, view.model.classes, view.model.readout
    software = view.comparison.software[readout.node][view.at].argmax(1)
    differs = int((software != _circuit_winners(view)).sum())
    return (
        f"{len(classes)} readout currents over {view.end:g} ms, circuit over software. The circuit "
        f"decides {classes[entry.class_circuit]}, software {classes[entry.class_software]}; the "
        f"largest current differs in {differs} of {view.frames} frames."
    )


def states_alt(view: SampleView) -> str:
    """Say what the raster of states shows."""
    flips, first = sum(view.entry.flips.values()), view.entry.first_divergence
    cells = sum(cell.triggers for cell in view.model.cells)
    text = f"{cells} states of cells in {view.frames} frames: {flips} differ from software's"
    if first is None:
        return f"{text}."
    return f"{text}; the first difference is in frame {first.frame}, {first.node}[{first.unit}]."


def candidates_alt(view: SampleView, cell: Cell) -> str:
    """Say what the plot of candidates shows."""
    states = view.comparison.states[cell.name]
    flips = states.flips[view.at].sum(axis=0)
    circuit = states.circuit[view.at]
    switches = int((circuit[1:] != circuit[:-1]).sum())
    return (
        f"Candidate currents of {min(PANELS, cell.size)} of {cell.size} cells of "
        f"{cell.name} against their hysteresis bands. The circuit's cells switch {switches} times; "
        f"{int(cell.together(flips > 0).any(axis=-1).sum())} cells differ from software somewhere."
    )


def plot_candidates(view: SampleView, cell: Cell, sheet: style.Sheet = style.WIDE) -> Figure:
    """Candidates of a node's cells against their hysteresis bands, those of every rung."""
    units = _busiest(view, cell)
    fig = sheet.figure(0.9 + 1.35 * len(units))
    panels = fig.subplots(len(units), 1, sharex=True, squeeze=False)[:, 0]
    software = view.comparison.software[cell.input][view.at]
    flips = cell.together(view.comparison.states[cell.name].flips[view.at])
    lows, highs = (view.unit * cell.together(each) for each in (cell.falling, cell.rising))
    wave = view.wave(cell.input)
    for axes, unit in zip(panels, units, strict=True):
        for low, high in zip(lows[unit], highs[unit], strict=True):
            # bands of rungs may overlap: their edges show
            axes.axhspan(low, high, color=style.BAND, linewidth=0)
            if cell.rungs > 1:
                axes.hlines([low, high], 0, view.end, color=style.AXIS, linewidth=0.5)
        if wave is not None:
            axes.plot(wave[0], wave[1][:, unit], color=style.CIRCUIT, linewidth=1.4)
        _steps(axes, view, software[:, unit], style.SOFTWARE)
        at = np.flatnonzero(flips[:, unit].any(axis=-1))
        axes.plot(
            (at + 0.5) * view.frame,
            np.full(len(at), 0.04),
            "^",
            color=style.DIFFERS,
            markersize=5,
            transform=axes.get_xaxis_transform(),
        )
        axes.set_ylabel(f"[{unit}]", rotation=0, labelpad=14, va="center", fontsize=9)
        axes.set_xlim(0, view.end)
        axes.set_ylim(bottom=0)
        style.tidy(axes)
    handles = [
        Line2D([], [], color=style.CIRCUIT, linewidth=2),
        Line2D([], [], color=style.SOFTWARE, linewidth=1, linestyle=(0, (3, 2))),
        Patch(color=style.BAND),
        Line2D([], [], color=style.DIFFERS, marker="^", linestyle=""),
    ]
    names = ["circuit", "software", "band, β_lo to β_hi", "state differs"]
    columns = 4 if sheet.wide else 2
    fig.legend(handles, names, fontsize=8, frameon=False, ncols=columns, loc="outside upper left")
    label = "time (ms)"
    if len(units) < cell.size and sheet.wide:
        label += f"; {len(units)} of {cell.size} cells: those that differ or switch most"
    panels[-1].set_xlabel(label, fontsize=9)
    fig.supylabel(f"candidate of {style.plain(cell.name)} (nA)", fontsize=9)
    return fig


def _busiest(view: SampleView, cell: Cell) -> list[int]:
    """The cells that differ most, then those that switch most; in order of their index."""
    states = view.comparison.states[cell.name]
    software = states.software[view.at]
    switches, flips = (
        cell.together(each).sum(axis=(0, -1))
        for each in (software[1:] != software[:-1], states.flips[view.at])
    )
    return sorted(int(unit) for unit in np.lexsort((-switches, -flips))[:PANELS])


def plot_states(view: SampleView, sheet: style.Sheet = style.WIDE) -> Figure:
    """A raster of all states: equal ones pale, differences in strong colours."""
    cells = view.model.cells
    readings = [view.comparison.states[cell.name] for cell in cells]
    software = np.concatenate([r.software[view.at] for r in readings], axis=1).T
    circuit = np.concatenate([r.circuit[view.at] for r in readings], axis=1).T
    codes = np.select([software & circuit, circuit, software], [1, 2, 3], 0)
    rows = len(codes)
    fig = sheet.figure(min(9.0, 1.3 + 0.24 * rows))
    axes = fig.subplots()
    for row, each in enumerate(codes):
        for start, stop, code in _runs(each):
            if code:
                span = (start * view.frame, row), (stop - start) * view.frame, 1
                axes.add_patch(Rectangle(*span, color=DIFFERENCES[code], linewidth=0))
    axes.set_xlim(0, view.end)
    axes.set_ylim(rows, 0)
    for edge in view.window:
        axes.axvline(edge, color=style.MUTED, linewidth=0.8, linestyle=":")
    _label_rows(axes, cells)
    axes.set_xlabel("time (ms); dotted: readout frames", fontsize=9)
    _frame(axes)
    handles: list[Artist] = [
        Patch(facecolor=colour, edgecolor=style.AXIS, linewidth=0.6) for colour in DIFFERENCES
    ]
    names = list(DIFFERENCE_NAMES)
    first = view.entry.first_divergence
    if first is not None and first.node in view.comparison.states:
        row = _first_row(cells, first.node, first.unit)
        handles += axes.plot(
            (first.frame + 0.5) * view.frame,
            row + 0.5,
            "o",
            markerfacecolor="none",
            markeredgecolor=style.SOFTWARE,
            markeredgewidth=1.4,
            markersize=10,
            clip_on=False,
        )
        names.append(f"first divergence ({first.cause.replace('_', ' ')})")
    columns = sheet.columns(5)
    fig.legend(handles, names, fontsize=8, frameon=False, ncols=columns, loc="outside upper left")
    return fig


def _first_row(cells: tuple[Cell, ...], node: str, unit: int) -> int:
    """Return the raster's first row of a unit."""
    place = [cell.name for cell in cells].index(node)
    return sum(cell.triggers for cell in cells[:place]) + unit * cells[place].rungs


def _frame(axes: Axes) -> None:
    """Give a raster thin edges."""
    for spine in axes.spines.values():
        spine.set_color(style.AXIS)
        spine.set_linewidth(0.6)
    axes.tick_params(length=2, color=style.AXIS, labelcolor=style.MUTED, labelsize=8)


def _label_rows(axes: Axes, cells: tuple[Cell, ...]) -> None:
    """Name every row while there are few, else every node; a line between nodes."""
    sizes = [cell.triggers for cell in cells]
    ends = np.cumsum(sizes)
    for end in ends[:-1]:
        axes.axhline(end, color=style.MUTED, linewidth=0.8)
    if ends[-1] <= 32:
        names = [
            f"{cell.name}{cell.place(trigger)}"
            for cell, size in zip(cells, sizes, strict=True)
            for trigger in range(size)
        ]
        axes.set_yticks(np.arange(ends[-1]) + 0.5, names)
    else:
        axes.set_yticks(ends - np.array(sizes) / 2, [cell.name for cell in cells])


def _steps(axes: Axes, view: SampleView, values: Floats, colour: str) -> None:
    """Draw one value a frame, software units, as the software holds it."""
    axes.stairs(
        view.unit * values,
        view.frame * np.arange(len(values) + 1),
        baseline=None,
        color=colour,
        linewidth=1.0,
        linestyle=(0, (3, 2)),
    )
