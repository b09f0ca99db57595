"""What the twin's layers are read from, and the ways of signals to what copies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.characterise import Characterisation
from netgen.circuit import REFERENCE, REFERENCE_WORD, Circuit
from netgen.circuit.netlist import Role
from netgen.model import INPUT, Bmru
from netgen.technology import Polarity, Technology
from netgen.twin.devices import Devices, Drawing, Stage, stage
from netgen.twin.mirrors import Grid


@dataclass(frozen=True, eq=False)
class Plan:
    """What layers of the twin are made from."""

    circuit: Circuit
    technology: Technology
    known: Characterisation
    drawing: Drawing
    devices: Devices
    grid: Grid

    def is_cell(self, source: str) -> bool:
        """Tell whether a PMOS diode defines a signal: a cell's output branch."""
        return isinstance(self.circuit.model.by_name.get(source), Bmru)

    def word(self, source: str) -> str:
        """Return the netlist word of the layer that a signal comes from."""
        return REFERENCE_WORD if source == REFERENCE else self.circuit.tokens[source]

    def diode(self, source: str, unit: int) -> str:
        """Return the name of the transistor that defines a signal."""
        if self.is_cell(source):
            return f"{self.drawing.block(self.word(source), unit, 'cell')}.m4"
        role: Role = "bias" if source == REFERENCE else "input" if source == INPUT else "relu"
        return f"{self.drawing.block(self.word(source), unit, role)}.diode"

    def stages(
        self, source: str, units: Sequence[int], polarity: Polarity, ends: Sequence[tuple[str, ...]]
    ) -> tuple[Stage, ...]:
        """Return the way from signals to transistors (``ends``) that copy them."""
        place, cell = self.devices.place, self.is_cell(source)
        own: Polarity = "pmos" if cell else "nmos"
        first = [place(own, self.diode(source, unit)) for unit in units]
        last = [place(polarity, *names) for names in ends]
        if own == polarity:
            return (stage(own, first, last),)
        lines = [self.drawing.block(self.word(source), unit, "line") for unit in units]
        copies = [place(own, f"{line}.copy") for line in lines]
        diodes = [place(polarity, f"{line}.diode") for line in lines]
        return stage(own, first, copies), stage(polarity, diodes, last)
