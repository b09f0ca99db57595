"""A layout from start to end: drawn, checked, compared, described."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from netgen.circuit.netlist import SUPPLIES, Netlist
from netgen.layout.assemble import Assembly, Choices, assemble
from netgen.layout.canvas import Box, layout_of
from netgen.layout.capacitance import NetCapacitance, capacitances
from netgen.layout.checks import Violation, check, regions_of
from netgen.layout.draw import levels
from netgen.layout.fingers import Task, task_of
from netgen.layout.lef import Terminal
from netgen.layout.lvs import Comparison, Extraction, compare, extract
from netgen.layout.matching import MirrorGroup, mirror_groups
from netgen.layout.process import Process
from netgen.technology import Technology

PhaseProgress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class LayoutChecks:
    """What the own checks say of a layout."""

    violations: tuple[Violation, ...]  #: Of design rules.
    comparison: Comparison
    extraction: Extraction

    @property
    def clean(self) -> bool:
        """Whether no rule is broken and the circuit is the record's."""
        return not self.violations and self.comparison.match


@dataclass(frozen=True, eq=False)
class Laid:
    """A finished layout."""

    task: Task
    process: Process
    assembly: Assembly
    layout: Any
    size: tuple[int, int]  #: Width and height, nm; its lower left corner is the origin.
    terminals: tuple[Terminal, ...]
    groups: tuple[MirrorGroup, ...]
    checks: LayoutChecks
    #: Of the wires of every net; empty where the layout is not the netlist.
    capacitances: Mapping[str, NetCapacitance]

    @property
    def area(self) -> int:
        """nm²."""
        return self.size[0] * self.size[1]

    @property
    def blocks(self) -> dict[str, dict[str, float]]:
        """Area of gates and of their part of the rows, m², by role."""
        space = self.process.drawing.active_space
        areas: dict[str, dict[str, float]] = {}
        floor = self.assembly.floor
        for row, level in zip(floor.standing, levels(floor, self.process), strict=True):
            for each in row:
                role = self.task.roles.get(each.finger.device, "dummy")
                role_area = areas.setdefault(role, {"gate_m2": 0.0, "drawn_m2": 0.0})
                role_area["gate_m2"] += each.finger.width * each.finger.length * 1e-18
                role_area["drawn_m2"] += (
                    (each.shape.span + space) * (level.high - level.low) * 1e-18
                )
        return areas


def lay_out(
    netlist: Netlist,
    technology: Technology,
    process: Process,
    choices: Choices,
    progress: PhaseProgress,
) -> Laid:
    """Draw a network and check what was drawn.

    Parameters
    ----------
    netlist
        With the cells' biases mirrored from one reference.
    progress
        Called with the phase that runs and how far it is, from 0 to 1.

    Raises
    ------
    ConfigurationError
        It cannot be drawn.
    ToolMissingError
        KLayout's module is not installed.
    """
    task = task_of(netlist, technology, process)
    assembly = assemble(task, process, choices, progress)
    left, bottom, right, top = assembly.canvas.extent
    canvas = assembly.canvas.moved(-left, -bottom)
    canvas.box("boundary", 0, 0, right - left, top - bottom)
    assembly = replace(assembly, canvas=canvas)
    layout = layout_of(canvas, process, task.name)
    checks = check_drawing(layout, layout.top_cell(), task, process, progress)
    return Laid(
        task,
        process,
        assembly,
        layout,
        (right - left, top - bottom),
        tuple(_terminals(assembly, (-left, -bottom), (right - left, top - bottom), process)),
        tuple(mirror_groups(assembly.floor, levels(assembly.floor, process), task)),
        checks,
        _wires(checks, process, progress),
    )


def _wires(
    checks: LayoutChecks, process: Process, progress: PhaseProgress
) -> Mapping[str, NetCapacitance]:
    if not checks.comparison.match:
        return {}
    progress("wires", 0.0)
    return capacitances(checks.extraction, checks.comparison.names, process)


def check_drawing(
    layout: Any, cell: Any, task: Task, process: Process, progress: PhaseProgress
) -> LayoutChecks:
    """Run design rules and the comparison with the record on a layout."""
    progress("checking", 0.0)
    violations = check(regions_of(layout, cell, process), process)
    progress("comparing", 0.0)
    extraction = extract(layout, cell, process)
    return LayoutChecks(tuple(violations), compare(extraction, task), extraction)


def _terminals(
    assembly: Assembly, by: tuple[int, int], size: tuple[int, int], process: Process
) -> list[Terminal]:
    """Return where each port can be reached: signals at the upper edge, supplies at the sides."""
    floor, canvas, strip = assembly.floor, assembly.canvas, process.roles.strip
    terminals = []
    for net in SUPPLIES:
        middle = floor.bars[net] + by[0]
        bars = [b for b in canvas.boxes[strip] if b[0] < middle < b[2] and b[1] == 0]
        box: Box = max(bars, key=lambda b: b[3] - b[1])
        terminals.append(Terminal(net, strip, box))
    for layer, net, x, y in canvas.labels:
        if net not in SUPPLIES:
            half = assembly.half_wire
            terminals.append(
                Terminal(net, layer, (x - half, y - half, x + half, min(y + half, size[1])))
            )
    return terminals
