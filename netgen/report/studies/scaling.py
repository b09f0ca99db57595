"""Power over the size of networks: plot and page, with fitted power laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from netgen.analysis.power.scaling import PowerLaw
from netgen.report.page import Page, Section, Table, plain_rows, to_html
from netgen.report.plot import render
from netgen.report.style import CLASSES, SOFTWARE, Sheet, tidy
from netgen.units import engineering


@dataclass(frozen=True)
class Scaling:
    """One quantity over state sizes."""

    label: str
    sizes: Sequence[int]
    predicted_w: Sequence[float]
    measured_w: Sequence[float | None]  #: In ngspice, by size; None where it was not simulated.
    law: PowerLaw | None


def scaling_files(
    scalings: Sequence[Scaling],
    laws: Mapping[str, PowerLaw | None],
    circuits: Sequence[tuple[str, ...]],
) -> dict[str, str | bytes]:
    """Return ``scaling.png`` and ``scaling.html``, by name.

    Parameters
    ----------
    scalings
        Parts of the supply power, their total last.
    laws
        Of all quantities that were fitted.
    circuits
        Of each size: state size, transistors, area, capacitance of wires, shortest frame.
    """
    total = scalings[-1]
    power = f"{engineering(total.predicted_w[0], 'W')} to {engineering(total.predicted_w[-1], 'W')}"
    summary = f"Supply power of {power} for state sizes {total.sizes[0]} to {total.sizes[-1]}"
    if total.law is not None:
        summary += f": it grows with the power {total.law.exponent:.2f} of the size"
    plot = render(
        "scaling.png",
        "scaling",
        "Power over state size",
        "Dots: power model; crosses: ngspice; lines: fits.",
        f"{summary}. Parts: {', '.join(scaling.label for scaling in scalings[:-1])}.",
        partial(plot_scaling, scalings),
    )
    sections = [
        Section("plot", "Power over state size", [plot, _sizes(scalings, circuits)], "Power"),
        Section("exponents", "Exponents", [_laws(laws)]),
    ]
    page = Page("random reference networks", "scaling", f"{summary}.", sections)
    return {plot.file: plot.png, "scaling.html": to_html(page)}


def _sizes(scalings: Sequence[Scaling], circuits: Sequence[tuple[str, ...]]) -> Table:
    rows = []
    for at, circuit in enumerate(circuits):
        measured = scalings[-1].measured_w[at]
        rows.append(
            (
                *circuit,
                *(engineering(scaling.predicted_w[at], "W") for scaling in scalings),
                "" if measured is None else engineering(measured, "W"),
            )
        )
    parts = (f">{scaling.label}" for scaling in scalings)
    columns = (
        ">state size",
        ">transistors",
        ">area",
        ">wires",
        ">shortest frame",
        *parts,
        ">total in ngspice",
    )
    return Table("Power, transistors and area by state size", columns, plain_rows(rows))


def _laws(laws: Mapping[str, PowerLaw | None]) -> Table:
    rows = [
        (name, f"{law.exponent:.3f}", f"{law.low:.3f} … {law.high:.3f}")
        for name, law in laws.items()
        if law is not None
    ]
    return Table("Exponents", ("quantity", ">exponent", ">95 % interval"), plain_rows(rows))


def plot_scaling(scalings: Sequence[Scaling], sheet: Sheet) -> Figure:
    """Draw all parts on logarithmic axes: the model's values, fits, and what ngspice gave."""
    page = sheet.figure(4.6)
    axes = page.add_subplot()
    colours = dict(zip((g.label for g in scalings), (SOFTWARE, *CLASSES), strict=False))
    for scaling in scalings:
        colour = colours[scaling.label]
        label = scaling.label
        if scaling.law is not None:
            label += (
                f": d^{scaling.law.exponent:.2f} ({scaling.law.low:.2f} … {scaling.law.high:.2f})"
            )
            fine = np.geomspace(min(scaling.sizes), max(scaling.sizes), 50)
            axes.plot(fine, [scaling.law.at(d) * 1e9 for d in fine], "-", color=colour, alpha=0.4)
        axes.plot(
            scaling.sizes, [w * 1e9 for w in scaling.predicted_w], "o", color=colour, label=label
        )
        pairs = zip(scaling.sizes, scaling.measured_w, strict=True)
        known = [(size, watts * 1e9) for size, watts in pairs if watts is not None]
        if known:
            axes.plot(*zip(*known, strict=True), "x", color=colour, markersize=11)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("state size d", fontsize=9)
    axes.set_ylabel("supply power (nW)", fontsize=9)
    page.legend(frameon=False, fontsize=8, ncols=sheet.columns(3), loc="outside upper left")
    tidy(axes)
    return page
