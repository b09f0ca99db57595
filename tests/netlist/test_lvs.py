"""Layout versus schematic, the layout's part played by netgen: is the netlist the model's circuit?

The other netlist is written here from the weight matrices and a cell typed by hand, with no help
from netgen, and KLayout's comparer has to find them equal: every transistor with its W and L, every
net, every bias current. Drain and source are told apart, and ports by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_technology import NMOS, PMOS, fake_technology
from netlists import cdl_text, network_text
from small_models import small_model

from netgen.circuit import CellLayer, Circuit, SummingLayer, build_circuit
from netgen.circuit.circuit import MirrorGeometry
from netgen.model import Add, Cell, Linear, Model, Relu, from_dict
from netgen.model.random import random_model
from netgen.technology import Geometry

pytest.importorskip("klayout.db")
import klayout.db as kdb

W, L, LONGEST = 2.0, 2.0, 50.0
"""Unit mirror and longest transistor, µm."""
UNIT = Geometry(W * 1e-6, L * 1e-6)
Term = tuple[str, tuple[str, ...], np.ndarray]
"""Signal, the linear nodes on its way, and the weight matrix from it."""
STEERING = 1.0, 10.0
"""W and L of M3 and M6, µm: the fake technology's."""


def size(weight: float) -> tuple[float, float, int]:
    """Return W, L (µm) and how many in parallel: wide for large weights, long for small ones."""
    ratio = abs(weight)
    if ratio < 0.3:
        return W, L / ratio, 1
    count = math.ceil(ratio / 1.5)
    return W * ratio / count, L, count


# The circuit as the model says it is


