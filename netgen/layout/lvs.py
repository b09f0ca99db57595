"""Layout versus schematic: transistors and nets extracted from polygons, against the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netgen.layout.devices import Finger
from netgen.layout.fingers import Task
from netgen.layout.process import Process, klayout
from netgen.technology import POLARITIES, Polarity

if TYPE_CHECKING:
    from klayout.db import Circuit, Device

_BULK: Mapping[Polarity, str] = {"nmos": "vss", "pmos": "vdd"}
_LISTED = 10
_TOLERANCE_UM = 1e-4


@dataclass(frozen=True, eq=False)
class Extraction:
    """What polygons say: a database of nets, and its only circuit."""

    database: Any
    netlist: Any
    circuit: Any
    layers: Mapping[str, Any]  #: Region of every conducting layer in the database, by name.


@dataclass(frozen=True, eq=False)
class Comparison:
    """Whether a layout is a circuit."""

    #: Nets and devices that have no partner, one line each; empty where all match.
    differences: tuple[str, ...]
    #: ``devices``, ``nets``: how many were compared (after transistors in parallel became one).
    devices: int
    nets: int
    #: Name in the record of every net of the layout, by its id in the circuit.
    names: Mapping[int, str]

    @property
    def match(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def extract(layout: Any, cell: Any, process: Process) -> Extraction:
    """Extract transistors with W and L, and nets, from a layout."""
    db, roles = klayout(), process.roles
    database = db.LayoutToNetlist(db.RecursiveShapeIterator(layout, cell, []))
    database.threads = 1

    def layer(name: str) -> Any:
        index = layout.layer(*process.layers[name])
        return database.make_layer(index, name)

    well, active, gate = layer(roles.well), layer(roles.active), layer(roles.gate)
    n, p = active & layer(roles.nmos), active & layer(roles.pmos)
    n_out, n_in, p_out, p_in = n - well, n & well, p - well, p & well
    # an active area that a gate crosses is a device's, another one is a tap
    n_device, p_device = n_out.interacting(gate), p_in.interacting(gate)
    n_ends, p_ends = n_device - gate, p_device - gate
    n_tap, p_tap = n_in, p_out
    whole = database.make_layer("whole")
    whole.insert(cell.bbox().enlarged(1000, 1000))
    bulk = whole - well  # the substrate: all that is no well
    wires = {name: layer(name) for name in roles.wires[1:]}
    cuts = [layer(name) for name in roles.cuts]
    for polarity, region, ends, body in (
        ("nmos", n_device, n_ends, bulk),
        ("pmos", p_device, p_ends, well),
    ):
        extractor = db.DeviceExtractorMOS4Transistor(polarity)
        given = {"SD": ends, "G": region & gate, "W": body}
        terminals = {"tS": ends, "tD": ends, "tG": gate, "tB": body}
        database.extract_devices(extractor, {**given, **terminals})
    conducting = {"bulk": bulk, "well": well, "gate": gate, "n": n_ends, "p": p_ends,
                  "n tap": n_tap, "p tap": p_tap}  # fmt: skip
    for region in (*conducting.values(), *wires.values(), *cuts):
        database.connect(region)
    database.connect(well, n_tap)
    database.connect_global(bulk, "substrate")
    database.connect_global(p_tap, "substrate")
    for region in (gate, n_ends, p_ends, n_tap, p_tap):
        database.connect(region, cuts[0])
    for name, cut, region in zip(wires, cuts, wires.values(), strict=True):
        database.connect(cut, region)
        names = layout.layer(process.layers[name][0], process.label_datatype)
        database.connect(region, database.make_text_layer(names, f"{name} names"))
    for cut, region in zip(cuts[1:], list(wires.values())[:-1], strict=True):
        database.connect(region, cut)
    database.extract_netlist()
    netlist = database.netlist()
    netlist.make_top_level_pins()
    regions = {
        process.roles.gate: gate,
        process.roles.active: n_ends,
        "p active": p_ends,
        "active whole": active,
        **wires,
    }
    return Extraction(database, netlist, netlist.circuit_by_name(cell.name), regions)


def reference_of(task: Task) -> tuple[Any, Any]:
    """Return the record's flat netlist as one of KLayout, and its circuit."""
    db = klayout()
    netlist = db.Netlist()
    circuit = db.Circuit()
    circuit.name = task.name
    netlist.add(circuit)
    kinds = {}
    for polarity in POLARITIES:
        kind = db.DeviceClassMOS4Transistor()
        kind.name = polarity
        netlist.add(kind)
        kinds[polarity] = kind
    nets: dict[str, Any] = {}

    def net(name: str) -> Any:
        if name not in nets:
            nets[name] = circuit.create_net(name)
        return nets[name]

    for finger in task.fingers:
        device = circuit.create_device(kinds[finger.polarity], finger.device)
        terminals = {"S": finger.source, "G": finger.gate, "D": finger.drain}
        for terminal, name in {**terminals, "B": _BULK[finger.polarity]}.items():
            device.connect_terminal(terminal, net(name))
        device.set_parameter("W", finger.width / 1000)
        device.set_parameter("L", finger.length / 1000)
    for port in task.ports:
        if port in nets:  # a circuit of one polarity has nothing at the other supply
            circuit.connect_pin(circuit.create_pin(port), nets[port])
    return netlist, circuit


