"""The circuit as a record: nets, devices, instances, units, layers.

Every later step walks this record: text is written from it, and only a netlist that a person
edited is read back into it. A netlist is hierarchical: a layer holds units, one for each summing
node or cell, and units hold transistors, bias sources and instances of blocks (:class:`Module`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias, get_args

from netgen.technology import Geometry, Polarity

Role: TypeAlias = Literal[
    "mirror",
    "relu",
    "cell",
    "bias",
    "line",
    "input",
    "start",
    "decision",
    "dac",
    "divider",
]
"""What a device is there for: a weight's mirror, the diode of a ReLU, a cell, a bias current, a
second gate net of a signal, an input's diode, a start-up switch, what decides, the DAC of a
bias current, the divider of an input."""
ROLES: tuple[Role, ...] = get_args(Role)
NetKind: TypeAlias = Literal["n", "p", "output", "bias", "storage", "series", "winner"]
"""A gate net of sinking (n) or sourcing (p) copies, a readout's output, a bias diode's net, a
cell's storage node, a net between transistors in series, or one of what decides."""

SUPPLIES = ("vdd", "vss")
GROUND = "0"


@dataclass(frozen=True, slots=True)
class Net:
    """A net that a unit drives: other units only have gates on it."""

    name: str
    kind: NetKind


@dataclass(frozen=True, slots=True)
class Device:
    """A transistor."""

    #: In its subcircuit, without the letter of its kind; in :attr:`Netlist.transistors` the path
    #: from its layer (``state_3.m1``).
    name: str
    role: Role
    polarity: Polarity
    geometry: Geometry
    terminals: tuple[str, str, str, str]  #: Nets of drain, gate, source and bulk.
    #: ``node``, ``unit``: whose summing node or cell it belongs to; empty inside a block.
    node: str = ""
    unit: int = 0
    parameter: str | None = None  #: Path of the learned parameter that it stands for, if it does.
    #: ``wanted``, ``realised``: that parameter's value, and the one expected of the sized device,
    #: both with sign.
    wanted: float | None = None
    realised: float | None = None
    #: Name of the first of the transistors in series that make up one device; its own without
    #: others.
    stack: str = ""
    extra: str = ""  #: Parameters of a netlist that was edited, as text.

    @property
    def drain(self) -> str:
        """Its drain's net."""
        return self.terminals[0]

    @property
    def gate(self) -> str:
        """Its gate's net."""
        return self.terminals[1]


@dataclass(frozen=True, slots=True)
class Source:
    """An ideal bias current, A, from the first net into the second."""

    name: str
    nets: tuple[str, str]
    current: float
    node: str
    unit: int
    #: ``parameter``, ``wanted``, ``realised``: path and value (in units) of the learned parameter
    #: that it stands for, and the value expected of the cell; None for the reference.
    parameter: str | None = None
    wanted: float | None = None
    realised: float | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A block in its place; a bias diode stands for a learned parameter."""

    name: str
    module: str
    nets: tuple[str, ...]
    role: Role
    node: str
    unit: int
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What an edited netlist holds besides: its text, and the nets of a two-terminal element."""

    text: str
    nets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capacitor:
    """The capacitance of a net's wires to everything around it, lumped, F."""

    name: str
    nets: tuple[str, str]  #: The net, and the ground.
    capacitance: float


Element: TypeAlias = Device | Source | Instance | Capacitor | Statement


@dataclass(frozen=True, eq=False)
class Module:
    """A subcircuit that units are made of."""

    name: str
    ports: tuple[str, ...]
    devices: tuple[Device, ...]
    statements: tuple[Statement, ...] = ()
    parameters: tuple[str, ...] = ()  #: With their defaults, as text (``name=value``).
    comments: tuple[str, ...] = ()  #: What its text says of it.


@dataclass(frozen=True, eq=False)
class Unit:
    """One summing node, cell, input or reference of a layer."""

    node: str
    index: int
    title: str
    nets: tuple[Net, ...]  #: Those that it drives.
    sources: tuple[Source, ...] = ()
    devices: tuple[Device, ...] = ()
    instances: tuple[Instance, ...] = ()
    statements: tuple[Statement, ...] = ()
    capacitors: tuple[Capacitor, ...] = ()  #: Of the wires of its nets, where they are known.
    #: Parameters too small to be realised: their paths with their values.
    missing: tuple[tuple[str, float], ...] = ()

    @property
    def elements(self) -> tuple[Element, ...]:
        """All of them."""
        wires: tuple[Element, ...] = (*self.capacitors, *self.statements)
        return (*self.sources, *self.devices, *self.instances, *wires)


@dataclass(frozen=True, eq=False)
class Layer:
    """The units of a node, one subcircuit."""

    node: str  #: Of the model, the input or the reference.
    prefix: str  #: The prefix of its nets.
    title: str
    #: ``ports``, ``outer``: nets of the subcircuit, and those of them that are ports of the
    #: network.
    ports: tuple[str, ...]
    outer: tuple[str, ...]
    units: tuple[Unit, ...]
    #: Elements of an edited netlist that belong to no single unit.
    loose: tuple[Statement, ...] = ()

    @property
    def subckt(self) -> str:
        """The name of its subcircuit."""
        return f"layer_{self.prefix}"


