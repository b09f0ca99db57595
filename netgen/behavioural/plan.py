"""What the twin's layers are read from, and the ways of signals to what copies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.behavioural.devices import Devices, MirrorCopies, NetlistIndex, mirror_copies
from netgen.behavioural.mirrors import Grid
from netgen.characterise import Characterisation
from netgen.circuit import REFERENCE, REFERENCE_PREFIX, Circuit
from netgen.circuit.blocks import block_of, mirror, relu
from netgen.circuit.blocks.port import POLARITY
from netgen.circuit.netlist import Role
from netgen.model import INPUT, Cell
from netgen.technology import Polarity, Technology


@dataclass(frozen=True, eq=False)
class Plan:
    """What layers of the twin are made from."""

    circuit: Circuit
    technology: Technology
    known: Characterisation
    index: NetlistIndex
    devices: Devices
    grid: Grid

    def prefix(self, source: str) -> str:
        """Return the net prefix of the layer that a signal comes from."""
        return REFERENCE_PREFIX if source == REFERENCE else self.circuit.prefixes[source]

    def diode(self, source: str, unit: int) -> str:
        """Return the name of the transistor that defines a signal."""
        cell = self.circuit.model.by_name.get(source)
        if isinstance(cell, Cell):
            name = self.index.block(self.prefix(source), unit, "cell")
            return f"{name}.{block_of(cell).probe.device}"
        role: Role = "bias" if source == REFERENCE else "input" if source == INPUT else "relu"
        return f"{self.index.block(self.prefix(source), unit, role)}.{relu.DEVICE}"

    def copies(
        self, source: str, units: Sequence[int], polarity: Polarity, ends: Sequence[tuple[str, ...]]
    ) -> tuple[MirrorCopies, ...]:
        """Return the way from signals to transistors (``ends``) that copy them."""
        place = self.devices.place
        source_polarity = POLARITY[self.circuit.defined_by(source)]
        first = [place(source_polarity, self.diode(source, unit)) for unit in units]
        last = [place(polarity, *names) for names in ends]
        if source_polarity == polarity:
            return (mirror_copies(source_polarity, first, last),)
        blocks = [self.index.block(self.prefix(source), unit, "line") for unit in units]
        copies = [place(source_polarity, f"{block}.{mirror.COPY}") for block in blocks]
        diodes = [place(polarity, f"{block}.{mirror.DIODE}") for block in blocks]
        return mirror_copies(source_polarity, first, copies), mirror_copies(polarity, diodes, last)
