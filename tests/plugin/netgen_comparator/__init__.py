"""A block for netgen: a comparator with one threshold and no memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netgen.circuit.blocks import (
    Bench,
    Bias,
    CellBlock,
    Copy,
    Currents,
    Floats,
    Held,
    Kit,
    Matched,
    Probe,
    module,
)
from netgen.circuit.netlist import Module
from netgen.model import Cell
from netgen.model.cell import Parameter


@dataclass(frozen=True, eq=False)
class Comparator(Cell):
    """h = ``level`` where the candidate exceeds ``threshold``, 0 elsewhere."""

    threshold: Floats
    height: Floats

    op: ClassVar[str] = "comparator"
    memory: ClassVar[bool] = False
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("threshold", "Candidate above which the output is there."),
        Parameter("height", "The output."),
    )
    rising_key: ClassVar[str] = "threshold"
    falling_key: ClassVar[str] = "threshold"
    level_key: ClassVar[str] = "height"


@dataclass(frozen=True, eq=False)
class ComparatorTable:
    """What comparators do: ratios of the threshold and of the output to their bias currents.

    Attributes
    ----------
    logs
        ln(bias current / A), (biases,).
    ratios
        (2, biases).
    """

    logs: Floats
    ratios: Floats

    def figures(self, bias: Floats) -> Floats:
        """Return threshold and output, A, of bias currents, (2, …)."""
        pairs = zip(bias, self.ratios, strict=True)
        return np.array([each * np.interp(np.log(each), self.logs, own) for each, own in pairs])

    def biases(self, wanted: Floats) -> Floats:
        """Return the bias currents that give wanted figures, A, (2, units)."""
        bias: Floats = wanted.copy()
        for _ in range(20):
            bias = bias * wanted / self.figures(bias)
        return bias

    def switching(self, bias: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the threshold, twice, and the output, A."""
        threshold, height = self.figures(bias)
        return threshold, threshold, height


class ComparatorBlock(CellBlock):
    """M1 copies the candidate into a node that M2 takes the threshold current from.

    Where that node goes high, M3 steers the current of M5 into the output diode M4.
    """

    name = "comparator"
    operation = Comparator
    module = "comparator_5t"
    title = "comparators"
    ports = ("candidate", "threshold", "height", "output", "vdd", "vss")
    entries = ("m1",)
    biases = (Bias("threshold", "threshold[{0}]"), Bias("height", "height[{0}]"))
    ways = ((Copy("nmos", "", "m2"),), (Copy("nmos", "", "m5"),))
    probe = Probe("pmos", "m4")
    limits = (0.05, 4.0)

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the subcircuit."""
        cell = module(
            self.module,
            "cand threshold height out vdd vss",
            "cell",
            kit.pmos("m1", "sum", "cand"),
            kit.nmos("m2", "sum", "threshold"),
            kit.nmos("m3", "out", "sum", "tail", kit.steering),
            kit.pmos("m4", "out", "out"),
            kit.nmos("m5", "tail", "height"),
            comments=("Comparator: the output carries the height current where cand > threshold.",),
        )
        return (cell,)

    def matched(self) -> tuple[Matched, ...]:
        """Return the transistors that have to match."""
        return (Matched(self.module, ("m2", "m5"), "copies of the bias diodes"),)

    def wanted(self, cell: Cell) -> Floats:
        """Return threshold and output, units, (2, units)."""
        return np.array([cell.rising, cell.level])

    def missed(self, cell: Cell, figures: Floats) -> Iterator[tuple[str, int, str]]:
        """Yield the thresholds that no bias current gives."""
        for unit in np.flatnonzero(np.abs(figures[0] / cell.rising - 1) > 0.01).tolist():
            yield "threshold", unit, "no comparator has it: rescale the model"

    def characterise(self, bench: Bench) -> ComparatorTable:
        """Take comparators over a decade and more of bias currents along a ramp each."""
        bias = np.geomspace(*self.limits, 6) * bench.unit_current
        ramp = np.linspace(0.0, 2.0, 401) * bias[:, np.newaxis]

        def measure() -> dict[str, Floats]:
            output = bench.ramped([self.biased(each, each) for each in bias], ramp)
            return {"figures": self.read(Held(ramp, output))}

        figures = bench.kept("comparators", tuple(bias), measure)["figures"]
        return ComparatorTable(np.log(bias), figures[:, [0, 2]].T / bias)

    def supply(self, at: Currents) -> Floats:
        """Return the current of both branches: the smaller of candidate and threshold, and M5's."""
        threshold, _ = at.bias
        sunk = at.sunk(threshold, np.full(len(threshold), at.vdd))
        found: Floats = np.where(at.output > 0, sunk + at.output, at.candidate(0.0))
        return found


BLOCK = ComparatorBlock()
