"""Agreement against power over a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netgen.report.comparison.plots import render
from netgen.report.style import CIRCUIT, CLASSES, MUTED, figure, tidy


@dataclass(frozen=True)
class SweepCurve:
    """One quantity over its values, (points,) each; None where there was nothing to measure.

    Attributes
    ----------
    label
        Quantity and unit, for the axis.
    logarithmic
        Whether its values are spread over decades.
    decisions
        Share of decisions that agree.
    """

    label: str
    logarithmic: bool
    values: Sequence[float]
    decisions: Sequence[float]
    states: Sequence[float | None]
    power_w: Sequence[float | None]


def draw_sweep(curves: Sequence[SweepCurve]) -> bytes:
    """Draw agreement and power over each quantity, side by side, as PNG."""
    page = figure(5.2)
    for column, curve in enumerate(curves):
        above = page.add_subplot(2, len(curves), 1 + column)
        below = page.add_subplot(2, len(curves), 1 + len(curves) + column, sharex=above)
        pairs = zip(curve.values, curve.states, strict=True)
        known = [(value, share) for value, share in pairs if share is not None]
        states = [share for _, share in known]
        above.plot(curve.values, curve.decisions, "o-", color=CIRCUIT, label="decisions")
        if known:
            above.plot(*zip(*known, strict=True), "s--", color=CLASSES[0], label="states")
        powers = [
            (v, watts * 1e9)
            for v, watts in zip(curve.values, curve.power_w, strict=True)
            if watts is not None
        ]
        if powers:
            below.plot(*zip(*powers, strict=True), "o-", color=MUTED)
        below.set_yscale("log")
        if curve.logarithmic:
            below.set_xscale("log")
        below.set_xlabel(curve.label)
        above.tick_params(labelbottom=False)
        if column == 0:
            above.set_ylabel("agrees with software")
            below.set_ylabel("supply power (nW)")
            above.legend(frameon=False, fontsize=8)
        for axes in (above, below):
            tidy(axes)
        above.set_ylim(min([*curve.decisions, *states, 0.95]) - 0.02, 1.01)
    return render("sweep.png", "sweep", "Agreement against power", "", page).png
