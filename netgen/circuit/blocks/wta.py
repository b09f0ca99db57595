"""The decision on the chip: a winner-take-all on the gate nets of the readout's rows.

Two NMOS a class and one shared bias current (Lazzaro et al., NIPS 1 (1989) 703): the class with the
largest current takes the whole bias, and a copy of it against half of it makes a digital level.
"""

from __future__ import annotations

from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Block, Matched
from netgen.circuit.netlist import Module
from netgen.technology import Geometry, Polarity

CLASS, BIAS = "wta_class", "wta_bias"
INPUT, INHIBIT = "input", "inhibit"
DIVISION = 4
"""Currents are this much smaller than the readout's and the reference's: the decision needs power,
not accuracy of the ratio, which all classes share."""

TAKEN = 1.5 / DIVISION
"""What all classes together take of the supply beside the inputs' copies, in units: the bias by the
winner, and the half of it that its output's sink carries."""


class WinnerTakeAll(Block):
    """One branch a class, and the bias that all share."""

    name = "wta"

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return both subcircuits."""

        def longer(polarity: Polarity, factor: int) -> Geometry:
            size = kit.technology.unit_of(polarity, kit.unit)
            return Geometry(size.width, size.length * factor, size.multiplicity)

        return (
            module(
                CLASS,
                "line reference common out vdd vss",
                "decision",
                kit.pmos(INPUT, "node", "line", size=longer("pmos", DIVISION)),
                kit.nmos(INHIBIT, "node", "common"),
                kit.nmos("follow", "taken", "node", "common"),
                kit.pmos("diode", "taken", "taken"),
                kit.pmos("copy", "out", "taken"),
                kit.nmos("sink", "out", "reference", size=longer("nmos", 2 * DIVISION)),
                comments=(
                    "A class of the winner-take-all: out is high where it takes the bias current.",
                ),
            ),
            module(
                BIAS,
                "common reference vss",
                "decision",
                kit.nmos("bias", "common", "reference", size=longer("nmos", DIVISION)),
                comments=("What the classes of the winner-take-all share.",),
            ),
        )

    def matched(self) -> tuple[Matched, ...]:
        """Return which transistors the classes must have alike."""
        why = "decides together with those of the other classes"
        return (Matched(CLASS, (INPUT, INHIBIT, "follow"), why),)


BLOCK = WinnerTakeAll()
