"""The plot of one cell's output over its candidate."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from netgen.model import Model
from netgen.report.comparison.provenance import HysteresisCurve
from netgen.report.style import BAND, CIRCUIT, CLASSES, MUTED, Sheet, nanoamperes, tidy


def plot_hysteresis(curve: HysteresisCurve, model: Model, sheet: Sheet) -> Figure:
    """Output over candidate, rising and falling apart, with the set bands and outputs."""
    fig = sheet.figure(3.8)
    axes = fig.subplots()
    unit = nanoamperes(model)
    before = 0.0
    for low, high, level in zip(curve.falling, curve.rising, curve.levels, strict=True):
        corner, size = (unit * low, unit * before), (unit * (high - low), unit * (level - before))
        first = "" if before == 0 else "_"  # the legend names the first of several
        axes.add_patch(Rectangle(corner, *size, color=BAND, linewidth=0,
                                 label=f"{first}set band, β_lo to β_hi"))  # fmt: skip
        axes.axhline(unit * level, color=MUTED, linewidth=0.9, linestyle="--",
                     label=f"{first}set output")  # fmt: skip
        before = level
    steps = np.diff(curve.candidate)
    for chosen, name, colour in (
        (steps > 0, "candidate rising", CIRCUIT),
        (steps < 0, "candidate falling", CLASSES[0]),
    ):
        # Keep both ends of each step, break the line where the ramp turns.
        kept = np.zeros(len(curve.candidate), dtype=bool)
        kept[:-1] |= chosen
        kept[1:] |= chosen
        axes.plot(
            unit * np.where(kept, curve.candidate, np.nan),
            unit * np.where(kept, curve.output, np.nan),
            color=colour,
            linewidth=1.8,
            drawstyle="steps-pre",  # no point lies between the ends of a jump: draw it upright
            label=name,
        )
    axes.set_xlabel("candidate (nA)", fontsize=9)
    axes.set_ylabel("output (nA)", fontsize=9)
    fig.legend(fontsize=8, frameon=False, ncols=4 if sheet.wide else 2, loc="outside upper left")
    tidy(axes)
    return fig
