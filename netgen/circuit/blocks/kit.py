"""Writes the transistors of blocks for one technology and unit mirror."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from netgen.circuit.netlist import Device, Module, Role
from netgen.technology import Geometry, Polarity, Technology

RAIL: Mapping[Polarity, str] = {"nmos": "vss", "pmos": "vdd"}
"""Net of the bulk, by polarity."""


@dataclass(frozen=True)
class Kit:
    """What a block's subcircuit is drawn with."""

    technology: Technology
    unit: Geometry  #: Geometry of the unit mirror.
    #: The group of devices that a transistor belongs to, by name, see
    #: :class:`netgen.technology.UnitMirror`.
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def steering(self) -> Geometry:
        """A transistor that steers a current and copies none."""
        return self.technology.steering_of(self.unit)

    @property
    def reset(self) -> Geometry:
        """A start-up switch."""
        return self.technology.reset

    def longer(self, polarity: Polarity, factor: int) -> Geometry:
        """Return a unit device's geometry with the length multiplied."""
        size = self.technology.unit_of(polarity, self.unit)
        return replace(size, length=size.length * factor)

    def nmos(
        self, name: str, drain: str, gate: str, source: str = "vss", size: Geometry | None = None
    ) -> tuple[Device, ...]:
        """Return an NMOS, of the unit mirror's size if no other is given; bulk on ``vss``."""
        return self.placed("nmos", name, (drain, gate, source), size)

    def pmos(
        self, name: str, drain: str, gate: str, source: str = "vdd", size: Geometry | None = None
    ) -> tuple[Device, ...]:
        """Return a PMOS, of the unit mirror's size if no other is given; bulk on ``vdd``."""
        return self.placed("pmos", name, (drain, gate, source), size)

    def pmos_stack(
        self, name: str, drain: str, gate: str, count: int, size: Geometry | None = None
    ) -> tuple[Device, ...]:
        """Return PMOS in series up to ``vdd``, which count as one device of the first one's name.

        The uppermost drain's comes first.
        """
        inner = [f"{name}_d{place}" for place in range(1, count)]
        ends = zip(series_names(name, count), [drain, *inner], [*inner, "vdd"], strict=True)
        each = (self.pmos(one, upper, gate, lower, size) for one, upper, lower in ends)
        return tuple(replace(device, stack=name) for devices in each for device in devices)

    def placed(
        self, polarity: Polarity, name: str, nets: tuple[str, str, str], size: Geometry | None
    ) -> tuple[Device, ...]:
        """Return a transistor with nets of drain, gate and source; several where it is long."""
        group_unit = self.unit.of(self.groups.get(name, ""))
        geometry = size or self.technology.unit_of(polarity, group_unit)
        drain, gate, source = nets
        terminals = drain, gate, source, RAIL[polarity]
        whole = Device(name, "mirror", polarity, geometry, terminals)
        names = [f"{name}_s{place}" for place in range(1, self.technology.series(geometry.length))]
        return in_series(whole, self.technology, names)


def series_names(name: str, count: int) -> tuple[str, ...]:
    """Return the names of units in series, the uppermost drain's first."""
    return (name, *(f"{name}_s{place}" for place in range(1, count)))


def in_series(
    whole: Device, technology: Technology, names: Iterable[str] = ()
) -> tuple[Device, ...]:
    """Return the transistors that make up a long one.

    Parameters
    ----------
    names
        Of those after the first.
    """
    geometry = whole.geometry
    count = technology.series(geometry.length)
    each = technology.snap(geometry.length / count)
    geometry = Geometry(geometry.width, each, geometry.multiplicity)
    if count == 1:
        if geometry == whole.geometry and whole.stack == whole.name:
            return (whole,)
        return (replace(whole, geometry=geometry, stack=whole.name),)
    drain, gate, source, bulk = whole.terminals
    inner = [f"{whole.name}_d{place}" for place in range(1, count)]
    return tuple(
        replace(
            whole,
            name=name,
            geometry=geometry,
            terminals=(upper, gate, lower, bulk),
            stack=whole.name,
        )
        for name, upper, lower in zip(
            (whole.name, *names), [drain, *inner], [*inner, source], strict=True
        )
    )


def module(
    name: str, ports: str, role: Role, *devices: tuple[Device, ...], comments: tuple[str, ...] = ()
) -> Module:
    """Return a subcircuit.

    Parameters
    ----------
    ports
        Names of its nets, with spaces between.
    role
        What its transistors are there for.
    comments
        What its text says of it, line by line.
    """
    inner = tuple(replace(each, role=role) for group in devices for each in group)
    return Module(
        name, tuple(ports.split()), inner, comments=tuple(f"* {line}" for line in comments)
    )
