"""The reader: from SPICE text to the record of a circuit.

A network that a person edited is read against the record of what was built: an element keeps its
meaning by its name there, with the values of the text; an element that the record does not know
belongs to the unit whose nets it touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from netgen.circuit.netlist import (
    GROUND,
    SUPPLIES,
    Capacitor,
    Device,
    Element,
    Instance,
    Layer,
    Module,
    Net,
    Netlist,
    Source,
    Statement,
    Unit,
)
from netgen.errors import ConfigurationError
from netgen.netlist.syntax import Subcircuit, number, subcircuits, words_of
from netgen.netlist.write import AREAS, Writer
from netgen.technology import POLARITIES, Geometry, Polarity, Technology

NETWORK = "network"
_TWO_TERMINALS = "rclvi"


@dataclass(frozen=True, eq=False)
class _Elements:
    """Reads elements: transistors of a technology, blocks and bias sources."""

    technology: Technology
    modules: frozenset[str]
    polarity: Mapping[str, Polarity] = field(init=False)

    def __post_init__(self) -> None:
        models = {self.technology.devices[each].model.lower(): each for each in POLARITIES}
        object.__setattr__(self, "polarity", models)

    def module(self, subcircuit: Subcircuit) -> Module:
        read = [self.element(line) for line in subcircuit.lines]
        return Module(
            subcircuit.name,
            subcircuit.ports,
            tuple(each for each in read if isinstance(each, Device)),
            tuple(
                each if isinstance(each, Statement) else Statement(line)
                for each, line in zip(read, subcircuit.lines, strict=True)
                if not isinstance(each, Device)
            ),
            subcircuit.parameters,
            subcircuit.comments,
        )

    def element(self, line: str) -> Element:
        words = words_of(line)
        plain = [token for token in words if "=" not in token]
        letter, name = words[0][0], words[0][1:]
        if letter in "xm" and plain[-1] in self.polarity:
            return self.device(name, plain, words) or Statement(line, tuple(plain[1:-1]))
        if letter == "x" and plain[-1] in self.modules and len(plain) == len(words):
            return Instance(name, plain[-1], tuple(plain[1:-1]), "line", "", 0)
        if letter == "i" and len(plain) == len(words) == 4:
            current = number(plain[3])
            if current is not None:
                return Source(name, (plain[1], plain[2]), current, "", 0)
        return Statement(line, tuple(plain[1:3]) if letter in _TWO_TERMINALS else ())

    def device(self, name: str, plain: list[str], words: list[str]) -> Device | None:
        polarity = self.polarity[plain[-1]]
        model = self.technology.devices[polarity]
        values = {
            key: value for key, _, value in (token.partition("=") for token in words) if value
        }
        width, length, count = (number(values.pop(key, fall)) for key, fall in _SIZE)
        if len(plain) != 6 or not width or not length or not count:
            return None
        if count % 1:  # devices in parallel are counted, but the text says what they carry
            values["m"] = f"{count:.12g}"
        unit = model.length_unit
        geometry = Geometry(width * unit, length * unit, max(1, round(count)))
        nets = dict(zip(model.pins, plain[1:5], strict=True))
        d, g, s, b = (nets[pin] for pin in "dgsb")
        usual = Writer(self.technology).junctions(geometry, 1 / unit)
        if all(_near(values.get(key, ""), value) for key, value in usual):
            values = {key: value for key, value in values.items() if key not in AREAS}
        extra = " ".join(f"{key}={value}" for key, value in values.items())
        return Device(name, "mirror", polarity, geometry, (d, g, s, b), stack=name, extra=extra)


def _near(text: str, value: float) -> bool:
    parsed = number(text)
    return parsed is not None and abs(parsed - value) <= 1e-9 * abs(value)


_SIZE = (("w", ""), ("l", ""), ("m", "1"))


def read_network(
    text: str, technology: Technology, built: Netlist, source: str = "netlist.cir"
) -> Netlist:
    """Return the record of an edited network.

    Parameters
    ----------
    built
        The record of what was written before it was edited.
    source
        The file, for messages.

    Raises
    ------
    ConfigurationError
        A layer is missing, or is not connected by the names of its ports.
    """
    outside, subckts = subcircuits(text)
    by_name = {each.name: each for each in subckts}
    layers = {layer.subckt: layer for layer in built.layers}
    block_texts = [each for each in subckts if each.name not in layers and each.name != NETWORK]
    elements = _Elements(technology, frozenset(each.name for each in block_texts))
    modules = {each.name: elements.module(each) for each in block_texts}
    problems = [f"has no subcircuit {name}; build again" for name in layers if name not in by_name]
    if NETWORK not in by_name:
        problems.append(f"has no subcircuit {NETWORK}; build again")
    if problems:
        raise ConfigurationError(source, problems)
    loose, unwired = _wiring(by_name[NETWORK], built.layers, by_name)
    if unwired:
        problem = (
            f"layer {unwired[0]} is not connected once, by the names of its ports, in {NETWORK}"
        )
        raise ConfigurationError(source, [problem])
    places = _Places(built, modules)
    read = [places.layer(layer, by_name[layer.subckt], elements) for layer in built.layers]
    statements = [elements.element(line) for line in loose]
    kept, rest = places.shared(
        [each if isinstance(each, Statement) else Statement(line)
         for each, line in zip(statements, loose, strict=True)]
    )  # fmt: skip
    return replace(
        built,
        blocks=modules,
        layers=tuple(_with(layer, kept) for layer in read),
        loose=tuple(rest),
        outside=tuple(Statement(line) for line in outside),
        source=source,
    )


def _wiring(
    network: Subcircuit, layers: Iterable[Layer], subckts: Mapping[str, Subcircuit]
) -> tuple[list[str], list[str]]:
    """Return the statements besides layers, and the layers that are not connected by name."""
    wired = {
        " ".join((f"x{layer.prefix}", *subckts[layer.subckt].ports, layer.subckt)): layer.prefix
        for layer in layers
    }
    count = dict.fromkeys(wired.values(), 0)
    loose = []
    for line in network.lines:
        if line in wired:
            count[wired[line]] += 1
        else:
            loose.append(line)
    return loose, [prefix for prefix, times in count.items() if times != 1]


def _with(layer: Layer, statements: Mapping[tuple[str, int], list[Statement]]) -> Layer:
    units = tuple(
        replace(unit, statements=(*unit.statements, *more))
        if (more := statements.get((layer.prefix, unit.index)))
        else unit
        for unit in layer.units
    )
    return replace(layer, units=units)


@dataclass(eq=False)
class _Places:
    """Which unit, (prefix of its layer, index), owns which net."""

    built: Netlist
    modules: Mapping[str, Module]
    owner: dict[str, tuple[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.owner = {
            net.name: (layer.prefix, unit.index)
            for layer in self.built.layers
            for unit in layer.units
            for net in unit.nets
        }

    def layer(self, layer: Layer, subcircuit: Subcircuit, elements: _Elements) -> Layer:
        """Return a layer as its text says."""
        known = {
            type(element).__name__ + element.name: element
            for unit in layer.units
            for element in unit.elements
            if not isinstance(element, Statement | Capacitor)
        }
        placed: dict[int, list[Element]] = {unit.index: [] for unit in layer.units}
        added: list[tuple[Element, str]] = []
        for line in subcircuit.lines:
            element = elements.element(line)
            if isinstance(element, Statement):  # perhaps a transistor with an expression
                name = line.split()[0][1:]
                before = known.get(Device.__name__ + name) if line[0] in "xm" else None
            else:
                before = known.get(type(element).__name__ + element.name)
            if before is None:
                added.append((element, line))
            elif isinstance(element, Statement):
                placed[before.unit].append(element)
            else:
                same = _as_before(element, before)
                placed[same.unit].append(same)
        new: dict[int, list[Net]] = {unit.index: [] for unit in layer.units}
        loose = self._place(layer, subcircuit, added, placed, new)
        units = tuple(_rebuilt(unit, placed[unit.index], new[unit.index]) for unit in layer.units)
        return replace(layer, ports=subcircuit.ports, units=units, loose=tuple(loose))

    def _place(
        self,
        layer: Layer,
        subcircuit: Subcircuit,
        added: list[tuple[Element, str]],
        placed: dict[int, list[Element]],
        new: dict[int, list[Net]],
    ) -> list[Statement]:
        """Give added elements to the units whose nets they touch; return those that have none."""
        waiting = added
        while True:
            left = []
            for element, line in waiting:
                nets = [net for net in self.touched(element) if net not in (*SUPPLIES, GROUND)]
                owners = {self.owner[net] for net in nets if net in self.owner}
                inner = [
                    net for net in nets if net not in self.owner and net not in subcircuit.ports
                ]
                (prefix, index), *more = owners or {("", 0)}
                if prefix != layer.prefix or more or not nets:
                    left.append((element, line))
                    continue
                placed[index].append(_owned(element, layer.node, index))
                for net in dict.fromkeys(inner):
                    self.owner[net] = prefix, index
                    new[index].append(Net(net, "series"))
            if len(left) == len(waiting):
                return [Statement(line) for _, line in left]
            waiting = left

    def touched(self, element: Element) -> tuple[str, ...]:
        """Return the nets that an element does not only have gates on."""
        if isinstance(element, Device):
            drain, _, source, _ = element.terminals
            return drain, source
        if isinstance(element, Instance):
            block = self.modules[element.module]
            inside = {net for d in block.devices for net in (d.terminals[0], d.terminals[2])}
            inside |= {net for statement in block.statements for net in statement.nets}
            pairs = zip(block.ports, element.nets, strict=True)
            return tuple(net for port, net in pairs if port in inside)
        return element.nets

    def shared(
        self, statements: list[Statement]
    ) -> tuple[dict[tuple[str, int], list[Statement]], list[Statement]]:
        """Give elements of the network to the units whose nets they touch, and return the rest."""
        kept: dict[tuple[str, int], list[Statement]] = {}
        rest = []
        for statement in statements:
            nets = [net for net in statement.nets if net not in (*SUPPLIES, GROUND)]
            owners = {self.owner.get(net) for net in nets}
            (owner,) = owners if len(owners) == 1 else (None,)
            if owner is None:
                rest.append(statement)
            else:
                kept.setdefault(owner, []).append(statement)
        return kept, rest


def _as_before(element: Element, before: Device | Source | Instance) -> Device | Source | Instance:
    """Return an element with the values of the text and the meaning that it was built with."""
    if isinstance(element, Device):
        assert isinstance(before, Device)
        return replace(
            before,
            polarity=element.polarity,
            geometry=element.geometry,
            terminals=element.terminals,
            extra=element.extra,
        )
    if isinstance(element, Source):
        assert isinstance(before, Source)
        return replace(before, nets=element.nets, current=element.current)
    assert isinstance(element, Instance)
    assert isinstance(before, Instance)
    return replace(before, module=element.module, nets=element.nets)


def _owned(element: Element, node: str, unit: int) -> Element:
    if isinstance(element, Statement | Capacitor):
        return element
    return replace(element, node=node, unit=unit)


def _rebuilt(unit: Unit, elements: list[Element], nets: list[Net]) -> Unit:
    return replace(
        unit,
        nets=(*unit.nets, *nets),
        sources=tuple(each for each in elements if isinstance(each, Source)),
        devices=tuple(each for each in elements if isinstance(each, Device)),
        instances=tuple(each for each in elements if isinstance(each, Instance)),
        statements=tuple(each for each in elements if isinstance(each, Statement)),
    )
