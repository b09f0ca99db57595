"""The decision on the chip: a winner-take-all on the gate nets of the readout's rows.

Two NMOS a class and one shared bias current (Lazzaro et al., NIPS 1 (1989) 703): the class with the
largest current takes the whole bias, and a copy of it against half of it makes a digital level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netgen.arrays import Floats
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Decision, GateNet, Matched
from netgen.circuit.netlist import SUPPLIES, Module

CLASS, BIAS = "wta_class", "wta_bias"
INPUT, INHIBIT = "input", "inhibit"
DIVISION = 4
"""Currents are this much smaller than the readout's and the reference's: the decision needs power,
not accuracy of the ratio, which all classes share."""

TAKEN = 1.5 / DIVISION
"""What all classes together take of the supply beside the inputs' copies, in units: the bias by the
winner, and the half of it that its output's sink carries."""


class WinnerTakeAll(Decision):
    """One branch a class, and the bias that all share."""

    name = "wta"
    title = "winner-take-all"

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return both subcircuits."""
        return (
            module(
                CLASS,
                "line reference common out vdd vss",
                "decision",
                kit.pmos(INPUT, "node", "line", size=kit.longer("pmos", DIVISION)),
                kit.nmos(INHIBIT, "node", "common"),
                kit.nmos("follow", "taken", "node", "common"),
                kit.pmos("diode", "taken", "taken"),
                kit.pmos("copy", "out", "taken"),
                kit.nmos("sink", "out", "reference", size=kit.longer("nmos", 2 * DIVISION)),
                comments=(
                    "A class of the winner-take-all: out is high where it takes the bias current.",
                ),
            ),
            module(
                BIAS,
                "common reference vss",
                "decision",
                kit.nmos("bias", "common", "reference", size=kit.longer("nmos", DIVISION)),
                comments=("What the classes of the winner-take-all share.",),
            ),
        )

    def matched(self) -> tuple[Matched, ...]:
        """Return which transistors the classes must have alike."""
        why = "decides together with those of the other classes"
        return (Matched(CLASS, (INPUT, INHIBIT, "follow"), why),)

    def gate_net(self, unit: int) -> GateNet:
        """Return the P-gate net: branches source."""
        return "p"

    def instances(
        self, prefix: str, copied: Sequence[str], outputs: Sequence[str], reference: str
    ) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield a branch a class, and the bias."""
        common = f"{prefix}_common"
        for output, gate_net in zip(outputs, copied, strict=True):
            yield f"{output}_branch", CLASS, (gate_net, reference, common, output, *SUPPLIES)
        yield f"{prefix}_bias", BIAS, (common, reference, "vss")

    def copies(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return the devices of each branch that meet at its node."""
        return tuple((f"{name}.{INPUT}", f"{name}.{INHIBIT}") for name in names[:-1])

    def supply(self, currents: Floats, unit_current: float) -> Floats:
        """Return the branches' copies, the bias, and the winner's output, A, (frames,)."""
        taken: Floats = currents.sum(axis=1) / DIVISION + TAKEN * unit_current
        return taken


BLOCK = WinnerTakeAll()
