"""Capacitance of wires, out of the polygons of every net: 2.5 dimensions, typical process.

Each layer sees, below it, the nearest conductor: another net's by overlap, or the substrate by its
area. Every edge adds a fringe to the substrate and to the layers around it, as much of each as lies
beside the layer on average, and edges that face each other in one layer a
sidewall, which the nearest edge hides from those behind it, as it hides part of the fringe. Gates
are left out: the transistor's model has them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netgen.layout.lvs import Extraction
from netgen.layout.process import Process, klayout

if TYPE_CHECKING:
    from klayout.db import Net, Region

NM2 = 1e-18
TILE = 20_000
"""Side of the squares that overlaps are looked for in, nm."""
Floats: TypeAlias = NDArray[np.float64]
Nets: TypeAlias = NDArray[np.int64]
Edge: TypeAlias = tuple[int, int, int, int]
"""Where it lies across, its ends along, and its net's number."""


@dataclass(frozen=True)
class NetCapacitance:
    """What the wires of a net add, F."""

    total: float  #: To everything around it.
    coupling: float  #: Of that, to other nets (overlaps and sidewalls).


def capacitances(
    extraction: Extraction, names: Mapping[int, str], process: Process
) -> dict[str, NetCapacitance]:
    """Return the capacitance of every net that has a name in the record.

    Parameters
    ----------
    names
        The record's name of each net of the layout, see :class:`~netgen.layout.lvs.Comparison`.
    """
    nets = list(extraction.circuit.each_net())
    stack = _polygons(extraction, nets, process)
    return summed(stack, [names.get(net.cluster_id, "") for net in nets], process)


def summed(
    stack: Mapping[str, Sequence[Region]], names: Sequence[str], process: Process
) -> dict[str, NetCapacitance]:
    """Return the capacitance of nets by name, out of the regions of each by layer.

    Parameters
    ----------
    stack
        Layers from the lowest, and for each the region of every net; the active layer is a
        conductor below all others, and adds nothing itself.
    names
        Of the nets; those without one count as neighbours only.
    """
    ground, coupling = np.zeros(len(names)), np.zeros(len(names))
    beside = _add_overlaps(stack, process, ground, coupling)
    for layer in stack:
        wire = process.wires.get(layer)
        if wire is None:
            continue
        fringes = {other: process.fringes.get((layer, other), 0.0) for other in stack}
        shares = {other: beside.get((layer, other), 0.0) for other in stack if fringes[other]}
        near = sum(share * fringes[other] for other, share in shares.items())
        below = list(stack)[: list(stack).index(layer)]
        far = wire.edge * (1 - sum(shares.get(other, 0.0) for other in below))
        for number, region in enumerate(stack[layer]):
            length = region.perimeter() * 1e-9
            ground[number] += length * far
            coupling[number] += length * near
        for one, other, length, gap in _facing(stack[layer], process.reach):
            hidden = length * (1 - wire.seen(gap))
            for net in (one, other):
                ground[net] -= hidden * far
                coupling[net] -= hidden * near
            if one != other:
                value = wire.side * length / (gap + wire.offset)
                coupling[one] += value
                coupling[other] += value
    sums: dict[str, NetCapacitance] = {}
    for name, low, side in zip(names, ground.tolist(), coupling.tolist(), strict=True):
        if name:
            sums[name] = NetCapacitance(low + side, side)
    return sums


def _polygons(
    extraction: Extraction, nets: Sequence[Net], process: Process
) -> dict[str, list[Region]]:
    """Return the merged regions of every net by layer, from the lowest; gates are cut away."""
    db = klayout()
    active, gate = process.roles.active, process.roles.gate
    numbers = {net.expanded_name(): number for number, net in enumerate(nets)}
    by_layer = {name: [db.Region() for _ in nets] for name in (active, *process.roles.wires)}
    copy = db.Layout()
    cell = copy.create_cell(extraction.circuit.name)
    sources = [
        (active, active),
        (active, "p active"),
        *((name, name) for name in process.roles.wires),
    ]
    places = {copy.layer(n, 0): extraction.layers[source] for n, (_, source) in enumerate(sources)}
    # all nets at once: to ask for the shapes of one takes as long
    mapping = extraction.database.cell_mapping_into(copy, cell)
    extraction.database.build_all_nets(
        mapping, copy, places, None, "net", db.LayoutToNetlist.BNH_Flatten
    )
    for place, (name, _) in zip(places, sources, strict=True):
        for each in cell.begin_shapes_rec(place):
            shape = each.shape()
            by_layer[name][numbers[shape.property("net")]].insert(shape.polygon)
    channels = extraction.layers["active whole"]
    whole = db.Region()
    for number, region in enumerate(by_layer[gate]):
        for polygon in region.merged().each():
            whole.insert(db.PolygonWithProperties(polygon, {0: number}))
    free = whole.not_(channels, db.Region.NoPropertyConstraint)
    by_layer[gate] = [db.Region() for _ in nets]
    for polygon in free.each():
        by_layer[gate][polygon.property(0)].insert(polygon)
    return {name: [region.merged() for region in regions] for name, regions in by_layer.items()}


