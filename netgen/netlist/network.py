"""The circuit's body: ``netlist.cir``, one subcircuit a layer, no options, saves or analyses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from netgen._version import __version__
from netgen.circuit import (
    REFERENCE,
    REFERENCE_WORD,
    CellLayer,
    Circuit,
    Line,
    Mirrors,
    RowLayer,
    drawn_weight,
    parameter_path,
)
from netgen.model import INPUT
from netgen.netlist.render import Transistors, printable, render, transistors
from netgen.technology import Device, Technology

SUPPLIES = ("vdd", "vss")
NINE = 9
"""Transistors of the Schmitt-trigger cell; three bias diodes and a start-up switch come on top."""


def net(circuit: Circuit, node: str, unit: int, line: Line) -> str:
    """Return the net of a signal's N or P line."""
    if node == REFERENCE:
        return f"{REFERENCE_WORD}_{line}"
    return f"{circuit.tokens[node]}_{unit}_{line}"


def output_net(circuit: Circuit, unit: int) -> str:
    """Return the net of a readout row."""
    return f"{circuit.word(circuit.layers[-1])}_{unit}_out"


def start_nets(circuit: Circuit) -> dict[tuple[int, bool], str]:
    """Return the start-up lines by (stage, initial state) where there is such a cell."""
    nets = {}
    for layer in circuit.cells:
        for state in np.unique(layer.initial_state):
            nets[layer.stage, bool(state)] = (
                f"set_{layer.stage + 1}_b" if state else f"reset_{layer.stage + 1}"
            )
    return nets


@dataclass(frozen=True)
class Instance:
    name: str
    nets: tuple[str, ...]
    subckt: str


@dataclass(frozen=True)
class Bias:
    name: str
    net: str
    current: float
    note: str


@dataclass(frozen=True)
class Mirror:
    device: str
    note: str


