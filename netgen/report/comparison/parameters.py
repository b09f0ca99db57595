"""The learned parameters as text: what the netlist makes of them, and which were used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.analysis import Comparison, Verification
from netgen.report.text import percent

WORST = 10
"""So many weights are shown, the worst first."""
SHOWN = 200
"""So many cells, and entries of parameters never used, are shown."""


@dataclass(frozen=True)
class Parameters:
    """What the page says of the learned parameters."""

    measured: str  #: One sentence; empty where the netlist was not measured.
    #: Worst weights: place, learned, expected of what was drawn, measured, error.
    weights: tuple[tuple[str, ...], ...]
    #: Cells: name, then threshold, width and output, each with by how much the netlist's differs.
    cells: tuple[tuple[str, ...], ...]
    #: Parameters that no sample has used: unit, what did not happen, names.
    unused: tuple[tuple[str, ...], ...]
    unused_count: int  #: How many parameters no sample has used.


def parameters(comparison: Comparison, verification: Verification | None) -> Parameters:
    """Return what the page says of the learned parameters."""
    unused = [
        (f"`{e.node}[{e.unit}]`", e.why, ", ".join(e.parameters)) for e in comparison.unexercised
    ]
    count = sum(len(e.parameters) for e in comparison.unexercised)
    if verification is None:
        return Parameters("", (), (), tuple(unused[:SHOWN]), count)
    worst = sorted(verification.mirrors, key=lambda m: -abs(m.error))[:WORST]
    weights = [
        (f"`{m.place}`", f"{m.learned:+.4g}", f"{m.expected:+.4g}", f"{m.measured:+.4g}",
             signed(m.error))
        for m in worst
    ]  # fmt: skip
    cells = [
        (
            f"`{c.name}`",
            *(f"{c.threshold:.4g}", signed(c.threshold_error)),
            *(f"{c.width:.4g}", signed(c.width_error)),
            *(f"{c.output:.4g}", signed(c.output_error)),
        )
        for c in verification.cells[:SHOWN]
    ]
    return Parameters(
        _summary(verification), tuple(weights), tuple(cells), tuple(unused[:SHOWN]), count
    )


def _summary(verification: Verification) -> str:
    text = (
        f"{len(verification.mirrors)} weights, {len(verification.sums)} rows and "
        f"{len(verification.cells)} cells of the netlist were measured at operating points, "
        f"without samples ({verification.cpu_s:.1f} CPU s)"
    )
    if verification.mirrors:
        errors = np.abs([m.error for m in verification.mirrors])
        text += (
            f"; half of the weights are within {percent(float(np.median(errors)))} of what was "
            f"drawn for them, the worst within {percent(float(errors.max()))}"
        )
    return text + "."


def signed(share: float) -> str:
    """Write a signed share in per cent; a small one with a digit that says how small.

    Examples
    --------
    >>> signed(0.0512), signed(-0.000006)
    ('+5.12 %', '-0.0006 %')
    """
    return f"{100 * share:+.2f} %" if abs(share) >= 1e-4 else f"{100 * share:+.1g} %"
