"""What the twin's layers are read from, and the ways of signals to what copies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.analysis.twin.devices import Devices, Drawing, Stage, stage
from netgen.analysis.twin.mirrors import Grid
from netgen.circuit import REFERENCE, REFERENCE_WORD, Circuit
from netgen.model import Bmru
from netgen.sizing import Characterisation
from netgen.technology import Polarity, Technology


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

    def base(self, source: str, unit: int) -> str:
        """Return what a signal's transistors are called after."""
        if source == REFERENCE:
            return REFERENCE_WORD
        return f"{self.circuit.tokens[source]}_{unit}"

    def stages(
        self, source: str, units: Sequence[int], polarity: Polarity, ends: Sequence[tuple[str, ...]]
    ) -> tuple[Stage, ...]:
        """Return the way from signals to transistors (``ends``) that copy them."""
        place, cell = self.devices.place, self.is_cell(source)
        own: Polarity = "pmos" if cell else "nmos"
        bases = [self.base(source, unit) for unit in units]
        first = [place(own, f"{base}.{'m4' if cell else 'diode'}") for base in bases]
        last = [place(polarity, *names) for names in ends]
        if own == polarity:
            return (stage(own, first, last),)
        suffix = "_to_n" if cell else "_to_p"
        copies = [place(own, f"{base}{suffix}.copy") for base in bases]
        diodes = [place(polarity, f"{base}{suffix}.diode") for base in bases]
        return stage(own, first, copies), stage(polarity, diodes, last)
