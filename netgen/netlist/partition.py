"""A network as engines take it: whole, or in units that only meet at gates.

Gates draw no DC current, so a unit works alone if the gate nets that it uses are driven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from netgen.circuit import GateNet
from netgen.circuit.netlist import (
    GROUND,
    SUPPLIES,
    Device,
    Element,
    Layer,
    Netlist,
    Unit,
    flat_devices,
)
from netgen.errors import ConfigurationError, UsageError
from netgen.netlist.library import Sizes
from netgen.netlist.meters import INPUT_METER, Metered, SupplyBranch
from netgen.netlist.statements import check_statements
from netgen.netlist.write import ElementText, Writer, network_body
from netgen.technology import Technology

MOST_PORTS = 1004
"""ngspice 39 places no subcircuit with more nets ("N_GLOBAL_NODES overflow")."""
NO_DC = "c"
"""Elements that carry no current at an operating point."""
GATE_NETS: tuple[GateNet, ...] = ("n", "p")
"""Kinds of nets whose gates copy a unit's current."""


@dataclass(frozen=True, eq=False)
class Partition:
    """One unit of a layer by itself."""

    #: ``prefix``, ``unit``: net prefix of the layer, and the unit's index.
    prefix: str
    unit: int
    elements: Unit  #: The record of what it holds.
    nets: frozenset[str]  #: Nets that are its own.
    uses: tuple[str, ...]  #: Nets that others drive, in order of their appearance.
    #: Its own and those of its blocks, each with the nets around its block.
    transistors: tuple[Device, ...]

    @property
    def devices(self) -> int:
        """How many transistors it has; those in parallel count each."""
        return sum(device.geometry.multiplicity for device in self.transistors)


@dataclass(frozen=True, eq=False)
class Network:
    """A network and all that its decks are made from, prepared once for all of its variants."""

    netlist: Netlist
    technology: Technology

    @cached_property
    def text(self) -> str:
        """The network as its file has it."""
        return network_body(self.netlist, self.technology)

    @property
    def identity(self) -> str:
        """What results of the network depend on: its file, or its text where it has none."""
        return self.netlist.digest or self.text

    def check(self) -> None:
        """See that it does nothing but describe a circuit, wherever it was read from.

        Raises
        ------
        ConfigurationError
            It holds a command, or a statement that does more.
        """
        _ = self._checked

    @cached_property
    def _checked(self) -> bool:
        check_statements(self.text, self.netlist.source)
        return True

    def check_placeable(self) -> None:
        """See that ngspice can place it as one circuit.

        Raises
        ------
        UsageError
            A subcircuit has too many nets.
        """
        widths = {layer.subckt: len(layer.ports) for layer in self.netlist.layers}
        widths["network"] = len(self.netlist.ports)
        widest, nets = max(widths.items(), key=lambda item: item[1])
        if nets > MOST_PORTS:
            raise UsageError(
                f"{self.netlist.source}: subcircuit {widest} has {nets:,} nets, ngspice places at "
                f"most {MOST_PORTS:,}: simulate with --engine staged, leave out --to ngspice"
            )

    @cached_property
    def parts(self) -> Mapping[str, tuple[Partition, ...]]:
        """By the layer's prefix, its units in order.

        Raises
        ------
        ConfigurationError
            It was edited so that a statement belongs to no single unit: no part would hold it.
        """
        netlist = self.netlist
        if stray := netlist.stray:
            more = f" and {len(stray) - 1} more" if len(stray) > 1 else ""
            problem = (
                f"{stray[0].text!r}{more}: belongs to no single unit of the network; use "
                "--engine monolithic, which simulates the file as it is"
            )
            raise ConfigurationError(netlist.source, [problem])
        return {
            layer.prefix: tuple(self._part(layer.prefix, unit) for unit in layer.units)
            for layer in netlist.layers
        }

    def _part(self, prefix: str, unit: Unit) -> Partition:
        nets_inside = frozenset(net.name for net in unit.nets)
        nets = dict.fromkeys(net for element in unit.elements for net in nets_of(element))
        uses = tuple(
            net for net in nets if net not in nets_inside and net not in (*SUPPLIES, GROUND)
        )
        transistors = tuple(flat_devices(unit, self.netlist.blocks))
        return Partition(prefix, unit.index, unit, nets_inside, uses, transistors)

    def __iter__(self) -> Iterator[Partition]:
        """Yield every part."""
        return (part for layer in self.parts.values() for part in layer)

    @cached_property
    def hung(self) -> Mapping[str, Mapping[Partition, list[Device]]]:
        """The gates that other parts hang on each net, by part."""
        loads: dict[str, dict[Partition, list[Device]]] = {}
        for part in self:
            for net in part.uses:
                loads.setdefault(net, {})[part] = []
            for device in part.transistors:
                if device.gate in part.uses:
                    loads[device.gate][part].append(device)
        return loads

    @cached_property
    def sizes(self) -> Sizes | None:
        """The sizes of all transistors, None where an edited network may hide some."""
        if self.netlist.hidden:
            return None
        return sizes(self.netlist.transistors.values())

    @cached_property
    def plain(self) -> NetworkElements:
        """Its statements, all transistors nominal."""
        return NetworkElements(self.netlist, Writer(self.technology))

    @cached_property
    def deviating(self) -> NetworkElements:
        """Its statements, where each transistor takes a shift of its own.

        Raises
        ------
        ConfigurationError
            It was edited so that the size of a transistor is not known.
        """
        if hidden := self.netlist.hidden:
            problem = f"{hidden[0].text!r}: no size that could deviate; write W and L as numbers"
            raise ConfigurationError(self.netlist.source, [problem])
        return NetworkElements(
            self.netlist, Writer(self.technology, self.netlist.blocks, deviating=True)
        )


