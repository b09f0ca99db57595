"""A circuit with its wires: the capacitance of every net as elements of the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.netlist import GROUND, Capacitor, Instance, Layer, Module, Net, Netlist, Unit


def with_wires(netlist: Netlist, capacitances: Mapping[str, float]) -> Netlist:
    """Return a network where each net has the capacitance of its wires, lumped to ground.

    Nets inside blocks become ports of their blocks, so that each instance has wires of its own.

    Parameters
    ----------
    capacitances
        F, by the name of the net in :attr:`Netlist.transistors`; nets that the network does not
        have (those of mirrored biases, where these are ideal) are left out.
    """
    inner = {name: _inner(block) for name, block in netlist.blocks.items()}
    blocks = {
        name: replace(block, ports=(*block.ports, *inner[name]))
        for name, block in netlist.blocks.items()
    }
    layers = tuple(_layer(layer, inner, capacitances) for layer in netlist.layers)
    return replace(netlist, blocks=blocks, layers=layers, digest="")


def storage_wires(netlist: Netlist, capacitances: Mapping[str, float]) -> dict[str, Floats]:
    """Return what wires add to the storage nodes of cells, F, by node, (triggers,)."""
    wires: dict[str, list[float]] = {}
    for unit in sorted(netlist.units, key=lambda unit: unit.index):
        for net in unit.nets:
            if net.kind == "storage":
                wires.setdefault(unit.node, []).append(capacitances.get(net.name, 0.0))
    return {node: np.array(values) for node, values in wires.items()}


def _inner(block: Module) -> tuple[str, ...]:
    """Return the nets of a block that are not its ports."""
    nets = dict.fromkeys(net for device in block.devices for net in device.terminals)
    return tuple(net for net in nets if net not in (*block.ports, GROUND))


def _layer(
    layer: Layer, inner: Mapping[str, tuple[str, ...]], capacitances: Mapping[str, float]
) -> Layer:
    units = tuple(_unit(unit, inner, capacitances) for unit in layer.units)
    return replace(layer, units=units)


def _unit(
    unit: Unit, inner: Mapping[str, tuple[str, ...]], capacitances: Mapping[str, float]
) -> Unit:
    instances: list[Instance] = []
    nets = {net.name: net.name for net in unit.nets}  # name here → name in the flat circuit
    added: list[Net] = []
    for instance in unit.instances:
        series_nets = {
            f"{instance.name}__{net}": f"{instance.name}.{net}" for net in inner[instance.module]
        }
        instances.append(replace(instance, nets=(*instance.nets, *series_nets)))
        added += [Net(name, "series") for name in series_nets]
        nets |= series_nets
    capacitors = tuple(
        Capacitor(f"w_{here}", (here, GROUND), capacitances[flat])
        for here, flat in nets.items()
        if capacitances.get(flat, 0.0) > 0.0
    )
    return replace(
        unit, nets=(*unit.nets, *added), instances=tuple(instances), capacitors=capacitors
    )
