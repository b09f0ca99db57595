"""The plot of one cell's output over its candidate."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from netgen.model import Model
from netgen.report.comparison.provenance import HysteresisCurve
from netgen.report.style import BAND, CIRCUIT, CLASSES, MUTED, current_label, figure, tidy


def draw_hysteresis(curve: HysteresisCurve, model: Model) -> Figure:
    """Output over candidate, rising and falling apart, with the set threshold, width and gain."""
    fig = figure(3.8)
    axes = fig.subplots()
    low = curve.threshold - curve.width
    axes.axvspan(
        low, curve.threshold, color=BAND, linewidth=0, label=r"set band, $β_{lo}$ to $β_{hi}$"
    )
    axes.axhline(curve.gain, color=MUTED, linewidth=0.9, linestyle="--", label="set α")
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
            np.where(kept, curve.candidate, np.nan),
            np.where(kept, curve.output, np.nan),
            color=colour,
            linewidth=1.8,
            drawstyle="steps-pre",  # no point lies between the ends of a jump: draw it upright
            label=name,
        )
    axes.set_xlabel(current_label(model, "candidate"), fontsize=9)
    axes.set_ylabel("output", fontsize=9)
    fig.legend(fontsize=8, frameon=False, ncols=4, loc="outside upper left")
    tidy(axes)
    return fig
