"""A layout as an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netgen.errors import ToolMissingError
from netgen.extras import install
from netgen.layout.process import Layers, klayout

if TYPE_CHECKING:
    from klayout.db import Cell, DBox
    from klayout.lay import LayerPropertiesIterator, LayerPropertiesNode, LayoutView

_LETTERS = 80.0
"""The longest side is so many times the height of letters."""
_WIDTH = 0.45
"""Of a letter over its height."""
_SIDE = 1600
"""Points of the picture's longest side."""
_NOTES = (999, 0)
"""Layer of what is written beside the layout."""


def draw_picture(gds: Path, image: Path, size: tuple[int, int], layers: Layers) -> None:
    """Write a PNG of a GDS file, with the names of its pins, a key of its layers and a scale.

    Parameters
    ----------
    size
        Of the layout, nm; letters are a share of its longest side.
    layers
        Numbers of layers, by name.

    Raises
    ------
    ToolMissingError
        KLayout's module is not installed.
    """
    try:
        import klayout.lay as lay
    except ImportError:
        raise ToolMissingError(
            f"the picture of a layout needs the package klayout; run: {install('layout')}"
        ) from None
    view = lay.LayoutView(True)  # in which shapes can be changed
    view.load_layout(str(gds))
    letter = max(size) / 1000 / _LETTERS
    shown = _annotated(view.active_cellview().cell, letter, layers)
    view.max_hier()
    view.add_missing_layers()
    for each in view.each_layer():
        if (each.source_layer, each.source_datatype) == _NOTES:
            colours = each.dup()
            colours.frame_color = colours.fill_color = 0x20262E
            view.set_layer_properties(_place(view, each), colours)
    for name, value in (
        *(("background-color", "#ffffff"), ("grid-visible", "false"), ("text-visible", "true")),
        *(("text-point-mode", "false"), ("text-color", "#20262e")),
    ):
        view.set_config(name, value)
    view.zoom_box(shown)
    sides = (shown.width(), shown.height())
    view.save_image(str(image), *(max(200, round(_SIDE * side / max(sides))) for side in sides))


def _place(view: LayoutView, layer: LayerPropertiesNode) -> LayerPropertiesIterator:
    layers = view.begin_layers()
    while layers.current().source != layer.source:
        layers.next()
    return layers


def _annotated(cell: Cell, letter: float, layers: Layers) -> DBox:
    """Write the names of pins above it, none over another; add key and scale; return all of it."""
    db = klayout()
    box, layout = cell.dbbox(), cell.layout()
    notes = layout.layer(*_NOTES)

    def write(text: str, x: float, y: float) -> None:
        cell.shapes(notes).insert(db.DText(text, x, y))

    pins = []
    for index in layout.layer_indexes():
        texts = [each for each in cell.shapes(index).each() if each.is_text()]
        pins += [(each.dtext.x, each.dtext.string) for each in texts]
        for each in texts:
            each.delete()
    ends: list[float] = []  # of the last name in each line, the lowest first
    for x, name in sorted(pins):
        line = next((at for at, end in enumerate(ends) if end < x), len(ends))
        ends[line : line + 1] = [x + _WIDTH * letter * (len(name) + 1)]
        write(name, x, box.top + letter * (line + 0.4))
    top = box.top + letter * (len(ends) + 1)
    x, y = box.left, box.bottom - 2.5 * letter
    numbered = {(layout.get_info(i).layer, layout.get_info(i).datatype): i
             for i in layout.layer_indexes()}  # fmt: skip
    drawn = {numbers: i for numbers, i in numbered.items() if not cell.dbbox_per_layer(i).empty()}
    for name, numbers in layers.items():
        if numbers in drawn:
            width = letter * (_WIDTH * len(name) + 4)
            if x + width > box.right:
                x, y = box.left, y - 2.2 * letter
            cell.shapes(drawn[numbers]).insert(db.DBox(x, y, x + 1.5 * letter, y + 1.5 * letter))
            write(name, x + 2 * letter, y)
            x += width
    y -= 2.5 * letter
    length = max(step for step in (1, 2, 5, 10, 20, 50, 100) if step <= max(1, box.width() / 4))
    cell.shapes(notes).insert(db.DBox(box.left, y, box.left + length, y + letter / 3))
    write(f"{length} µm", box.left + length + letter, y - letter / 3)
    right = max([box.right, *ends]) + letter
    shown: DBox = db.DBox(box.left - letter, y - letter, right, top)
    return shown
