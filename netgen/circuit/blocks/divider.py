"""An input divider: a current at a pin comes out much smaller, where leakage counts for less.

Two mirrors, an NMOS and a PMOS one. Each takes its current in several unit devices in parallel, so
that they stay in weak inversion at a thousand times the unit current. The first gives it out of one
unit device, the second out of two in series: a finite drain resistance makes the first give too
much of small currents, the series makes the second give too little of them, and both cancel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Block, Matched
from netgen.circuit.netlist import Module
from netgen.errors import UsageError

DIVIDER = "input_divider"
SINK_DIODE, SINK_COPY = "sink_diode", "sink_copy"
SOURCE_DIODE, SOURCE_COPY = "source_diode", "source_copy"
SERIES = 2
"""Unit devices in series at the output."""
RATIOS = (50.0, 10_000.0)
"""Below them whole numbers of devices are too coarse, above them the devices of the first mirror
leave weak inversion."""
_WIDER = (1.5, 6.0)
"""How many times as many devices the first mirror's diode may have as the second's: it takes the
supply a current as much smaller."""


@dataclass(frozen=True)
class Divider(Block):
    """One input's divider."""

    ratio: float  #: The current at the pin over that wanted at the output.
    sink: int  #: Unit devices of the NMOS mirror's diode.
    source: int  #: Unit devices of the PMOS mirror's diode.
    name = "divider"

    @classmethod
    def of(cls, ratio: float, gain: float = 1.0) -> Divider:
        """Return the divider whose devices come nearest to a ratio.

        Parameters
        ----------
        gain
            What such a divider gives over what the numbers of its devices say.

        Raises
        ------
        UsageError
            The ratio is out of its range.
        """
        if not RATIOS[0] <= ratio <= RATIOS[1]:
            low, high = RATIOS
            raise UsageError(f"input ratio {ratio:g}: give 1 (no divider) or {low:g} … {high:g}")
        wanted = ratio * gain / SERIES
        low, high = ((wanted * wider) ** 0.5 for wider in _WIDER)
        pairs = ((sink, max(1, round(wanted / sink))) for sink in range(int(low), int(high) + 2))
        # a step of half a per cent is worth no larger circuit
        _, _, sink, source = min(
            (round(abs(log(sink * source / wanted)) / 0.005), sink + source, sink, source)
            for sink, source in pairs
        )
        return cls(ratio, sink, source)

    @property
    def drawn(self) -> float:
        """The ratio by the numbers of its devices."""
        return float(self.sink * self.source * SERIES)

    @property
    def inner(self) -> float:
        """The current between both mirrors over that at the output."""
        return float(self.source * SERIES)

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the subcircuit."""
        unit = kit.technology.unit_of
        nmos = replace(unit("nmos", kit.unit), multiplicity=self.sink)
        pmos = replace(unit("pmos", kit.unit), multiplicity=self.source)
        comment = f"An input divider: out gives a current {self.ratio:g} times smaller than pin's."
        return (
            module(
                DIVIDER,
                "pin out vdd vss",
                "divider",
                kit.nmos(SINK_DIODE, "pin", "pin", size=nmos),
                kit.nmos(SINK_COPY, "middle", "pin"),
                kit.pmos(SOURCE_DIODE, "middle", "middle", size=pmos),
                kit.pmos_stack(SOURCE_COPY, "out", "middle", SERIES),
                comments=(comment,),
            ),
        )

    def matched(self) -> tuple[Matched, ...]:
        """Return both mirrors."""
        names = SINK_DIODE, SINK_COPY, SOURCE_DIODE, SOURCE_COPY
        return (Matched(DIVIDER, names, "their ratios divide an input"),)