class Reference:
    """A flat SPICE netlist, straight from the nodes of a model."""

    def __init__(self, model: Model, mirrored_bias: bool = False) -> None:
        self.mirrored_bias = mirrored_bias
        self.model, self.amperes = model, model.unit_current
        self.lines: list[str] = []
        self.sums: dict[str, tuple[list[Term], np.ndarray]] = {
            "x": ([("x", (), np.eye(model.input_size))], np.zeros(model.input_size))
        }
        self.gates: set[tuple[str, str]] = set()  # (signal, line) that a mirror hangs on
        self.cells = {n.name for n in model.nodes if isinstance(n, Cell)}
        self.depth = {"x": 0}
        self.relus: list[tuple[str, int]] = []

    def text(self) -> str:
        for node in self.model.nodes:
            self.node(node)
        last = self.model.readout.node
        outputs = [f"{last}_{unit}_out" for unit in range(self.model.sizes[last])]
        self.rows(last, outputs, last)
        inputs = [f"x_{unit}_n" for unit in range(self.model.input_size)]
        starts: dict[str, None] = {}
        for node in self.model.nodes:
            if isinstance(node, Cell):
                starts |= dict.fromkeys(self.cell_layer(node))
        for signal in [f"x_{unit}" for unit in range(self.model.input_size)]:
            self.diode(signal)
        if any(signal == "ref" for signal, _ in self.gates):
            self.diode("ref")
            self.lines.append(f"Iref vdd ref_n {self.amperes:.12g}")
        ports = ["vdd", "vss", *inputs, *starts, *outputs]
        return "\n".join([f".subckt network {' '.join(ports)}", *self.lines, ".ends", ""])

    def node(self, node: object) -> None:
        """Work out what a node is the sum of, and draw it where it is a circuit of its own."""
        if isinstance(node, Linear):
            terms, bias = self.sums[node.input]
            self.sums[node.name] = (
                [
                    (source, (node.name, *way), node.weight @ matrix)
                    for source, way, matrix in terms
                ],
                node.weight @ bias + node.bias,
            )
            self.depth[node.name] = self.depth[node.input]
        elif isinstance(node, Add):
            merged: dict[tuple[str, tuple[str, ...]], np.ndarray] = {}
            for name in node.inputs:
                for source, way, matrix in self.sums[name][0]:
                    merged[source, way] = merged.get((source, way), 0) + matrix
            self.sums[node.name] = (
                [(source, way, matrix) for (source, way), matrix in merged.items()],
                np.sum([self.sums[name][1] for name in node.inputs], axis=0),
            )
            self.depth[node.name] = max(self.depth[name] for name in node.inputs)
        elif isinstance(node, Relu | Cell):
            size = self.model.sizes[node.name]
            self.depth[node.name] = self.depth[node.input] + isinstance(node, Cell)
            if isinstance(node, Relu):
                self.rows(node.input, [f"{node.name}_{unit}_n" for unit in range(size)], node.name)
                self.relus.append((node.name, size))
            self.sums[node.name] = ([(node.name, (), np.eye(size))], np.zeros(size))

    def rows(self, node: str, nets: list[str], name: str) -> None:
        terms, bias = self.sums[node]
        for number, (source, _, matrix) in enumerate(terms):
            for row, column in np.argwhere(matrix != 0):
                label = f"{name}_{row}_{number}_{column}"
                self.mirror(label, f"{source}_{column}", nets[row], matrix[row, column])
        for row in np.flatnonzero(bias):
            self.mirror(f"{name}_{row}_bias", "ref", nets[row], bias[row])

    def mirror(self, label: str, signal: str, net: str, weight: float) -> None:
        kind, rail, model = ("p", "vdd", PMOS) if weight > 0 else ("n", "vss", NMOS)
        self.gates.add((signal, kind))
        wide, long, parallel = size(weight)
        count = math.ceil(long / LONGEST)
        nets = [net, *(f"{label}_{i}" for i in range(1, count)), rail]
        for i in range(count):
            drain, source = nets[i], nets[i + 1]
            gate = f"{signal}_{kind}"
            self.mos(f"{label}_{i}", drain, gate, source, model, wide, long / count, parallel)

    def mos(self, name: str, drain: str, gate: str, source: str, model: str,
            wide: float = W, long: float = L, parallel: int = 1) -> None:  # fmt: skip
        bulk = "vss" if model == NMOS else "vdd"
        nets = f"{drain} {gate} {source} {bulk}"
        self.lines.append(f"M{name} {nets} {model} w={wide:.9g}u l={long:.9g}u m={parallel}")

    def diode(self, signal: str) -> None:
        """Draw an NMOS diode, and the P-gate net where something hangs on it."""
        self.mos(f"{signal}_d", f"{signal}_n", f"{signal}_n", "vss", NMOS)
        if (signal, "p") in self.gates:
            self.mos(f"{signal}_c", f"{signal}_p", f"{signal}_n", "vss", NMOS)
            self.mos(f"{signal}_e", f"{signal}_p", f"{signal}_p", "vdd", PMOS)

    def cell_layer(self, node: Cell) -> Iterator[str]:
        """Draw cells with their biases and start-up switches; yield the start-up nets."""
        for unit in range(len(node.level)):
            c = f"{node.name}_{unit}"
            cand, out, v0 = f"{node.input}_{unit}_p", f"{c}_p", f"{c}_v0"
            self.gates.add((f"{node.input}_{unit}", "p"))
            self.mos(f"{c}1", v0, cand, "vdd", PMOS)  # candidate
            self.mos(f"{c}2", v0, f"{c}_t", "vss", NMOS)  # threshold
            self.mos(f"{c}3", out, v0, f"{c}_a", NMOS, *STEERING)
            self.mos(f"{c}4", out, out, "vdd", PMOS)  # output
            self.mos(f"{c}5", f"{c}_a", f"{c}_g", "vss", NMOS)  # gain
            self.mos(f"{c}6", f"{c}_f", v0, f"{c}_b", NMOS, *STEERING)
            self.mos(f"{c}7", f"{c}_f", f"{c}_f", "vdd", PMOS)
            self.mos(f"{c}8", f"{c}_b", f"{c}_w", "vss", NMOS)  # width
            self.mos(f"{c}9", v0, f"{c}_f", "vdd", PMOS)  # feedback
            high, low, alpha = node.rising[unit], node.falling[unit], node.level[unit]
            for key, value in (("t", high), ("w", high - low), ("g", alpha)):
                self.mos(f"{c}_{key}d", f"{c}_{key}", f"{c}_{key}", "vss", NMOS)
                if self.mirrored_bias:
                    self.mirror(f"{c}_{key}m", "ref", f"{c}_{key}", value)
                else:
                    self.lines.append(f"I{c}_{key} vdd {c}_{key} {value * self.amperes:.12g}")
            order = self.depth[node.name]
            if node.initial_state[unit]:
                self.mos(f"{c}_s", v0, f"set_{order}_b", "vdd", PMOS, wide=0.22)
                yield f"set_{order}_b"
            else:
                self.mos(f"{c}_s", v0, f"reset_{order}", "vss", NMOS, wide=0.22)
                yield f"reset_{order}"
            if (c, "n") in self.gates:
                self.mos(f"{c}_x", f"{c}_n", out, "vdd", PMOS)
                self.mos(f"{c}_y", f"{c}_n", f"{c}_n", "vss", NMOS)


