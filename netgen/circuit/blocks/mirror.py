"""The second gate net of a signal: a copy of the first into a diode of the other polarity."""

from __future__ import annotations

from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Block, Matched
from netgen.circuit.netlist import Module

TO_P, TO_N = "n_to_p", "p_to_n"
"""From the net that defines a signal to the other one."""
COPY, DIODE = "copy", "diode"


class Mirror(Block):
    """Lines from N to P and from P to N."""

    name = "mirror"

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return both subcircuits."""
        to_p = "The gate net of sourcing copies: a copy of the N-gate net into a PMOS diode."
        to_n = "The gate net of sinking copies of a cell: its P-gate net copied into an NMOS diode."
        p = kit.nmos(COPY, "p", "n"), kit.pmos(DIODE, "p", "p")
        n = kit.pmos(COPY, "n", "p"), kit.nmos(DIODE, "n", "n")
        return (
            module(TO_P, "n p vdd vss", "line", *p, comments=(to_p,)),
            module(TO_N, "p n vdd vss", "line", *n, comments=(to_n,)),
        )

    def matched(self) -> tuple[Matched, ...]:
        """Return that each copy matches the diode outside whose net it has."""
        return tuple(
            Matched(name, (COPY,), "copies the diode that defines the signal")
            for name in (TO_P, TO_N)
        )


BLOCK = Mirror()
