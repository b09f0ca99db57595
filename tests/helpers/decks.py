"""Decks as ngspice gets them."""

from __future__ import annotations

from netgen.netlist import Deck, Quantity, SimulatorOptions
from netgen.simulators.ngspice import NGSPICE


def ngspice_text(deck: Deck, options: SimulatorOptions | None = None) -> str:
    return NGSPICE.netlister.text(deck, options or SimulatorOptions())


def ngspice_name(quantity: Quantity) -> str:
    return NGSPICE.netlister.name(quantity)
