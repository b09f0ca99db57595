"""Design rules: a process's table of rules, run over polygons with KLayout's region operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from netgen.errors import ConfigurationError
from netgen.layout.process import Operation, Process, Rule, klayout

if TYPE_CHECKING:
    from klayout.db import Cell, EdgePairs, Layout, Region

Regions: TypeAlias = "dict[str, Region]"
PLACES = 5
"""So many places of a rule's violations are kept."""


@dataclass(frozen=True)
class Violation:
    """A rule that a layout breaks."""

    #: ``rule``, ``kind``, ``operands``: see ``layout.toml``.
    rule: str
    kind: str
    operands: Operation
    count: int  #: How often.
    #: Boxes (left, bottom, right, top) of the first few, nm.
    places: tuple[tuple[int, int, int, int], ...]

    def __str__(self) -> str:
        """Say which rule is broken, how often and where first."""
        words = " ".join(str(each) for each in self.operands)
        x, y = (sum(self.places[0][i::2]) / 2000 for i in (0, 1))
        where = f"first at ({x:.3f}, {y:.3f}) µm"
        return f"{self.rule} ({self.kind} {words}): {self.count} violations, {where}"


def regions_of(layout: Layout, cell: Cell, process: Process) -> Regions:
    """Return the merged polygons of every layer of a process in a cell, and derived layers."""
    db = klayout()
    regions: Regions = {}
    for name, (layer, datatype) in process.layers.items():
        index = layout.find_layer(layer, datatype)
        shapes = db.Region() if index is None else db.Region(cell.begin_shapes_rec(index))
        regions[name] = shapes.merged()
    for name, operation in process.derived.items():
        regions[name] = _derived(regions, operation)
    return regions


def check(regions: Regions, process: Process) -> list[Violation]:
    """Run every rule; the grid counts as one more for each layer drawn.

    Raises
    ------
    ConfigurationError
        The table of rules has a kind that does not exist.
    """
    violations = []
    for rule in process.rules:
        kind = KINDS.get(rule.kind)
        if kind is None:
            raise ConfigurationError(
                process.source, [f"rules.{rule.name}: there is no kind {rule.kind!r}"]
            )
        violations += _violation(rule, kind(regions, *rule.operands))
    for name in process.layers:
        marks = regions[name].grid_check(process.grid, process.grid)
        violations += _violation(Rule(f"grid.{name}", "grid", (name,)), _region(marks))
    return violations


def rule_count(process: Process) -> int:
    """Return how many checks :func:`check` makes."""
    return len(process.rules) + len(process.layers)


def _violation(rule: Rule, bad: Region) -> list[Violation]:
    count = bad.count()
    if not count:
        return []
    boxes = [each.bbox() for _, each in zip(range(PLACES), bad.each(), strict=False)]
    places = tuple((b.left, b.bottom, b.right, b.top) for b in boxes)
    return [Violation(rule.name, rule.kind, rule.operands, count, places)]


def _derived(regions: Regions, operation: Operation) -> Region:
    name, *operands = operation
    if name == "union":
        whole: Region = klayout().Region()
        for each in operands:
            whole += regions[each]
        return whole.merged()
    if name == "wide":
        return _wide(regions[operands[0]], operands[1])
    if name == "straddling":
        return _straddling(*(regions[each] for each in operands))
    first, second = (regions[each] for each in operands)
    methods: Mapping[str, Callable[[], Region]] = {
        "and": lambda: first & second,
        "or": lambda: (first | second).merged(),
        "not": lambda: first - second,
        "interacting": lambda: first.interacting(second),
        "not_interacting": lambda: first.not_interacting(second),
        "outside": lambda: first.outside(second),
    }
    return methods[name]()


def _dbu(um: float) -> int:
    return round(um * 1000)


def _region(pairs: EdgePairs) -> Region:
    """Return the polygons of pairs of edges; a pair of points is widened to be seen."""
    return pairs.polygons(1)


def _wide(layer: Region, um: float) -> Region:
    """Return the parts of polygons that are at least so wide and so long."""
    half = _dbu(um) // 2
    return layer.sized(-half, 2).sized(half, 2).merged()


def _straddling(cuts: Region, one: Region, within: Region) -> Region:
    """Return cuts in ``within`` that lie partly in ``one``."""
    return cuts.inside(within).interacting(one).not_inside(one)


