"""The writer: from the record of a circuit to SPICE text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from netgen._version import __version__
from netgen.circuit.blocks import Kit
from netgen.circuit.netlist import (
    Capacitor,
    Device,
    Element,
    Instance,
    Layer,
    Module,
    Netlist,
    Source,
    Statement,
    Unit,
    ports_for_biases,
    stacks,
)
from netgen.netlist.render import printable_ascii, render_template
from netgen.technology import POLARITIES, Geometry, Polarity, Technology
from netgen.technology import DeviceModel as DeviceModel
from netgen.units import spice

AREAS = ("as", "ad", "ps", "pd")
"""Parameters of a transistor's junctions."""


@dataclass(frozen=True, slots=True)
class ElementText:
    """A statement, and the transistors whose shifts it takes."""

    text: str
    #: Path of a transistor, and the names of the parameters for its threshold voltage and for its
    #: current factor.
    shifts: tuple[tuple[str, str, str], ...] = ()
    supplied: bool = False  #: Whether it has a terminal on the positive supply.

    def shifted(self, shifts: Mapping[str, tuple[str, str]]) -> str:
        """Return the statement of a chip.

        Parameters
        ----------
        shifts
            By the path of each transistor, threshold shift and factor of the current as text.
        """
        words = [self.text]
        for path, threshold, factor in self.shifts:
            volts, times = shifts[path]
            words.append(f"{threshold}={volts} {factor}={times}")
        return " ".join(words)


@dataclass(frozen=True)
class Writer:
    """Writes elements for one technology."""

    technology: Technology
    #: Where transistors deviate, the blocks that instances are of.
    blocks: Mapping[str, Module] = field(default_factory=dict)
    #: Every transistor takes a shift of its own, those of blocks by parameters.
    deviating: bool = False

    def element(self, element: Element, supply: str = "vdd") -> ElementText:
        """Return the statement of an element whose supply is the given net."""
        if isinstance(element, Statement):
            words = element.text.split()
            supplied = "vdd" in words
            text = " ".join(supply if token == "vdd" else token for token in words)
            return ElementText(text, (), supplied)
        if isinstance(element, Device):
            d, g, s, b = (supply if net == "vdd" else net for net in element.terminals)
            moved = replace(element, terminals=(d, g, s, b))
            deviation = ((element.name, "delvto", "mulu0"),) if self.deviating else ()
            return ElementText(self.device(moved), deviation, "vdd" in element.terminals)
        if isinstance(element, Capacitor):
            return ElementText(self.capacitor(element))
        nets = tuple(supply if net == "vdd" else net for net in element.nets)
        supplied = "vdd" in element.nets
        if isinstance(element, Source):
            text = self.source(replace(element, nets=(nets[0], nets[1])))
            return ElementText(text, (), supplied)
        inner = self.blocks[element.module].devices if self.deviating else ()
        shifts = tuple((f"{element.name}.{d.name}", f"{d.name}_v", f"{d.name}_u") for d in inner)
        return ElementText(self.instance(replace(element, nets=nets)), shifts, supplied)

    def parameters(self, device: Device) -> str:
        """Return W, L, junctions and multiplicity.

        Junction areas and perimeters are written where the technology has a rule for them: without
        them BSIM4 cards use a fixed leakage that does not depend on temperature.
        """
        text = " ".join(f"{key}={spice(value)}" for key, value in self.values(device))
        multiplicity = device.geometry.multiplicity
        if multiplicity != 1 and " m=" not in f" {device.extra}":
            text += f" m={multiplicity}"
        return f"{text} {device.extra}" if device.extra else text

    def values(self, device: Device) -> list[tuple[str, float]]:
        """Return W, L and junctions as the technology's models take them."""
        metre = 1 / self.technology.devices[device.polarity].length_unit
        geometry = device.geometry
        values = [("w", geometry.width * metre), ("l", geometry.length * metre)]
        if self.technology.diffusion and "as=" not in device.extra:
            values += self.junctions(geometry, metre)
        return values

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

    def capacitor(self, capacitor: Capacitor) -> str:
        """Return the statement of a net's wires."""
        return f"C{capacitor.name} {' '.join(capacitor.nets)} {spice(capacitor.capacitance)}"

    def instance(self, instance: Instance) -> str:
        """Return the statement of a block."""
        return f"X{instance.name} {' '.join(instance.nets)} {instance.module}"

    def module(self, module: Module) -> Iterator[str]:
        """Yield the lines of a block's subcircuit."""
        head = (".subckt", module.name, *module.ports, *module.parameters)
        if self.deviating:
            head = (*head, *(f"{device.name}_v=0 {device.name}_u=1" for device in module.devices))
        yield " ".join(head)
        for device in module.devices:
            shift = f" delvto={{{device.name}_v}} mulu0={{{device.name}_u}}"
            yield self.device(device) + (shift if self.deviating else "")
        yield from (statement.text for statement in module.statements)
        yield f".ends {module.name}"

    def modules(self, modules: Iterable[Module], *, comments: bool = True) -> str:
        """Return the subcircuits of blocks; one with comments stands apart from those before."""
        lines: list[str] = []
        for module in modules:
            if comments and module.comments:
                lines += ["", *module.comments] if lines else module.comments
            lines += self.module(module)
        return "\n".join(lines)


