"""What a network's transistors take of the chip, by block: an estimate, nothing is laid out."""

from __future__ import annotations

from dataclasses import dataclass

from netgen.circuit import Circuit
from netgen.netlist.meters import Consumer, consumer_of, kind_of
from netgen.netlist.partition import Gate, Transistors, partition
from netgen.technology import Technology

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


def areas(circuit: Circuit, text: str, technology: Technology) -> dict[Consumer, Area]:
    """Return the area of every kind of block of every node.

    Parameters
    ----------
    text
        What :func:`netgen.netlist.network_text` wrote, perhaps edited since.

    Raises
    ------
    ConfigurationError
        It was edited so that it cannot be taken apart.
    """
    parted = partition(text)
    finder = Transistors(technology, parted.blocks)
    found: dict[tuple[str, str], Area] = {}
    for part in parted:
        for line in part.lines:
            place = part.word, kind_of(line, part.word)
            for _, gate in finder.of(line):
                found[place] = found.get(place, Area()) + _area(gate, technology.diffusion)
    by_consumer: dict[Consumer, Area] = {}
    for place, area in found.items():
        consumer = consumer_of(circuit, *place)
        by_consumer[consumer] = by_consumer.get(consumer, Area()) + area
    return by_consumer


def _area(gate: Gate, diffusion: float) -> Area:
    width, length, count = gate.geometry.width, gate.geometry.length, gate.geometry.multiplicity
    frame = (width + diffusion) * (length + 3 * diffusion)
    return Area(count, count * width * length, count * OVERHEAD * frame)
