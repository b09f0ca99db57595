"""Networks of transistors of any size to lay out, without a model, and checks of what is drawn."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from netgen.circuit.netlist import Device, Layer, Net, Netlist, Unit
from netgen.layout.assemble import Assembly, Choices, assemble
from netgen.layout.canvas import Canvas, layout_of
from netgen.layout.fingers import Task, task_of
from netgen.layout.make import LayoutChecks, check_drawing
from netgen.layout.process import Process, load_process
from netgen.technology import Geometry, Polarity, Technology, load_technology

EDGES_W = (0.22, 0.355, 0.36, 0.365, 1.0, 2.0, 3.995, 4.0, 4.005, 20.0)
EDGES_L = (0.28, 0.355, 0.36, 0.435, 0.44, 0.54, 2.0, 10.0, 50.0)


def quiet(step: str, share: float) -> None:
    """Hear of progress, and say nothing."""


def devices(seed: int, count: int, nets: int) -> Netlist:
    """Return transistors of random sizes between random nets, some in series, some of several.

    A third of all sizes are at the edges of what a device's drawing depends on.
    """
    rng = random.Random(seed)
    names = [f"n{number}" for number in range(nets)]
    made: list[Device] = []
    for number in range(count):
        polarity: Polarity = "nmos" if rng.random() < 0.55 else "pmos"
        rail = "vss" if polarity == "nmos" else "vdd"
        width = rng.choice(EDGES_W) if rng.random() < 0.33 else _log(rng, 0.22, 20.0)
        length = rng.choice(EDGES_L) if rng.random() < 0.33 else _log(rng, 0.28, 50.0)
        size = Geometry(width * 1e-6, length * 1e-6, rng.choice((1, 1, 1, 1, 2, 5)))
        gate = rng.choice(names)
        drain = gate if rng.random() < 0.15 else rng.choice([*names, "vss", "vdd"])
        source = rail if rng.random() < 0.7 else rng.choice(names)
        chain = [drain, source]
        if rng.random() < 0.1:
            chain = [drain, f"s{number}", source]
        for place, (upper, lower) in enumerate(pairwise(chain)):
            name = f"m{number}_{place}"
            nodes = (upper, gate, lower, rail)
            made.append(Device(name, "mirror", polarity, size, nodes, "a", 0, stack=f"m{number}_0"))
    return network(made, [name for name in names[::4] if any(name in d.terminals for d in made)])


def network(made: list[Device], ports: list[str]) -> Netlist:
    """Return a record of transistors in one unit."""
    unit = Unit("a", 0, "row", tuple(Net(name, "n") for name in ports), devices=tuple(made))
    layer = Layer("a", "a", "devices", ("vdd", "vss", *ports), tuple(ports), (unit,))
    return Netlist("devices", "GF180MCU", 1e-9, {}, (layer,))


def _log(rng: random.Random, low: float, high: float) -> float:
    value: float = low * (high / low) ** rng.random()
    return round(value / 0.005) * 0.005


@dataclass(frozen=True, eq=False)
class Case:
    """A task, drawn."""

    technology: Technology
    process: Process
    task: Task
    made: Assembly

    def checks(self, canvas: Canvas | None = None) -> LayoutChecks:
        """Check what was drawn, or something else in its place."""
        layout: Any = layout_of(canvas or self.made.canvas, self.process, self.task.name)
        return check_drawing(layout, layout.top_cell(), self.task, self.process, quiet)


def drawn(netlist: Netlist, choices: Choices | None = None) -> Case:
    """Lay out a network in GF180MCU."""
    technology = load_technology("gf180mcu")
    process = load_process(technology)
    task = task_of(netlist, technology, process)
    made = assemble(task, process, choices or Choices(effort=0.1), quiet)
    return Case(technology, process, task, made)


def simple() -> Netlist:
    """Return two signals with N and P copies, a stack and a switch: every kind of net."""
    unit = Geometry(2e-6, 2e-6)
    rows: list[tuple[str, Polarity, Geometry, str, str, str]] = [
        ("d0", "nmos", unit, "a", "a", "vss"),
        ("c0", "nmos", Geometry(1.2e-6, 2.5e-6), "out", "a", "vss"),
        ("c1", "nmos", unit, "p", "a", "vss"),
        ("d1", "pmos", unit, "p", "p", "vdd"),
        ("c2", "pmos", Geometry(0.22e-6, 7e-6), "out", "p", "vdd"),
        ("c3", "pmos", unit, "b", "p", "vdd"),
        ("d2", "nmos", unit, "b", "b", "vss"),
        ("c4", "nmos", Geometry(5e-6, 2e-6), "out", "b", "vss"),
        ("s0", "nmos", Geometry(0.22e-6, 4e-6), "q", "b", "i"),
        ("s1", "nmos", Geometry(0.22e-6, 4e-6), "i", "b", "vss"),
        ("d3", "pmos", unit, "q", "q", "vdd"),
        ("sw", "pmos", Geometry(0.22e-6, 2e-6), "q", "set", "vdd"),
    ]
    made = [
        Device(name, "mirror", polarity, size, (d, g, s, "vss" if polarity == "nmos" else "vdd"),
               "a", 0, stack=name)
        for name, polarity, size, d, g, s in rows
    ]  # fmt: skip
    return network(made, ["a", "out", "set"])
