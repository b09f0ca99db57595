"""From a sized circuit to its netlist: which transistor, source or block stands for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from netgen.circuit.biases import Biases
from netgen.circuit.blocks import Block, Decision, bias, mirror, modules_of, relu, sized_name
from netgen.circuit.blocks.dac import ProgrammableBias
from netgen.circuit.blocks.divider import DIVIDER
from netgen.circuit.blocks.kit import RAIL
from netgen.circuit.circuit import (
    CellLayer,
    Circuit,
    GateNet,
    Mirrors,
    SummingLayer,
    parameter_path,
    realised_weight,
)
from netgen.circuit.names import DECISION_PREFIX, REFERENCE, REFERENCE_PREFIX
from netgen.circuit.netlist import (
    SUPPLIES,
    Device,
    Instance,
    Layer,
    Net,
    Netlist,
    Role,
    Source,
    Unit,
)
from netgen.circuit.nets import (
    bias_net,
    code_nets,
    input_nets,
    layer_starts,
    net,
    output_nets,
    start_nets,
    winner_nets,
)
from netgen.model import INPUT
from netgen.technology import Polarity, Technology


def synthesise(circuit: Circuit, technology: Technology, like: Netlist | None = None) -> Netlist:
    """Return the netlist of a sized circuit.

    Parameters
    ----------
    like
        That of the same circuit with its bias currents from elsewhere: it shares inputs and rows.
    """
    shared = {} if like is None else {layer.prefix: layer for layer in like.layers}
    layers = tuple(_Synthesis(circuit, technology, shared).layers())
    model = circuit.model
    cells = {circuit.cell_module(layer): layer for layer in circuit.cells}
    blocks_used: list[Block] = [
        each.block for name, each in cells.items() if name == each.block.module
    ]
    blocks_used += [circuit.decision] if circuit.decision else []
    blocks_used += [ProgrammableBias(circuit.dac)] if circuit.dac else []
    blocks_used += [circuit.divider] if circuit.divider else []
    blocks = modules_of(blocks_used, technology, circuit.unit)
    for name, layer in cells.items():
        if name not in blocks:
            sized = modules_of([layer.block], technology, circuit.cell_unit(layer))
            blocks[name] = replace(sized[layer.block.module], name=name)
    return Netlist(model.name, technology.title, model.unit_current, blocks, layers)


class _Synthesis(Biases):
    def __init__(
        self, circuit: Circuit, technology: Technology, shared: Mapping[str, Layer]
    ) -> None:
        super().__init__(circuit, technology)
        self.shared = shared
        self.starts = start_nets(circuit)

    def sized(self, module: str, node: str) -> str:
        """Return the name of a subcircuit in the size of a signal's diodes."""
        return sized_name(module, self.circuit.group(node), self.circuit.unit, node)

    def layers(self) -> Iterator[Layer]:
        if self.circuit.uses_reference:
            yield self.reference()
        yield self.known(self.circuit.prefixes[INPUT]) or self.input()
        for layer in self.circuit.layers:
            if isinstance(layer, CellLayer):
                yield self.cells(layer)
            else:
                yield self.known(self.circuit.prefix(layer)) or self.summing_layer(layer)
        if self.circuit.decision:
            yield self.decision(self.circuit.decision)

    def known(self, prefix: str) -> Layer | None:
        """Return a layer of another netlist, unless a name in it is taken in this one."""
        layer = self.shared.get(prefix)
        if layer is None:
            return None
        names = {each.name for unit in layer.units for each in unit.devices}
        names |= {each.name for unit in layer.units for each in unit.instances}
        if names & self.taken:
            return None
        self.taken |= names
        return layer

    def decision(self, block: Decision) -> Layer:
        node, prefix = self.circuit.model.readout.node, DECISION_PREFIX
        reference, winners = net(self.circuit, REFERENCE, 0, "n"), winner_nets(self.circuit)
        copied = [net(self.circuit, node, u, block.gate_net(u)) for u in range(len(winners))]
        parts = tuple(block.instances(prefix, copied, winners, reference))
        instances = tuple(self.instance(*part, "decision", node, 0) for part in parts)
        ports = dict.fromkeys((*SUPPLIES, reference, *copied, *winners))
        inner = (name for _, _, nets in parts for name in nets if name not in ports)
        nets = tuple(Net(name, "winner") for name in dict.fromkeys((*winners, *inner)))
        title = f"{block.title} of {len(winners)} classes"
        unit = Unit(node, 0, title, nets, instances=instances)
        return Layer(node, prefix, title, tuple(ports), winners, (unit,))

    def signal_nets(self, node: str, unit: int) -> tuple[Net, ...]:
        """Return the gate nets of a signal that exist."""
        gate_nets: tuple[GateNet, ...] = ("n", "p")
        return tuple(
            Net(net(self.circuit, node, unit, gate_net), gate_net)
            for gate_net in gate_nets
            if self.circuit.gate_nets[node, gate_net][unit]
        )

    def layer_nets(self, node: str) -> list[str]:
        size = len(self.circuit.gate_nets[node, "n"])
        return [net.name for unit in range(size) for net in self.signal_nets(node, unit)]

    def diode(self, node: str, unit: int, name: str, role: Role) -> tuple[Instance, ...]:
        """Return the NMOS diode of a signal, and its P-gate net where it is used."""
        n, p = (net(self.circuit, node, unit, gate_net) for gate_net in ("n", "p"))
        module = self.sized(relu.DIODE, node)
        diode = self.instance(name, module, (n, "vss"), role, node, unit)
        if not self.circuit.gate_nets[node, "p"][unit]:
            return (diode,)
        nets = (n, p, *SUPPLIES)
        copied = self.sized(mirror.TO_P, node)
        return diode, self.instance(f"{name}_to_p", copied, nets, "line", node, unit)

    def reference(self) -> Layer:
        prefix, gate_net = REFERENCE_PREFIX, net(self.circuit, REFERENCE, 0, "n")
        amperes = self.circuit.model.unit_current
        source = Source(prefix, ("vdd", gate_net), amperes, REFERENCE, 0)
        unit = Unit(
            REFERENCE,
            0,
            "the reference",
            self.signal_nets(REFERENCE, 0),
            sources=(source,),
            instances=self.diode(REFERENCE, 0, prefix, "bias"),
        )
        ports = (*SUPPLIES, *self.layer_nets(REFERENCE))
        title = "1-unit reference, copied for the constants"
        return Layer(REFERENCE, prefix, title, ports, (), (unit,))

    def input(self) -> Layer:
        prefix = self.circuit.prefixes[INPUT]
        outer, units = input_nets(self.circuit), []
        for unit, pin in enumerate(outer):
            nets, name = self.signal_nets(INPUT, unit), f"{prefix}_{unit}"
            parts = self.diode(INPUT, unit, name, "input")
            if self.circuit.divider is not None:
                ends = (pin, net(self.circuit, INPUT, unit, "n"), *SUPPLIES)
                divider = self.instance(f"{name}_divider", DIVIDER, ends, "divider", INPUT, unit)
                nets, parts = (*nets, Net(pin, "n")), (*parts, divider)
            units.append(Unit(INPUT, unit, f"x[{unit}]", nets, instances=parts))
        ports = tuple(dict.fromkeys((*SUPPLIES, *self.layer_nets(INPUT), *outer)))
        return Layer(INPUT, prefix, "inputs", ports, outer, tuple(units))

    def summing_layer(self, layer: SummingLayer) -> Layer:
        prefix = self.circuit.prefix(layer)
        used = dict.fromkeys(gate_net for m in layer.mirrors for gate_net in self.mirror_nets(m))
        outer: tuple[str, ...] = ()
        if layer.kind == "relu":
            layer_ports = tuple(self.layer_nets(layer.node))
        else:
            layer_ports = outer = output_nets(self.circuit)
        units = tuple(self.summing_node(layer, unit) for unit in range(layer.size))
        title = f"{layer.node} ({layer.kind}): {layer.size} row nodes"
        return Layer(layer.node, prefix, title, (*SUPPLIES, *used, *layer_ports), outer, units)

    def mirror_nets(self, mirrors: Mirrors) -> list[str]:
        signs: tuple[tuple[GateNet, int], ...] = (("n", -1), ("p", 1))
        return [
            net(self.circuit, mirrors.source, column, gate_net)
            for column, weights in enumerate(realised_weight(mirrors).T)
            for gate_net, sign in signs
            if (sign * weights > 0).any()
        ]

    def summing_node(self, layer: SummingLayer, unit: int) -> Unit:
        name = f"{self.circuit.prefix(layer)}_{unit}"
        if layer.kind == "relu":
            node = net(self.circuit, layer.node, unit, "n")
            instances = self.diode(layer.node, unit, name, "relu")
            nets = self.signal_nets(layer.node, unit)
        else:
            node, instances = output_nets(self.circuit)[unit], ()
            nets = (Net(node, "output"),)
        devices: list[Device] = []
        missing: list[tuple[str, float]] = []
        for mirrors, suffix in numbered(layer.mirrors):
            geometry = mirrors.geometry
            assert geometry is not None
            for column in np.flatnonzero(mirrors.weight[unit]).tolist():
                path, wanted = parameter_path(mirrors, unit, column), mirrors.weight[unit, column]
                if geometry.multiplicity[unit, column] == 0:
                    missing.append((path, float(wanted)))
                    continue
                given = mirror_name(self.circuit, name, mirrors.source, column, suffix)
                mirror = self.unique(given)
                polarity: Polarity = "pmos" if wanted > 0 else "nmos"
                gate = net(self.circuit, mirrors.source, column, "p" if wanted > 0 else "n")
                whole = Device(
                    mirror,
                    "bias" if mirrors.source == REFERENCE else "mirror",
                    polarity,
                    geometry.at(unit, column),
                    (node, gate, RAIL[polarity], RAIL[polarity]),
                    layer.node,
                    unit,
                    path,
                    float(wanted),
                    float(geometry.realised[unit, column]),
                    mirror,
                )
                devices += self.in_series(whole)
        inner = _inner_nets(devices)
        title = f"row {unit}"
        return Unit(
            layer.node,
            unit,
            title,
            (*nets, *inner),
            devices=tuple(devices),
            instances=instances,
            missing=tuple(missing),
        )

    def cells(self, layer: CellLayer) -> Layer:
        gate_net = layer.block.candidate
        used = [net(self.circuit, layer.candidate, unit, gate_net) for unit in range(layer.size)]
        starts = layer_starts(self.circuit, layer)
        used += [net(self.circuit, REFERENCE, 0, self.bias_gate_net)] * self.circuit.mirrored_bias
        starts += code_nets(self.circuit, layer)
        ports = (*SUPPLIES, *used, *starts, *self.layer_nets(layer.node))
        units = tuple(self.cell(layer, unit) for unit in range(layer.size))
        title = f"{layer.node} ({layer.cell.op}): {layer.size} {layer.block.title}"
        prefix = self.circuit.prefix(layer)
        return Layer(layer.node, prefix, title, ports, tuple(starts), units)

    def cell(self, layer: CellLayer, unit: int) -> Unit:
        block, name = layer.block, f"{self.circuit.prefix(layer)}_{unit}"
        biases = [bias_net(self.circuit, layer, unit, each) for each in range(len(block.biases))]
        other: GateNet = "n" if block.output == "p" else "p"
        output, copied = (
            net(self.circuit, layer.node, unit, gate_net) for gate_net in (block.output, other)
        )
        nets = {port: port for port in SUPPLIES} | {
            "candidate": net(self.circuit, layer.candidate, unit, block.candidate),
            "output": output,
            **{port: f"{name}_{suffix}" for port, suffix in block.storage_nets.items()},
            **{bias.name: bias_net for bias, bias_net in zip(block.biases, biases, strict=True)},
        }
        owner = layer.node, unit
        instances = [
            *(
                self.instance(
                    bias_net,
                    sized_name(bias.DIODE, kind.group, self.circuit.unit, layer.node),
                    (bias_net, "vss"),
                    "bias",
                    *owner,
                    parameter,
                )
                for kind, bias_net, parameter in zip(
                    block.biases, biases, block.parameters(layer.node, unit), strict=True
                )
            ),
            self.instance(
                name,
                self.circuit.cell_module(layer),
                tuple(nets[port] for port in block.ports),
                "cell",
                *owner,
            ),
        ]
        title = f"cell {unit}"
        storages = tuple(Net(nets[port], "storage") for port in block.storage_nets)
        if storages:
            first = layer.cell.together(layer.initial_state)[unit].tolist()
            title += f", starts {' '.join('high' if state else 'low' for state in first)}"
            for place, (storage, state) in enumerate(zip(storages, first, strict=True), 1):
                start = f"{name}_start" if place == 1 else f"{name}_start_{place}"
                instances.append(self.start(start, storage.name, layer, unit, state))
        if self.circuit.gate_nets[layer.node, other][unit]:
            ends = (output, copied, *SUPPLIES)
            module = mirror.TO_N if other == "n" else mirror.TO_P
            kind = self.sized(module, layer.node)
            instances.append(self.instance(f"{name}_to_{other}", kind, ends, "line", *owner))
        mirrored, bias_nets = self.circuit.mirrored_bias, tuple(biases)
        if self.circuit.dac is not None:
            instances += self.dacs(layer, unit, biases)
            bias_nets = (*biases, *(f"{each}_line" for each in biases))
        devices = self.bias_mirrors(layer, unit, biases) if mirrored else ()
        return Unit(
            *owner,
            title,
            (
                *self.signal_nets(*owner),
                *(Net(each, "bias") for each in bias_nets),
                *storages,
                *_inner_nets(devices),
            ),
            sources=() if mirrored else self.bias_sources(layer, unit, biases),
            devices=devices,
            instances=tuple(instances),
        )

    def start(self, name: str, storage: str, layer: CellLayer, unit: int, state: bool) -> Instance:
        """Return the switch that holds a trigger in its first state."""
        nets = (storage, self.starts[layer.release, state], "vdd" if state else "vss")
        module = bias.SET if state else bias.RESET
        return self.instance(name, module, nets, "start", layer.node, unit)


def _inner_nets(devices: list[Device] | tuple[Device, ...]) -> tuple[Net, ...]:
    """Return the nets between transistors in series."""
    return tuple(Net(each.drain, "series") for each in devices if each.stack != each.name)


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
    return f"{row}_from_{circuit.prefixes[source]}_{column}{suffix}"