def reference(model: Model, mirrored_bias: bool = False) -> str:
    """Return the whole reference; ReLU diodes come last, when all that hangs on them is known."""
    found = Reference(model, mirrored_bias)
    text = found.text()
    found.lines.clear()
    for name, size in found.relus:
        for unit in range(size):
            found.diode(f"{name}_{unit}")
    return text.replace("\n.ends", "\n" + "\n".join(found.lines) + "\n.ends", 1)


# The circuit as netgen draws it, with sizes by the same simple rule


def drawn(circuit: Circuit) -> Circuit:
    layers: list[CellLayer | SummingLayer] = []
    for layer in circuit.layers:
        if isinstance(layer, CellLayer):
            bias = layer.wanted
            copies = _drawn(bias / circuit.model.unit_current)
            layers.append(replace(layer, bias=bias, bias_geometry=copies))
        else:
            mirrors = tuple(replace(m, geometry=_drawn(m.weight)) for m in layer.mirrors)
            layers.append(replace(layer, mirrors=mirrors))
    return replace(circuit, layers=tuple(layers))


def _drawn(weight: np.ndarray) -> MirrorGeometry:
    sizes = np.zeros((4, *weight.shape))
    for row, column in np.argwhere(weight != 0):
        wide, long, parallel = size(weight[row, column])
        sizes[:, row, column] = wide * 1e-6, long * 1e-6, parallel, math.ceil(long / LONGEST)
    width, length, parallel, series = sizes
    return MirrorGeometry(width, length, parallel.astype(int), series.astype(int), weight)


def netlist(model: Model, prefix: str = "M", mirrored_bias: bool = False) -> str:
    technology = replace(fake_technology(prefix), grid=1e-15)  # the rule above knows no grid
    circuit = replace(drawn(build_circuit(model, UNIT)), mirrored_bias=mirrored_bias)
    return network_text(circuit, technology)


# The comparison


