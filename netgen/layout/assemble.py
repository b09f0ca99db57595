"""From a task to a layout: place, wire, draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from netgen.layout.anneal import Annealer, usual_moves
from netgen.layout.canvas import Canvas
from netgen.layout.devices import Finger, Shape, finger_shape
from netgen.layout.draw import RAIL, Floor, Standing, draw, first_track
from netgen.layout.fingers import Task
from netgen.layout.place import Row, finger_groups, first_placement, net_pins, row_count, rows_of
from netgen.layout.process import Process
from netgen.layout.route import PlacedPin, wires_of
from netgen.technology import Polarity

ROW_PITCH = 4_200
"""About how high a row turns out, nm."""


@dataclass(frozen=True)
class Choices:
    """How to place."""

    rows: int | None = None  #: How many; None: so many that the layout is about square.
    effort: float = 1.0  #: How long to look for a better placement; 1 is usual, 0 takes the first.
    seed: int = 0
    #: Whether no wire may cross a gate: the metal above changes a transistor's stress, and so its
    #: threshold.
    clear: bool = False


@dataclass(frozen=True, eq=False)
class Assembly:
    """A layout before it is a file."""

    canvas: Canvas
    floor: Floor
    fingers: tuple[Finger, ...]  #: All that were drawn, dummies among them.
    half_wire: int  #: Half the width of a wire, nm.


def assemble(
    task: Task, process: Process, choices: Choices, progress: Callable[[str, float], None]
) -> Assembly:
    """Place and wire all fingers of a task.

    Parameters
    ----------
    progress
        Called with the phase that runs and how far it is, from 0 to 1.
    """
    shapes = [finger_shape(finger, process) for finger in task.fingers]
    groups = finger_groups(task, shapes, process)
    rows = rows_of(groups, choices.rows or row_count(groups, ROW_PITCH))
    places = first_placement(rows, groups)
    pins = net_pins(task, shapes, RAIL)
    ports = frozenset(task.ports) - set(RAIL.values())
    spans = [shape.span for shape in shapes]
    space = process.drawing.active_space
    annealer = Annealer(groups, rows, places, spans, pins, ports, ROW_PITCH, space)
    moves = usual_moves(len(groups), choices.effort)
    if moves:
        annealer.run(choices.seed, moves, lambda share: progress("placing", share))
    progress("wiring", 0.0)
    order = [[finger for group in row for finger in annealer.order[group]] for row in places]
    whole = [replace(row, fingers=tuple(fingers)) for row, fingers in zip(rows, order, strict=True)]
    standing, width = _stand(whole, task, shapes, process)
    return _wired(task, whole, standing, width, process, choices.clear)


def _stand(
    rows: Sequence[Row], task: Task, shapes: Sequence[Shape], process: Process
) -> tuple[list[list[Standing]], int]:
    """Put fingers side by side, with a dummy at both ends of every row."""
    space = process.drawing.active_space
    standing: list[list[Standing]] = []
    for number, row in enumerate(rows):
        placed = [(task.fingers[place], shapes[place]) for place in row.fingers]
        if placed:
            widest = max(finger.width for finger, _ in placed)
            ends = [_dummy(number, end, row.polarity, widest, process) for end in range(2)]
            placed = [ends[0], *placed, ends[1]]
        x, row_fingers = 0, list[Standing]()
        for finger, shape in placed:
            row_fingers.append(Standing(finger, shape, x))
            x += shape.span + space
        standing.append(row_fingers)
    width = max(row[-1].x + row[-1].shape.span for row in standing if row)
    return standing, width


def _dummy(
    number: int, end: int, polarity: Polarity, widest: int, process: Process
) -> tuple[Finger, Shape]:
    d, rail = process.drawing, RAIL[polarity]
    width = min(d.dummy_width, widest)
    finger = Finger(f"dummy_{number}_{end}", polarity, width, d.dummy_length, rail, rail, rail)
    return finger, finger_shape(finger, process)


def _channel(standing: Standing) -> tuple[int, int]:
    """Return where a gate lies along x, nm."""
    left = standing.x + (standing.shape.span - standing.finger.length) // 2
    return left, left + standing.finger.length


def _lift(row: Sequence[Standing], process: Process) -> int:
    """Return how much higher tracks must begin to pass all gates of a row."""
    d = process.drawing
    above = max((each.shape.active_top for each in row), default=0)
    above += max(d.wire // 2, d.via // 2 + d.wire_beyond_via)
    return max(0, -process.snap(first_track(process) - above))


def _wired(
    task: Task,
    rows: Sequence[Row],
    standing: Sequence[Sequence[Standing]],
    width: int,
    process: Process,
    clear: bool,
) -> Assembly:
    d = process.drawing
    gates = [
        [each for each in row if not each.finger.device.startswith("dummy")] for row in standing
    ]
    lifts, closed = [0] * len(rows), list[list[tuple[int, int]]]()
    if clear:
        closed = [[_channel(each) for each in row] for row in gates]
        lifts = [_lift(row, process) for row in gates]
    pins: dict[str, list[PlacedPin]] = {}
    for number, row in enumerate(standing):
        for each in row:
            for net, pin in each.pins:
                if net != RAIL[each.finger.polarity]:
                    placed = PlacedPin(number, each.x + pin.x, pin is each.shape.gate)
                    pins.setdefault(net, []).append(placed)
    reach = d.well_around + d.rail_space + d.bar // 2
    bars = {"vss": -reach, "vdd": width + reach}
    ports = frozenset(task.ports) - set(RAIL.values())
    first = process.snap(d.wire_pitch / 2)
    wires, tracks = wires_of(pins, ports, bars, len(rows), d, first, closed)
    floor = Floor(rows, standing, tracks, width, bars, wires, lifts)
    fingers = tuple(each.finger for row in standing for each in row)
    return Assembly(draw(floor, process, task.ports), floor, fingers, d.wire // 2)
