"""Ammeters in a network's supply: which kind of block of which node takes how much from it.

A current counts at the device that takes it from the supply: a sourcing mirror's at the mirror, a
diode's P-gate net at the net, a bias or an input that an ideal source feeds at itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netgen.circuit.netlist import ROLES, Capacitor, Element, Source, Statement, Unit
from netgen.model import INPUT
from netgen.netlist.write import ElementText, Writer

KINDS = (*ROLES, "readout")
"""Kinds of block. All but the last, the sources that the readout's currents flow into, are roles
of transistors."""
_SUPPLY = "vdd"


@dataclass(frozen=True, order=True)
class SupplyBranch:
    """A kind of block (one of :data:`KINDS`) of a node of the circuit.

    The node is ``"x"``, the reference, or a relu, bmru or readout node.
    """

    node: str
    kind: str


@dataclass(frozen=True)
class Meter:
    """What a current says: volts times it is the power that a supply branch takes.

    Volts are negative for a source whose own current is looked at, since SPICE counts that from
    the positive node through the source.
    """

    branch: SupplyBranch
    volts: float


@dataclass(frozen=True)
class InputMeter:
    """The ammeter between the supply and all input currents: its source and its net."""

    name: str
    net: str
    branch: SupplyBranch

    @property
    def statement(self) -> str:
        """As a netlist has it."""
        return f"{self.name} {_SUPPLY} {self.net} 0"


INPUT_METER = InputMeter(
    f"vmeter_{INPUT}_input", f"{_SUPPLY}_{INPUT}_input", SupplyBranch(INPUT, "input")
)


@dataclass(frozen=True)
class Metered:
    """Elements whose supply comes through ammeters, one a kind of block."""

    node: str
    elements: tuple[ElementText, ...]
    kinds: tuple[str, ...]  #: Those that take current from the supply, in order of appearance.

    @classmethod
    def of(cls, writer: Writer, prefix: str, node: str, unit: Unit) -> Metered:
        """Return those of a unit in the layer of a prefix."""
        kinds: dict[str, None] = {}
        elements = []
        for element in unit.elements:
            kind = kind_of(element)
            text = writer.element(element, f"{_SUPPLY}_{prefix}_{kind}")
            if text.supplied:
                kinds[kind] = None
            elements.append(text)
        return cls(node, tuple(elements), tuple(kinds))

    @classmethod
    def joined(cls, parts: Iterable[Metered]) -> Metered:
        """Return those of several units of a layer together."""
        joined = list(parts)
        elements = tuple(element for part in joined for element in part.elements)
        kinds = dict.fromkeys(kind for part in joined for kind in part.kinds)
        return cls(joined[0].node if joined else "", elements, tuple(kinds))

    def statements(self, prefix: str) -> list[ElementText]:
        """Return the ammeters and what they measure."""
        meters = [
            ElementText(f"vmeter_{prefix}_{kind} {_SUPPLY} {_SUPPLY}_{prefix}_{kind} 0")
            for kind in self.kinds
        ]
        return [*meters, *self.elements]

    def branches(self, prefix: str) -> dict[str, SupplyBranch]:
        """Return what the ammeters show, by their names."""
        return {f"vmeter_{prefix}_{kind}": SupplyBranch(self.node, kind) for kind in self.kinds}


def kind_of(element: Element) -> str:
    """Return the kind of block that an element belongs to."""
    if isinstance(element, Source):
        return "bias"
    return "line" if isinstance(element, Statement | Capacitor) else element.role