class Reader(kdb.NetlistSpiceReaderDelegate):
    """Reads transistors, also where they are subcircuits, with terminals that are all different."""

    def wants_subcircuit(self, name: str) -> bool:
        return name.lower() in (NMOS, PMOS)

    def element(self, circuit, el, name, model, value, nets, params) -> bool:  # type: ignore[no-untyped-def]
        kind = circuit.netlist().device_class_by_name(model or "current")
        if kind is None:
            kind = self.device_class(model)
            circuit.netlist().add(kind)
        device = circuit.create_device(kind, name)
        for index, net in enumerate(nets):
            device.connect_terminal(index, net)
        values = {key.upper(): number for key, number in params.items()} if model else {"I": value}
        for parameter in kind.parameter_definitions():
            device.set_parameter(parameter.name, values.get(parameter.name, 1.0))
        return True

    def device_class(self, model: str):  # type: ignore[no-untyped-def]
        kind = kdb.DeviceClass()
        kind.name = model or "current"
        for terminal in ("D", "G", "S", "B") if model else ("P", "N"):
            kind.add_terminal(kdb.DeviceTerminalDefinition(terminal, ""))
        tolerance: kdb.EqualDeviceParameters | None = None
        for index, parameter in enumerate(("W", "L", "M") if model else ("I",)):
            kind.add_parameter(kdb.DeviceParameterDefinition(parameter, "", 0.0, True, 1.0))
            equal = kdb.EqualDeviceParameters(index, 0.0, 1e-6)
            tolerance = equal if tolerance is None else tolerance + equal
        assert tolerance is not None
        kind.equal_parameters = tolerance
        return kind


def read(text: str, folder: Path, name: str):  # type: ignore[no-untyped-def]
    file = folder / name
    file.write_text(f"* {name}\n{text}")
    found = kdb.Netlist()
    found.read(str(file), kdb.NetlistSpiceReader(Reader()))
    found.flatten()
    for circuit in [c for c in found.each_circuit() if c.name != "NETWORK"]:
        found.remove(circuit)  # a block that this network does not use
    (top,) = found.each_circuit()
    return found, top


def equal(one: str, other: str, folder: Path) -> bool:
    left, a = read(one, folder, "one.cir")
    right, b = read(other, folder, "other.cir")
    ports = [{pin.expanded_name() for pin in circuit.each_pin()} for circuit in (a, b)]
    if ports[0] != ports[1]:
        return False
    comparer = kdb.NetlistComparer()
    for port in ports[0]:  # by name: two inputs are not the same because they look the same
        comparer.same_nets(a, b, a.net_by_name(port), b.net_by_name(port), True)
    return bool(comparer.compare(left, right))


def signed_readout() -> Model:
    """Return weights of all kinds: large, tiny, both signs, a residual of two ways."""
    model = small_model()
    model["nodes"][0]["weight"] = [[4.0, -0.02, -0.5], [0.015, 0.5, 0.25]]
    model["nodes"][5]["weight"] = [[-3.5, 0.5], [-1.0, 0.031]]
    return from_dict(model)


