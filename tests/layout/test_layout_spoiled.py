"""Spoiled layouts: each kind of fault in turn has to be found by netgen's own checks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
from layout_cases import Case, drawn, simple

from netgen.layout.canvas import Box, Canvas

pytest.importorskip("klayout.db")

Spoil = Callable[[Canvas], None]


@pytest.fixture(scope="module")
def case() -> Case:
    return drawn(simple())


def pick(canvas: Canvas, layer: str, wanted: Callable[[Box], bool] = lambda box: True) -> int:
    """Return the place of the first rectangle of a layer that is wanted."""
    return next(i for i, box in enumerate(canvas.boxes[layer]) if wanted(box))


def by(
    layer: str, change: tuple[int, int, int, int], wanted: Callable[[Box], bool] = lambda box: True
) -> Spoil:
    """Return a fault: the four sides of one rectangle move."""

    def spoil(canvas: Canvas) -> None:
        place = pick(canvas, layer, wanted)
        a, b, c, d = canvas.boxes[layer][place]
        w, x, y, z = change
        canvas.boxes[layer][place] = (a + w, b + x, c + y, d + z)

    return spoil


def without(layer: str, wanted: Callable[[Box], bool] = lambda box: True) -> Spoil:
    def spoil(canvas: Canvas) -> None:
        del canvas.boxes[layer][pick(canvas, layer, wanted)]

    return spoil


def without_all(layer: str) -> Spoil:
    def spoil(canvas: Canvas) -> None:
        canvas.boxes[layer] = []

    return spoil


def more(layer: str, box: Box) -> Spoil:
    return lambda canvas: canvas.box(layer, *box)


def swapped(one: str, other: str) -> Spoil:
    def spoil(canvas: Canvas) -> None:
        boxes = canvas.boxes
        boxes[one], boxes[other] = boxes[other], boxes[one]

    return spoil


def wide(box: Box) -> bool:
    return box[2] - box[0] > 3_000


def tall(box: Box) -> bool:
    return box[3] - box[1] > 2_000


def strip(box: Box) -> bool:
    return box[2] - box[0] == 280


def track(box: Box) -> bool:
    return wide(box) and box[3] - box[1] == 280


def rail(box: Box) -> bool:
    return wide(box) and box[3] - box[1] == 500


def small_active(box: Box) -> bool:
    return box[3] - box[1] == 220


def unit_gate(box: Box) -> bool:
    return box[2] - box[0] == 2_000


def cut(
    layer: str,
    along: int,
    gap: int,
    wanted: Callable[[Box], bool] = lambda box: True,
    label: bool = False,
) -> Spoil:
    """Cut the longest wire of a layer in its middle; give both parts one name if ``label``."""

    def spoil(canvas: Canvas) -> None:
        boxes = canvas.boxes[layer]
        places = [i for i, box in enumerate(boxes) if wanted(box)]
        place = max(places, key=lambda i: boxes[i][along + 2] - boxes[i][along])
        low, high = boxes[place], boxes[place]
        middle = (low[along] + high[along + 2]) // 10 * 5
        one, two = list(low), list(high)
        one[along + 2], two[along] = middle - gap // 2, middle + gap // 2
        boxes[place] = (one[0], one[1], one[2], one[3])
        boxes.append((two[0], two[1], two[2], two[3]))
        if label:
            for part in (one, two):
                canvas.label(layer, "hidden", (part[0] + part[2]) // 2, (part[1] + part[3]) // 2)

    return spoil


def between(layer: str, along: int, thick: int) -> Spoil:
    """Join two neighbouring wires of a layer by a piece across."""

    def spoil(canvas: Canvas) -> None:
        boxes = canvas.boxes[layer]
        one, two = next(_neighbours(boxes, along))
        start = max(one[along], two[along]) + 200
        across = 1 - along
        ends = sorted((one[across], two[across], one[across + 2], two[across + 2]))
        box = [0, 0, 0, 0]
        box[along], box[along + 2] = start, start + thick
        box[across], box[across + 2] = ends[0], ends[3]
        canvas.box(layer, box[0], box[1], box[2], box[3])

    return spoil


def _neighbours(boxes: list[Box], along: int) -> Iterator[tuple[Box, Box]]:
    """Yield wires that run side by side for a while, nearest first."""
    across = 1 - along
    pairs = [
        (two[across] - one[across + 2], one, two)
        for one in boxes for two in boxes
        if two[across] > one[across + 2]
        and min(one[along + 2], two[along + 2]) - max(one[along], two[along]) > 800
    ]  # fmt: skip
    yield from ((one, two) for _, one, two in sorted(pairs))


def label_of(name: str, other: str) -> Spoil:
    """Exchange two names, or take one away where ``other`` is empty."""

    def spoil(canvas: Canvas) -> None:
        names = {name: other, other: name}
        canvas.labels[:] = [
            (layer, names.get(text, text), x, y)
            for layer, text, x, y in canvas.labels
            if other or text != name
        ]

    return spoil


def shifted(layer: str, dx: int, dy: int) -> Spoil:
    def spoil(canvas: Canvas) -> None:
        canvas.boxes[layer] = [
            (a + dx, b + dy, c + dx, d + dy) for a, b, c, d in canvas.boxes[layer]
        ]

    return spoil


def over_gate(canvas: Canvas) -> None:
    a, b, _, _ = canvas.boxes["poly2"][pick(canvas, "poly2", unit_gate)]
    canvas.box("contact", a + 500, b + 1_000, a + 720, b + 1_220)


def without_gate_contact(canvas: Canvas) -> None:
    a, b, c, d = canvas.boxes["poly2"][pick(canvas, "poly2", unit_gate)]
    inside = pick(canvas, "contact", lambda o: a < o[0] and b < o[1] and o[2] < c and o[3] < d)
    del canvas.boxes["contact"][inside]


def one_more(canvas: Canvas) -> None:
    canvas.box("comp", -9_000, 0, -6_000, 2_000)
    canvas.box("poly2", -8_000, -220, -7_000, 2_490)
    canvas.box("nplus", -9_300, -300, -5_700, 2_300)


def wire_near(layer: str, gap: int) -> Spoil:
    """Draw a wire too near to the leftmost of its layer."""

    def spoil(canvas: Canvas) -> None:
        a, b, _, d = min(canvas.boxes[layer], key=lambda box: (box[0], box[1] - box[3]))
        canvas.box(layer, a - gap - 600, b, a - gap, max(d, b + 600))

    return spoil


def corner(canvas: Canvas) -> None:
    """Two pieces of metal that touch with their corners only."""
    canvas.box("metal3", -5_000, -5_000, -4_000, -4_000)
    canvas.box("metal3", -4_000, -4_000, -3_000, -3_000)


def ring(layer: str, side: int, hole: int) -> Spoil:
    def spoil(canvas: Canvas) -> None:
        edge = (side - hole) // 2
        x = y = -9_000
        canvas.box(layer, x, y, x + side, y + edge)
        canvas.box(layer, x, y + edge + hole, x + side, y + side)
        canvas.box(layer, x, y, x + edge, y + side)
        canvas.box(layer, x + edge + hole, y, x + side, y + side)

    return spoil


FAULTS: dict[str, Spoil] = {
    "contacts 100 nm beside": shifted("contact", 100, 0),
    "contacts 60 nm up": shifted("contact", 0, 60),
    "Via1 40 nm beside": shifted("via1", 40, 0),
    "Via2 40 nm up": shifted("via2", 0, 40),
    "one Via1 away": without("via1"),
    "one Via2 away": without("via2"),
    "the contact of a gate away": without_gate_contact,
    "all Via1 away": without_all("via1"),
    "contact 5 nm small": by("contact", (0, 0, -5, 0)),
    "contact 5 nm large": by("contact", (0, 0, 5, 0)),
    "Via1 5 nm small": by("via1", (0, 0, 0, -5)),
    "Via2 10 nm long": by("via2", (0, 0, 0, 10)),
    "contact over a gate": over_gate,
    "contact on field oxide": more("contact", (-3_000, -3_000, -2_780, -2_780)),
    "gate 5 nm long": by("poly2", (0, 0, 5, 0), unit_gate),
    "gate 5 nm short": by("poly2", (5, 0, 0, 0), unit_gate),
    "channel 5 nm wide": by("comp", (0, 0, 0, 5), small_active),
    "channel 5 nm narrow": by("comp", (0, 0, 0, -5), small_active),
    "end cap 5 nm short": by("poly2", (0, 5, 0, 0), unit_gate),
    "source beside the gate short": by("comp", (250, 0, 0, 0), lambda b: b[3] - b[1] == 2_000),
    "gate away": without("poly2", unit_gate),
    "active area away": without("comp", lambda box: box[3] - box[1] == 2_000),
    "active areas too near": more("comp", (-400, 3_000, -200, 4_500)),
    "stray active area": more("comp", (-5_000, -5_000, -4_000, -4_000)),
    "small active area": more("comp", (-5_000, -5_000, -4_700, -4_700)),
    "poly too near to poly": by("poly2", (-2_200, 0, 0, 0), lambda b: b[2] - b[0] == 500),
    "thin poly": more("poly2", (-5_000, -5_000, -4_000, -4_825)),
    "N implant 20 nm small": by("nplus", (0, 20, 0, 0), tall),
    "P implant 20 nm small": by("pplus", (0, 0, 0, -20), tall),
    "N implant away": without("nplus", tall),
    "implants exchanged": swapped("nplus", "pplus"),
    "both implants": more("pplus", (0, 0, 40_000, 40_000)),
    "no implant": without_all("nplus"),
    "well away": without_all("nwell"),
    "well 80 nm small": by("nwell", (80, 0, 0, 0)),
    "well over everything": more("nwell", (-900, -900, 90_000, 90_000)),
    "thin well": more("nwell", (-9_000, -9_000, -8_200, -5_000)),
    "wells too near": lambda c: c.box(
        "nwell", *(lambda b: (b[0] - 3_000, b[1], b[0] - 500, b[3]))(c.boxes["nwell"][0])),
    "one rail away": without("metal2", rail),
    "Metal1 of one rail away": without("metal1", rail),
    "rail cut": cut("metal2", 0, 300, rail),
    "bar cut": cut("metal1", 1, 300),
    "Metal2 cut": cut("metal2", 0, 300, track),
    "Metal3 cut": cut("metal3", 1, 300),
    "Metal2 cut, both parts named alike": cut("metal2", 0, 300, track, label=True),
    "Metal3 cut, both parts named alike": cut("metal3", 1, 300, label=True),
    "Metal2 notched to 270 nm": by("metal2", (0, 10, 0, 0), track),
    "Metal3 25 nm narrow": by("metal3", (0, 0, -25, 0)),
    "Metal1 strip 60 nm narrow": by("metal1", (60, 0, 0, 0), strip),
    "Metal2 joins two tracks": between("metal2", 0, 300),
    "Metal3 joins two columns": between("metal3", 1, 300),
    "Metal2 270 nm from a track": wire_near("metal2", 270),
    "Metal1 220 nm from a rail": wire_near("metal1", 220),
    "Metal1 touches with a corner": corner,
    "speck of Metal3": more("metal3", (-5_000, -5_000, -4_650, -4_650)),
    "off the grid by 2 nm": by("metal2", (0, 0, 2, 0)),
    "well off the grid by 1 nm": by("nwell", (-1, 0, 0, 0)),
    "names of ports exchanged": label_of("a", "out"),
    "name of a port away": label_of("set", ""),
    "supplies' names exchanged": label_of("vdd", "vss"),
    "thick oxide drawn": more("dualgate", (0, 0, 5_000, 5_000)),
    "Metal5 drawn": more("metal5", (0, 0, 5_000, 5_000)),
    "small hole in an implant": ring("nplus", 2_000, 500),
    "small hole in an active area": ring("comp", 2_000, 400),
    "one device more": one_more,
}  # fmt: skip


def test_the_layout_is_clean_before(case: Case) -> None:
    checks = case.checks()
    assert not checks.violations
    assert not checks.comparison.differences
    assert checks.comparison.devices == 12


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str, case: Case) -> None:
    canvas = Canvas(copy.deepcopy(case.made.canvas.boxes), list(case.made.canvas.labels))
    FAULTS[fault](canvas)
    assert (canvas.boxes, canvas.labels) != (case.made.canvas.boxes, case.made.canvas.labels)
    checks = case.checks(canvas)
    assert not checks.clean


def test_enough_kinds() -> None:
    assert len(FAULTS) >= 60
