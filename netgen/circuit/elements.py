"""Elements of a synthesis: each has a name of its own."""

from __future__ import annotations

from netgen.circuit.blocks.kit import in_series
from netgen.circuit.circuit import Circuit
from netgen.circuit.netlist import Device, Instance, Role
from netgen.technology import Technology


class Elements:
    """Makes the elements of a circuit's netlist."""

    def __init__(self, circuit: Circuit, technology: Technology) -> None:
        self.circuit, self.technology = circuit, technology
        self.taken: set[str] = set()

    def unique(self, name: str) -> str:
        """Return a name that no element of any layer has: another node's may begin like it."""
        candidate, number = name, 1
        while candidate in self.taken:
            number += 1
            candidate = f"{name}__{number}"
        self.taken.add(candidate)
        return candidate

    def instance(
        self,
        name: str,
        module: str,
        nets: tuple[str, ...],
        role: Role,
        node: str,
        unit: int,
        parameter: str | None = None,
    ) -> Instance:
        return Instance(self.unique(name), module, nets, role, node, unit, parameter)

    def in_series(self, whole: Device) -> tuple[Device, ...]:
        """Return the transistors that make up a long one."""
        count = self.technology.series(whole.geometry.length)
        names = [self.unique(f"{whole.name}_s{place}") for place in range(1, count)]
        return in_series(whole, self.technology, names)