@dataclass(frozen=True)
class Transistors:
    """Writes transistors of one technology; templates call it as ``nmos(…)`` and ``pmos(…)``."""

    technology: Technology
    polarity: Polarity

    def unit(self, unit: Geometry) -> Geometry:
        """Return the transistor of a unit mirror."""
        return self.technology.unit_of(self.polarity, unit)

    def __call__(self, name: str, drain: str, gate: str, source: str, geometry: Geometry) -> str:
        """Return one netlist line, or several where the length takes transistors in series."""
        kit, writer = Kit(self.technology, geometry), Writer(self.technology)
        placed = kit.placed(self.polarity, name, (drain, gate, source), geometry)
        return "\n".join(map(writer.device, placed))


def transistors(technology: Technology) -> dict[str, Transistors]:
    """Return the template functions ``nmos`` and ``pmos``."""
    return {polarity: Transistors(technology, polarity) for polarity in POLARITIES}


@dataclass(frozen=True)
class _UnitView:
    """What a layer's template writes for one unit."""

    title: str
    biases: list[tuple[str, str]]  #: Remark and statement.
    mirrors: list[tuple[str, str]]  #: Remark and statement.
    missing: list[str]
    instances: list[str]


@dataclass(frozen=True)
class _LayerView:
    title: str
    prefix: str
    subckt: str
    ports: tuple[str, ...]
    units: list[_UnitView]
    loose: list[str]


def network_body(netlist: Netlist, technology: Technology) -> str:
    """Return a network as SPICE text: no options, saves or analyses."""
    (body,) = network_bodies([netlist], technology)
    return body


def network_bodies(netlists: Iterable[Netlist], technology: Technology) -> Iterator[str]:
    """Yield networks as SPICE text; layers that they share are written once."""
    writer, texts = Writer(technology), dict[Layer, str]()
    for netlist in netlists:
        for layer in netlist.layers:
            if layer not in texts:
                texts[layer] = _layer_text(writer, layer)
        yield _body(netlist, writer, texts)


def _body(netlist: Netlist, writer: Writer, texts: Mapping[Layer, str]) -> str:
    return render_template(
        "network.j2",
        title=netlist.name,
        version=__version__,
        technology=netlist.technology,
        count=sum(d.geometry.multiplicity for d in netlist.transistors.values()),
        unit_current=netlist.unit_current,
        blocks=writer.modules(netlist.blocks.values()),
        layers=netlist.layers,
        texts=texts,
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


def layer_text(layer: Layer, technology: Technology) -> str:
    """Return a layer's subcircuit as SPICE text."""
    return _layer_text(Writer(technology), layer)


def _layer_text(writer: Writer, layer: Layer) -> str:
    units = [_unit_view(writer, unit) for unit in layer.units]
    loose = [statement.text for statement in layer.loose]
    view = _LayerView(layer.title, layer.prefix, layer.subckt, layer.ports, units, loose)
    return render_template("layer.j2", layer=view).rstrip()


def _unit_view(writer: Writer, unit: Unit) -> _UnitView:
    biases = {net.name for net in unit.nets if net.kind == "bias"}
    return _UnitView(
        unit.title,
        [(_source_note(source), writer.source(source)) for source in unit.sources],
        [
            (device_note(stack[0], biases), "\n".join(map(writer.device, stack)))
            for stack in stacks(unit.devices)
        ],
        [
            f"NOT DRAWN, below the technology's floor: {_parameter(path)} = {value:+.6g}"
            for path, value in unit.missing
        ],
        [
            *map(writer.instance, unit.instances),
            *map(writer.capacitor, unit.capacitors),
            *(statement.text for statement in unit.statements),
        ],
    )


def _source_note(source: Source) -> str:
    if source.parameter is None or source.wanted is None:
        return "1 unit"
    return f"{_parameter(source.parameter)} = {source.wanted:g}"


def device_note(device: Device, biases: Collection[str]) -> str:
    """Say what a mirror stands for: parameter, learned value and what is expected of it.

    ``biases`` are the bias nets of its unit.
    """
    if device.parameter is None or device.wanted is None or device.realised is None:
        return "no learned parameter"
    path = _parameter(device.parameter)
    wanted = f"{path} = {device.wanted:+.6g}"
    if device.drain in biases:  # a bias current that gives the cell its parameter
        wanted = f"{path}: bias {device.wanted:+.6g}"
    return f"{wanted}, expected {device.realised:+.6g}"


def _parameter(path: str) -> str:
    """Return a parameter's path as a comment can hold it."""
    return path if printable_ascii(path) == path else path.replace("·", "*")
