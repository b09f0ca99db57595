"""A network's text taken apart into units: the rows and cells that only meet at gates.

``netlist.cir`` is what is simulated, so the parts are read from it and not made anew. Elements of a
layer's subcircuit carry its word and the unit (``Xl1_relu_2_from_x_5``); a net is the unit's own if
it has exactly the name of one of its nets, since a prefix may also be another node's name. Gates
draw no DC current, so a unit works alone if the lines at its gates are driven.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from netgen.circuit import REFERENCE_WORD
from netgen.errors import ConfigurationError
from netgen.netlist.library import Sizes
from netgen.technology import POLARITIES, Geometry, Polarity, Technology

SUPPLIES = frozenset({"vdd", "vss", "0"})
_LAYER = "layer_"
_NETWORK = "network"
_OWN_NETS = ("n", "p", "out", "v0", "thresh", "width", "gain")
"""What the nets of a unit are called after its word and number."""
_WAY_OUT = "use --engine monolithic, which simulates the file as it is"


@dataclass(frozen=True, eq=False)
class Part:
    """The elements of one unit of a layer.

    Attributes
    ----------
    word, unit
        Netlist word of the layer, and the unit's index.
    lines
        Its elements, one a line, without comments.
    nets
        Nets that are its own.
    uses
        Nets that others drive, in order of their appearance.
    devices
        How many transistors it has.
    """

    word: str
    unit: int
    lines: tuple[str, ...]
    nets: frozenset[str]
    uses: tuple[str, ...]
    devices: int


@dataclass(frozen=True, eq=False)
class Subcircuit:
    """A subcircuit's ports, elements, and parameters with their defaults (``name=value``)."""

    ports: tuple[str, ...]
    lines: tuple[str, ...]
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Partition:
    """A network in parts.

    Attributes
    ----------
    blocks
        The subcircuits that parts are made of (diodes, cells, switches), by name.
    parts
        By the layer's word, its units in order.
    """

    blocks: Mapping[str, Subcircuit]
    parts: Mapping[str, tuple[Part, ...]]

    def __iter__(self) -> Iterator[Part]:
        """Yield every part."""
        return (part for layer in self.parts.values() for part in layer)

    @cached_property
    def text(self) -> str:
        """The blocks as a netlist writes them."""
        return "\n".join(
            line
            for name, block in self.blocks.items()
            for line in (
                " ".join((".subckt", name, *block.ports, *block.parameters)),
                *block.lines,
                f".ends {name}",
            )
        )


def partition(text: str, source: str = "netlist.cir") -> Partition:
    """Take a network's text apart.

    Parameters
    ----------
    text
        What :func:`netgen.netlist.network_text` wrote, perhaps edited since.
    source
        The file's name, for messages.

    Raises
    ------
    ConfigurationError
        A statement belongs to no unit, so that no part would hold it.
    """
    outside, subcircuits = _subcircuits(text)
    layers = {n: s for n, s in subcircuits.items() if n.startswith(_LAYER)}
    blocks = {n: s for n, s in subcircuits.items() if n not in layers and n != _NETWORK}
    if _NETWORK in subcircuits:
        outside += _unwired(subcircuits[_NETWORK], layers)
    if outside:
        more = f" and {len(outside) - 1} more" if len(outside) > 1 else ""
        problem = f"{outside[0]!r}{more}: stands in no layer of the network; {_WAY_OUT}"
        raise ConfigurationError(source, [problem])
    counts = _device_counts(blocks)
    parts = {
        name.removeprefix(_LAYER): tuple(_parts(name.removeprefix(_LAYER), layer, counts, source))
        for name, layer in layers.items()
    }
    return Partition(blocks, parts)


def elements(text: str) -> Iterator[str]:
    """Yield the statements of a netlist: comments left out, continuation lines joined."""
    current = ""
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip()
        if line.startswith("+"):
            current += " " + line[1:].strip()
        elif line and not line.startswith("*"):
            if current:
                yield current
            current = line
    if current:
        yield current


def words(line: str) -> list[str]:
    """Return an element's name, nets and model, without parameters."""
    return [word for word in line.split() if "=" not in word]


def parameter(line: str, name: str, default: float) -> float:
    """Return a parameter of an element."""
    found = re.search(rf"\b{name}\s*=\s*(\S+)", line)
    return float(found[1]) if found else default