@dataclass(frozen=True)
class Unit:
    """What a layer's template writes for one unit."""

    title: str
    instances: tuple[Instance, ...]
    biases: tuple[Bias, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    not_drawn: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerText:
    """What a layer's template writes; ``outer`` are the ports the network itself has."""

    title: str
    word: str
    ports: tuple[str, ...]
    outer: tuple[str, ...]
    units: tuple[Unit, ...] = field(repr=False)

    @property
    def subckt(self) -> str:
        return f"layer_{self.word}"


def network_text(circuit: Circuit, technology: Technology) -> str:
    """Return the netlist of a sized circuit."""
    return _text(circuit, technology, list(_Writer(circuit, technology).layers()))


def cdl_text(circuit: Circuit, technology: Technology) -> str:
    """Return the netlist of a sized circuit as CDL, for LVS and schematic tools.

    Transistors by their names in LVS, W, L and multiplicity only. Bias currents come from outside:
    each bias net is a port.
    """
    devices = {p: Device(d.lvs or d.model, "M") for p, d in technology.devices.items()}
    schematic = replace(technology, devices=devices, diffusion=0.0)
    layers = [_without_biases(layer) for layer in _Writer(circuit, schematic).layers()]
    return _text(circuit, schematic, layers)


def _without_biases(layer: LayerText) -> LayerText:
    nets = tuple(bias.net for unit in layer.units for bias in unit.biases)
    units = tuple(replace(unit, biases=()) for unit in layer.units)
    ports = tuple(dict.fromkeys((*layer.ports, *nets)))
    return replace(layer, ports=ports, outer=(*layer.outer, *nets), units=units)


def _text(circuit: Circuit, technology: Technology, layers: list[LayerText]) -> str:
    outer = dict.fromkeys(port for layer in layers for port in layer.outer)
    return render(
        "network.j2",
        title=circuit.model.name,
        version=__version__,
        technology=technology.title,
        count=sum(device_counts(circuit).values()),
        unit_current=circuit.model.unit_current,
        unit=circuit.unit,
        reset=technology.reset,
        layers=layers,
        ports=(*SUPPLIES, *outer),
        **transistors(technology),
    )


def network_ports(circuit: Circuit) -> tuple[str, ...]:
    """Return the network's ports after the supplies: inputs, start-up lines, readout."""
    inputs = [net(circuit, INPUT, unit, "n") for unit in range(circuit.model.input_size)]
    starts = [line for layer in circuit.cells for line in _layer_starts(circuit, layer)]
    outputs = [output_net(circuit, unit) for unit in range(circuit.rows[-1].size)]
    return tuple(dict.fromkeys([*inputs, *starts, *outputs]))


def _layer_starts(circuit: Circuit, layer: CellLayer) -> list[str]:
    nets = start_nets(circuit)
    return [nets[layer.stage, bool(state)] for state in np.unique(layer.initial_state)]


class _Writer:
    def __init__(self, circuit: Circuit, technology: Technology) -> None:
        self.circuit = circuit
        functions = transistors(technology)
        self.nmos: Transistors = functions["nmos"]
        self.pmos: Transistors = functions["pmos"]

    def layers(self) -> Iterator[LayerText]:
        if self.circuit.uses_reference:
            yield self.reference()
        yield self.input()
        for layer in self.circuit.layers:
            yield self.cells(layer) if isinstance(layer, CellLayer) else self.rows(layer)

    def nets(self, node: str) -> list[str]:
        """Return the lines of a node that exist, unit by unit."""
        lines = self.circuit.lines
        return [
            net(self.circuit, node, unit, line)
            for unit in range(len(lines[node, "n"]))
            for line in ("n", "p")
            if lines[node, line][unit]
        ]

    def diode(self, node: str, unit: int, name: str) -> list[Instance]:
        """Write the NMOS diode of a signal, and its P line where it is used."""
        n, p = (net(self.circuit, node, unit, line) for line in ("n", "p"))
        instances = [Instance(name, (n, "vss"), "diode_relu")]
        if self.circuit.lines[node, "p"][unit]:
            instances.append(Instance(f"{name}_to_p", (n, p, *SUPPLIES), "n_to_p"))
        return instances

    def reference(self) -> LayerText:
        word, line = REFERENCE_WORD, net(self.circuit, REFERENCE, 0, "n")
        bias = Bias(word, line, self.circuit.model.unit_current, "1 unit")
        unit = Unit("the reference", tuple(self.diode(REFERENCE, 0, word)), (bias,))
        ports = (*SUPPLIES, *self.nets(REFERENCE))
        return LayerText("1-unit reference, copied for the constants", word, ports, (), (unit,))

    def input(self) -> LayerText:
        word = self.circuit.tokens[INPUT]
        units = tuple(
            Unit(f"x[{unit}]", tuple(self.diode(INPUT, unit, f"{word}_{unit}")))
            for unit in range(self.circuit.model.input_size)
        )
        ports = (*SUPPLIES, *self.nets(INPUT))
        outer = tuple(n for n in self.nets(INPUT) if n.endswith("_n"))
        return LayerText("inputs", word, ports, outer, units)

    def rows(self, layer: RowLayer) -> LayerText:
        word = self.circuit.word(layer)
        used = dict.fromkeys(line for m in layer.mirrors for line in self.mirror_nets(m))
        outer: tuple[str, ...] = ()
        if layer.kind == "relu":
            own = tuple(self.nets(layer.node))
        else:
            own = outer = tuple(output_net(self.circuit, unit) for unit in range(layer.size))
        units = tuple(self.row(layer, unit) for unit in range(layer.size))
        title = f"{layer.node} ({layer.kind}): {layer.size} row nodes"
        return LayerText(title, word, (*SUPPLIES, *used, *own), outer, units)

    def mirror_nets(self, mirrors: Mirrors) -> list[str]:
        signs: tuple[tuple[Line, int], ...] = (("n", -1), ("p", 1))
        return [
            net(self.circuit, mirrors.source, column, line)
            for column, weights in enumerate(drawn_weight(mirrors).T)
            for line, sign in signs
            if (sign * weights > 0).any()
        ]

    def row(self, layer: RowLayer, unit: int) -> Unit:
        name = f"{self.circuit.word(layer)}_{unit}"
        if layer.kind == "relu":
            node = net(self.circuit, layer.node, unit, "n")
            instances = self.diode(layer.node, unit, name)
        else:
            node, instances = output_net(self.circuit, unit), []
        devices: list[Mirror] = []
        missing: list[str] = []
        for mirrors, suffix in numbered(layer.mirrors):
            for column in np.flatnonzero(mirrors.weight[unit]):
                note = weight_note(mirrors, unit, int(column))
                assert mirrors.drawn is not None
                if mirrors.drawn.multiplicity[unit, column] == 0:
                    missing.append(f"NOT DRAWN, below the technology's floor: {note}")
                    continue
                device = mirror_name(self.circuit, name, mirrors.source, int(column), suffix)
                devices.append(Mirror(self.mirror(mirrors, unit, int(column), device, node), note))
        title = f"row {unit}"
        return Unit(title, tuple(instances), (), tuple(devices), tuple(missing))

    def mirror(self, mirrors: Mirrors, row: int, column: int, name: str, node: str) -> str:
        positive = mirrors.weight[row, column] > 0
        write, rail = (self.pmos, "vdd") if positive else (self.nmos, "vss")
        gate = net(self.circuit, mirrors.source, column, "p" if positive else "n")
        assert mirrors.drawn is not None
        return write(name, node, gate, rail, mirrors.drawn.geometry(row, column))

    def cells(self, layer: CellLayer) -> LayerText:
        used = [net(self.circuit, layer.candidate, unit, "p") for unit in range(layer.size)]
        starts = _layer_starts(self.circuit, layer)
        used += [net(self.circuit, REFERENCE, 0, "p")] * self.circuit.mirrored_bias
        ports = (*SUPPLIES, *used, *starts, *self.nets(layer.node))
        units = tuple(self.cell(layer, unit) for unit in range(layer.size))
        title = f"{layer.node} (bmru): {layer.size} Schmitt-trigger cells"
        return LayerText(title, self.circuit.word(layer), ports, tuple(starts), units)

    def cell(self, layer: CellLayer, unit: int) -> Unit:
        name = f"{self.circuit.word(layer)}_{unit}"
        biases = self.biases(layer, unit)
        mirrored = self.circuit.mirrored_bias
        mirrors = self.bias_mirrors(layer, unit, biases) if mirrored else ()
        p, n = (net(self.circuit, layer.node, unit, line) for line in ("p", "n"))
        v0 = f"{name}_v0"
        candidate = net(self.circuit, layer.candidate, unit, "p")
        state = bool(layer.initial_state[unit])
        switch = Instance(
            f"{name}_start",
            (v0, start_nets(self.circuit)[layer.stage, state], "vdd" if state else "vss"),
            "set_switch" if state else "reset_switch",
        )
        instances = [
            *(Instance(bias.name, (bias.net, "vss"), "bias_diode") for bias in biases),
            Instance(
                name, (candidate, *(b.net for b in biases), p, v0, *SUPPLIES), "schmitt_trigger_9t"
            ),
            switch,
        ]
        if self.circuit.lines[layer.node, "n"][unit]:
            instances.append(Instance(f"{name}_to_n", (p, n, *SUPPLIES), "p_to_n"))
        title = f"cell {unit}, starts {'high' if state else 'low'}"
        return Unit(title, tuple(instances), () if mirrored else biases, mirrors)

    def biases(self, layer: CellLayer, unit: int) -> tuple[Bias, ...]:
        """Return a cell's bias currents: threshold, width, gain."""
        assert layer.bias is not None
        amperes = self.circuit.model.unit_current
        wanted = (
            ("thresh", "beta_hi", layer.threshold),
            ("width", "beta_hi - beta_lo", layer.width),
            ("gain", "alpha", layer.gain),
        )
        names = [f"{self.circuit.word(layer)}_{unit}_{kind}" for kind, _, _ in wanted]
        return tuple(
            Bias(name, name, current, f"{label} = {value[unit] / amperes:g}")
            for name, current, (_, label, value) in zip(
                names, layer.bias[:, unit], wanted, strict=True
            )
        )

    def bias_mirrors(
        self, layer: CellLayer, unit: int, biases: tuple[Bias, ...]
    ) -> tuple[Mirror, ...]:
        """Write the copies of the reference that take the place of ideal bias currents."""
        drawn = layer.bias_mirrors
        assert drawn is not None
        line = net(self.circuit, REFERENCE, 0, "p")
        amperes = self.circuit.model.unit_current
        mirrors = []
        for row, bias in enumerate(biases):
            name = f"{bias.name}_mirror"
            device = self.pmos(name, bias.net, line, "vdd", drawn.geometry(row, unit))
            currents = (
                f"bias {bias.current / amperes:.6g}, expected {drawn.realised[row, unit]:.6g}"
            )
            mirrors.append(Mirror(device, f"{bias.note}; {currents}"))
        return tuple(mirrors)


def numbered(mirrors: tuple[Mirrors, ...]) -> Iterator[tuple[Mirrors, str]]:
    """Pair mirrors with the suffix that tells apart copies of one source by several ways."""
    seen: dict[str, int] = {}
    for entry in mirrors:
        seen[entry.source] = seen.get(entry.source, 0) + 1
        number = seen[entry.source]
        yield entry, "" if number == 1 else f"_k{number}"


def mirror_name(circuit: Circuit, row: str, source: str, column: int, suffix: str) -> str:
    """Return the name of a mirror's output transistor, such as ``l1_relu_2_from_x_5``."""
    if source == REFERENCE:
        return f"{row}_bias"
    return f"{row}_from_{circuit.tokens[source]}_{column}{suffix}"


def weight_note(mirrors: Mirrors, row: int, column: int) -> str:
    """Say what a mirror stands for: parameter, learned value and what is expected of it."""
    wanted = mirrors.weight[row, column]
    note = f"{parameter_path(mirrors, row, column)} = {wanted:+.6g}"
    if mirrors.drawn is not None and mirrors.drawn.multiplicity[row, column] > 0:
        note += f", expected {mirrors.drawn.realised[row, column]:+.6g}"
    return note.replace("·", "*") if printable(note) != note else note


def device_counts(circuit: Circuit) -> dict[str, int]:
    """Count transistors by kind of block (those in parallel or in series count each)."""
    counts = {"mirror": 0, "relu": 0, "cell": 0, "bias": 0, "line": 0, "input": 0, "start": 0}
    for layer in circuit.rows:
        for mirrors in layer.mirrors:
            assert mirrors.drawn is not None
            kind = "bias" if mirrors.source == REFERENCE else "mirror"
            counts[kind] += mirrors.drawn.transistors
        counts["relu"] += layer.size if layer.kind == "relu" else 0
    for cell in circuit.cells:
        counts["cell"] += NINE * cell.size
        counts["bias"] += 3 * cell.size
        counts["start"] += cell.size
        if circuit.mirrored_bias:
            assert cell.bias_mirrors is not None
            counts["bias"] += cell.bias_mirrors.transistors
    counts["input"] = circuit.model.input_size
    counts["bias"] += circuit.uses_reference
    cell_nodes = {cell.node for cell in circuit.cells}
    for (node, line), used in circuit.lines.items():
        if (line == "n") == (node in cell_nodes):
            counts["line"] += 2 * int(used.sum())
    return counts
