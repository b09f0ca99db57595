"""A SPICE reader of its own, and the ideal circuit that a flattened netlist describes.

Independent of netgen's writer on purpose: it only knows SPICE, the nine-transistor cell as a block,
and that transistors on one gate net share their currents as their W / L do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CELL = "schmitt_trigger_9t"


@dataclass(frozen=True)
class Element:
    """One line of a netlist; inside a flat one, ``name`` is a path and ``nets`` are global."""

    name: str
    nets: tuple[str, ...]
    model: str
    parameters: Mapping[str, float]

    @property
    def is_transistor(self) -> bool:
        return "w" in self.parameters

    @property
    def strength(self) -> float:
        """W / L of all devices in parallel."""
        size = self.parameters
        return size["w"] / size["l"] * size.get("m", 1)


@dataclass(frozen=True)
class Subcircuit:
    name: str
    ports: tuple[str, ...]
    elements: tuple[Element, ...]


def lines_of(text: str) -> list[str]:
    """Return the statements: continuations joined, comments and blank lines left out."""
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.split(";")[0].strip()
        if not line or line.startswith("*"):
            continue
        if line.startswith("+"):
            lines[-1] += " " + line[1:]
        else:
            lines.append(line)
    return lines


def subcircuits(text: str) -> dict[str, Subcircuit]:
    """Read the subcircuits of a netlist; all its names must be told apart without capitals."""
    found: dict[str, Subcircuit] = {}
    inside: tuple[str, tuple[str, ...], list[Element]] | None = None
    for line in lines_of(text):
        words = line.lower().split()
        if words[0] == ".subckt":
            assert inside is None, "subcircuits do not nest"
            inside = words[1], tuple(words[2:]), []
            assert len(set(inside[1])) == len(inside[1]), f"ports of {inside[0]}"
        elif words[0] == ".ends":
            assert inside is not None
            name, ports, elements = inside
            assert words[1:] in ([], [name])
            names = [element.name for element in elements]
            assert len(set(names)) == len(names), f"names in {name}"
            assert name not in found, f"subcircuit {name} twice"
            found[name] = Subcircuit(name, ports, tuple(elements))
            inside = None
        else:
            assert inside is not None, f"not in a subcircuit: {line}"
            inside[2].append(_element(words))
    return found


def _element(words: list[str]) -> Element:
    name, *rest = words
    plain = [word for word in rest if "=" not in word]
    pairs = dict(word.split("=") for word in rest if "=" in word)
    parameters = {key: float(value) for key, value in pairs.items()}
    if name[0] == "i":
        *nets, value = plain
        return Element(name, tuple(nets), "current", {"dc": float(value)})
    *nets, model = plain
    assert name[0] in "xm", f"unknown element {name}"
    return Element(name, tuple(nets), model, parameters)


def flat(text: str, top: str = "network", keep: tuple[str, ...] = (CELL,)) -> list[Element]:
    """Flatten ``top``; instances of subcircuits in ``keep`` stay as they are."""
    known = subcircuits(text)
    assert "." not in top

    def unfold(name: str, path: str, outer: Mapping[str, str]) -> Iterator[Element]:
        for element in known[name].elements:
            nets = tuple(outer.get(net, f"{path}{net}") for net in element.nets)
            whole = Element(f"{path}{element.name}", nets, element.model, element.parameters)
            if element.is_transistor or element.model == "current" or element.model in keep:
                yield whole
                continue
            ports = known[element.model].ports
            assert len(ports) == len(nets), f"{whole.name} has {len(nets)} nets for {ports}"
            assert not element.parameters
            yield from unfold(element.model, f"{whole.name}.", dict(zip(ports, nets, strict=True)))

    return list(unfold(top, "", {port: port for port in known[top].ports}))


class IdealCircuit:
    """What the mirrors, diodes and cells of a flat netlist compute, were they ideal.

    Parameters
    ----------
    inputs
        Current forced into nets, A, (frames,) each.
    high
        Cells (by name of their instance) that are high before the first frame.
    """

    def __init__(
        self,
        elements: list[Element],
        nmos: str,
        pmos: str,
        inputs: Mapping[str, Floats],
        high: frozenset[str],
    ) -> None:
        self.elements = elements
        self.models = {nmos: "n", pmos: "p"}
        self.inputs, self.high = inputs, high
        self.frames = len(next(iter(inputs.values())))
        self._known: dict[str, Floats] = {}
        for element in elements:
            if element.is_transistor:
                _, _, source, bulk = element.nets
                rail = "vss" if self.models[element.model] == "n" else "vdd"
                # the tails of a cell apart, which is a block here, everything stands on a rail
                assert (source, bulk) == (rail, rail), element
                assert {"as", "ad", "ps", "pd"} <= element.parameters.keys(), element

    @cached_property
    def diodes(self) -> dict[str, Element]:
        """The transistor that defines each line."""
        found = [e for e in self.elements if e.is_transistor and e.nets[0] == e.nets[1]]
        by_net = {element.nets[0]: element for element in found}
        assert len(by_net) == len(found), "two diodes on one net"
        return by_net

    @cached_property
    def cells(self) -> dict[str, Element]:
        """The cell that drives each output P-gate net."""
        return {element.nets[4]: element for element in self.elements if element.model == CELL}

    def inflow(self, net: str) -> Floats:
        """Return the current that mirrors and sources bring into a net, A, (frames,)."""
        total = np.array(self.inputs.get(net, np.zeros(self.frames)), dtype=np.float64)
        for element in self.elements:
            if element.model == "current" and element.nets[1] == net:
                assert element.nets[0] == "vdd"
                total = total + element.parameters["dc"]
            elif element.is_transistor and element.nets[0] == net != element.nets[1]:
                gate = element.nets[1]
                sign = 1 if self.models[element.model] == "p" else -1
                total = total + sign * self.line(gate) * element.strength / self.reference(gate)
        return total

    def reference(self, net: str) -> float:
        """Return W / L of the diode on a line; a cell's is the diode inside it (1)."""
        return 1.0 if net in self.cells else self.diodes[net].strength

    def line(self, net: str) -> Floats:
        """Return the current that a gate net stands for, A, (frames,)."""
        if net not in self._known:
            if net in self.cells:
                self._known[net] = self.cell(self.cells[net])
            else:
                sign = 1 if self.models[self.diodes[net].model] == "n" else -1
                self._known[net] = np.maximum(sign * self.inflow(net), 0.0)
        return self._known[net]

    def cell(self, element: Element) -> Floats:
        candidate, threshold, width, gain = (self.line(net) for net in element.nets[:4])
        state = element.name in self.high
        output = np.zeros(self.frames)
        for frame in range(self.frames):
            rises = candidate[frame] > threshold[frame]
            falls = candidate[frame] < threshold[frame] - width[frame]
            state = rises or (state and not falls)
            output[frame] = gain[frame] * state
        return output
