"""Colours and axes all plots share."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from netgen.model import Model
from netgen.report.text import printable
from netgen.units import engineering

SOFTWARE = "#20262e"
CIRCUIT = "#d1495b"
BAND = "#cfe3f5"
WINDOW = "#f1ead6"
AXIS = "#aab2bd"
MUTED = "#6b7480"
DIFFERS = "#7a2fb0"
CLASSES = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    *("#7a5195", "#8c8c00", "#332288", "#882255", "#44aa99", "#a0522d"),
)
"""For the curves of single classes (after Okabe and Ito: told apart by colour-blind readers)."""

WIDTH = 10.0  # inches


def figure(height: float) -> Figure:
    """Return an empty figure of the page's width."""
    return Figure(figsize=(WIDTH, height), layout="constrained", facecolor="white")


def tidy(axes: Axes) -> None:
    """Leave the axes a light grid and no box."""
    axes.grid(True, color="#e6e9ed", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(AXIS)
    axes.tick_params(colors="#3c4450", labelsize=8)


def darker(colour: str) -> tuple[float, float, float]:
    """Return the colour at 55 % of its brightness, for software beside circuit."""
    red, green, blue = to_rgb(colour)
    return 0.55 * red, 0.55 * green, 0.55 * blue


def plain(text: str) -> str:
    """Make a name safe as matplotlib text: printable, and ``$`` starts no formula."""
    return printable(text).replace("$", r"\$")


def time_label(model: Model) -> str:
    """Return the label of a time axis counted in frames."""
    return f"frame ({engineering(model.frame_period, 's')} each)"


def current_label(model: Model, what: str) -> str:
    """Return the label of an axis of software units, with the current 1.0 stands for."""
    return f"{what} (1 = {engineering(model.unit_current, 'A')})"
