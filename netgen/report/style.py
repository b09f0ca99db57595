"""Colours, paper and axes that all plots and pages share."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from netgen.model import Model
from netgen.report.text import printable

SOFTWARE = "#20262e"
CIRCUIT = "#d1495b"
BAND = "#cfe3f5"
WINDOW = "#f1ead6"
AXIS = "#aab2bd"
MUTED = "#5d6773"
PALE = "#d8dde3"
GRID = "#e6e9ed"
PAPER = "#ffffff"
DIFFERS = "#7a2fb0"
AGREES = "#1b7f4d"
FIXED, LIGHT = "#20262f", "#fffffe"
"""Text on a patch that keeps its colour in both themes."""
CLASSES = (
    *("#0072b2", "#b87a00", "#00805f", "#b05a8b", "#7a7a00", "#d55e00"),
    *("#7a5195", "#2c86bf", "#332288", "#882255", "#2b8578", "#a0522d"),
)
"""For the curves of single classes (after Okabe and Ito: told apart by colour-blind readers)."""
_DARK_CLASSES = (
    *("#4db2ee", "#f0b43c", "#2fc79c", "#e39bc6", "#c9c94a", "#ff8d4a"),
    *("#bd9ad6", "#8accf4", "#a396f0", "#e384ad", "#6fd0c0", "#dda077"),
)


def darker(colour: str) -> str:
    """Return the colour at 55 % of its brightness, for software beside circuit."""
    red, green, blue = to_rgb(colour)
    return to_hex((0.55 * red, 0.55 * green, 0.55 * blue))


def _lighter(colour: str) -> str:
    red, green, blue = (1 - 0.5 * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


THEME = {
    "ink": (SOFTWARE, "#e6e9ed"),
    "circuit": (CIRCUIT, "#ff7d8d"),
    "band": (BAND, "#24405c"),
    "window": (WINDOW, "#3a3422"),
    "axis": (AXIS, "#59636f"),
    "muted": (MUTED, "#a3adb8"),
    "pale": (PALE, "#434c56"),
    "grid": (GRID, "#2b323a"),
    "paper": (PAPER, "#15191e"),
    "differs": (DIFFERS, "#c58bf0"),
    "agrees": (AGREES, "#58c68e"),
    **{f"c{at}": pair for at, pair in enumerate(zip(CLASSES, _DARK_CLASSES, strict=True))},
    **{
        f"d{at}": (darker(light), _lighter(dark))
        for at, (light, dark) in enumerate(zip(CLASSES, _DARK_CLASSES, strict=True))
    },
}
"""Every colour by its name in a page: on light paper and on dark."""
_NAMES = {light: name for name, (light, _) in THEME.items()}


@dataclass(frozen=True)
class Sheet:
    """The paper a plot is made for."""

    #: In inches. A page shows a wide sheet on a wide screen and a narrow one on a phone, so that
    #: letters keep a size that can be read.
    width: float

    @property
    def wide(self) -> bool:
        """Whether panels and legends fit side by side."""
        return self.width > 6

    def columns(self, most: int) -> int:
        """Return how many entries of a legend fit side by side."""
        return most if self.wide else max(1, most // 3)

    def figure(self, height: float) -> Figure:
        """Return an empty figure of the sheet's width; ``height`` in inches."""
        return Figure(figsize=(self.width, height), layout="constrained", facecolor=PAPER)

    def panels(
        self, count: int, height: float, ratios: Sequence[float] | None = None
    ) -> tuple[Figure, list[Axes]]:
        """Return a figure with panels side by side, one above the other on a narrow sheet.

        Parameters
        ----------
        ratios
            Of the widths; None: all are alike.
        """
        if self.wide:
            figure = self.figure(height)
            return figure, list(figure.subplots(1, count, squeeze=False, width_ratios=ratios)[0])
        figure = self.figure(height * count)
        return figure, list(figure.subplots(count, 1, squeeze=False)[:, 0])


WIDE, NARROW = Sheet(10.0), Sheet(3.75)


def themed(svg: str) -> str:
    """Give an SVG the colours of the reader's theme: those of the palette become variables."""
    start = svg.index("<svg")  # without XML declaration and document type
    head, body = svg[start:].split(">", 1)

    def named(match: re.Match[str]) -> str:
        name = _NAMES.get(match[0].lower())
        return f"var(--{name})" if name else match[0]

    body = re.sub(r"#[0-9a-fA-F]{6}\b", named, body)
    return f"{head}><style>{variables()}</style>{body}"


def variables() -> str:
    """Return the palette as CSS."""
    light = ";".join(f"--{name}:{pair[0]}" for name, pair in THEME.items())
    dark = ";".join(f"--{name}:{pair[1]}" for name, pair in THEME.items())
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"


def tidy(axes: Axes) -> None:
    """Leave the axes a light grid and no box."""
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_facecolor(PAPER)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(AXIS)
    axes.tick_params(colors=MUTED, labelsize=8)


def plain(text: str) -> str:
    """Make a name safe as matplotlib text: printable, and ``$`` starts no formula."""
    return printable(text).replace("$", r"\$")


def milliseconds(model: Model) -> float:
    """Return the frame period in ms: times in plots are ms, whatever the model's frame."""
    return model.frame_period * 1e3


def nanoamperes(model: Model) -> float:
    """Return the unit current in nA: currents in plots are nA."""
    return model.unit_current * 1e9


_LEAST = 0.02
"""What a vertical axis shows at least, as a share."""


def share_axis(axes: Axes, shares: Iterable[float]) -> None:
    """Set a vertical axis of shares, written in per cent.

    It shows all values, is never beyond 0 … 100 %, and never shows less than 2 %: a change of a
    thousandth is no full height.
    """
    known = [value for value in shares if math.isfinite(value)] or [1.0]
    low, high = max(0.0, min(known)), min(1.0, max(known))
    span = max(high - low, _LEAST)
    low, high = max(0.0, low - 0.15 * span), min(1.0, high + 0.15 * span)
    if high - low < _LEAST:
        low, high = (max(0.0, high - _LEAST), high) if high > 0.5 else (low, low + _LEAST)
    room = 0.03 * (high - low)  # for the marks on the edges
    axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_locator(_Inside(low, high))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g} %"))


class _Inside(MaxNLocator):
    """Ticks between two ends only: no label beyond 100 %."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__(5)
        self._ends = low - 1e-9, high + 1e-9

    def __call__(self) -> Sequence[float]:
        low, high = self._ends
        return [float(tick) for tick in super().__call__() if low <= tick <= high]


def value_axis(axes: Axes, values: Iterable[float]) -> None:
    """Set a vertical axis that shows at least 2 % of its largest value."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    span = max(high - low, _LEAST * max(abs(low), abs(high)), 1e-30)
    middle = (low + high) / 2
    axes.set_ylim(middle - 0.6 * span, middle + 0.6 * span)
    axes.ticklabel_format(axis="y", useOffset=False)