def _subcircuits(text: str) -> tuple[list[str], dict[str, Subcircuit]]:
    """Return the statements outside of subcircuits, and the subcircuits by name."""
    outside: list[str] = []
    found: dict[str, Subcircuit] = {}
    name = ""
    ports: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    lines: list[str] = []
    for line in elements(text):
        head, *rest = line.lower().split()
        if head == ".subckt":
            name, *nets = words(line.lower())[1:]
            parameters = tuple(word for word in rest if "=" in word)
            ports, lines = tuple(nets), []
        elif head == ".ends":
            found[name] = Subcircuit(ports, tuple(lines), parameters)
            name = ""
        elif name:
            lines.append(line.lower())
        else:
            outside.append(line)
    return outside, found


def _unwired(network: Subcircuit, layers: Mapping[str, Subcircuit]) -> list[str]:
    """Return the elements of the network that are no layer connected by the names of its ports."""
    wired = {f"x{n.removeprefix(_LAYER)}": [*layer.ports, n] for n, layer in layers.items()}
    return [line for line in network.lines if wired.get(line.split()[0]) != line.split()[1:]]


def _device_counts(blocks: Mapping[str, Subcircuit]) -> dict[str, int]:
    return {
        name: sum(_multiplicity(line) for line in block.lines if line[0] in "xm")
        for name, block in blocks.items()
    }


def _multiplicity(line: str) -> int:
    return int(parameter(line, "m", 1))


def _parts(word: str, layer: Subcircuit, counts: Mapping[str, int], source: str) -> Iterator[Part]:
    single = word == REFERENCE_WORD
    belongs = re.compile(re.escape(word) if single else rf"{re.escape(word)}_(\d+)(?=_|$)")
    grouped: dict[int, list[str]] = {}
    for line in layer.lines:
        found = belongs.match(line.split()[0][1:])
        if not found:
            problem = (
                f"layer {word} holds {line.split()[0]!r}, which names no unit of it; {_WAY_OUT}"
            )
            raise ConfigurationError(source, [problem])
        grouped.setdefault(0 if single else int(found[1]), []).append(line)
    for unit in sorted(grouped):
        base = word if single else f"{word}_{unit}"
        yield _part(word, unit, base, grouped[unit], counts)


def _part(word: str, unit: int, base: str, lines: Sequence[str], counts: Mapping[str, int]) -> Part:
    nets: dict[str, None] = {}
    devices = 0
    for line in lines:
        found = words(line)
        if line[0] == "i":  # name, two nets, value
            nets |= dict.fromkeys(found[1:3])
            continue
        nets |= dict.fromkeys(found[1:-1])
        devices += counts.get(found[-1], 1) * _multiplicity(line)
    names = {f"{base}_{name}" for name in _OWN_NETS}
    within = {line.split()[0][1:] for line in lines}  # transistors in series have nets between them
    own = frozenset(net for net in nets if net in names or net.rpartition("_d")[0] in within)
    uses = tuple(net for net in nets if net not in own and net not in SUPPLIES)
    return Part(word, unit, tuple(lines), own, uses, devices)


@dataclass(frozen=True)
class Gate:
    """A gate that hangs on a line."""

    polarity: Polarity
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class Transistors:
    """Finds the transistors of a technology in a network's text."""

    technology: Technology
    blocks: Mapping[str, Subcircuit]

    @cached_property
    def polarity(self) -> Mapping[str, Polarity]:
        """The polarity of each device model."""
        return {self.technology.devices[each].model.lower(): each for each in POLARITIES}

    def of(self, line: str) -> Iterator[tuple[str, Gate]]:
        """Yield the transistors of an element, each with the net of its gate."""
        if line[0] not in "xm":
            return
        _, *nets, model = words(line)
        if model in self.polarity:
            device = self.technology.devices[self.polarity[model]]
            width, length = (parameter(line, name, 0.0) * device.length_unit for name in "wl")
            geometry = Geometry(width, length, _multiplicity(line))
            yield nets[device.pins.index("g")], Gate(self.polarity[model], geometry)
        elif model in self.blocks:
            outside = dict(zip(self.blocks[model].ports, nets, strict=True))
            for inner in self.blocks[model].lines:
                for net, gate in self.of(inner):
                    yield outside.get(net, ""), gate


def gates(parted: Partition, technology: Technology) -> dict[str, dict[Part, list[Gate]]]:
    """Return, by net, the gates that other parts hang on it, by part."""
    transistors = Transistors(technology, parted.blocks)
    found: dict[str, dict[Part, list[Gate]]] = {}
    for part in parted:
        uses = frozenset(part.uses)
        for line in part.lines:
            for net, gate in transistors.of(line):
                if net in uses:
                    found.setdefault(net, {}).setdefault(part, []).append(gate)
    return found


def sizes(lines: Iterable[str], transistors: Transistors) -> Sizes:
    """Return the sizes of all transistors of elements."""
    return frozenset(
        (gate.polarity, gate.geometry.width, gate.geometry.length)
        for line in lines
        for _, gate in transistors.of(line)
    )
