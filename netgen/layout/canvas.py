"""Rectangles and names by layer, and the GDS file that holds them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from netgen.files import write_whole
from netgen.layout.process import Process, klayout

if TYPE_CHECKING:
    from klayout.db import Cell, Layout

Box: TypeAlias = tuple[int, int, int, int]
"""Left, bottom, right, top, nm."""


@dataclass(eq=False)
class Canvas:
    """What is drawn."""

    boxes: dict[str, list[Box]] = field(default_factory=dict)  #: By layer's name.
    #: Layer, text, x and y, nm.
    labels: list[tuple[str, str, int, int]] = field(default_factory=list)

    def box(self, layer: str, left: int, bottom: int, right: int, top: int) -> None:
        """Draw a rectangle."""
        self.boxes.setdefault(layer, []).append((left, bottom, right, top))

    def label(self, layer: str, text: str, x: int, y: int) -> None:
        """Name the net of a wire."""
        self.labels.append((layer, text, x, y))

    def paste(self, other: Canvas, dx: int, dy: int, flipped: bool = False) -> None:
        """Draw what another canvas holds at a place, upside down about y = 0 if ``flipped``."""
        for layer, boxes in other.boxes.items():
            target = self.boxes.setdefault(layer, [])
            for left, bottom, right, top in boxes:
                low, high = (-top, -bottom) if flipped else (bottom, top)
                target.append((left + dx, low + dy, right + dx, high + dy))
        for layer, text, x, y in other.labels:
            self.labels.append((layer, text, x + dx, (-y if flipped else y) + dy))

    def moved(self, dx: int, dy: int) -> Canvas:
        """Return all of it elsewhere."""
        other = Canvas()
        other.paste(self, dx, dy)
        return other

    @property
    def extent(self) -> Box:
        """The smallest rectangle around all of it."""
        return _around(box for boxes in self.boxes.values() for box in boxes)


def _around(boxes: Iterable[Box]) -> Box:
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def layout_of(canvas: Canvas, process: Process, cell: str) -> Layout:
    """Return a ``klayout.db.Layout`` of one cell."""
    db = klayout()
    layout: Layout = db.Layout()
    layout.dbu = 0.001
    top = layout.create_cell(cell)
    draw_into(layout, top, canvas, process)
    return layout


def draw_into(layout: Layout, cell: Cell, canvas: Canvas, process: Process) -> None:
    """Draw a canvas into a cell of a layout."""
    db = klayout()
    for name in process.layers:
        shapes = cell.shapes(layout.layer(*process.layers[name]))
        for left, bottom, right, top in canvas.boxes.get(name, ()):
            shapes.insert(db.Box(left, bottom, right, top))
    if "boundary" in canvas.boxes:
        shapes = cell.shapes(layout.layer(*process.boundary))
        for left, bottom, right, top in canvas.boxes["boundary"]:
            shapes.insert(db.Box(left, bottom, right, top))
    for name, text, x, y in canvas.labels:
        layer = layout.layer(process.layers[name][0], process.label_datatype)
        cell.shapes(layer).insert(db.Text(text, x, y))


def write_gds(layout: Layout, path: Path) -> None:
    """Write GDS that holds no time, so that equal layouts are equal bytes."""
    options = klayout().SaveLayoutOptions()
    options.format = "GDS2"
    options.gds2_write_timestamps = False
    options.gds2_libname = "netgen"
    write_whole(path, layout.write_bytes(options))  # a full disk cuts klayout's own files short


def read_gds(path: Path) -> Layout:
    """Read a layout file.

    Raises
    ------
    ValueError
        It is none; the text says why.
    """
    layout: Layout = klayout().Layout()
    try:
        layout.read(str(path))
    except RuntimeError as error:
        raise ValueError(str(error).splitlines()[0]) from None
    return layout
