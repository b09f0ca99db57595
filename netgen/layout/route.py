"""Wires that always find a way: strips up from pins, tracks along rows, columns across them.

Metal 1 runs along y from a pin to its net's track, Metal 2 along x in tracks over the row, Metal 3
along y from row to row. Every pin has a strip of its own, so a track is free of any other's pins,
and the left-edge method needs as many tracks as the densest place has wires (Hashimoto and
Stevens, Proc. DAC 1971, 155). A net takes one column; where none is free it stands beside the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from netgen.layout.process import Drawing


@dataclass(frozen=True, slots=True)
class PlacedPin:
    """A pin of a net: its row, where it stands, nm, and whether it is a gate's."""

    row: int
    x: int
    gate: bool


@dataclass(eq=False)
class Wire:
    """The wires of a net."""

    name: str
    up: bool  #: Whether its column leads to the upper edge.
    #: Smallest and largest place along x by row.
    ends: dict[int, tuple[int, int]] = field(default_factory=dict)
    column: int | None = None  #: Middle of its Metal 3, nm; None without one.
    #: Number of its track by row, from the taps.
    tracks: dict[int, int] = field(default_factory=dict)
    gates: dict[int, int] = field(default_factory=dict)


def wires_of(
    pins: Mapping[str, Sequence[PlacedPin]],
    ports: frozenset[str],
    bars: Mapping[str, int],
    rows: int,
    drawing: Drawing,
    first_column: int,
    closed: Sequence[Sequence[tuple[int, int]]] = (),
) -> tuple[dict[str, Wire], list[int]]:
    """Give every net a column and tracks.

    Parameters
    ----------
    bars
        Where the supplies' bars stand: a supply's wires lead there in every row by itself.
    first_column
        Middle of a column; the others stand at the pitch of wires from it.
    closed
        Stretches along x of each row that no column may cross, nm.

    Returns
    -------
    The wires by net, and how many tracks each row needs.
    """
    wires: dict[str, Wire] = {}
    for name in sorted(pins):
        wire = Wire(name, name in ports)
        for pin in pins[name]:
            low, high = wire.ends.get(pin.row, (pin.x, pin.x))
            wire.ends[pin.row] = (min(low, pin.x), max(high, pin.x))
            wire.gates[pin.row] = wire.gates.get(pin.row, 0) + (1 if pin.gate else -1)
        if len(pins[name]) > 1 or wire.up or name in bars:
            wires[name] = wire
    for name, bar in bars.items():
        if name in wires:
            ends = wires[name].ends
            wires[name].ends = {r: (min(a, bar), max(b, bar)) for r, (a, b) in ends.items()}
            wires[name].up = False
    _columns([w for w in wires.values() if w.name not in bars], rows, drawing, first_column, closed)
    return wires, [_tracks(wires.values(), row, drawing) for row in range(rows)]


def _columns(
    wires: Sequence[Wire],
    rows: int,
    drawing: Drawing,
    first: int,
    closed: Sequence[Sequence[tuple[int, int]]],
) -> None:
    """Give each net that leaves its row a column, the longest first."""
    crossing = [wire for wire in wires if wire.up or len(wire.ends) > 1]
    taken: dict[int, int] = {}
    pitch, half = drawing.wire_pitch, drawing.wire // 2
    for row, stretches in enumerate(closed):
        for left, right in stretches:
            for column in range(
                -((first - left + half) // pitch), (right + half - first) // pitch + 1
            ):
                taken[column] = taken.get(column, 0) | 1 << row
    for wire in sorted(crossing, key=lambda w: (-_rows_crossed(w, rows), w.name)):
        low, high = min(wire.ends), rows if wire.up else max(wire.ends)
        mask = (1 << (high + 1)) - (1 << low)
        points = sorted(point for pair in wire.ends.values() for point in pair)
        wanted = round((points[(len(points) - 1) // 2] - first) / pitch)
        column = next(
            c for step in range(1 << 30) for c in (wanted - step, wanted + step)
            if not taken.get(c, 0) & mask
        )  # fmt: skip
        taken[column] = taken.get(column, 0) | mask
        wire.column = first + column * pitch
        for row, (a, b) in wire.ends.items():
            wire.ends[row] = (min(a, wire.column), max(b, wire.column))


def _rows_crossed(wire: Wire, rows: int) -> int:
    return (rows if wire.up else max(wire.ends)) - min(wire.ends)


def _tracks(wires: Collection[Wire], row: int, drawing: Drawing) -> int:
    """Give the nets of a row their tracks; return how many there are."""
    in_row = sorted(
        (wire for wire in wires if row in wire.ends), key=lambda wire: (wire.ends[row], wire.name)
    )
    beyond = drawing.via // 2 + drawing.wire_beyond_via
    space = drawing.wire_pitch - drawing.wire
    free: list[int] = []
    members: list[list[Wire]] = []
    for wire in in_row:
        left, right = wire.ends[row]
        end = max(right + beyond, left - beyond + drawing.wire_length)
        track = next((t for t, last in enumerate(free) if last + space <= left - beyond), len(free))
        if track == len(free):
            free.append(0)
            members.append([])
        free[track] = end
        members[track].append(wire)
    gates = [sum(wire.gates[row] for wire in track) for track in members]
    order = sorted(range(len(free)), key=lambda track: (gates[track], track))
    for number, track in enumerate(order):  # gates are above: their nets take the upper tracks
        for wire in members[track]:
            wire.tracks[row] = number
    return len(free)
