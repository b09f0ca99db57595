"""The error budget in words."""

from __future__ import annotations

from dataclasses import dataclass

from netgen.analysis.comparison.error_budget import ErrorBudget, NoErrorBudget
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


@dataclass(frozen=True)
class RungRow:
    """One step, as text."""

    step: str
    meaning: str
    over: str
    error: str
    own: str
    states: str
    decisions: str


def error_budget_rows(budget: ErrorBudget | NoErrorBudget) -> list[RungRow]:
    """Return the steps for the page; none where there is no budget."""
    if isinstance(budget, NoErrorBudget):
        return []
    return [
        RungRow(
            NAMES[rung.step],
            MEANINGS[rung.step],
            NAMES[rung.over],
            percent(rung.logit_rmse_fs),
            percent(rung.attributed_fs),
            percent(rung.state_disagreement),
            percent(rung.decision_disagreement),
        )
        for rung in budget.rungs
    ]
