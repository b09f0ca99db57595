"""The circuit for xschem: a symbol and a schematic of each subcircuit, and a testbench to open.

Transistors stand in branches from the supply down, as in a drawing by hand; nets that do not run
down a branch meet by their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from netgen.circuit.netlist import SUPPLIES, Device, Instance, Layer, Module, Netlist, Source
from netgen.netlist.testbench import InputSource
from netgen.netlist.write import Writer, device_note
from netgen.technology import POLARITIES, Polarity, Technology
from netgen.units import spice

HEAD = "v {{xschem version=2.8.1 file_version=1.1}}\nG {{{}}}\nV {{}}\nS {{}}\nE {{}}\n"
PITCH, STEP, LIFT, WIDE = 220, 100, 30, 560
"""Distance of branches, of transistors in one, of a drain from its symbol's middle, of blocks."""
NETWORK, TESTBENCH = "network", "testbench"
RC = """\
# xschem --rcfile xschemrc testbench.sch finds the symbols here and xschem's own
set here [file normalize [file dirname [info script]]]
append XSCHEM_LIBRARY_PATH :$here:${XSCHEM_SHAREDIR}/xschem_library
set netlist_dir $here
set local_netlist_dir 0
set netlist_type spice
"""


def quoted(text: str) -> str:
    """Return text as an attribute of xschem holds it."""
    inside = text.replace("\\", "\\\\").replace('"', '\\"').replace("{", "\\{").replace("}", "\\}")
    return f'"{inside}"'


@dataclass
class Schematic:
    """A schematic under way."""

    lines: list[str] = field(default_factory=list)
    labels: int = 0

    def text(self) -> str:
        """Return the file."""
        return HEAD.format("") + "\n".join(self.lines) + "\n"

    def place(self, symbol: str, x: int, y: int, flip: bool = False, **attributes: str) -> None:
        """Place a symbol."""
        properties = " ".join(f"{name}={value}" for name, value in attributes.items())
        self.lines.append(f"C {{{symbol}}} {x} {y} 0 {int(flip)} {{{properties}}}")

    def label(self, net: str, x: int, y: int, side: str) -> None:
        """Give a pin its net by name."""
        self.labels += 1
        name, flip = f"l{self.labels}", side == "right"
        self.place("devices/lab_pin.sym", x, y, flip, name=name, sig_type="std_logic", lab=net)

    def wire(self, net: str, x: int, top: int, bottom: int) -> None:
        """Draw a vertical wire."""
        self.lines.append(f"N {x} {top} {x} {bottom} {{lab={net}}}")

    def port(self, net: str, number: int) -> None:
        """Place a port of the subcircuit, one below the other."""
        self.place("devices/iopin.sym", -PITCH, 20 * number, name=f"p{number}", lab=net)

    def note(self, text: str, x: int, y: int, size: float = 0.2) -> None:
        """Write a remark."""
        plain = text.replace("{", "(").replace("}", ")")
        self.lines.append(f"T {{{plain}}} {x} {y} 0 0 {size} {size} {{}}")


def branches(devices: Iterable[Device]) -> list[list[Device]]:
    """Group transistors that carry one current from the supply down, the uppermost first."""
    left = list(devices)
    branches: list[list[Device]] = []
    while left:
        below = {lower(each) for each in left if lower(each) not in SUPPLIES}
        tops = [each for each in left if upper(each) not in below]
        tops.sort(key=lambda each: each.polarity != "pmos")
        branch = [(tops or left)[0]]
        left.remove(branch[0])
        while lower(branch[-1]) not in SUPPLIES:
            under = [each for each in left if upper(each) == lower(branch[-1])]
            if not under:
                break
            branch.append(under[0])
            left.remove(under[0])
        branches.append(branch)
    return branches


def upper(device: Device) -> str:
    """Return the net nearer to the supply: the drain of an NMOS, the source of a PMOS."""
    return device.terminals[0 if device.polarity == "nmos" else 2]


def lower(device: Device) -> str:
    """Return the net nearer to ground."""
    return device.terminals[2 if device.polarity == "nmos" else 0]


