"""Decks that show noise: a block's own at an operating point, and noise injected into cells."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.blocks import BiasedCell
from netgen.netlist.characterisation import ACCURATE, CellView, block_texts, cell_output, cell_view
from netgen.netlist.deck import (
    Deck,
    Noise,
    NoiseDensity,
    OperatingPoint,
    SourceCurrent,
    Transient,
    Voltage,
)
from netgen.netlist.models import Conditions, SimulatorOptions
from netgen.netlist.render import render_template
from netgen.netlist.testbench import pwl
from netgen.netlist.write import transistors
from netgen.technology import Geometry, Technology

Block: TypeAlias = Literal["mirror", "row", "signed_row", "cell_high", "cell_low"]
BLOCKS: tuple[Block, ...] = ("mirror", "row", "signed_row", "cell_high", "cell_low")

OUTPUT_NOISE, INPUT_NOISE = NoiseDensity("output"), NoiseDensity("input")
OPERATING_CURRENT = SourceCurrent("vsense")
"""The output current at the operating point."""
STORAGE = Voltage("storage")
"""Of a cell's storage node."""
OPTIONS = (
    ("accurate", ACCURATE),
    ("finite steps", SimulatorOptions(reltol=1e-5, vntol=1e-7, abstol=1e-15, bypass=False)),
    ("usual", SimulatorOptions(bypass=False)),
)
"""Options for operating points, to try in turn: models with body resistors do not converge with
the first. The last still leave a transconductance uncertain by only 0.03 %."""
_POINTS_A_DECADE = 20


@dataclass(frozen=True)
class BlockUnderTest:
    """A block at its operating point."""

    #: ``mirror``: diode and one copy, unit NMOS. ``row``: an input copied to its P-gate net, one
    #: positive weight of 1, the row's diode and a copy of it. ``signed_row``: the same with weights
    #: 1, 1 and −1. ``cell_high``, ``cell_low``: a cell in that state behind an input and its P
    #: line, with one copy of its output.
    block: Block
    current: float  #: Input current, A.
    cell: BiasedCell | None = None  #: Bias currents of the cell.


def operating_deck(
    technology: Technology, at: Conditions, unit: Geometry, tested: BlockUnderTest
) -> Deck:
    """Return the deck that finds a block's operating point, see :data:`OPERATING_CURRENT`."""
    body = _block(technology, at, unit, tested, None)
    quantities = (OPERATING_CURRENT,) if tested.cell is None else (OPERATING_CURRENT, STORAGE)
    return Deck.at(
        technology, at, f"Operating point: {tested.block}", body, quantities, OperatingPoint()
    )


def noise_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    tested: BlockUnderTest,
    hold: float | None,
    band: tuple[float, float],
) -> Deck:
    """Return the deck that computes a block's noise over a band of frequencies, Hz.

    Parameters
    ----------
    hold
        Voltage of a cell's storage node at the operating point: a noise analysis looks for that
        point anew, and may find the other state.
    """
    body = _block(technology, at, unit, tested, hold)
    analysis = Noise("shown", "Iin", _POINTS_A_DECADE, *band)
    densities = (OUTPUT_NOISE, INPUT_NOISE)
    return Deck.at(technology, at, f"Noise: {tested.block}", body, densities, analysis)


def _block(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    tested: BlockUnderTest,
    hold: float | None,
) -> str:
    return render_template(
        "noise_block.j2",
        vdd=at.vdd,
        half=at.vdd / 2,
        unit=unit,
        blocks=block_texts(technology, unit, [tested.cell] if tested.cell else []),
        block=tested.block,
        current=tested.current,
        cell=None if tested.cell is None else cell_view("", tested.cell, unit),
        v0=at.vdd if tested.block == "cell_high" else 0.0,
        p=at.vdd / 2 if tested.block == "cell_high" else at.vdd,
        hold=hold,
        **transistors(technology),
    )


@dataclass(frozen=True, eq=False)
class NoisyCell:
    """A cell with its bias currents, its first state, and its candidate current (A, (points,)).

    The state is that of a rung; those before it are high, those after it low.
    """

    cell: BiasedCell
    high: bool
    candidate: Floats
    rung: int = 0

    def states(self, suffix: str, vdd: float) -> tuple[tuple[str, float], ...]:
        """Return the nets of its instance that hold states, with their first voltages, V."""
        high = self.rung + self.high
        nets = self.cell.storage_nets(suffix)
        return tuple((net, vdd if place < high else 0.0) for place, net in enumerate(nets))


@dataclass(frozen=True)
class _Injected:
    cell: CellView
    states: tuple[tuple[str, float], ...]


def injection_deck(
    technology: Technology, at: Conditions, unit: Geometry, cells: Sequence[NoisyCell], step: float
) -> Deck:
    """Return the transient of cells whose candidates are sampled every ``step`` seconds."""
    time = step * np.arange(len(cells[0].candidate))
    views = [
        _Injected(
            cell_view(
                str(index),
                each.cell,
                unit,
                _folded(pwl(zip(time.tolist(), each.candidate.tolist(), strict=True))),
            ),
            each.states(str(index), at.vdd),
        )
        for index, each in enumerate(cells)
    ]
    blocks = block_texts(technology, unit, [each.cell for each in cells])
    body = render_template("noise_injected.j2", vdd=at.vdd, unit=unit, blocks=blocks, cells=views)
    quantities = tuple(cell_output(technology, str(i), each.cell) for i, each in enumerate(cells))
    analysis = Transient(step, float(time[-1]))
    return Deck.at(technology, at, "Cells with noisy candidates", body, quantities, analysis)


def _folded(waveform: str) -> str:
    """Write a waveform of any length on continuation lines."""
    return "\n".join(f"+ {line}" for line in textwrap.wrap(waveform, 500))
