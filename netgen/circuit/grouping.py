"""Which group of devices each transistor of a network belongs to: each can have a size."""

from __future__ import annotations

from collections.abc import Iterator

from netgen.circuit.blocks import groups
from netgen.circuit.circuit import Circuit
from netgen.circuit.names import REFERENCE
from netgen.circuit.netlist import Device, Netlist
from netgen.errors import UsageError
from netgen.technology import sizes_of


def group_names(circuit: Circuit) -> tuple[str, ...]:
    """Return the groups of devices that a circuit can have."""
    biases = (bias.group for layer in circuit.cells for bias in layer.block.biases)
    return tuple(dict.fromkeys((*groups.GATE_NETS, *biases, *groups.MIRRORS)))


def refuse_groups(circuit: Circuit) -> None:
    """See that a circuit can be drawn with the sizes of its groups of devices.

    Raises
    ------
    UsageError
        It has no such group, or cells copy what other cells put out.
    """
    sizes, names = sizes_of(circuit.unit), group_names(circuit)
    unknown = [group for group in sizes if group not in names]
    if unknown:
        raise UsageError(f"no group of devices {unknown[0]!r}; choose one of {', '.join(names)}")
    nodes = {layer.node for layer in circuit.cells}
    if sizes and any(layer.candidate in nodes for layer in circuit.cells):
        raise UsageError("sizes by group: cells that take the output of cells have one size only")


def device_groups(circuit: Circuit, netlist: Netlist) -> dict[str, str]:
    """Return the group of every transistor of a network that belongs to one, by its path."""
    return dict(_groups_of_devices(circuit, netlist))


def _groups_of_devices(circuit: Circuit, netlist: Netlist) -> Iterator[tuple[str, str]]:
    cells = {layer.node: layer.block for layer in circuit.cells}
    mirrors = {layer.node: layer.group for layer in circuit.summing_layers}
    for path, device in netlist.transistors.items():
        inner = path.rpartition(".")[2]
        if device.role in ("line", "relu", "input") or device.node == REFERENCE:
            yield path, circuit.group(device.node)
        elif device.role == "cell":
            group = cells[device.node].groups.get(_first(device))
            if group is not None:
                yield path, group
        elif device.role == "bias" and device.node in cells:
            yield path, groups.WEIGHTS if inner == path else _bias(circuit, device)
        elif device.role in ("mirror", "bias") and device.node in mirrors:
            yield path, mirrors[device.node]


def _first(device: Device) -> str:
    """Return the name in its block of the first of the transistors in series."""
    return device.stack.rpartition(".")[2]


def _bias(circuit: Circuit, device: Device) -> str:
    block = next(layer.block for layer in circuit.cells if layer.node == device.node)
    names = block.parameters(device.node, device.unit)
    return block.biases[names.index(str(device.parameter))].group