def _add_overlaps(
    stack: Mapping[str, Sequence[Region]], process: Process, ground: Floats, coupling: Floats
) -> dict[tuple[str, str], float]:
    """Add what the layers see below them.

    Returns
    -------
    By two layers, which share of all that is beside the first lies over (or below) the second,
    with none between.
    """
    layers = list(stack)
    beside: dict[tuple[str, str], float] = defaultdict(float)
    whole = dict.fromkeys(layers, 0.0)
    for tile in _tiles(stack).values():
        cells, area = _cells(tile, len(layers))
        for place, layer in enumerate(layers):
            wire = process.wires.get(layer)
            if wire is None:
                continue
            net, left = cells[place], cells[place] >= 0
            for below in reversed(range(place)):
                other, seen = cells[below], left & (cells[below] >= 0)
                left = left & ~seen
                value = process.overlaps.get((layer, layers[below]))
                if value is not None and layers[below] == process.roles.active:
                    _add(ground, net, seen, area, value)
                elif value is not None:
                    seen = seen & (net != other)
                    _add(coupling, net, seen, area, value)
                    _add(coupling, other, seen, area, value)
            _add(ground, net, left, area, wire.area)
            free = cells[place] < 0
            whole[layer] += float(area[free].sum())
            for others in (reversed(range(place)), range(place + 1, len(layers))):
                left = free
                for other in others:
                    seen = left & (cells[other] >= 0)
                    left = left & ~seen
                    beside[layer, layers[other]] += float(area[seen].sum())
    return {pair: area / whole[pair[0]] for pair, area in beside.items() if area}


def _tiles(stack: Mapping[str, Sequence[Region]]) -> dict[tuple[int, int], list[tuple[int, ...]]]:
    """Cut all regions at a square grid: place of the layer, net and sides of rectangles by tile."""
    tiles: dict[tuple[int, int], list[tuple[int, ...]]] = defaultdict(list)
    for place, regions in enumerate(stack.values()):
        for net, region in enumerate(regions):
            for polygon in region.decompose_trapezoids_to_region().each():
                box = polygon.bbox()
                for column, left, right in _cut(box.left, box.right):
                    for row, bottom, top in _cut(box.bottom, box.top):
                        tiles[column, row].append((place, net, left, bottom, right, top))
    return tiles


def _cut(low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """Yield the tiles that a stretch lies in, with its ends in each."""
    for number in range(low // TILE, (high - 1) // TILE + 1):
        yield number, max(low, number * TILE), min(high, (number + 1) * TILE)


def _cells(tile: Sequence[tuple[int, ...]], layers: int) -> tuple[Nets, Floats]:
    """Return the net (-1: none) in each cell between all edges by layer, and its area, m²."""
    boxes = np.array(tile)
    xs, ys = np.unique(boxes[:, 2::2]), np.unique(boxes[:, 3::2])
    cells = np.full((layers, len(ys) - 1, len(xs) - 1), -1)
    ends = (
        np.searchsorted(xs, boxes[:, 2::2]).tolist(),
        np.searchsorted(ys, boxes[:, 3::2]).tolist(),
    )
    for (place, net, *_), (left, right), (bottom, top) in zip(tile, *ends, strict=True):
        cells[place, bottom:top, left:right] = net
    return cells, np.outer(np.diff(ys), np.diff(xs)) * NM2


def _add(to: Floats, nets: Nets, seen: NDArray[np.bool_], area: Floats, value: float) -> None:
    to += np.bincount(nets[seen], area[seen] * value, len(to))


def _facing(regions: Sequence[Region], reach: float) -> Iterator[tuple[int, int, float, float]]:
    """Yield edges that face each other in a layer: the nets of both, their length and gap, m."""
    far = round(reach * 1e9)
    for along in (0, 1):
        up, down = _edges(regions, along)
        down.sort()
        positions = [edge[0] for edge in down]
        for at, low, high, net in up:
            free = [(low, high)]
            start = bisect_right(positions, at)
            while free and start < len(down) and positions[start] - at < far:
                there, a, b, other = down[start]
                start += 1
                length, free = _taken(free, a, b)
                if length:
                    yield net, other, length * 1e-9, (there - at) * 1e-9


def _taken(free: list[tuple[int, int]], low: int, high: int) -> tuple[int, list[tuple[int, int]]]:
    """Return how much of free stretches an edge covers, and what is left of them."""
    if high <= free[0][0] or low >= free[-1][1]:
        return 0, free
    length, left = 0, []
    for a, b in free:
        one, two = max(a, low), min(b, high)
        if one >= two:
            left.append((a, b))
            continue
        length += two - one
        left += [piece for piece in ((a, one), (two, b)) if piece[0] < piece[1]]
    return length, left


def _edges(regions: Sequence[Region], along: int) -> tuple[list[Edge], list[Edge]]:
    """Return the edges along x (0) or y (1) that look up (right), and those that look down."""
    up: list[Edge] = []
    down: list[Edge] = []
    for number, region in enumerate(regions):
        for edge in region.edges().each():
            if along == 0 and edge.y1 == edge.y2:  # polygons run clockwise: inside on the right
                (up if edge.x2 > edge.x1 else down).append(
                    (edge.y1, min(edge.x1, edge.x2), max(edge.x1, edge.x2), number)
                )
            elif along == 1 and edge.x1 == edge.x2:
                (up if edge.y2 < edge.y1 else down).append(
                    (edge.x1, min(edge.y1, edge.y2), max(edge.y1, edge.y2), number)
                )
    return up, down


def by_layer(extraction: Extraction, process: Process) -> dict[str, float]:
    """Return the length of wires by layer, m: half the perimeter of what is drawn."""
    lengths: dict[str, float] = defaultdict(float)
    for name in process.roles.wires[1:]:
        lengths[name] = extraction.layers[name].merged().perimeter() / 2 * 1e-9
    return dict(lengths)
