"""What a network's transistors and wires take of the chip: estimates from layouts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.circuit.netlist import GROUND, SUPPLIES, Netlist
from netgen.netlist.meters import SupplyBranch
from netgen.technology import Geometry, Technology

FRAME, WIRING, LARGEST = 2.4, 6e-4, 7000
"""What rows, taps, wells and wires make of the transistors' own frames: a factor, what it grows by
with every transistor, and how many the largest layout had that these were fitted to."""
ASSUMPTION = (
    f"the frames (W + d)(L + 3 d) of all n transistors times {FRAME:g} + {WIRING:g} n, where d is "
    "the length of a source or drain of the technology: within 10 % of the area of six layouts in "
    f"an open process of 180 nm, of 62 to 6,551 transistors; above {LARGEST:,} a lower bound"
)
LOCAL, SPREAD = 0.67e-15, 11.4e-12
"""Capacitance of a net's wires by terminal of a transistor: near it, F, and what it grows by with
the root of the layout's area, F/m."""


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


def areas(netlist: Netlist, technology: Technology) -> dict[SupplyBranch, Area]:
    """Return the area of every kind of block of every node."""
    areas: dict[SupplyBranch, Area] = {}
    share = overhead(sum(netlist.counts.values()))
    for device in netlist.transistors.values():
        branch = SupplyBranch(device.node, device.role)
        area = area_of(device.geometry, technology.diffusion, share)
        areas[branch] = areas.get(branch, Area()) + area
    return areas


def expected_wires(netlist: Netlist, technology: Technology) -> dict[str, float]:
    """Return what the wires of every net are expected to add, F, by name: of no layout, but fitted
    to the sums over nets of four, of 62 to 2,529 transistors.
    """
    area = sum(each.drawn_m2 for each in areas(netlist, technology).values())
    by_terminal = LOCAL + SPREAD * float(np.sqrt(area))
    wires: dict[str, float] = {}
    for device in netlist.transistors.values():
        for net in device.terminals[:3]:
            if net not in (*SUPPLIES, GROUND):
                wires[net] = wires.get(net, 0.0) + by_terminal * device.geometry.multiplicity
    return wires


def overhead(transistors: int) -> float:
    """Return how many times the transistors' own frames a layout takes."""
    return FRAME + WIRING * min(transistors, LARGEST)


def area_of(geometry: Geometry, diffusion: float, share: float = 1.0) -> Area:
    """Return the area of a transistor.

    Parameters
    ----------
    diffusion
        Length of a source or drain, m.
    share
        See :func:`overhead`.
    """
    width, length, count = geometry.width, geometry.length, geometry.multiplicity
    frame = (width + diffusion) * (length + 3 * diffusion)
    return Area(count, count * width * length, count * share * frame)
