"""The decision between two classes: which of two copies of their currents wins at one node.

A PMOS copy of the first class's current against an NMOS copy of the second's; two stages make the
levels. Copies are unit devices, since longer ones have other ratios in PMOS than in NMOS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netgen.arrays import Floats
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Decision, GateNet, Matched
from netgen.circuit.netlist import SUPPLIES, Module

COMPARATOR = "comparator"
SOURCE, SINK = "source", "sink"
DIVISION = 8
"""Each stage's load is this much smaller than the reference's current."""


class Comparator(Decision):
    """Six transistors, the P-gate net of one class and the N-gate net of the other."""

    name = COMPARATOR
    title = "comparator"
    classes = 2

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the subcircuit."""
        load = kit.longer("nmos", DIVISION)
        return (
            module(
                COMPARATOR,
                "line other reference first second vdd vss",
                "decision",
                kit.pmos(SOURCE, "node", "line"),
                kit.nmos(SINK, "node", "other"),
                kit.pmos("stage", "second", "node"),
                kit.nmos("load", "second", "reference", size=load),
                kit.pmos("last_stage", "first", "second"),
                kit.nmos("last_load", "first", "reference", size=load),
                comments=("first is high where line gives the larger current, second elsewhere.",),
            ),
        )

    def matched(self) -> tuple[Matched, ...]:
        """Return the copies: each is to match the diode of its gate net."""
        return (Matched(COMPARATOR, (SOURCE, SINK), "the difference of both decides"),)

    def gate_net(self, unit: int) -> GateNet:
        """Return the P-gate net of the first class, the N-gate net of the second."""
        return "n" if unit else "p"

    def instances(
        self, prefix: str, copied: Sequence[str], outputs: Sequence[str], reference: str
    ) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield the one comparator."""
        yield f"{prefix}_{COMPARATOR}", COMPARATOR, (*copied, reference, *outputs, *SUPPLIES)

    def copies(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return both copies, which nothing else inhibits."""
        return tuple((f"{name}.{device}", "") for name in names for device in (SOURCE, SINK))

    def supply(self, currents: Floats, unit_current: float) -> Floats:
        """Return the smaller current, through both copies, and one stage's load, A, (frames,)."""
        taken: Floats = currents.min(axis=1) + unit_current / DIVISION
        return taken


BLOCK = Comparator()
