"""A layout as an image."""

from __future__ import annotations

from pathlib import Path

from netgen.errors import ToolMissingError
from netgen.extras import install


def draw_picture(gds: Path, image: Path, size: tuple[int, int]) -> None:
    """Write a PNG of a GDS file.

    Parameters
    ----------
    size
        Of the layout; the picture has its proportions, and at most 1,600 points a side.

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
    view = lay.LayoutView()
    view.load_layout(str(gds))
    view.max_hier()
    view.set_config("background-color", "#ffffff")
    view.set_config("grid-visible", "false")
    view.set_config("text-visible", "true")
    view.zoom_fit()
    longest = max(size)
    width, height = (max(200, 1600 * side // longest) for side in size)
    view.save_image(str(image), width, height)
