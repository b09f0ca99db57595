"""The nine-transistor Schmitt trigger."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.blocks.bench import Bench, BiasedCell, Held
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Bias, CellBlock, Copy, Currents, Matched, Probe
from netgen.circuit.blocks.port import CellTable as Table
from netgen.circuit.blocks.schmitt9.op import Bmru
from netgen.circuit.blocks.schmitt9.table import (
    THRESHOLDS,
    SchmittTable,
    hysteresis_curve,
    measured_table,
    read_thresholds,
)
from netgen.circuit.blocks.schmitt9.times import SchmittTimes, measured_times
from netgen.circuit.netlist import Device, Module
from netgen.model.cell import Cell

NARROWEST = 0.01
"""Smallest hysteresis width, as a share of the upper threshold."""


class Schmitt9(CellBlock):
    """M1 copies the candidate into the storage node, M2 takes the threshold current from it.

    Where the storage node goes high, M3 steers the gain current of M5 into the output diode M4, and
    M6 the width current of M8 into the diode M7, whose copy M9 is the feedback. So β_hi is the
    threshold current, β_hi − β_lo the width current and α the gain current.
    """

    name = "schmitt9"
    operation = Bmru
    module = "schmitt_trigger_9t"
    title = "Schmitt-trigger cells"
    ports: tuple[str, ...] = (
        "candidate",
        "thresh",
        "width",
        "gain",
        "output",
        "storage",
        "vdd",
        "vss",
    )
    entries: tuple[str, ...] = ("m1",)
    biases: tuple[Bias, ...] = (
        Bias("thresh", "beta_hi[{0}]"),
        Bias("width", "beta_hi[{0}] - beta_lo[{0}]"),
        Bias("gain", "alpha[{0}]"),
    )
    ways: tuple[tuple[Copy, ...], ...] = (
        (Copy("nmos", "", "m2"),),
        (Copy("nmos", "", "m8"), Copy("pmos", "m7", "m9")),
        (Copy("nmos", "", "m5"),),
    )
    storages: tuple[str, ...] = ("v0",)
    inner: tuple[str, ...] = ("vfb",)
    probe = Probe("pmos", "m4")
    limits = THRESHOLDS

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the cell's subcircuit."""
        first, second, third, *others = trigger_devices(kit)
        cell = module(
            self.module,
            "cand thresh width gain p v0 vdd vss",
            "cell",
            first,
            second,
            third,
            kit.pmos("m4", "p", "p"),
            *others,
            comments=(
                "BMRU cell: a Schmitt trigger of nine transistors. v0 rises when the candidate and "
                "the feedback",
                "together exceed the threshold current; then the output branch carries the gain "
                "current and the",
                "feedback the width current. beta_hi = I_thresh, beta_hi - beta_lo = I_width, "
                "alpha = I_gain.",
                "cand: P-gate net of the candidate; thresh, width, gain: bias nets; p: P-gate net "
                "of the output.",
            ),
        )
        return (cell,)

    def matched(self) -> tuple[Matched, ...]:
        """Return the transistors that have to match."""
        return (
            Matched(self.module, ("m7", "m9"), "the feedback copies the width current"),
            Matched(self.module, ("m2", "m5", "m8"), "copies of the bias diodes"),
            Matched(self.module, ("m1", "m4"), "candidate in and output out: unit PMOS copies"),
        )

    def figures(self, rising: Floats, falling: Floats, output: Floats) -> Floats:
        """Return threshold, hysteresis width and gain, (3, …)."""
        return np.array([rising, rising - falling, output])

    def ideal(self, figures: Floats) -> tuple[Floats, Floats, Floats]:
        """Return β_hi, β_lo and α of an ideal cell with given figures, (3, …)."""
        threshold, width, gain = figures
        return threshold, threshold - width, gain

    def refused(self, cell: Cell) -> Iterator[tuple[str, int, str]]:
        """Yield what cannot be drawn: beyond the characterised currents, or too narrow a band."""
        yield from super().refused(cell)
        share = (cell.rising - cell.falling) / cell.rising
        for unit in np.flatnonzero(share < NARROWEST).tolist():
            yield (
                "beta_lo",
                unit,
                f"the hysteresis width is {share[unit]:.2%} of beta_hi; a cell needs "
                f"{NARROWEST:.0%}: train with a wider band",
            )

    def missed(self, cell: Cell, figures: Floats) -> Iterator[tuple[str, int, str]]:
        """Yield the widths that no bias currents give; figures, units, (3, cells)."""
        width = cell.rising - cell.falling
        for unit in np.flatnonzero(np.abs(figures[1] / width - 1) > 0.01).tolist():
            yield (
                "beta_lo",
                unit,
                "no cell of the technology has a hysteresis width of "
                f"{width[unit] / cell.rising[unit]:.2%} of beta_hi: train with another band or "
                "change unit_current",
            )

    def characterise(self, bench: Bench) -> SchmittTable:
        """Measure thresholds, width and output over a grid of bias currents."""
        return measured_table(bench, self)

    def read(self, held: Held) -> Floats:
        """Return β_hi, β_lo and α, A, (cells, 3), of held cells."""
        return read_thresholds(held)

    def times(self, bench: Bench, table: Table) -> SchmittTimes:
        """Measure how long cells take to rise and to fall."""
        return measured_times(bench, self)

    def curve(self, bench: Bench, cell: BiasedCell) -> tuple[Floats, Floats]:
        """Return candidate and output current, A, (points,), of a slow ramp up and down again."""
        return hysteresis_curve(bench.held([cell]))

    def supply(self, at: Currents) -> Floats:
        """Return the current of the three branches, A, (frames, units).

        In a cell that is low, all of the candidate's copy flows through the first branch; in one
        that is high, the threshold current does, and the other two take the width and the gain
        current.
        """
        threshold, width, _ = at.bias
        feedback = at.sunk(width, at.vdd - at.diode_voltage(width))
        high = at.sunk(threshold, np.full(len(threshold), at.vdd)) + feedback + at.output
        current: Floats = np.where(at.output > 0, high, at.candidate(0.0))
        return current


def trigger_devices(kit: Kit, end: str = "") -> tuple[tuple[Device, ...], ...]:
    """Return the transistors of a trigger in the order of their numbers, without the diode M4.

    Parameters
    ----------
    end
        Of all names but those of the candidate and the output ``p``.
    """

    def net(name: str) -> str:
        return f"{name}{end}"

    size, v0, vfb = kit.steering, net("v0"), net("vfb")
    return (
        kit.pmos(net("m1"), v0, "cand"),
        kit.nmos(net("m2"), v0, net("thresh")),
        kit.nmos(net("m3"), "p", v0, net("tail_gain"), size),
        kit.nmos(net("m5"), net("tail_gain"), net("gain")),
        kit.nmos(net("m6"), vfb, v0, net("tail_width"), size),
        kit.pmos(net("m7"), vfb, vfb),
        kit.nmos(net("m8"), net("tail_width"), net("width")),
        kit.pmos(net("m9"), v0, vfb),
    )


BLOCK = Schmitt9()
