"""What a network's transistors take of the chip, by block: an estimate, nothing is laid out."""

from __future__ import annotations

from dataclasses import dataclass

from netgen.circuit.netlist import Netlist
from netgen.netlist.meters import Consumer
from netgen.technology import Geometry, Technology

OVERHEAD = 1.5
"""What wells, their contacts, guard rings and wiring add to the transistors' own frames."""
ASSUMPTION = (
    f"every transistor by itself: {OVERHEAD:g} (W + d)(L + 3 d), where d is the length of a source "
    "or drain of the technology: gate, source, drain and a d to the next transistor on either "
    f"axis; a share of {OVERHEAD - 1:g} for wells, guard rings and wiring; no dummies, no sharing"
)


@dataclass(frozen=True)
class Area:
    """Transistors of a block, their gate area and what they may take of the chip, m²."""

    transistors: int = 0
    gate_m2: float = 0.0
    drawn_m2: float = 0.0

    def __add__(self, other: Area) -> Area:
        """Return both together."""
        return Area(
            self.transistors + other.transistors,
            self.gate_m2 + other.gate_m2,
            self.drawn_m2 + other.drawn_m2,
        )


def areas(netlist: Netlist, technology: Technology) -> dict[Consumer, Area]:
    """Return the area of every kind of block of every node."""
    found: dict[Consumer, Area] = {}
    for device in netlist.transistors.values():
        consumer = Consumer(device.node, device.role)
        area = _area(device.geometry, technology.diffusion)
        found[consumer] = found.get(consumer, Area()) + area
    return found


def _area(geometry: Geometry, diffusion: float) -> Area:
    width, length, count = geometry.width, geometry.length, geometry.multiplicity
    frame = (width + diffusion) * (length + 3 * diffusion)
    return Area(count, count * width * length, count * OVERHEAD * frame)