def _width(regions: Regions, layer: str, um: float) -> Region:
    return _region(regions[layer].width_check(_dbu(um)))


def _space(regions: Regions, layer: str, um: float) -> Region:
    # by edges: the check of polygons takes seconds where the rails are one with thousands of ends
    return _region(regions[layer].edges().space_check(_dbu(um)))


def _area(regions: Regions, layer: str, um2: float) -> Region:
    return regions[layer].with_area(0, _square(um2), False)


def _hole(regions: Regions, layer: str, um2: float) -> Region:
    return regions[layer].holes().with_area(0, _square(um2), False)


def _square(um2: float) -> int:
    return round(um2 * 1e6)


def _size(regions: Regions, layer: str, um: float) -> Region:
    shapes = regions[layer]
    side = _dbu(um)
    square = shapes.rectangles().with_bbox_width(side, False).with_bbox_height(side, False)
    return shapes - square


def _enclosed(regions: Regions, inner: str, outer: str, um: float) -> Region:
    return _region(regions[inner].enclosed_check(regions[outer], _dbu(um)))


def _beyond(regions: Regions, outer: str, inner: str, um: float) -> Region:
    """Where a layer crosses another it must reach so far beyond it."""
    crossing = regions[inner].interacting(regions[outer])
    return _region(crossing.enclosed_check(regions[outer], _dbu(um)))


def _inside(regions: Regions, inner: str, outer: str) -> Region:
    return regions[inner] - regions[outer]


def _cut(regions: Regions, cuts: str, layer: str) -> Region:
    """Cuts that touch a layer must lie in it whole."""
    return regions[cuts].interacting(regions[layer]).not_inside(regions[layer])


def _apart(regions: Regions, one: str, other: str, um: float) -> Region:
    return _region(regions[one].separation_check(regions[other], _dbu(um)))


def _none(regions: Regions, layer: str | list[str]) -> Region:
    return regions[layer] if isinstance(layer, str) else _derived(regions, tuple(layer))


def _near(regions: Regions, layer: str, other: str, um: float) -> Region:
    return regions[layer] - regions[other].sized(_dbu(um), 2)


def _narrower(regions: Regions, layer: str, um: float) -> Region:
    return _wide(regions[layer], um)


def _covered(regions: Regions, cuts: str, layer: str, margins: list[tuple[float, float]]) -> Region:
    """Each cut needs one of the margins (along x, along y) of the layer around it."""
    db, good = klayout(), klayout().Region()
    shapes, metal = regions[cuts], regions[layer]
    for x, y in margins:
        grown = db.Region()
        grown.merged_semantics = False
        for polygon in shapes.each():
            grown.insert(polygon.bbox().enlarged(_dbu(x), _dbu(y)))
        good += grown.not_interacting((grown - metal).sized(-1))
    return shapes.not_inside(good.merged())


def _gate_length(regions: Regions, channel: str, gate: str, um: float) -> Region:
    """Return where the gate's own edges over an active area are nearer than that."""
    sides = regions[channel].edges() & regions[gate].edges()
    return _region(sides.width_check(_dbu(um)))


def _straight(regions: Regions, layer: str, within: str) -> Region:
    """No corner of a layer may lie inside another."""
    corners = regions[layer].corners(-180.0, 180.0, 1)
    return corners.inside(regions[within])


def _array(regions: Regions, cuts: str, um: float, smallest: float) -> Region:
    """In arrays of 4 × 4 and more the cuts keep a larger space."""
    shapes = regions[cuts]
    merged = shapes.sized(180, 2).sized(-180, 2).merged()
    arrays = merged.with_bbox_min(_dbu(smallest), None, False)
    return _region(shapes.interacting(arrays).space_check(_dbu(um)))


KINDS: Mapping[str, Callable[..., Region]] = {
    "width": _width,
    "space": _space,
    "area": _area,
    "hole": _hole,
    "size": _size,
    "enclosed": _enclosed,
    "beyond": _beyond,
    "inside": _inside,
    "cut": _cut,
    "apart": _apart,
    "none": _none,
    "near": _near,
    "narrower": _narrower,
    "covered": _covered,
    "gate_length": _gate_length,
    "straight": _straight,
    "array": _array,
}
"""What the rules of a process may ask for; see the comments of ``layout.toml``."""
