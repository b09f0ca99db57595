"""Power over the size of networks, with fitted power laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netgen.analysis.power.scaling import PowerLaw
from netgen.report.comparison.plots import render
from netgen.report.style import CLASSES, SOFTWARE, figure, tidy


@dataclass(frozen=True)
class Growth:
    """One quantity over state sizes.

    Attributes
    ----------
    measured
        In ngspice, by size; None where it was not simulated.
    """

    label: str
    sizes: Sequence[int]
    predicted_w: Sequence[float]
    measured_w: Sequence[float | None]
    law: PowerLaw | None


def draw_scaling(growths: Sequence[Growth]) -> bytes:
    """Draw all parts on logarithmic axes: the model's values, fits, and what ngspice gave."""
    page = figure(4.6)
    axes = page.add_subplot()
    colours = dict(zip((g.label for g in growths), (SOFTWARE, *CLASSES), strict=False))
    for growth in growths:
        colour = colours[growth.label]
        label = growth.label
        if growth.law is not None:
            label += f": d^{growth.law.exponent:.2f} ({growth.law.low:.2f} … {growth.law.high:.2f})"
            fine = np.geomspace(min(growth.sizes), max(growth.sizes), 50)
            axes.plot(fine, [growth.law.at(d) * 1e9 for d in fine], "-", color=colour, alpha=0.4)
        axes.plot(
            growth.sizes, [w * 1e9 for w in growth.predicted_w], "o", color=colour, label=label
        )
        pairs = zip(growth.sizes, growth.measured_w, strict=True)
        known = [(size, watts * 1e9) for size, watts in pairs if watts is not None]
        if known:
            axes.plot(*zip(*known, strict=True), "x", color=colour, markersize=11)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("state size d")
    axes.set_ylabel("supply power (nW)")
    axes.set_title("dots: power model; crosses: ngspice; lines: fits", fontsize=9, loc="left")
    axes.legend(frameon=False, fontsize=8)
    tidy(axes)
    return render("scaling.png", "scaling", "Power over state size", "", page).png
