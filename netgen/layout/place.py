"""Which finger stands where: mirrors of one gate net side by side, in rows of one polarity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netgen.layout.devices import Finger, Shape
from netgen.layout.fingers import Task
from netgen.layout.process import Process
from netgen.technology import POLARITIES, Polarity

LARGEST_BLOCK = 8
WIDEST_BLOCK = 40_000
"""So many fingers of one gate net, or so many nm, stay together; more are cut into such groups."""


@dataclass(frozen=True, eq=False)
class FingerGroup:
    """Fingers of one gate net and polarity, side by side."""

    polarity: Polarity
    fingers: tuple[int, ...]  #: Their places in :attr:`Task.fingers`, from the left.
    fixed: int  #: Position of the diode, which stays among its copies; -1 without one.
    width: int  #: nm, with the space to the next group.


@dataclass(frozen=True, eq=False)
class Row:
    """A row of fingers of one polarity."""

    polarity: Polarity
    flipped: bool  #: Whether its taps are above.
    shared: bool  #: Whether the row above has the same taps.
    fingers: tuple[int, ...] = ()


def finger_groups(task: Task, shapes: Sequence[Shape], process: Process) -> list[FingerGroup]:
    """Group the fingers of a task by gate net, a diode in the middle of its group."""
    by_net: dict[tuple[Polarity, str], list[int]] = {}
    for place, finger in enumerate(task.fingers):
        by_net.setdefault((finger.polarity, finger.gate), []).append(place)
    groups, space = [], process.drawing.active_space
    for (polarity, _), members in by_net.items():
        diodes = [place for place in members if task.fingers[place].device in task.diodes]
        copies = _together([each for each in members if each not in diodes], task.fingers)
        parts = _parts(copies, shapes, space)
        for number, part in enumerate(parts):
            middle_diodes = diodes if number == len(parts) // 2 else []
            middle = len(part) // 2
            whole = (*part[:middle], *middle_diodes, *part[middle:])
            width = sum(shapes[place].span + space for place in whole)
            fixed = middle if len(middle_diodes) == 1 else -1
            groups.append(FingerGroup(polarity, whole, fixed, width))
    return groups


def _parts(copies: list[int], shapes: Sequence[Shape], space: int) -> list[list[int]]:
    """Cut the copies of a gate net into groups of about equal length; one, empty, without any."""
    total = sum(shapes[place].span + space for place in copies)
    count = max(1, math.ceil(len(copies) / LARGEST_BLOCK), math.ceil(total / WIDEST_BLOCK))
    parts: list[list[int]] = [[]]
    done = 0
    for place in copies:
        width = shapes[place].span + space
        if parts[-1] and done + width / 2 > total * len(parts) / count:
            parts.append([])
        parts[-1].append(place)
        done += width
    return parts


def _together(members: list[int], fingers: Sequence[Finger]) -> list[int]:
    """Keep the fingers of one device side by side."""
    order = {fingers[place].device: number for number, place in reversed([*enumerate(members)])}
    return sorted(members, key=lambda place: (order[fingers[place].device], place))


def row_count(groups: Sequence[FingerGroup], pitch: int) -> int:
    """Return how many rows of a height make the layout about square."""
    length = sum(group.width for group in groups)
    kinds = len({group.polarity for group in groups})
    return max(kinds, round(math.sqrt(length / pitch)))


def rows_of(groups: Sequence[FingerGroup], count: int) -> list[Row]:
    """Return empty rows, from the bottom: pairs share their taps, polarities alternate.

    Parameters
    ----------
    count
        How many there are to be; one of each polarity at least.
    """
    length = {
        polarity: sum(group.width for group in groups if group.polarity == polarity)
        for polarity in POLARITIES
    }
    there: list[Polarity] = [polarity for polarity in POLARITIES if length[polarity]]
    numbers: dict[Polarity, int] = {}
    if len(there) == 2:
        share = length["nmos"] / sum(length.values())
        numbers["nmos"] = min(max(1, round(count * share)), max(count, 2) - 1)
        numbers["pmos"] = max(count, 2) - numbers["nmos"]
    else:
        numbers[there[0]] = max(1, count)
    for polarity in there:  # no row stays empty
        available = sum(group.polarity == polarity for group in groups)
        numbers[polarity] = min(numbers[polarity], available)
    bands: list[tuple[float, Polarity, int]] = []
    for polarity, number in numbers.items():
        sizes = [2] * (number // 2) + [1] * (number % 2)
        bands += [((i + 0.5) / len(sizes), polarity, size) for i, size in enumerate(sizes)]
    rows = []
    for _, polarity, size in sorted(bands):
        if size == 2:
            rows.append(Row(polarity, flipped=True, shared=True))
        rows.append(Row(polarity, flipped=False, shared=False))
    return rows


def first_placement(rows: Sequence[Row], groups: Sequence[FingerGroup]) -> list[list[int]]:
    """Return a first placement: groups in their order, row after row, as long as each other."""
    places: list[list[int]] = [[] for _ in rows]
    for polarity in POLARITIES:
        of_polarity = [number for number, row in enumerate(rows) if row.polarity == polarity]
        members = [number for number, group in enumerate(groups) if group.polarity == polarity]
        if not members:
            continue
        lengths = dict.fromkeys(of_polarity, 0)
        goal = sum(groups[number].width for number in members) / len(of_polarity)
        row = 0
        for done, number in enumerate(members):
            width = groups[number].width
            last = len(of_polarity) - 1
            full = places[of_polarity[row]] and lengths[of_polarity[row]] + width / 2 > goal
            if row < last and (
                full or (places[of_polarity[row]] and len(members) - done <= last - row)
            ):
                row += 1
            places[of_polarity[row]].append(number)
            lengths[of_polarity[row]] += width
    return places


def net_pins(
    task: Task, shapes: Sequence[Shape], supplies: Mapping[Polarity, str]
) -> dict[str, list[tuple[int, int]]]:
    """Return the pins of every net that is wired: finger and place along it, nm.

    Pins at the rail of their own row need no wire.
    """
    nets: dict[str, list[tuple[int, int]]] = {}
    for place, (finger, shape) in enumerate(zip(task.fingers, shapes, strict=True)):
        ends = ((finger.source, shape.source), (finger.gate, shape.gate))
        for net, pin in (*ends, (finger.drain, shape.drain)):
            if net != supplies[finger.polarity]:
                nets.setdefault(net, []).append((place, pin.x))
    return nets