@dataclass(frozen=True)
class Drawer:
    """Draws subcircuits with the transistors of one technology."""

    writer: Writer

    def device(self, sheet: Schematic, device: Device, x: int, y: int, wired: bool) -> None:
        """Place a transistor; ``wired`` where the one above it is wired to its upper end."""
        model = self.writer.technology.devices[device.polarity]
        (_, width), (_, length), *more = self.writer.values(device)
        rest = [f"{key}={spice(value)}" for key, value in more]
        sheet.place(
            f"{device.polarity}.sym", x, y, name=f"{model.prefix}{device.name}", model=model.model,
            w=spice(width), l=spice(length), mult=str(device.geometry.multiplicity),
            more=quoted(" ".join((*rest, device.extra)).strip()),
        )  # fmt: skip
        if not wired:
            sheet.label(upper(device), x + 20, y - LIFT, "right")
        sheet.label(lower(device), x + 20, y + LIFT, "right")
        sheet.label(device.terminals[3], x + 20, y, "right")
        sheet.label(device.gate, x - 20, y, "left")

    def devices(self, sheet: Schematic, devices: Iterable[Device], x: int, y: int) -> int:
        """Place transistors in branches from x to the right; return the next free x."""
        for branch in branches(devices):
            for place, device in enumerate(branch):
                self.device(sheet, device, x, y + STEP * place, place > 0)
                if place:
                    bottom = y + STEP * place - LIFT
                    sheet.wire(upper(device), x + 20, bottom - STEP + 2 * LIFT, bottom)
                if device.parameter is not None:
                    sheet.note(device_note(device, ()), x - 60, y + STEP * place - 48, 0.12)
            x += PITCH
        return x

    def instance(
        self, sheet: Schematic, instance: Instance, ports: Sequence[str], x: int, y: int
    ) -> None:
        """Place a block with a label at each pin."""
        sheet.place(f"{instance.module}.sym", x, y, name=f"X{instance.name}")
        for net, (dx, dy, side) in zip(instance.nets, pins(ports), strict=True):
            sheet.label(net, x + dx, y + dy, side)

    def block(self, module: Module) -> str:
        """Return the schematic of a block."""
        sheet = Schematic()
        for number, port in enumerate(module.ports):
            sheet.port(port, number)
        self.devices(sheet, module.devices, 0, 0)
        for number, line in enumerate(module.comments):
            sheet.note(line.lstrip("* "), 0, -200 + 16 * number)
        return sheet.text()

    def layer(self, layer: Layer, blocks: Mapping[str, Module]) -> str:
        """Return the schematic of a layer: its units one below the other."""
        sheet = Schematic()
        for number, port in enumerate(layer.ports):
            sheet.port(port, number)
        sheet.note(layer.title, -PITCH, -160, 0.5)
        y = 0
        for unit in layer.units:
            sheet.note(unit.title, 0, y - 100, 0.4)
            x = self.devices(sheet, unit.devices, 0, y)
            for source in unit.sources:
                current_source(sheet, source, x, y)
                x += PITCH
            height = 2 * STEP
            for instance in unit.instances:
                ports = blocks[instance.module].ports
                self.instance(sheet, instance, ports, x + WIDE // 2, y)
                height = max(height, 20 * len(ports))
                x += WIDE
            y += height + 2 * STEP
        return sheet.text()


def current_source(sheet: Schematic, source: Source, x: int, y: int) -> None:
    """Place a bias current."""
    name, value = f"I{source.name}", spice(source.current)
    sheet.place("devices/isource.sym", x, y, name=name, value=value)
    for net, lift in zip(source.nets, (-LIFT, LIFT), strict=True):
        sheet.label(net, x, y + lift, "right")


def pins(ports: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield where the pins of a block's symbol are: half of them at either side."""
    half = (len(ports) + 1) // 2
    for number in range(len(ports)):
        if number < half:
            yield -80, 20 * number, "left"
        else:
            yield 80, 20 * (number - half), "right"


def symbol(name: str, ports: Sequence[str]) -> str:
    """Return the symbol of a subcircuit: a box with its ports in their order."""
    head = 'type=subcircuit\nformat="@name @pinlist @symname"\ntemplate="name=X1"\n'
    places = list(pins(ports))
    bottom = max(y for _, y, _ in places) + 15
    corners = [(-60, -15), (60, -15), (60, bottom), (-60, bottom), (-60, -15)]
    lines = [f"L 4 {a} {b} {c} {d} {{}}" for (a, b), (c, d) in pairwise(corners)]
    for port, (x, y, side) in zip(ports, places, strict=True):
        lines.append(f"B 5 {x - 2.5} {y - 2.5} {x + 2.5} {y + 2.5} {{name={port} dir=inout}}")
        inner, flip = (55, 1) if side == "right" else (-55, 0)
        lines.append(f"L 4 {x} {y} {60 if side == 'right' else -60} {y} {{}}")
        lines.append(f"T {{{port}}} {inner} {y - 5} 0 {flip} 0.15 0.15 {{}}")
    lines.append(f"T {{@name}} -60 {-35} 0 0 0.2 0.2 {{}}")
    lines.append(f"T {{{name}}} -60 {bottom + 4} 0 0 0.2 0.2 {{}}")
    return HEAD.format(head) + "\n".join(lines) + "\n"


def transistor(polarity: Polarity, technology: Technology) -> str:
    """Return the symbol of a transistor, its pins in the order of its model."""
    model = technology.devices[polarity]
    head = (
        f'type={polarity}\nformat="@name @pinlist @model w=@w l=@l m=@mult @more"\n'
        f'template="name={model.prefix}1 model={model.model} w=1 l=1 mult=1 more=\\"\\""\n'
    )
    source, drain = (LIFT, -LIFT) if polarity == "nmos" else (-LIFT, LIFT)
    where = {"d": (20, drain), "g": (-20, 0), "s": (20, source), "b": (20, 0)}
    lines = [
        *("L 4 5 -30 5 30 {}", "L 4 5 -20 20 -20 {}", "L 4 20 -30 20 -20 {}", "L 4 5 20 20 20 {}"),
        *("L 4 20 20 20 30 {}", "L 4 -5 -15 -5 15 {}", "L 4 5 0 20 0 {}"),
    ]
    if polarity == "nmos":
        lines += ["L 4 -20 0 -5 0 {}", "L 4 5 0 10 -5 {}", "L 4 5 0 10 5 {}"]
    else:
        lines += ["L 4 -20 0 -13 0 {}", "A 4 -9 0 4 0 360 {}"]
        lines += ["L 4 10 0 5 -5 {}", "L 4 10 0 5 5 {}"]
    for pin in model.pins:
        x, y = where[pin]
        lines.append(f"B 5 {x - 2.5} {y - 2.5} {x + 2.5} {y + 2.5} {{name={pin} dir=inout}}")
    lines += ["T {@name} 25 8 0 0 0.15 0.15 {}", "T {@w / @l  x @mult} 25 -15 0 0 0.12 0.12 {}"]
    return HEAD.format(head) + "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Surroundings:
    """What a testbench holds around the network."""

    vdd: float  #: Supply, V.
    #: ``inputs``, ``voltages``: currents from the supply into nets, and voltages of nets against
    #: ground.
    inputs: Sequence[InputSource]
    voltages: Sequence[InputSource]
    text: str  #: Models, options and analysis.

    def sheet(self, ports: Sequence[str]) -> str:
        """Return the schematic."""
        sheet = Schematic()
        sheet.place(f"{NETWORK}.sym", 0, 0, name="Xnet")
        for net, (x, y, side) in zip(ports, pins(ports), strict=True):
            sheet.label("0" if net == "vss" else net, x, y, side)
        supply = InputSource("vdd", spice(self.vdd))
        sources = [("isource", "vdd", each.net, each) for each in self.inputs]
        sources += [("vsource", each.net, "0", each) for each in (supply, *self.voltages)]
        for number, (kind, first, second, each) in enumerate(sources):
            x, y = WIDE + 2 * PITCH * (number % 4), 150 * (number // 4)
            name = f"{kind[0].upper()}{each.net}"
            sheet.place(f"devices/{kind}.sym", x, y, name=name, value=quoted(each.waveform))
            sheet.label(first, x, y - LIFT, "right")
            sheet.label(second, x, y + LIFT, "right")
        sheet.place("devices/code.sym", 0, -200, name="commands", only_toplevel="true",
                    value=quoted(self.text))  # fmt: skip
        return sheet.text()


def drawing(netlist: Netlist, technology: Technology, around: Surroundings) -> dict[str, str]:
    """Return the files of a network by their names.

    Parameters
    ----------
    netlist
        With nothing but transistors, bias sources and blocks.
    """
    drawer = Drawer(Writer(technology))
    files = {"xschemrc": RC, f"{TESTBENCH}.sch": around.sheet(netlist.ports)}
    files |= {f"{polarity}.sym": transistor(polarity, technology) for polarity in POLARITIES}
    subcircuits = [(name, module.ports) for name, module in netlist.blocks.items()]
    subcircuits += [(layer.subckt, layer.ports) for layer in netlist.layers]
    subcircuits.append((NETWORK, netlist.ports))
    files |= {f"{name}.sym": symbol(name, ports) for name, ports in subcircuits}
    files |= {f"{name}.sch": drawer.block(module) for name, module in netlist.blocks.items()}
    layers = {layer.subckt: drawer.layer(layer, netlist.blocks) for layer in netlist.layers}
    files |= {f"{name}.sch": text for name, text in layers.items()}
    return files | {f"{NETWORK}.sch": _network(drawer, netlist)}


def _network(drawer: Drawer, netlist: Netlist) -> str:
    sheet = Schematic()
    for number, port in enumerate(netlist.ports):
        sheet.port(port, number)
    for number, layer in enumerate(netlist.layers):
        instance = Instance(layer.prefix, layer.subckt, layer.ports, "line", layer.node, 0)
        drawer.instance(sheet, instance, layer.ports, WIDE * (number + 1), 0)
    return sheet.text()