@dataclass(frozen=True, eq=False)
class Netlist:
    """A network."""

    #: ``name``, ``technology``: of the model, and the title of the technology.
    name: str
    technology: str
    unit_current: float  #: What 1.0 in software stands for, A.
    #: Subcircuits that units are made of, by name, in the order of their text.
    blocks: Mapping[str, Module]
    layers: tuple[Layer, ...]
    #: ``loose``, ``outside``: what an edited netlist holds in the network besides its layers, and
    #: outside of subcircuits.
    loose: tuple[Statement, ...] = ()
    outside: tuple[Statement, ...] = ()
    #: ``source``, ``digest``: the file it is in, for messages, and the SHA-256 of its text.
    source: str = "netlist.cir"
    digest: str = ""

    @property
    def ports(self) -> tuple[str, ...]:
        """Nets of the network's own subcircuit."""
        outer = dict.fromkeys(port for layer in self.layers for port in layer.outer)
        return (*SUPPLIES, *outer)

    @property
    def units(self) -> Iterator[Unit]:
        """Every unit of every layer."""
        return (unit for layer in self.layers for unit in layer.units)

    @cached_property
    def transistors(self) -> Mapping[str, Device]:
        """Every transistor by its path, those of blocks with the nets around their instance.

        A mirror is called as in the netlist, but for the letter in front (``l1_relu_2_from_x_5``),
        a transistor of a block by its instance and its own name (``l1_state_3.m1``,
        ``l1_relu_0.diode``). Those in series for a long one are called ``…``, ``…_s1``, ``…_s2``.
        """
        return {
            device.name: device for unit in self.units for device in flat_devices(unit, self.blocks)
        }

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Every bias source by its name."""
        return {source.name: source for unit in self.units for source in unit.sources}

    @property
    def counts(self) -> dict[Role, int]:
        """How many transistors there are by role (those in parallel or in series count each)."""
        counts = dict.fromkeys(ROLES, 0)
        for device in self.transistors.values():
            counts[device.role] += device.geometry.multiplicity
        return counts

    @property
    def stray(self) -> tuple[Statement, ...]:
        """What belongs to no single unit."""
        return (*self.outside, *self.loose, *(s for layer in self.layers for s in layer.loose))

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All that is no transistor, bias source or block that is understood."""
        inside = (s for block in self.blocks.values() for s in block.statements)
        owned = (s for unit in self.units for s in unit.statements)
        return (*self.stray, *inside, *owned)

    @property
    def hidden(self) -> tuple[Statement, ...]:
        """Statements that may be transistors, or define some: their sizes are not known."""
        return tuple(s for s in self.statements if s.text[:1].lower() in "xm.")


def flat_devices(unit: Unit, blocks: Mapping[str, Module]) -> Iterator[Device]:
    """Yield the transistors of a unit: its own, and those of its blocks where they stand."""
    yield from unit.devices
    for instance in unit.instances:
        block = blocks[instance.module]
        nets = dict(zip(block.ports, instance.nets, strict=True))
        for inner in block.devices:
            d, g, s, b = (
                nets.get(net) or f"{instance.name}.{net}" if net != GROUND else net
                for net in inner.terminals
            )
            yield replace(
                inner,
                name=f"{instance.name}.{inner.name}",
                role=instance.role,
                terminals=(d, g, s, b),
                node=instance.node,
                unit=instance.unit,
                parameter=instance.parameter,
                stack=f"{instance.name}.{inner.stack}",
            )


def stacks(devices: Iterable[Device]) -> list[list[Device]]:
    """Group transistors in series that make up one device, first things first."""
    stacks: dict[str, list[Device]] = {}
    for device in devices:
        stacks.setdefault(device.stack, []).append(device)
    return list(stacks.values())


def with_biases(netlist: Netlist, factors: Mapping[str, Mapping[int, Sequence[float]]]) -> Netlist:
    """Return a netlist with other ideal bias currents.

    Parameters
    ----------
    factors
        On the bias sources of a unit, in their order, by node and unit.
    """
    layers = []
    for layer in netlist.layers:
        of_layer = factors.get(layer.node, {})
        units = tuple(
            replace(unit, sources=tuple(_scaled(unit.sources, of_layer[unit.index])))
            if unit.index in of_layer and unit.sources
            else unit
            for unit in layer.units
        )
        layers.append(replace(layer, units=units) if of_layer else layer)
    return replace(netlist, layers=tuple(layers), digest="")


def _scaled(sources: Sequence[Source], factors: Sequence[float]) -> Iterator[Source]:
    for source, factor in zip(sources, factors, strict=True):
        yield replace(source, current=source.current * factor)


def ports_for_biases(netlist: Netlist) -> Netlist:
    """Return the netlist without its bias sources: their nets are ports of the network instead."""
    return replace(netlist, layers=tuple(_without_sources(layer) for layer in netlist.layers))


def _without_sources(layer: Layer) -> Layer:
    nets = tuple(source.nets[1] for unit in layer.units for source in unit.sources)
    units = tuple(replace(unit, sources=()) for unit in layer.units)
    ports = tuple(dict.fromkeys((*layer.ports, *nets)))
    return replace(layer, ports=ports, outer=(*layer.outer, *nets), units=units)
