"""The diode of a summing node, an input or the reference: it defines a signal's N-gate net."""

from __future__ import annotations

from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Block, Probe
from netgen.circuit.netlist import Module

DIODE = "diode_relu"
DEVICE = "diode"


class ReluBlock(Block):
    """A diode-connected NMOS: it conducts what flows in, and nothing of a negative sum."""

    name = "relu"
    probe = Probe("nmos", DEVICE)

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the subcircuit."""
        diode = module(
            DIODE,
            "n vss",
            "relu",
            kit.nmos(DEVICE, "n", "n"),
            comments=(
                "ReLU: what flows into n flows through the diode; a negative sum pulls n to ground "
                "and the diode",
                "is off. n is the gate net of sinking copies.",
            ),
        )
        return (diode,)


BLOCK = ReluBlock()
