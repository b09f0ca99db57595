"""The ladder cell: Schmitt triggers on one candidate, whose outputs add up in one diode.

A memory of more than two states: K rungs make K + 1 levels, each rung with a hysteresis of its own
(a staircase of relays as in the model of F. Preisach, Z. Phys. 94 (1935) 277, with thresholds in
one order). It takes 9 + 8 (K − 1) transistors. It is not the cumulative memory unit of the
literature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.blocks import schmitt9
from netgen.circuit.blocks.bench import Bench, BiasedCell
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Bias, CellBlock, Copy, Currents, Matched
from netgen.circuit.blocks.port import CellTable as Table
from netgen.circuit.blocks.port import CellTimes as Times
from netgen.circuit.blocks.schmitt9.block import Schmitt9, trigger_devices
from netgen.circuit.blocks.speed import CellSpeed
from netgen.circuit.netlist import Module
from netgen.model.cell import Cell, Parameter

_POINTS = 601
"""Points of the ramp up and of the ramp down of a curve."""


@dataclass(frozen=True, eq=False)
class Ladder(schmitt9.Bmru):
    """A sum of hysteretic comparators on one candidate for each of its n units.

    h = Σ_k h_k over the K rungs of a unit, where every h_k is the memory of a ``bmru`` with
    ``alpha[k]``, ``beta_lo[k]`` and ``beta_hi[k]``. Both thresholds rise from rung to rung, so the
    rungs go up in their order and down in the reverse: the state is how many are high.
    """

    op: ClassVar[str] = "ladder"
    laddered: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("alpha", "What each rung adds to the output while it is high, units × rungs."),
        Parameter("beta_lo", "Lower thresholds, below beta_hi, rising from rung to rung."),
        Parameter("beta_hi", "Upper thresholds, rising from rung to rung."),
    )

    @classmethod
    def violations(cls, values: Mapping[str, Floats]) -> Iterator[tuple[str, int, str]]:
        """Yield where thresholds, units, (cells, rungs), are out of order."""
        if len({each.shape for each in values.values()}) != 1:
            return
        yield from super().violations(values)
        for key in {"beta_lo", "beta_hi"} & set(values):
            array = values[key]
            for unit, rung in np.argwhere(np.diff(array, axis=1) <= 0).tolist():
                low, high = array[unit, rung : rung + 2]
                place = unit * array.shape[1] + rung + 1
                yield key, place, f"{high:g} must be above that of the rung before ({low:g})"


def _by_rung(biases: Floats) -> Floats:
    """Return what is by bias, (3 K, …, units), as figures of triggers, (3, …, units · K)."""
    apart = np.moveaxis(biases.reshape(-1, 3, *biases.shape[1:]), 0, -1)
    return apart.reshape(*apart.shape[:-2], -1)


def _by_bias(figures: Floats, rungs: int) -> Floats:
    """Return figures of triggers, (3, …, units · K), as what is by bias, (3 K, …, units)."""
    apart = np.moveaxis(figures.reshape(*figures.shape[:-1], -1, rungs), -1, 0)
    return apart.reshape(-1, *apart.shape[2:])


@dataclass(frozen=True, eq=False)
class LadderTable:
    """What rungs do for their bias currents: what single triggers do.

    A rung is a whole trigger but for the output diode, whose voltage its output hardly sees.
    """

    trigger: Table

    def biases(self, wanted: Floats) -> Floats:
        """Return the bias currents, A, (3 K, units), that give wanted figures of that shape."""
        return _by_bias(self.trigger.biases(_by_rung(wanted)), len(wanted) // 3)

    def figures(self, bias: Floats) -> Floats:
        """Return the figures, A, (3 K, units), that bias currents give."""
        return _by_bias(self.trigger.figures(_by_rung(bias)), len(bias) // 3)

    def switching(self, bias: Floats) -> tuple[Floats, Floats, Floats]:
        """Return β_hi, β_lo and α of rungs, A, (…, units · K)."""
        return self.trigger.switching(_by_rung(bias))


@dataclass(frozen=True, eq=False)
class LadderTimes:
    """How long rungs take: what single triggers do."""

    trigger: Times

    def of(self, cells: Table, wanted: Floats) -> CellSpeed:
        """Return the times of rungs with given figures of their cells, A, (3 K, units)."""
        assert isinstance(cells, LadderTable)
        return self.trigger.of(cells.trigger, _by_rung(wanted))


class LadderBlock(Schmitt9):
    """Rung k is a Schmitt trigger M1_k … M9_k without a diode M4: all outputs flow into one."""

    name = "ladder"
    operation = Ladder
    title = "ladder cells"

    def __init__(self, rungs: int = 2) -> None:
        self.rungs = rungs
        rung, self.module = Schmitt9, f"ladder_{8 * rungs + 1}t"
        ends = self.ends = tuple(f"_{place}" for place in range(1, rungs + 1))
        self.biases = tuple(
            Bias(bias.name + end, bias.parameter.replace("{0}", f"{{0}}][{place}"), bias.name)
            for place, end in enumerate(ends)
            for bias in rung.biases
        )
        storages = ("storage", *(f"storage_{place}" for place in range(2, rungs + 1)))
        names = (bias.name for bias in self.biases)
        self.ports = ("candidate", *names, "output", *storages, "vdd", "vss")
        self.entries = tuple(f"m1{end}" for end in ends)
        self.storages = tuple(f"v0{end}" for end in ends)
        self.inner = tuple(f"vfb{end}" for end in ends)
        self.ways = tuple(
            tuple(Copy(c.polarity, c.diode and c.diode + end, c.copy + end) for c in way)
            for end in ends
            for way in rung.ways
        )

    def of(self, cell: Cell) -> CellBlock:
        """Return the block with the rungs of a node."""
        return _block(cell.rungs)

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the cell's subcircuit."""
        nets = [bias.name for bias in self.biases]
        cell = module(
            self.module,
            " ".join(("cand", *nets, "p", *self.storages, "vdd vss")),
            "cell",
            kit.pmos("m4", "p", "p"),
            *(devices for end in self.ends for devices in trigger_devices(kit, end)),
            comments=(
                f"Ladder cell: {self.rungs} Schmitt triggers on one candidate, with one output "
                "diode m4.",
                "v0_k rises when the candidate and the feedback together exceed thresh_k; then "
                "gain_k adds to",
                "the output. cand: P-gate net of the candidate; p: P-gate net of the output.",
            ),
        )
        return (cell,)

    def matched(self) -> tuple[Matched, ...]:
        """Return the transistors that have to match, rung by rung and between the rungs."""
        return (
            *(
                Matched(self.module, tuple(f"{name}{end}" for name in hint.devices), hint.why)
                for hint in super().matched()[:2]
                for end in self.ends
            ),
            Matched(self.module, (*self.entries, "m4"), "candidate in and output out"),
        )

    def figures(self, rising: Floats, falling: Floats, output: Floats) -> Floats:
        """Return threshold, hysteresis width and gain, rung after rung, (3 K, …, units)."""
        return _by_bias(super().figures(rising, falling, output), self.rungs)

    def ideal(self, figures: Floats) -> tuple[Floats, Floats, Floats]:
        """Return β_hi, β_lo and α of ideal rungs, (…, units · K)."""
        return super().ideal(_by_rung(figures))

    def missed(self, cell: Cell, figures: Floats) -> Iterator[tuple[str, int, str]]:
        """Yield the widths that no bias currents give; figures, units, (3 × rungs, cells)."""
        return super().missed(cell, _by_rung(figures))

    def characterise(self, bench: Bench) -> LadderTable:  # type: ignore[override]
        """Measure single triggers over a grid of bias currents."""
        return LadderTable(schmitt9.BLOCK.characterise(bench))

    def times(self, bench: Bench, table: Table) -> LadderTimes:  # type: ignore[override]
        """Measure how long single triggers take to rise and to fall."""
        assert isinstance(table, LadderTable)
        return LadderTimes(schmitt9.BLOCK.times(bench, table.trigger))

    def curve(self, bench: Bench, cell: BiasedCell) -> tuple[Floats, Floats]:
        """Return candidate and output current, A, (points,), of a slow ramp up and down again."""
        up = np.linspace(0.0, 1.3 * max(cell.currents[::3]), _POINTS)
        ramps = np.stack([up, up[::-1]])
        return ramps.reshape(-1), bench.ramped([cell, cell], ramps).reshape(-1)

    def supply(self, at: Currents) -> Floats:
        """Return the current of the branches of all rungs, A, (frames, units).

        As of single triggers; which rungs are high shows in the output.
        """
        given = at.bias[2::3]
        middle = given.cumsum(axis=0) - given / 2
        total = at.output.copy()
        rungs = at.bias.reshape(-1, 3, *at.bias.shape[1:])
        for (threshold, width, _), least in zip(rungs, middle, strict=True):
            feedback = at.sunk(width, at.vdd - at.diode_voltage(width))
            high = at.sunk(threshold, np.full(len(threshold), at.vdd)) + feedback
            total += np.where(at.output > least, high, at.candidate(0.0))
        return total


@cache
def _block(rungs: int) -> LadderBlock:
    return LadderBlock(rungs)


BLOCK = _block(2)
