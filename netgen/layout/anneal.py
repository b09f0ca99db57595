"""Better places for groups: random swaps, of which those are kept that shorten the wires.

Worse ones are kept too as long as they are worse by less than a threshold that falls to nothing
(Dueck and Scheuer, J. Comput. Phys. 90 (1990) 161). Only additions, products and comparisons of
floats, and Python's own generator: the same seed gives the same placement on any machine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence

from netgen.layout.place import FingerGroup, Row

MOVES = 500
MANY = 300
"""So many tries for every group, times the effort; beyond so many groups the tries grow with the
root of their number only, since each takes longer, too."""
_HOT = 40_000
"""Threshold at the start, nm of wire."""
_SLACK = 1.03
"""A row may be so much longer than the longest of the first placement, or the mean."""


def usual_moves(groups: int, effort: float) -> int:
    """Return how many changes to try."""
    return round(MOVES * effort * min(groups, math.sqrt(MANY * groups)))


class Annealer:
    """Places groups in rows.

    Parameters
    ----------
    places
        Groups of each row, from the left; changed.
    pins
        Of every net: finger and place along it.
    ports
        Nets that lead to the upper edge.
    pitch
        About how high a row is, nm.
    """

    def __init__(
        self,
        groups: Sequence[FingerGroup],
        rows: Sequence[Row],
        places: list[list[int]],
        spans: Sequence[int],
        pins: Mapping[str, Sequence[tuple[int, int]]],
        ports: frozenset[str],
        pitch: int,
        space: int,
    ) -> None:
        self.groups, self.rows, self.places = groups, rows, places
        self.spans, self.pitch, self.space = spans, pitch, space
        self.order = [list(group.fingers) for group in groups]
        self.row = [0] * len(groups)
        self.x = [0] * len(spans)
        self.of = [0] * len(spans)
        names = sorted(pins)
        self.pins = [list(pins[name]) for name in names]
        self.up = [name in ports for name in names]
        nets: list[set[int]] = [set() for _ in groups]
        for number, group in enumerate(groups):
            for finger in group.fingers:
                self.of[finger] = number
        for net, members in enumerate(self.pins):
            for finger, _ in members:
                nets[self.of[finger]].add(net)
        self.nets = [sorted(each) for each in nets]
        for row in range(len(rows)):
            self.pack(row)
        self.lengths = [sum(groups[b].width for b in row) for row in places]
        same = {row.polarity for row in rows}
        self.limit = {}
        for polarity in same:
            of_polarity = [i for i, row in enumerate(rows) if row.polarity == polarity]
            total = sum(self.lengths[i] for i in of_polarity)
            widest = max(group.width for group in groups if group.polarity == polarity)
            mean = total / len(of_polarity)
            self.limit[polarity] = max(_SLACK * mean, mean + widest / 4)

    def pack(self, row: int) -> None:
        """Give the fingers of a row their places, without gaps."""
        x = 0
        for group in self.places[row]:
            self.row[group] = row
            x = self.put(group, x)

    def put(self, group: int, x: int) -> int:
        for finger in self.order[group]:
            self.x[finger] = x
            x += self.spans[finger] + self.space
        return x

    def cost(self, net: int) -> float:
        """Return the length of a net's wires: in each row to a trunk, and the trunk itself."""
        ends: dict[int, tuple[int, int]] = {}
        x, of, row = self.x, self.of, self.row
        for finger, offset in self.pins[net]:
            place = x[finger] + offset
            at = row[of[finger]]
            span = ends.get(at)
            if span is None:
                ends[at] = (place, place)
            elif place < span[0]:
                ends[at] = (place, span[1])
            elif place > span[1]:
                ends[at] = (span[0], place)
        low, high = min(ends), max(ends)
        if self.up[net]:
            high = len(self.rows)
        if low == high:
            left, right = ends[low]
            return right - left
        points = sorted(point for pair in ends.values() for point in pair)
        trunk = points[len(points) // 2]
        wire = 0
        for left, right in ends.values():
            wire += max(right, trunk) - min(left, trunk)
        return wire + (high - low) * self.pitch * 0.5

    def total(self) -> float:
        """Return the length of all wires."""
        return sum(self.cost(net) for net in range(len(self.pins)))

    def run(self, seed: int, moves: int, progress: Callable[[float], None]) -> None:
        """Try ``moves`` changes; ``progress`` hears how far it is, from 0 to 1."""
        rng = random.Random(seed)
        count = len(self.groups)
        best, kept = self.total(), self.snapshot()
        every = max(200, moves // 50)
        for number in range(moves):
            left = 1.0 - number / moves
            threshold = _HOT * left * left * left
            allowed = threshold * rng.random()
            self.attempt(rng, rng.randrange(count), allowed)
            if number % every == every - 1:
                progress((number + 1) / moves)
                now = self.total()
                if now < best:
                    best, kept = now, self.snapshot()
        if self.total() >= best:
            self.restore(kept)

    def snapshot(self) -> tuple[list[list[int]], list[list[int]]]:
        return [list(row) for row in self.places], [list(fingers) for fingers in self.order]

    def restore(self, kept: tuple[list[list[int]], list[list[int]]]) -> None:
        self.places[:] = kept[0]
        self.order = kept[1]
        for row in range(len(self.rows)):
            self.pack(row)

    def attempt(self, rng: random.Random, group: int, allowed: float) -> None:
        """Try one change of a group."""
        kind = rng.random()
        if kind < 0.3 and len(self.order[group]) > 1:
            self.swap_fingers(rng, group, allowed)
        elif kind < 0.8:
            self.swap_groups(group, rng.randrange(len(self.groups)), allowed)
        else:
            self.move_group(rng, group, rng.randrange(len(self.rows)), allowed)

    def swap_fingers(self, rng: random.Random, group: int, allowed: float) -> None:
        order = self.order[group]
        i, j = rng.randrange(len(order)), rng.randrange(len(order))
        fixed = self.groups[group].fixed
        if i == j or fixed in (i, j):
            return
        before = self._sum(self.nets[group])
        start = self.x[order[0]]
        order[i], order[j] = order[j], order[i]
        self.put(group, start)
        if self._sum(self.nets[group]) - before > allowed:
            order[i], order[j] = order[j], order[i]
            self.put(group, start)

    def _sum(self, nets: Sequence[int]) -> float:
        return sum(self.cost(net) for net in nets)

    def swap_groups(self, one: int, other: int, allowed: float) -> None:
        groups, row = self.groups, self.row
        if one == other or groups[one].polarity != groups[other].polarity:
            return
        a, b = row[one], row[other]
        wider = groups[other].width - groups[one].width
        limit = self.limit[groups[one].polarity]
        if a != b:
            longer = a if wider > 0 else b
            if self.lengths[longer] + abs(wider) > limit and wider:
                return
        nets = sorted({*self.nets[one], *self.nets[other]})
        before = self._sum(nets)
        i, j = self.places[a].index(one), self.places[b].index(other)
        self.places[a][i], self.places[b][j] = other, one
        self._repack(a, b)
        if self._sum(nets) - before > allowed:
            self.places[a][i], self.places[b][j] = one, other
            self._repack(a, b)
            return
        self.lengths[a] += wider
        self.lengths[b] -= wider

    def _repack(self, a: int, b: int) -> None:
        self.pack(a)
        if a != b:
            self.pack(b)

    def move_group(self, rng: random.Random, group: int, to: int, allowed: float) -> None:
        polarity, width = self.groups[group].polarity, self.groups[group].width
        origin = self.row[group]
        if self.rows[to].polarity != polarity:
            return
        if to != origin and (
            self.lengths[to] + width > self.limit[polarity] or len(self.places[origin]) == 1
        ):
            return
        before = self._sum(self.nets[group])
        i = self.places[origin].index(group)
        del self.places[origin][i]
        j = rng.randrange(len(self.places[to]) + 1)
        self.places[to].insert(j, group)
        self._repack(origin, to)
        if self._sum(self.nets[group]) - before > allowed:
            del self.places[to][j]
            self.places[origin].insert(i, group)
            self._repack(origin, to)
            return
        self.lengths[origin] -= width
        self.lengths[to] += width
