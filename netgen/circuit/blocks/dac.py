"""Programmable bias currents: a current DAC of weighted unit devices.

A copy of the reference flows into a PMOS diode. Unit devices on its gate net give the current: a
fixed part that is always on, and one branch a bit, of several units in parallel or of several in
series, behind a PMOS switch. A bit is on while its net is low. One tail, no second supply and no
current that is thrown away, as a ladder that divides its input current has; see docs/circuit.md
for how both compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import Block, Matched
from netgen.circuit.codes import CodeRange
from netgen.circuit.netlist import Device, Module
from netgen.errors import UsageError

DAC, DIODE, FIXED = "dac", "diode", "fixed"
WIDEST = 8
"""Units of the highest bit's branch."""
COPIED = 4
"""Units of the diode."""
MOST = 8
"""Bits at most: the lowest branch has as many units in series as the highest range allows."""


@dataclass(frozen=True)
class DacRange(CodeRange):
    """Codes with equal differences between the currents of neighbours, as a DAC has.

    The fixed part is a whole number of unit devices, so the ends are near those asked for only.
    """

    def __post_init__(self) -> None:
        """Check it.

        Raises
        ------
        UsageError
            See :class:`CodeRange`; or too many bits.
        """
        super().__post_init__()
        if self.bits > MOST:
            raise UsageError(f"a DAC of {self.bits} bits: give 1 … {MOST}")

    @property
    def unit(self) -> int:
        """Steps that one unit device stands for."""
        return max(1, (1 << self.bits - 1) // WIDEST)

    @property
    def fixed(self) -> int:
        """Steps that the fixed part stands for."""
        steps = self.last * self.low / (self.high - self.low)
        return max(1, round(steps / self.unit)) * self.unit

    @property
    def nominal(self) -> int:
        """The code of the nominal current."""
        return min(max(round((self.fixed + self.last) / self.high) - self.fixed, 0), self.last)

    @property
    def steps(self) -> int:
        """The nominal current in steps."""
        return self.fixed + self.nominal

    @property
    def copied(self) -> float:
        """The diode's current over the nominal one, of ideal devices."""
        return COPIED * self.unit / self.steps

    @property
    def branches(self) -> tuple[tuple[str, int, int], ...]:
        """Name, units in parallel and units in series of the fixed part and each bit's branch.

        The lowest bit comes first.
        """
        bits = ((f"bit{place}", *divided(2**place, self.unit)) for place in range(self.bits))
        return ((FIXED, self.fixed // self.unit, 1), *bits)

    def on(self, codes: Integers) -> Floats:
        """Return which branches carry a current, 0 or 1, (1 + bits, …) for codes of any shape."""
        places = np.arange(self.bits).reshape(-1, *(1,) * np.ndim(codes))
        bits = (np.asarray(codes)[np.newaxis] >> places) & 1
        on: Floats = np.concatenate([np.ones((1, *np.shape(codes))), bits])
        return on

    def logs(self, codes: Integers) -> Floats:
        """Return the logarithms of the factors of codes, any shape."""
        logs: Floats = np.log((self.fixed + np.asarray(codes, dtype=np.float64)) / self.steps)
        return logs

    def nearest(self, logs: Floats) -> Integers:
        """Return the codes nearest to logarithms of factors, any shape; the ends beyond them."""
        wanted = np.exp(np.minimum(logs, 50.0)) * self.steps - self.fixed
        codes: Integers = np.clip(np.rint(wanted), 0, self.last).astype(np.intp)
        return codes


def divided(steps: int, unit: int) -> tuple[int, int]:
    """Return units in parallel and in series that make so many steps."""
    return (steps // unit, 1) if steps >= unit else (1, unit // steps)


@dataclass(frozen=True)
class ProgrammableBias(Block):
    """One DAC, with its diode, its switches, and a port for each bit."""

    span: DacRange
    name = "dac"

    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the subcircuit."""
        bits = " ".join(bit_ports(self.span))
        return (
            module(
                DAC,
                f"line out {bits} vdd",
                "dac",
                tuple(self._devices(kit)),
                comments=(
                    f"A current DAC of {self.span.bits} bits: line takes the copy of the "
                    "reference, out gives the current.",
                    "A bit is on while its net is low.",
                ),
            ),
        )

    def _devices(self, kit: Kit) -> Iterator[Device]:
        unit = kit.technology.unit_of("pmos", kit.unit)
        yield from kit.pmos(DIODE, "line", "line", size=replace(unit, multiplicity=COPIED))
        for name, parallel, series in self.span.branches:
            size = replace(unit, multiplicity=parallel)
            drain = "out" if name == FIXED else f"{name}_on"
            yield from kit.pmos_stack(name, drain, "line", series, size)
            if name != FIXED:
                yield from kit.pmos(f"{name}_switch", "out", f"{name}_b", drain, kit.reset)

    def matched(self) -> tuple[Matched, ...]:
        """Return which transistors make the steps."""
        names = (DIODE, *(name for name, _, _ in self.span.branches))
        return (Matched(DAC, names, "their ratios are the steps of the current"),)


def bit_ports(span: CodeRange) -> tuple[str, ...]:
    """Return the ports of the bits, the lowest first; each is on while low."""
    return tuple(f"bit{place}_b" for place in range(span.bits))
