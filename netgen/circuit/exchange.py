"""The record of a circuit as JSON, and back: exact, and compact by columns.

Units name their elements; each element is a list whose places have the names of ``COLUMNS``. Layers
that several networks share are written once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias, TypedDict

from netgen.circuit.netlist import (
    ROLES,
    Device,
    Instance,
    Layer,
    Module,
    Net,
    NetKind,
    Netlist,
    Role,
    Source,
    Unit,
)
from netgen.technology import POLARITIES, Geometry, Polarity

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "devices": (
            *("name", "role", "polarity", "width", "length", "multiplicity", "terminals"),
            *("parameter", "wanted", "realised", "stack", "extra"),
        ),
        "sources": ("name", "nets", "current", "parameter", "wanted", "realised"),
        "instances": ("name", "module", "nets", "role", "parameter"),
        "nets": ("name", "kind"),
    }
)
"""SI units; ``stack`` is empty where a device is one transistor."""


Nets4: TypeAlias = tuple[str, str, str, str]
Value: TypeAlias = float | None
DeviceEntry: TypeAlias = tuple[
    str, Role, Polarity, float, float, int, Nets4, str | None, Value, Value, str, str
]
SourceEntry: TypeAlias = tuple[str, tuple[str, str], float, str | None, Value, Value]
InstanceEntry: TypeAlias = tuple[str, str, Sequence[str], Role, str | None]


class ModuleRecord(TypedDict):
    """A subcircuit."""

    name: str
    ports: Sequence[str]
    devices: Sequence[DeviceEntry]
    comments: Sequence[str]


class UnitRecord(TypedDict):
    """A summing node or a cell."""

    index: int
    title: str
    nets: Sequence[tuple[str, NetKind]]
    sources: Sequence[SourceEntry]
    devices: Sequence[DeviceEntry]
    instances: Sequence[InstanceEntry]
    missing: Sequence[tuple[str, float]]


class LayerRecord(TypedDict):
    """A layer."""

    node: str
    word: str
    title: str
    ports: Sequence[str]
    outer: Sequence[str]
    units: Sequence[UnitRecord]


class CircuitRecord(TypedDict):
    """Networks of one circuit: each names its layers by their place."""

    name: str
    technology: str
    unit_current: float
    columns: Mapping[str, Sequence[str]]
    blocks: Sequence[ModuleRecord]
    layers: Sequence[LayerRecord]
    networks: Mapping[str, Sequence[int]]


def encoded(networks: Mapping[str, Netlist]) -> CircuitRecord:
    """Return networks of one circuit, which have their blocks in common, as JSON values."""
    first = next(iter(networks.values()))
    layers: list[LayerRecord] = []
    places: dict[Layer, int] = {}
    used: dict[str, list[int]] = {}
    for name, network in networks.items():
        used[name] = []
        for layer in network.layers:
            if layer not in places:
                places[layer] = len(layers)
                layers.append(_layer(layer))
            used[name].append(places[layer])
    return {
        "name": first.name,
        "technology": first.technology,
        "unit_current": first.unit_current,
        "columns": dict(COLUMNS),
        "blocks": [_module(block) for block in first.blocks.values()],
        "layers": layers,
        "networks": used,
    }


def decoded(content: CircuitRecord) -> dict[str, Netlist]:
    """Return the networks of :func:`encoded`.

    Raises
    ------
    ValueError, KeyError, TypeError, IndexError, AttributeError
        It is not what that function wrote.
    """
    blocks = {entry["name"]: _read_module(entry) for entry in content["blocks"]}
    layers = [_read_layer(entry) for entry in content["layers"]]
    common = str(content["name"]), str(content["technology"]), float(content["unit_current"])
    return {
        name: Netlist(*common, blocks, tuple(layers[place] for place in places))
        for name, places in content["networks"].items()
    }


def _device(device: Device) -> DeviceEntry:
    size = device.geometry
    return (
        device.name,
        device.role,
        device.polarity,
        size.width,
        size.length,
        size.multiplicity,
        device.terminals,
        device.parameter,
        device.wanted,
        device.realised,
        "" if device.stack == device.name else device.stack,
        device.extra,
    )


def _read_device(entry: DeviceEntry, node: str, unit: int) -> Device:
    name, role, polarity, width, length, count, nets, parameter, wanted, realised, *more = entry
    stack, extra = more
    d, g, s, b = nets
    if role not in ROLES or polarity not in POLARITIES:
        raise ValueError(role)
    geometry = Geometry(float(width), float(length), int(count))
    value = (parameter, wanted, realised, stack or name, extra)
    return Device(name, role, polarity, geometry, (d, g, s, b), node, unit, *value)


def _module(block: Module) -> ModuleRecord:
    return {
        "name": block.name,
        "ports": block.ports,
        "devices": [_device(device) for device in block.devices],
        "comments": block.comments,
    }


def _read_module(entry: ModuleRecord) -> Module:
    devices = tuple(_read_device(device, "", 0) for device in entry["devices"])
    comments = tuple(entry["comments"])
    return Module(entry["name"], tuple(entry["ports"]), devices, comments=comments)


def _layer(layer: Layer) -> LayerRecord:
    return {
        "node": layer.node,
        "word": layer.prefix,
        "title": layer.title,
        "ports": layer.ports,
        "outer": layer.outer,
        "units": [_unit(unit) for unit in layer.units],
    }


def _read_layer(entry: LayerRecord) -> Layer:
    units = tuple(_read_unit(unit, entry["node"]) for unit in entry["units"])
    texts = (entry["node"], entry["word"], entry["title"])
    return Layer(*texts, tuple(entry["ports"]), tuple(entry["outer"]), units)


def _unit(unit: Unit) -> UnitRecord:
    return {
        "index": unit.index,
        "title": unit.title,
        "nets": [(net.name, net.kind) for net in unit.nets],
        "sources": [
            (s.name, s.nets, s.current, s.parameter, s.wanted, s.realised) for s in unit.sources
        ],
        "devices": [_device(device) for device in unit.devices],
        "instances": [(i.name, i.module, i.nets, i.role, i.parameter) for i in unit.instances],
        "missing": unit.missing,
    }


def _read_unit(entry: UnitRecord, node: str) -> Unit:
    index = int(entry["index"])
    return Unit(
        node,
        index,
        entry["title"],
        tuple(Net(name, kind) for name, kind in entry["nets"]),
        tuple(
            Source(name, (above, below), float(current), node, index, path, wanted, realised)
            for name, (above, below), current, path, wanted, realised in entry["sources"]
        ),
        tuple(_read_device(device, node, index) for device in entry["devices"]),
        tuple(
            Instance(name, module, tuple(nets), role, node, index, parameter)
            for name, module, nets, role, parameter in entry["instances"]
        ),
        missing=tuple((path, float(value)) for path, value in entry["missing"]),
    )
