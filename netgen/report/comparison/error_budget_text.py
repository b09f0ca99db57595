"""The error budget in words."""

from __future__ import annotations

from netgen.analysis.comparison.error_budget import ErrorBudget
from netgen.report.text import percent

NAMES = {
    "ideal": "software",
    "grid": "grid",
    "systematic": "systematic",
    "mismatch": "mismatch",
    "transistor": "transistors",
}
MEANINGS = {
    "grid": "weights as near as the manufacturing grid allows; none below the floor",
    "systematic": "gains that go with signal and drain voltage, cells as characterised",
    "mismatch": "every transistor deviates by itself",
    "transistor": "the SPICE simulation of this circuit, without mismatch",
}


def error_budget_rows(budget: ErrorBudget) -> list[tuple[str, ...]]:
    """Return the steps for the page: step, meaning, error, own part, over, states, decisions."""
    return [
        (
            NAMES[entry.step],
            MEANINGS[entry.step],
            percent(entry.logit_rmse_fs),
            percent(entry.attributed_fs),
            NAMES[entry.over],
            percent(entry.state_disagreement),
            percent(entry.decision_disagreement),
        )
        for entry in budget.entries
    ]