def compare(
    extraction: Extraction, task: Task, named: Mapping[str, str] | None = None
) -> Comparison:
    """Compare what was extracted with the record; transistors at one rail alone count nothing.

    Parameters
    ----------
    named
        What a port is called in the layout, where it has another name.
    """
    db = klayout()
    reference, wanted = reference_of(task)
    if extraction.circuit is None:
        return Comparison(("the layout holds no transistor and no wire",), 0, 0, {})
    netlist = extraction.netlist.dup()
    netlist.flatten()
    circuit = netlist.circuit_by_name(extraction.circuit.name)
    problems: list[str] = []
    for device in _dummies(circuit):
        circuit.remove_device(device)
    for kind in [*netlist.each_device_class(), *reference.each_device_class()]:
        parameters = db.EqualDeviceParameters(kind.parameter_id("W"), _TOLERANCE_UM, 0.0)
        kind.equal_parameters = parameters + db.EqualDeviceParameters(
            kind.parameter_id("L"), _TOLERANCE_UM, 0.0
        )
    netlist.combine_devices()
    reference.combine_devices()
    comparer = db.NetlistComparer()
    comparer.same_circuits(circuit, wanted)
    for polarity in POLARITIES:
        comparer.same_device_classes(
            netlist.device_class_by_name(polarity), reference.device_class_by_name(polarity)
        )
    for port in task.ports:
        wanted_name = (named or {}).get(port, port)
        ours = [net for net in circuit.each_net() if wanted_name in net.name.split(",")]
        theirs = wanted.net_by_name(port)
        if theirs is None:
            continue
        if len(ours) == 1:
            comparer.same_nets(ours[0], theirs, True)
        elif ours:
            problems.append(f"{len(ours)} separate nets are named {port}")
        else:
            problems.append(f"no net is named {port}")
    cross = db.NetlistCrossReference()
    matched = comparer.compare(netlist, reference, cross)
    names, extracted = _pairs(cross)
    problems += extracted
    if not matched and not problems:
        problems.append("nets and devices do not match")
    devices = sum(1 for _ in wanted.each_device())
    nets = sum(1 for _ in wanted.each_net())
    return Comparison(tuple(problems[:_LISTED]), devices, nets, names)


def _dummies(circuit: Circuit) -> list[Device]:
    """Return the transistors that lie at one net with all terminals."""
    pairs = []
    for device in circuit.each_device():
        nets = [device.net_for_terminal(name) for name in ("S", "G", "D", "B")]
        ids = {None if net is None else net.cluster_id for net in nets}
        if len(ids) == 1 and None not in ids:
            pairs.append(device)
    return pairs


def dummies(extraction: Extraction) -> list[Finger]:
    """Return the transistors of a layout that carry nothing: all terminals lie at one net."""
    if extraction.circuit is None:
        return []
    netlist = extraction.netlist.dup()
    netlist.flatten()
    fingers: list[Finger] = []
    for device in _dummies(netlist.circuit_by_name(extraction.circuit.name)):
        polarity: Polarity = "nmos" if device.device_class().name == "nmos" else "pmos"
        w, l = (round(device.parameter(name) * 1000) for name in ("W", "L"))  # noqa: E741
        name, rail = f"dummy{len(fingers)}", _BULK[polarity]
        fingers.append(Finger(name, polarity, w, l, rail, rail, rail))
    return fingers


def _pairs(cross: Any) -> tuple[dict[int, str], list[str]]:
    """Return the record's name of each net of the layout, and what has no partner."""
    db = klayout()
    names: dict[int, str] = {}
    problems: list[str] = []
    good = (db.NetlistCrossReference.Match, db.NetlistCrossReference.MatchWithWarning)
    for pair in cross.each_circuit_pair():
        for net in cross.each_net_pair(pair):
            one, other = net.first(), net.second()
            if one is not None and other is not None:
                names[one.cluster_id] = other.name
            if net.status() in good:
                continue
            if one is None or other is None:
                if one is not None and one.terminal_count() == 0:
                    continue  # metal of no device
                problems.append(_alone("net", one, other))
            else:
                problems.append(f"net {other.name} has other devices in the layout")
        for device in cross.each_device_pair(pair):
            if device.status() in good:
                continue
            one, other = device.first(), device.second()
            if one is None or other is None:
                problems.append(_alone("device", one, other))
            else:
                problems.append(f"device {other.name}: {_sizes(one)} drawn, {_sizes(other)} wanted")
    return names, problems


def _alone(kind: str, one: Any, other: Any) -> str:
    if one is None:
        return f"{kind} {other.name} is not in the layout"
    if kind == "device":
        return f"the layout holds a device more: {_sizes(one)} {_place(one)}".rstrip()
    return f"the layout holds a net more: {one.expanded_name()}"


def _place(device: Any) -> str:
    at = device.trans.disp
    return f"near ({at.x:.2f}, {at.y:.2f}) µm"


def _sizes(device: Any) -> str:
    w, l = (device.parameter(name) for name in ("W", "L"))  # noqa: E741
    return f"W/L = {w:.3f}/{l:.3f} µm"


def reference_text(task: Task, drawn: Iterable[Finger], models: Mapping[Polarity, str]) -> str:
    """Return the flat netlist of what was drawn, for other tools: dummies are part of it."""
    lines = [
        f"* {task.name}: every gate of the layout; lengths in µm",
        f".SUBCKT {task.name} {' '.join(task.ports)}",
    ]
    for number, finger in enumerate(drawn):
        nets = f"{finger.drain} {finger.gate} {finger.source} {_BULK[finger.polarity]}"
        size = f"W={finger.width / 1000:.3f}U L={finger.length / 1000:.3f}U"
        lines.append(f"M{number}_{finger.device} {nets} {models[finger.polarity]} {size}")
    return "\n".join([*lines, f".ENDS {task.name}", ""])