@dataclass(frozen=True, eq=False)
class NetworkElements:
    """The statements of a network, with ammeters in its supply."""

    netlist: Netlist
    writer: Writer

    @cached_property
    def blocks(self) -> str:
        """The subcircuits that units are made of."""
        return self.writer.modules(self.netlist.blocks.values(), comments=False)

    @cached_property
    def units(self) -> Mapping[tuple[str, int], Metered]:
        """The elements of each unit by its layer's prefix and its index."""
        return {
            (layer.prefix, unit.index): Metered.of(self.writer, layer.prefix, layer.node, unit)
            for layer in self.netlist.layers
            for unit in layer.units
        }

    def layer(self, prefix: str, indices: Iterable[int]) -> Metered:
        """Return units of a layer together."""
        return Metered.joined(self.units[prefix, index] for index in indices)

    @cached_property
    def layers(self) -> Mapping[str, Metered]:
        """Whole layers by prefix."""
        return {
            layer.prefix: self.layer(layer.prefix, (unit.index for unit in layer.units))
            for layer in self.netlist.layers
        }

    @cached_property
    def whole(self) -> list[ElementText]:
        """All of the network."""
        netlist = self.netlist
        elements = [ElementText(INPUT_METER.statement)]
        elements += [ElementText(statement.text) for statement in netlist.outside]
        elements.append(ElementText(self.blocks))
        for layer in netlist.layers:
            elements.append(ElementText(" ".join((".subckt", layer.subckt, *layer.ports))))
            elements += self.layers[layer.prefix].statements(layer.prefix)
            elements += [ElementText(statement.text) for statement in layer.loose]
            elements.append(ElementText(f".ends {layer.subckt}"))
        elements.append(ElementText(" ".join((".subckt network", *netlist.ports))))
        for layer in netlist.layers:
            elements.append(ElementText(" ".join((f"X{layer.prefix}", *layer.ports, layer.subckt))))
        elements += [ElementText(statement.text) for statement in netlist.loose]
        return [*elements, ElementText(".ends network")]

    @cached_property
    def whole_meters(self) -> Mapping[str, SupplyBranch]:
        """What the meters of the whole network show, by the path of each."""
        meters = {INPUT_METER.name: INPUT_METER.branch}
        for prefix, layer in self.layers.items():
            for name, branch in layer.branches(prefix).items():
                meters[f"xnet.x{prefix}.{name}"] = branch
        return meters


def nets_of(element: Element) -> Sequence[str]:
    """Return the nets that an element touches."""
    return element.terminals if isinstance(element, Device) else element.nets


def sizes(transistors: Iterable[Device]) -> Sizes:
    """Return the sizes of transistors."""
    return frozenset(
        (device.polarity, device.geometry.width, device.geometry.length) for device in transistors
    )


def placed_layers(netlist: Netlist) -> dict[str, Layer]:
    """Return the layers of a network by their net prefixes.

    Raises
    ------
    ConfigurationError
        It was edited so that it holds more than layers.
    """
    for statement in (*netlist.outside, *netlist.loose):
        if statement.text[0].lower() not in (NO_DC, "."):
            head = statement.text.split()[0]
            problem = f"{head!r} is no layer of the network: it cannot be verified"
            raise ConfigurationError(netlist.source, [problem])
    return {layer.prefix: layer for layer in netlist.layers}


def placeable(layer: Layer, most: int) -> tuple[Layer, ...]:
    """Return a layer as parts of whole units that have at most so many ports, where that goes."""
    if len(layer.ports) <= most or layer.loose:
        return (layer,)
    parts: list[tuple[list[Unit], set[str]]] = []
    for unit in layer.units:
        nets = {net for each in unit.elements for net in nets_of(each)} & set(layer.ports)
        if not parts or len(parts[-1][1] | nets) > most:
            parts.append(([], set()))
        parts[-1][0].append(unit)
        parts[-1][1].update(nets)
    return tuple(
        replace(
            layer,
            prefix=f"{layer.prefix}_part{number}",
            ports=tuple(port for port in layer.ports if port in nets),
            units=tuple(units),
        )
        for number, (units, nets) in enumerate(parts)
    )


def without(layer: Layer, idle: Set[str], prefix: str, absent: Set[str] = frozenset()) -> Layer:
    """Return a layer, under another prefix, without what carries nothing.

    That are transistors whose gates are on idle nets, and units that drive absent gate nets alone.
    What a person added to the others stays.
    """
    if not idle and not absent:
        return layer
    units = tuple(
        replace(unit, devices=tuple(each for each in unit.devices if each.gate not in idle))
        for unit in layer.units
        if not (nets := {net.name for net in unit.nets if net.kind in GATE_NETS}) or nets - absent
    )
    elements = (*layer.loose, *(each for unit in units for each in unit.elements))
    used = {*SUPPLIES, *chain.from_iterable(map(nets_of, elements))}
    gone = idle | absent
    ports = tuple(port for port in layer.ports if port not in gone or port in used)
    return replace(layer, prefix=prefix, ports=ports, units=units)
