"""Cells of the twin: thresholds and output from the bias currents that arrive at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netgen.characterise import CellTable, Characterisation
from netgen.characterise.mirrors import DEFINED_BY
from netgen.circuit import CellLayer
from netgen.circuit.synthesis import bias_parameters
from netgen.model.graph import Bools, Floats
from netgen.technology import Polarity
from netgen.twin.devices import Deviations, Stage, stage, through
from netgen.twin.mirrors import SMALLEST, Grid, surfaces
from netgen.twin.plan import Plan


@dataclass(frozen=True, eq=False)
class TwinCells:
    """Cells of a layer.

    Attributes
    ----------
    bias
        Threshold, width and gain bias currents as drawn, ln(A), (3, units).
    threshold, width, gain, candidate
        The way from each bias current, and from the candidate's diode, to where it works.
    offset
        Logarithm of the candidate over that of an NMOS-defined line, for the same current into
        the cell, on the grid of currents; zero where it is one.
    """

    layer: CellLayer
    bias: Floats
    threshold: tuple[Stage, ...]
    width: tuple[Stage, ...]
    gain: tuple[Stage, ...]
    candidate: tuple[Stage, ...]
    offset: Floats

    def thresholds(
        self, known: Characterisation, deviations: Deviations, grid: Grid
    ) -> tuple[Floats, Floats, Floats]:
        """Return β_hi, β_lo and α of chips in units, each (chips, units).

        The thresholds are those of a cell with the bias currents that arrive at M2, and at M9's
        feedback; what the candidate's way to M1 adds is taken back from them. α is the current
        of the output branch.
        """
        ways = (self.threshold, self.width, self.gain)
        threshold, width, gain = (
            np.exp(through(way, bias[np.newaxis], deviations, grid.diodes))
            for way, bias in zip(ways, self.bias, strict=True)
        )
        back = tuple(each.reversed for each in reversed(self.candidate))
        jumps = []
        for jump in _jumps(known.cells, threshold, width):
            logs = np.log(np.maximum(jump, SMALLEST * grid.unit))
            logs = logs + np.interp(logs, grid.logs, self.offset)
            found = np.exp(through(back, logs, deviations, grid.diodes)) / grid.unit
            # a threshold that is not there (the cell never falls) stays out of reach
            jumps.append(np.where(jump > SMALLEST * grid.unit, found, 0.0))
        return jumps[0], jumps[1], known.cells.output(gain) / grid.unit

    def states(
        self, candidate: Floats, rising: Floats, falling: Floats, start: Bools | None = None
    ) -> Bools:
        """Return the states for candidates, (chips, samples, frames, units).

        ``start`` holds the states before the first frame, (chips, units); None: the model's own.
        """
        rises = candidate > rising[:, np.newaxis, np.newaxis]
        falls = candidate < falling[:, np.newaxis, np.newaxis]
        states = np.empty((len(rising), *candidate.shape[1:]), dtype=np.bool_)
        first = self.layer.initial_state if start is None else start[:, np.newaxis]
        state = np.broadcast_to(first, states[:, :, 0].shape)
        for frame in range(states.shape[2]):
            state = rises[:, :, frame] | (state & ~falls[:, :, frame])
            states[:, :, frame] = state
        return states


def _jumps(table: CellTable, threshold: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Return β_hi and β_lo of bias currents that may lie beyond what is characterised, A.

    A width above the largest characterised one holds a cell at any candidate, as that one does.
    """
    inside = np.clip(threshold, table.bias[0], table.bias[-1])
    ratio = np.clip(width / threshold, table.ratios[0], table.ratios[-1])
    rising, falling = table.thresholds(inside, ratio * inside)
    return rising * threshold / inside, falling * threshold / inside


def twin_cells(plan: Plan, layer: CellLayer) -> TwinCells:
    """Read the cells of a layer."""
    word, place, drawing = plan.circuit.word(layer), plan.devices.place, plan.drawing
    names = [drawing.block(word, unit, "cell") for unit in range(layer.size)]
    paths = [bias_parameters(layer, unit) for unit in range(layer.size)]
    diodes = [
        [f"{drawing.block(word, unit, 'bias', path)}.diode" for path in own]
        for unit, own in enumerate(paths)
    ]

    def mirror(polarity: Polarity, diode: Sequence[str], copy: str) -> Stage:
        return stage(
            polarity,
            [place(polarity, name) for name in diode],
            [place(polarity, f"{name}.{copy}") for name in names],
        )

    bias = np.array([[drawing.current(word, u, path) for path in p] for u, p in enumerate(paths)]).T
    ends = [(f"{name}.m1",) for name in names]
    of_threshold, of_width, of_gain = zip(*diodes, strict=True)
    return TwinCells(
        layer,
        np.log(bias),
        (mirror("nmos", of_threshold, "m2"),),
        (mirror("nmos", of_width, "m8"), mirror("pmos", [f"{name}.m7" for name in names], "m9")),
        (mirror("nmos", of_gain, "m5"),),
        plan.stages(layer.candidate, list(range(layer.size)), "pmos", ends),
        _offset(plan, layer.candidate),
    )


def _offset(plan: Plan, source: str) -> Floats:
    if not plan.is_cell(source):
        return np.zeros(len(plan.grid.logs))
    tables, m1 = plan.known.mirrors.tables, plan.technology.unit_of("pmos", plan.circuit.unit)
    usual, own = (surfaces(tables[line, "pmos"], [m1])[0, :, -1] for line in DEFINED_BY)
    offset: Floats = np.log(usual / own)
    return offset
