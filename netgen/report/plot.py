"""One plot as a file and as a picture of a page: letters of a size, colours of the theme."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Figure

from netgen.report.style import NARROW, SOFTWARE, WIDE, Sheet, themed

DPI = 130
_LETTERS: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay letters
    "svg.hashsalt": "netgen",  # the same plot is the same file
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), SOFTWARE),
}


@dataclass(frozen=True)
class Plot:
    """One rendered plot."""

    kind: ClassVar = "plot"
    file: str  #: Its name, made of indices and node names only.
    group: str  #: Where on a page it belongs, such as ``"sample"``.
    #: ``title``, ``caption``: for the page.
    title: str
    caption: str
    png: bytes
    alt: str = ""  #: What is seen, for those who do not see it.
    #: ``wide``, ``narrow``: the plot for a wide screen and for a phone: SVG as data URI.
    wide: str = ""
    narrow: str = ""


def render(
    file: str, group: str, title: str, caption: str, alt: str, draw: Callable[[Sheet], Figure]
) -> Plot:
    """Draw a figure and render it as a plot: PNG, and SVG on wide and narrow paper."""
    with warnings.catch_warnings(), mpl.rc_context(_LETTERS):
        # A name may hold letters that the font lacks; a box in the plot is good enough.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
        figure = draw(WIDE)
        wide = _svg(figure)
        figure.set_layout_engine("none")  # it is laid out; that takes most of the time
        png = _png(figure)
        narrow = _svg(draw(NARROW))
    return Plot(file, group, title, caption, png, alt, wide, narrow)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    FigureCanvasSVG(figure)
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=nothing)
    data = base64.b64encode(themed(buffer.getvalue()).encode()).decode("ascii")
    return f"data:image/svg+xml;base64,{data}"
