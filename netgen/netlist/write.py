"""The writer: from the record of a circuit to SPICE text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from netgen._version import __version__
from netgen.circuit.netlist import Device, Instance, Layer, Module, Netlist, Source, Unit, stacks
from netgen.circuit.synthesis import ports_for_biases
from netgen.netlist.render import printable, render
from netgen.technology import Device as DeviceModel
from netgen.technology import Geometry, Technology
from netgen.units import spice

AREAS = ("as", "ad", "ps", "pd")
"""Parameters of a transistor's junctions."""


@dataclass(frozen=True)
class Writer:
    """Writes elements for one technology."""

    technology: Technology

    def parameters(self, device: Device) -> str:
        """Return W, L, junctions and multiplicity.

        Junction areas and perimeters are written where the technology has a rule for them: without
        them BSIM4 cards use a fixed leakage that does not depend on temperature.
        """
        metre = 1 / self.technology.devices[device.polarity].length_unit
        geometry = device.geometry
        values = [("w", geometry.width * metre), ("l", geometry.length * metre)]
        if self.technology.diffusion and "as=" not in device.extra:
            values += self.junctions(geometry, metre)
        text = " ".join(f"{key}={spice(value)}" for key, value in values)
        if geometry.multiplicity != 1:
            text += f" m={geometry.multiplicity}"
        return f"{text} {device.extra}" if device.extra else text

    def junctions(self, geometry: Geometry, metre: float) -> list[tuple[str, float]]:
        """Return areas and perimeters of source and drain by the technology's rule."""
        diffusion = self.technology.diffusion
        area = geometry.width * diffusion * metre**2
        edge = 2 * (geometry.width + diffusion) * metre
        return list(zip(AREAS, (area, area, edge, edge), strict=True))

    def device(self, device: Device) -> str:
        """Return a transistor's statement."""
        model = self.technology.devices[device.polarity]
        nets = dict(zip("dgsb", device.terminals, strict=True))
        pins = " ".join(nets[pin] for pin in model.pins)
        return f"{model.prefix}{device.name} {pins} {model.model} {self.parameters(device)}"

    def source(self, source: Source) -> str:
        """Return a bias source's statement."""
        return f"I{source.name} {source.nets[0]} {source.nets[1]} {spice(source.current)}"

    def instance(self, instance: Instance) -> str:
        """Return the statement of a block."""
        return f"X{instance.name} {' '.join(instance.nets)} {instance.module}"

    def unit(self, unit: Unit) -> Iterator[str]:
        """Yield the statements of a unit."""
        yield from map(self.source, unit.sources)
        yield from map(self.device, unit.devices)
        yield from map(self.instance, unit.instances)
        yield from (statement.text for statement in unit.statements)

    def module(self, module: Module) -> Iterator[str]:
        """Yield the lines of a block's subcircuit, its comments first."""
        yield from module.comments
        yield " ".join((".subckt", module.name, *module.ports, *module.parameters))
        yield from map(self.device, module.devices)
        yield from (statement.text for statement in module.statements)
        yield f".ends {module.name}"

    def modules(self, modules: Iterable[Module]) -> str:
        """Return the subcircuits of blocks; one with comments stands apart from those before."""
        lines: list[str] = []
        for module in modules:
            if lines and module.comments:
                lines.append("")
            lines += self.module(module)
        return "\n".join(lines)


@dataclass(frozen=True)
class _Noted:
    note: str
    device: str


@dataclass(frozen=True)
class _UnitView:
    """What a layer's template writes for one unit."""

    title: str
    biases: list[_Noted]
    mirrors: list[_Noted]
    missing: list[str]
    instances: list[str]


@dataclass(frozen=True)
class _LayerView:
    title: str
    word: str
    subckt: str
    ports: tuple[str, ...]
    units: list[_UnitView]
    loose: list[str]


def network_body(netlist: Netlist, technology: Technology) -> str:
    """Return a network as SPICE text: no options, saves or analyses."""
    writer = Writer(technology)
    return render(
        "network.j2",
        title=netlist.name,
        version=__version__,
        technology=netlist.technology,
        count=sum(d.geometry.multiplicity for d in netlist.transistors.values()),
        unit_current=netlist.unit_current,
        blocks=writer.modules(netlist.blocks.values()),
        layers=[_layer_view(writer, layer, netlist.unit_current) for layer in netlist.layers],
        ports=netlist.ports,
        loose=[statement.text for statement in netlist.loose],
        outside=[statement.text for statement in netlist.outside],
    )


def cdl_body(netlist: Netlist, technology: Technology) -> str:
    """Return a network as CDL, for LVS and schematic tools.

    Transistors by their names in LVS, W, L and multiplicity only. Bias currents come from outside:
    each bias net is a port.
    """
    models = {p: DeviceModel(d.lvs or d.model, "M") for p, d in technology.devices.items()}
    schematic = replace(technology, devices=models, diffusion=0.0)
    return network_body(ports_for_biases(netlist), schematic)


def _layer_view(writer: Writer, layer: Layer, unit_current: float) -> _LayerView:
    units = [_unit_view(writer, unit) for unit in layer.units]
    loose = [statement.text for statement in layer.loose]
    return _LayerView(layer.title, layer.word, layer.subckt, layer.ports, units, loose)


def _unit_view(writer: Writer, unit: Unit) -> _UnitView:
    biases = {net.name for net in unit.nets if net.kind == "bias"}
    return _UnitView(
        unit.title,
        [_Noted(_source_note(source), writer.source(source)) for source in unit.sources],
        [
            _Noted(_device_note(stack[0], biases), "\n".join(map(writer.device, stack)))
            for stack in stacks(unit.devices)
        ],
        [
            f"NOT DRAWN, below the technology's floor: {_parameter(path)} = {value:+.6g}"
            for path, value in unit.missing
        ],
        [
            *map(writer.instance, unit.instances),
            *(statement.text for statement in unit.statements),
        ],
    )


def _source_note(source: Source) -> str:
    if source.parameter is None or source.wanted is None:
        return "1 unit"
    return f"{_parameter(source.parameter)} = {source.wanted:g}"


def _device_note(device: Device, biases: set[str]) -> str:
    """Say what a mirror stands for: parameter, learned value and what is expected of it."""
    if device.parameter is None or device.wanted is None or device.realised is None:
        return "no learned parameter"
    path = _parameter(device.parameter)
    wanted = f"{path} = {device.wanted:+.6g}"
    if device.drain in biases:  # a bias current that gives the cell its parameter
        wanted = f"{path}: bias {device.wanted:+.6g}"
    return f"{wanted}, expected {device.realised:+.6g}"


def _parameter(path: str) -> str:
    """Return a parameter's path as a comment can hold it."""
    return path if printable(path) == path else path.replace("·", "*")
