"""Decks that show the noise of a block at an operating point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from netgen.circuit.blocks import BiasedCell
from netgen.netlist.characterisation import ACCURATE, block_texts, cell_view
from netgen.netlist.deck import (
    Deck,
    Noise,
    NoiseDensity,
    OperatingPoint,
    SourceCurrent,
    Voltage,
)
from netgen.netlist.models import Conditions, SimulatorOptions
from netgen.netlist.render import render_template
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
