"""The error budget as bars."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from netgen.analysis.comparison.error_budget import ErrorBudget
from netgen.report.comparison.error_budget_text import NAMES
from netgen.report.style import CIRCUIT, PALE, Sheet, tidy

SMALLEST = 1e-3
"""Per cent: smaller errors are not shown as bars."""


def plot_error_budget(budget: ErrorBudget, sheet: Sheet) -> Figure:
    """Draw each step's error, and in front of it what the step adds to the one it stands on."""
    fig = sheet.figure(0.9 + 0.45 * len(budget.entries))
    axes = fig.subplots()
    axes.set_xscale("log")
    entries = budget.entries[::-1]
    rows = np.arange(len(entries))
    # a logarithmic axis knows no zero: such a bar ends left of it
    total = np.maximum([100 * entry.logit_rmse_fs for entry in entries], SMALLEST / 10)
    attributed = np.maximum([100 * abs(entry.attributed_fs) for entry in entries], SMALLEST / 10)
    axes.barh(rows, total, 0.75, color=PALE, label="after the step")
    axes.barh(rows, attributed, 0.4, color=CIRCUIT, label="the step's own part")
    shown = [size for size in (*total, *attributed) if size > SMALLEST] or [SMALLEST]
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(0.4 * min(shown), (6 if sheet.wide else 40) * max(shown))
    for row, (entry, size) in enumerate(zip(entries, np.maximum(total, attributed), strict=True)):
        sign = "−" if entry.attributed_fs < 0 else "+"
        text = f"{entry.logit_rmse_fs:.2%} ({sign}{abs(entry.attributed_fs):.2%})"
        axes.text(max(float(size), 0.4 * min(shown)), row, f"  {text}", va="center", fontsize=8)
    axes.set_yticks(rows, [NAMES[entry.step] for entry in entries])
    axes.set_xlabel("RMSE of the logits, % of full scale", fontsize=9)
    fig.legend(fontsize=8, frameon=False, ncols=2, loc="outside upper left")
    tidy(axes)
    return fig
