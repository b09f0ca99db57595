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
            NAMES[rung.step],
            MEANINGS[rung.step],
            percent(rung.logit_rmse_fs),
            percent(rung.attributed_fs),
            NAMES[rung.over],
            percent(rung.state_disagreement),
            percent(rung.decision_disagreement),
        )
        for rung in budget.rungs
    ]
