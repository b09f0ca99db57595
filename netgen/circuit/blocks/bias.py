"""Bias diodes, and the switches that hold cells in their first state."""

from __future__ import annotations

from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Block
from netgen.circuit.netlist import Module

DIODE, DEVICE = "bias_diode", "diode"
RESET, SET = "reset_switch", "set_switch"


class Reference(Block):
    """What bias currents flow into, and what holds a storage node at start-up."""

    name = "reference"

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the subcircuits."""
        size = kit.reset
        return (
            module(
                DIODE,
                "line vss",
                "bias",
                kit.nmos(DEVICE, "line", "line"),
                comments=("A bias net: the bias current flows into the diode.",),
            ),
            module(
                RESET,
                "v0 on vss",
                "start",
                kit.nmos("switch", "v0", "on", size=size),
                comments=(
                    "Start-up: holds a cell low while on is high, or high while on_b is low.",
                ),
            ),
            module(SET, "v0 on_b vdd", "start", kit.pmos("switch", "v0", "on_b", size=size)),
        )


BLOCK = Reference()
