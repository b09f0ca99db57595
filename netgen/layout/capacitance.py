"""Capacitance of wires, out of the polygons of every net: 2.5 dimensions, typical process.

Each layer sees, below it, the nearest conductor: another net's by overlap, or the substrate by its
area. Every edge adds a fringe, and edges that face each other in one layer a sidewall, which the
nearest edge hides from those behind it. Gates are left out: the transistor's model has them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from netgen.layout.lvs import Extraction
from netgen.layout.process import Process, WireCapacitance, klayout

NM2 = 1e-18
Edge: TypeAlias = tuple[int, int, int, int]
"""Where it lies across, its ends along, and its net's number."""


@dataclass(frozen=True)
class NetCapacitance:
    """What the wires of a net add, F.

    Attributes
    ----------
    total
        To everything around it.
    coupling
        Of that, to other nets (overlaps and sidewalls).
    """

    total: float
    coupling: float


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
    stack: Mapping[str, Sequence[Any]], names: Sequence[str], process: Process
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
    ground, coupling = [0.0] * len(names), [0.0] * len(names)
    whole = {layer: _union(regions) for layer, regions in stack.items()}
    layers = list(stack)
    for place, layer in enumerate(layers):
        wire = process.wires.get(layer)
        if wire is None:
            continue
        tagged = _tagged(stack[layer])
        below = [(lower, whole[lower], _tagged(stack[lower])) for lower in reversed(layers[:place])]
        _down(tagged, layer, below, wire, process, ground, coupling)
        for number, region in enumerate(stack[layer]):
            ground[number] += region.perimeter() * 1e-9 * wire.edge
        for one, other, value in _sidewalls(stack[layer], wire, process.reach):
            coupling[one] += value
            coupling[other] += value
    found: dict[str, NetCapacitance] = {}
    for name, low, side in zip(names, ground, coupling, strict=True):
        if name:
            found[name] = NetCapacitance(low + side, side)
    return found


def _polygons(
    extraction: Extraction, nets: Sequence[Any], process: Process
) -> dict[str, list[Any]]:
    """Return the merged regions of every net by layer, from the lowest; gates are cut away."""
    active, gate = process.roles.active, process.roles.gate
    layers = {name: extraction.layers[name] for name in (*process.roles.wires,)}
    found: dict[str, list[Any]] = {active: [], **{name: [] for name in layers}}
    channels = extraction.layers["active whole"]
    for net in nets:
        ends = [extraction.layers[name] for name in (active, "p active")]
        found[active].append(_union([_shapes(extraction, net, layer) for layer in ends]))
        for name, layer in layers.items():
            region = _shapes(extraction, net, layer)
            found[name].append(region - channels if name == gate else region.merged())
    return found


def _shapes(extraction: Extraction, net: Any, layer: Any) -> Any:
    return extraction.database.shapes_of_net(net, layer, True)


def _union(regions: Sequence[Any]) -> Any:
    whole = klayout().Region()
    for region in regions:
        whole += region
    return whole.merged()


def _tagged(regions: Sequence[Any]) -> Any:
    """Return all polygons in one region, each with the number of its net as a property."""
    db = klayout()
    whole = db.Region()
    for number, region in enumerate(regions):
        for polygon in region.each():
            whole.insert(db.PolygonWithProperties(polygon, {0: number}))
    return whole


def _down(
    tagged: Any,
    layer: str,
    below: Sequence[tuple[str, Any, Any]],
    wire: WireCapacitance,
    process: Process,
    ground: list[float],
    coupling: list[float],
) -> None:
    """Add what a layer's polygons see below them."""
    other_nets = klayout().Region.DifferentPropertiesConstraint
    plain = klayout().Region.NoPropertyConstraint
    left = tagged
    for lower, whole, owned in below:
        value = process.overlaps.get((layer, lower))
        if value is not None and lower == process.roles.active:
            _add(left.and_(whole, plain), value, ground)
        elif value is not None:
            _add(left.and_(owned, other_nets), value, coupling)
            _add(owned.and_(left, other_nets), value, coupling)
        left = left.not_(whole, plain)
    _add(left, wire.area, ground)


def _add(region: Any, value: float, to: list[float]) -> None:
    for polygon in region.each():
        to[polygon.property(0)] += polygon.area() * NM2 * value


def _sidewalls(
    regions: Sequence[Any], wire: WireCapacitance, reach: float
) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of nets that face each other in a layer, and their capacitance, F."""
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
                if length and other != net:
                    gap = (there - at) * 1e-9
                    yield net, other, wire.side * length * 1e-9 / (gap + wire.offset)


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


def _edges(regions: Sequence[Any], along: int) -> tuple[list[Edge], list[Edge]]:
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
