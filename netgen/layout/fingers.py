"""From the record's transistors to fingers, and back to the circuit that was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netgen.circuit.netlist import SUPPLIES, Device, Netlist, ports_for_biases
from netgen.errors import ConfigurationError
from netgen.layout.devices import Finger
from netgen.layout.process import Process
from netgen.technology import Technology

_BULK = {"nmos": "vss", "pmos": "vdd"}


@dataclass(frozen=True, eq=False)
class Task:
    """What a layout has to hold."""

    name: str  #: Of the cell.
    ports: tuple[str, ...]  #: Nets that lead out, the supplies first.
    fingers: tuple[Finger, ...]  #: Every gate to draw.
    diodes: frozenset[str]  #: Paths of devices whose drain is their gate's net.
    roles: Mapping[str, str]  #: Role of every device, for the area by block.

    @property
    def gate_area(self) -> int:
        """Area of all gates, nm²."""
        return sum(finger.width * finger.length for finger in self.fingers)


def task_of(netlist: Netlist, technology: Technology, process: Process) -> Task:
    """Return what is to be drawn of a network; its bias sources become ports.

    Parameters
    ----------
    netlist
        With transistors, blocks and the reference's current source; nothing else.

    Raises
    ------
    ConfigurationError
        It holds what cannot be drawn, or a device outside the technology's limits.
    """
    problems = [f"{each.text!r} cannot be drawn" for each in netlist.statements]
    network = ports_for_biases(netlist)
    transistors = network.transistors
    problems += [
        problem
        for path, device in transistors.items()
        if (problem := _problem(path, device, technology))
    ]
    if problems:
        raise ConfigurationError(netlist.source, problems[:10])
    largest = 2 * _nm(technology.unit.width)
    fingers = tuple(
        finger
        for path, device in transistors.items()
        for finger in _fingers(path, device, largest, process.grid)
    )
    return Task(
        _cell_name(netlist.name),
        network.ports,
        fingers,
        frozenset(path for path, device in transistors.items() if device.drain == device.gate),
        {path: device.role for path, device in transistors.items()},
    )


def _nm(metres: float) -> int:
    return round(metres * 1e9)


def _cell_name(name: str) -> str:
    """Return a name that GDS, LEF and Verilog take."""
    word = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
    return word if word[:1].isalpha() else f"n{word}"


def _problem(path: str, device: Device, technology: Technology) -> str | None:
    """Say why a device cannot be drawn; None where it can."""
    geometry = device.geometry
    for what, value, (low, high) in (
        ("W", geometry.width, technology.width),
        ("L", geometry.length, technology.length),
    ):
        rounding = technology.grid / 1000
        if not low - rounding <= value <= high + rounding:
            problem = f"{what} = {value * 1e6:g} µm, outside {low * 1e6:g} … {high * 1e6:g} µm"
            return f"{path}: {problem}"
        if abs(technology.snap(value) - value) > rounding:
            return f"{path}: {what} = {value * 1e6:.6g} µm is not on the grid"
    if geometry.multiplicity < 1:
        return f"{path}: m = {geometry.multiplicity}"
    if device.extra:
        return f"{path}: {device.extra} cannot be drawn"
    if device.terminals[3] != _BULK[device.polarity]:
        return f"{path}: its bulk is {device.terminals[3]}, not {_BULK[device.polarity]}"
    return None


def _fingers(path: str, device: Device, largest: int, grid: int) -> list[Finger]:
    """Return a device's fingers: each of its ``m``, and what is wider than ``largest`` in parts.

    The parts are as wide as half of ``largest`` as nearly as the grid lets them, and add up to W.
    """
    width, length = _nm(device.geometry.width), _nm(device.geometry.length)
    drain, gate, source, _ = device.terminals
    parts = [width]
    if width > largest:
        count, units = round(2 * width / largest), width // grid
        parts = [grid * (units // count + (place < units % count)) for place in range(count)]
    return [
        Finger(path, device.polarity, part, length, drain, gate, source)
        for _ in range(device.geometry.multiplicity)
        for part in parts
    ]


def is_supply(net: str) -> bool:
    """Whether a net is a rail."""
    return net in SUPPLIES
