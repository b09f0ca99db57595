"""Rows, taps, wells, rails and wires as polygons."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netgen.layout.canvas import Canvas
from netgen.layout.devices import Finger, Pin, Shape
from netgen.layout.fingers import is_supply
from netgen.layout.place import Row
from netgen.layout.process import Process
from netgen.layout.route import Wire
from netgen.technology import Polarity

RAIL: Mapping[Polarity, str] = {"nmos": "vss", "pmos": "vdd"}


@dataclass(frozen=True, eq=False)
class Standing:
    """A finger in its place: left end of its active area, nm."""

    finger: Finger
    shape: Shape
    x: int

    @property
    def pins(self) -> tuple[tuple[str, Pin], ...]:
        """Net and pin of source, gate and drain."""
        finger, shape = self.finger, self.shape
        nets = (finger.source, finger.gate, finger.drain)
        return tuple(zip(nets, (shape.source, shape.gate, shape.drain), strict=True))


@dataclass(frozen=True, eq=False)
class Floor:
    """Rows with all that stands in them."""

    rows: Sequence[Row]
    standing: Sequence[Sequence[Standing]]  #: Fingers of each row, dummies at its ends.
    tracks: Sequence[int]  #: How many tracks each row has.
    width: int  #: Of the longest row, nm.
    bars: Mapping[str, int]  #: Middle of the supplies' bars along x, nm.
    wires: Mapping[str, Wire]
    lifts: Sequence[int]  #: How much higher than usual the tracks of each row begin, nm.

    def height(self, row: int, track: int, process: Process) -> int:
        """Return how far the middle of a track is above the edge of a row's active areas, nm."""
        return first_track(process) + self.lifts[row] + track * process.drawing.wire_pitch


@dataclass(frozen=True)
class Level:
    """Where a row is: middle of its taps, edge of its active areas, its two edges, nm.

    ``sign`` is −1 for a row whose taps are above.
    """

    taps: int
    base: int
    sign: int
    low: int
    high: int


def base_offset(process: Process) -> int:
    """Return how far active areas are from the middle of their taps, nm."""
    d = process.drawing
    return d.tap // 2 + d.tap_to_device


