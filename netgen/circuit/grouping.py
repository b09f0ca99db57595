"""Which group of devices each transistor of a network belongs to: each can have a size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from netgen.circuit.blocks import CellBlock, groups, sized_name
from netgen.circuit.circuit import Circuit
from netgen.circuit.names import REFERENCE
from netgen.circuit.netlist import Device, Netlist
from netgen.errors import UsageError
from netgen.technology import size_names, sizes_of


def group_names(circuit: Circuit) -> tuple[str, ...]:
    """Return the groups of devices that a circuit can have."""
    biases = (bias.group for layer in circuit.cells for bias in layer.block.biases)
    return tuple(dict.fromkeys((*groups.GATE_NETS, *biases, *groups.MIRRORS)))


def refuse_groups(circuit: Circuit) -> None:
    """See that a circuit can be drawn with the sizes of its groups of devices.

    Raises
    ------
    UsageError
        It has no such group, at this place or at any, two sizes have one name in a netlist, or
        cells copy what other cells put out.
    """
    sizes, names = sizes_of(circuit.unit), group_names(circuit)
    known = {name for place in _places(circuit) for name in size_names(*place)}
    unknown = [name for name in sizes if name not in known and name not in names]
    if unknown:
        problem = f"no group of devices {unknown[0]!r}; choose one of {', '.join(names)}"
        example = f"{circuit.layers[-1].node}.{groups.READOUT}"
        raise UsageError(f"{problem}, for one node or layer such as {example}")
    places = (name.rpartition(".")[::2] for name in sizes)
    drawn = Counter(sized_name("", group, circuit.unit, node) for node, group in places)
    if drawn and max(drawn.values()) > 1:
        raise UsageError(f"sizes {', '.join(sizes)}: two have one name in a netlist")
    nodes = {layer.node for layer in circuit.cells}
    if sizes and any(layer.candidate in nodes for layer in circuit.cells):
        raise UsageError("sizes by group: cells that take the output of cells have one size only")


def device_groups(circuit: Circuit, netlist: Netlist, by_node: bool = False) -> dict[str, str]:
    """Return the group of every transistor of a network that belongs to one, by its path.

    By node, a group that several nodes have is that of each: ``l1.relu.rows``, ``l2.relu.rows``.
    """
    placed = dict(_groups_of_devices(circuit, netlist))
    nodes = Counter(group for group, _ in set(placed.values()))
    return {
        path: f"{node}.{group}" if by_node and nodes[group] > 1 else group
        for path, (group, node) in placed.items()
    }


def _places(circuit: Circuit) -> Iterator[tuple[str, str]]:
    """Yield the groups of devices with the nodes that have them."""
    yield groups.CONSTANTS, REFERENCE
    yield from ((circuit.group(node), node) for node, _ in circuit.signals)
    yield from ((layer.group, layer.node) for layer in circuit.layers)
    yield from ((bias.group, each.node) for each in circuit.cells for bias in each.block.biases)


def _groups_of_devices(circuit: Circuit, netlist: Netlist) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the path of each transistor that belongs to a group, with the group and its node."""
    cells = {layer.node: layer for layer in circuit.cells}
    of_layers = {circuit.prefix(layer): layer.group for layer in circuit.summing_layers}
    mirrors = {  # not by node: a readout's copies belong to the node that they copy
        mirror.name: of_layers[layer.prefix]
        for layer in netlist.layers
        if layer.prefix in of_layers
        for unit in layer.units
        for mirror in unit.devices
    }
    for path, device in netlist.transistors.items():
        inner = path.rpartition(".")[2]
        if device.role in ("line", "relu", "input") or device.node == REFERENCE:
            yield path, (circuit.group(device.node), device.node)
        elif device.role == "cell":
            layer = cells[device.node]
            group = layer.block.groups.get(_first(device))
            if group is not None:
                yield path, (group, layer.candidate if group == groups.CANDIDATES else layer.node)
        elif device.role == "bias" and device.node in cells:
            group = groups.WEIGHTS if inner == path else _bias(cells[device.node].block, device)
            yield path, (group, device.node)
        elif device.role in ("mirror", "bias") and path in mirrors:
            yield path, (mirrors[path], device.node)


def _first(device: Device) -> str:
    """Return the name in its block of the first of the transistors in series."""
    return device.stack.rpartition(".")[2]


def _bias(block: CellBlock, device: Device) -> str:
    names = block.parameters(device.node, device.unit)
    return block.biases[names.index(str(device.parameter))].group