SHAPES: dict[str, Callable[[], Model]] = {
    "small": lambda: from_dict(small_model()),
    "all kinds of weights": signed_readout,
    "one layer": lambda: random_model(1, state=3, layers=1, classes=2, inputs=2, frames=10)[0],
    "deep": lambda: random_model(2, state=2, layers=4, classes=3, inputs=3, frames=10)[0],
    "wide": lambda: random_model(3, state=9, layers=1, classes=5, inputs=13, frames=10)[0],
    "usual": lambda: random_model(4, state=4, layers=2, classes=2, inputs=13, frames=10)[0],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("prefix", ["M", "X"])
def test_netlist_is_the_models_circuit(shape: str, prefix: str, tmp_path: Path) -> None:
    model = SHAPES[shape]()
    expected = reference(model)
    assert expected.count("\nM") > 40
    assert equal(netlist(model, prefix), expected, tmp_path)


@pytest.mark.parametrize("shape", SHAPES)
def test_mirrored_bias_is_the_same_circuit_with_copies_of_the_reference(
    shape: str, tmp_path: Path
) -> None:
    model = SHAPES[shape]()
    expected = reference(model, mirrored_bias=True)
    written = netlist(model, mirrored_bias=True)
    assert equal(written, expected, tmp_path)
    assert len(re.findall(r"^I", written, re.M)) == 1  # of all sources the reference is left
    assert not equal(netlist(model), expected, tmp_path)


@pytest.mark.parametrize("shape", SHAPES)
def test_cdl_is_the_same_circuit_with_its_biases_as_ports(shape: str, tmp_path: Path) -> None:
    model = SHAPES[shape]()
    technology = replace(fake_technology("X"), grid=1e-15)
    written = cdl_text(drawn(build_circuit(model, UNIT)), technology)
    assert not re.search(r"^[^*MX.+\n]", written, re.M)  # transistors, instances, nothing else
    assert not re.search(r" (as|ad|ps|pd)=", written)
    expected = reference(model)
    fed = dict(re.findall(r"^I\S+ vdd (\S+) (\S+)$", expected, re.M))
    names = {net: own_name(net) for net in fed}
    expected = re.sub(r"^I.*\n", "", expected, flags=re.M)
    expected = re.sub(r"\S+", lambda m: names.get(m[0], m[0]), expected)
    head, _, rest = expected.partition("\n")
    assert equal(written, f"{head} {' '.join(names.values())}\n{rest}", tmp_path)


def own_name(net: str) -> str:
    """Return the name that netgen gives the bias net of a cell (ports are compared by name)."""
    kinds = {"t": "thresh", "w": "width", "g": "gain"}
    cell, _, kind = net.rpartition("_")
    return net if net == "ref_n" else f"{cell.replace('.', '_')}_{kinds[kind]}"


# Faults that have to be found


def altered(text: str, pattern: str, change: Callable[[re.Match[str]], str], pick: int) -> str:
    found = list(re.finditer(pattern, text, re.M))
    match = found[pick % len(found)]
    new = text[: match.start()] + change(match) + text[match.end() :]
    assert new != text
    return new


MIRROR = r"^M(\w+_from_\w+) (\w+) (\w+) (\w+) (.*) w=(\S+) (.*)$"
ANY = r"^M(\w+) (\w+) (\w+) (\w+) (.*) w=(\S+) (.*)$"

FAULTS: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
    "width 1 % off": (
        ANY, lambda m: f"M{m[1]} {m[2]} {m[3]} {m[4]} {m[5]} w={float(m[6]) * 1.01:.9g} {m[7]}"),
    "length 1 % off": (r"(?<= l=)\S+", lambda m: f"{float(m[0]) * 1.01:.9g}"),
    "source and drain swapped": (
        ANY, lambda m: f"M{m[1]} {m[4]} {m[3]} {m[2]} {m[5]} w={m[6]} {m[7]}"),
    "gate on another line": (
        MIRROR, lambda m: f"M{m[1]} {m[2]} ref_{m[3][-1]} {m[4]} {m[5]} w={m[6]} {m[7]}"),
    "weight dropped": (MIRROR, lambda m: ""),
    "weight drawn twice": (MIRROR, lambda m: f"{m[0]}\n{m[0].replace('M', 'Magain_', 1)}"),
    "other polarity": (
        MIRROR, lambda m: m[0].replace(NMOS, "?").replace(PMOS, NMOS).replace("?", PMOS)),
    "bias current 1 % off": (
        r"^(I\w+ \w+ \w+) (\S+)", lambda m: f"{m[1]} {float(m[2]) * 1.01:.9g}"),
    "one device too many in parallel": (r"(?<= m=)\d+", lambda m: str(int(m[0]) + 1)),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pick", [0, 7, 40])
def test_fault_is_found(fault: str, pick: int, tmp_path: Path) -> None:
    model = signed_readout()
    pattern, change = FAULTS[fault]
    wrong = altered(netlist(model), pattern, change, pick)
    assert not equal(wrong, reference(model), tmp_path)


def test_swapped_ports_are_found(tmp_path: Path) -> None:
    model = from_dict(small_model())
    head, network, rest = netlist(model).partition(".subckt network")
    ports, first, body = rest.partition("\nX")
    other = {"x_0_n": "x_1_n", "x_1_n": "x_0_n"}
    swapped = re.sub(r"x_[01]_n\b", lambda m: other[m[0]], body)
    assert swapped != body
    assert not equal(head + network + ports + first + swapped, reference(model), tmp_path)