def first_track(process: Process) -> int:
    """Return how far the first track is above the edge of the active areas, nm."""
    d = process.drawing
    lowest = d.active_around_contact - d.wire_beyond_contact
    return -process.snap(-(lowest + d.wire_beyond_via + d.via // 2))


def levels(floor: Floor, process: Process) -> list[Level]:
    """Stack the rows, from y = 0."""
    d, levels, y = process.drawing, list[Level](), 0
    offset, margin = base_offset(process), d.tap // 2 + d.well_around
    for number, row in enumerate(floor.rows):
        tallest = max((s.shape.height for s in floor.standing[number]), default=0) + d.head_space
        wired = 0
        if floor.tracks[number]:
            wired = floor.height(number, floor.tracks[number] - 1, process) + d.row_margin
        high = offset + max(tallest, wired)
        shared = number > 0 and floor.rows[number - 1].shared
        if row.flipped:
            taps = y + high
            levels.append(Level(taps, taps - offset, -1, y, taps + (0 if row.shared else margin)))
            y = levels[-1].high
        else:
            taps = y if shared else y + margin
            levels.append(Level(taps, taps + offset, 1, y, taps + high))
            y = taps + high
    return levels


def draw(floor: Floor, process: Process, ports: Sequence[str]) -> Canvas:
    """Draw it all."""
    canvas = Canvas()
    where = levels(floor, process)
    for number, level in enumerate(where):
        _row(canvas, floor, number, level, process)
        _taps(canvas, floor, number, level, process)
    _wells(canvas, floor, where, process)
    _wires(canvas, floor, where, process, ports)
    _bars(canvas, floor, where, process)
    return canvas


def _row(canvas: Canvas, floor: Floor, number: int, level: Level, process: Process) -> None:
    d, row = process.drawing, floor.rows[number]
    top = 0
    for standing in floor.standing[number]:
        canvas.paste(standing.shape.canvas, standing.x, level.base, row.flipped)
        top = max(top, standing.shape.active_top)
        _pins(canvas, floor, number, level, standing, process)
    implant = process.roles.nmos if row.polarity == "nmos" else process.roles.pmos
    around = d.implant_around_gate
    ends = sorted((level.base - level.sign * around, level.base + level.sign * (top + around)))
    canvas.box(implant, -around, ends[0], floor.width + around, ends[1])


def _pins(
    canvas: Canvas, floor: Floor, number: int, level: Level, standing: Standing, process: Process
) -> None:
    """Draw the strips of a finger: each from its contacts to its track, or to the rail."""
    finger, shape = standing.finger, standing.shape
    for net, pin in standing.pins:
        low, high = pin.bottom, pin.top
        if net == RAIL[finger.polarity]:
            low = -base_offset(process)
            if finger.device.startswith("dummy"):
                high = max(high, shape.gate.top)
        elif net in floor.wires:
            track = floor.height(number, floor.wires[net].tracks[number], process)
            via = _via(canvas, track, level, standing.x + pin.x, process)
            low, high = min(low, via[0]), max(high, via[1])
        over = not floor.lifts[number]
        _strip(canvas, level, standing.x, pin, (low, high), over, process)
    if finger.device.startswith("dummy"):  # its gate lies at its own source
        left = standing.x + shape.source.x
        ys = sorted(level.base + level.sign * y for y in (shape.gate.bottom, shape.gate.top))
        canvas.box(process.roles.strip, left, ys[0], standing.x + shape.drain.x, ys[1])


def _strip(
    canvas: Canvas,
    level: Level,
    x: int,
    pin: Pin,
    ends: tuple[int, int],
    over: bool,
    process: Process,
) -> None:
    d = process.drawing
    low, high = ends
    if high - low < d.wire_length:  # down over the gate, up beside it
        if over and pin.bottom > d.pad:
            low = high - d.wire_length
        else:
            high = low + d.wire_length
    ys = sorted((level.base + level.sign * low, level.base + level.sign * high))
    canvas.box(process.roles.strip, x + pin.x - d.wire // 2, ys[0], x + pin.x + d.wire // 2, ys[1])


def _via(canvas: Canvas, track: int, level: Level, x: int, process: Process) -> tuple[int, int]:
    """Draw the via of a pin; return the ends of Metal 1 around it, above the active areas."""
    d = process.drawing
    y, half = level.base + level.sign * track, d.via // 2
    canvas.box(process.roles.above_strip, x - half, y - half, x + half, y + half)
    return track - half - d.wire_beyond_via, track + half + d.wire_beyond_via


def _taps(canvas: Canvas, floor: Floor, number: int, level: Level, process: Process) -> None:
    """Draw the taps and the rail of a row, once for two rows that share them."""
    row = floor.rows[number]
    if row.shared:
        return
    d, y = process.drawing, level.taps
    half = d.tap // 2
    canvas.box(process.roles.active, 0, y - half, floor.width, y + half)
    implant = process.roles.pmos if row.polarity == "nmos" else process.roles.nmos
    more = d.implant_around_tap
    canvas.box(implant, -more, y - half - more, floor.width + more, y + half + more)
    contacts = range(
        d.active_around_contact,
        floor.width - d.contact - d.active_around_contact + 1,
        d.tap_pitch,
    )
    for x in contacts:
        canvas.box(process.roles.contact, x, y - d.contact // 2, x + d.contact, y + d.contact // 2)
    bar, rail = floor.bars[RAIL[row.polarity]], d.rail // 2
    left, right = min(0, bar - d.bar // 2), max(floor.width, bar + d.bar // 2)
    canvas.box(process.roles.track, left, y - rail, right, y + rail)
    joints = [bar - d.via, bar + d.via]
    start = 0
    for first, last in _pieces(contacts, _at_rail(floor, number), process):
        end = last + d.contact + d.wire_beyond_contact if last != contacts[-1] else floor.width
        canvas.box(process.roles.strip, start, y - rail, end, y + rail)
        joints += [x + d.contact // 2 for x in {first: None, last: None}]
        start = last + d.tap_pitch - d.wire_beyond_contact
    for x in joints:
        _cut(canvas, process.roles.above_strip, x, y, d.via)


def _at_rail(floor: Floor, number: int) -> list[int]:
    """Return the places along x of all pins at the rail of a row, nm."""
    first = number - 1 if number and floor.rows[number - 1].shared else number
    return sorted(
        standing.x + pin.x
        for row in floor.standing[first : number + 1]
        for standing in row
        for net, pin in standing.pins
        if net == RAIL[standing.finger.polarity]
    )


def _pieces(contacts: range, pins: Sequence[int], process: Process) -> Iterator[tuple[int, int]]:
    """Cut a rail between contacts where no pin is; yield the first and last contact of each piece.

    Decks compare every edge of a polygon with every other, so that one polygon of a supply's
    rails and pins takes a time that grows with the square of its corners.
    """
    d = process.drawing
    near = d.wire // 2 + (d.tap_pitch - d.contact) // 2 - d.wire_beyond_contact
    first = contacts.start
    for x in contacts[:-1]:
        middle = x + (d.contact + d.tap_pitch) // 2
        place = bisect_left(pins, middle - near + 1)
        free = place == len(pins) or pins[place] >= middle + near
        if x - first >= d.rail_piece and free:
            yield first, x
            first = x + d.tap_pitch
    yield first, contacts[-1]


def _wells(canvas: Canvas, floor: Floor, where: Sequence[Level], process: Process) -> None:
    """Draw one well around neighbouring rows of PMOS."""
    around, rows = process.drawing.well_around, floor.rows
    start: int | None = None
    for number, row in enumerate(rows):
        if row.polarity != "pmos":
            continue
        if start is None:
            start = where[number].low
        if number + 1 == len(rows) or rows[number + 1].polarity != "pmos":
            canvas.box(process.roles.well, -around, start, floor.width + around, where[number].high)
            start = None


def _wires(
    canvas: Canvas, floor: Floor, where: Sequence[Level], process: Process, ports: Sequence[str]
) -> None:
    """Draw tracks, columns and the vias between them, and the names of ports."""
    d = process.drawing
    half, reach = d.wire // 2, d.via // 2 + d.wire_beyond_via
    top = where[-1].high
    for wire in floor.wires.values():
        heights = []
        for number, (left, right) in wire.ends.items():
            level = where[number]
            y = level.base + level.sign * floor.height(number, wire.tracks[number], process)
            low = left - reach
            canvas.box(
                process.roles.track,
                low,
                y - half,
                max(right + reach, low + d.wire_length),
                y + half,
            )
            heights.append(y)
            if wire.column is not None:
                _cut(canvas, process.roles.above_track, wire.column, y, d.via)
            elif is_supply(wire.name):
                _cut(canvas, process.roles.above_strip, floor.bars[wire.name], y, d.via)
        if wire.column is not None:
            low, high = min(heights) - reach, max(heights) + reach
            if wire.up:
                high = max(high, top)
            high = max(high, low + d.wire_length)
            canvas.box(process.roles.column, wire.column - half, low, wire.column + half, high)
            if wire.name in ports:
                canvas.label(process.roles.column, wire.name, wire.column, high - half)


def _cut(canvas: Canvas, layer: str, x: int, y: int, size: int) -> None:
    canvas.box(layer, x - size // 2, y - size // 2, x + size // 2, y + size // 2)


def _bars(canvas: Canvas, floor: Floor, where: Sequence[Level], process: Process) -> None:
    """Draw the bars that join the rails of each supply, and name them."""
    half = process.drawing.bar // 2
    for net, x in floor.bars.items():
        canvas.box(process.roles.strip, x - half, where[0].low, x + half, where[-1].high)
        canvas.label(process.roles.strip, net, x, (where[0].low + where[-1].high) // 2)
