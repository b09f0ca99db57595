"""The error budget: each kind of error by itself, on a characterisation made by a formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_technology import fake_characterisation
from ideal_twin import TECHNOLOGY, one_row, twin_of, with_text

from netgen.analysis.comparison.error_budget import BudgetEntry, ErrorBudget, error_budget
from netgen.behavioural import Twin, TwinResult
from netgen.model import evaluate
from netgen.model.random import random_model
from netgen.report.comparison.error_budget_plot import plot_error_budget
from netgen.report.comparison.error_budget_text import error_budget_rows
from netgen.report.style import WIDE

MODEL, SAMPLES = random_model(6, frames=30)


def by_step(budget: ErrorBudget) -> dict[str, BudgetEntry]:
    return {entry.step: entry for entry in budget.entries}


def on_grid(twin: Twin, width: str, length: str) -> Twin:
    """Return a twin whose only mirror has another drawn size."""

    def change(text: str) -> str:
        lines = text.splitlines()
        (at,) = (i for i, line in enumerate(lines) if line.startswith("Xrow_0_from_x_0 "))
        words = [word for word in lines[at].split() if word[:2] not in ("w=", "l=")]
        lines[at] = " ".join([*words, f"w={width}", f"l={length}"])
        return "\n".join(lines) + "\n"

    return with_text(twin, change)


def test_every_step_stands_on_the_one_it_names() -> None:
    known = fake_characterisation(TECHNOLOGY)
    budget = error_budget(replace(twin_of(MODEL), known=known), SAMPLES.x, chips=3)
    entries = by_step(budget)
    assert list(entries) == ["grid", "systematic", "mismatch"]
    errors = {"ideal": 0.0} | {step: entry.logit_rmse_fs for step, entry in entries.items()}
    for entry in budget.entries:
        own = np.copysign(entry.attributed_fs**2, entry.attributed_fs)
        assert own == pytest.approx(entry.logit_rmse_fs**2 - errors[entry.over] ** 2, abs=1e-15)
    # drawn by ratio though gains are a few per cent off it: far more than half a grid step
    assert entries["systematic"].logit_rmse_fs > 3 * entries["grid"].logit_rmse_fs
    assert entries["mismatch"].logit_rmse_fs > entries["systematic"].logit_rmse_fs
    assert entries["mismatch"].state_disagreement is not None


def test_without_errors_only_mismatch_is_left() -> None:
    entries = by_step(error_budget(twin_of(MODEL), SAMPLES.x, chips=2))
    assert entries["systematic"].logit_rmse_fs < 1e-3
    assert entries["systematic"].state_disagreement == 0.0
    assert entries["mismatch"].attributed_fs > 0.01


@pytest.mark.parametrize(
    ("weight", "width", "length", "expected"),
    [
        (-0.5, "1e-6", "2e-6", -0.5),
        (-0.5003, "1e-6", "2e-6", -0.5),  # the next length gives 0.50125
        (-0.5007, "1e-6", "2e-6", -1e-6 / 1.995e-6),
        (-0.1, "0.22e-6", "2.3e-6", -0.22 / 2.2),
    ],
)
def test_a_weight_goes_to_the_nearest_length(
    weight: float, width: str, length: str, expected: float
) -> None:
    twin = on_grid(twin_of(one_row([weight])), width, length)
    x = np.linspace(0.1, 1.0, 10).reshape(1, 10, 1)
    entry = by_step(error_budget(twin, x))["grid"]
    full = abs(weight) * 0.9
    error = np.sqrt(np.mean(((expected - weight) * x) ** 2)) / full
    assert entry.logit_rmse_fs == pytest.approx(error, rel=1e-3, abs=1e-9)


def test_a_weight_that_is_not_drawn_is_an_error_of_the_grid() -> None:
    model = one_row([0.5, 0.01])
    twin = twin_of(model)

    def change(text: str) -> str:
        lines = [line for line in text.splitlines() if "row_0_from_x_1 " not in line]
        return "\n".join(lines)

    x = np.random.default_rng(0).uniform(0, 1, (1, 50, 2))
    budget = error_budget(with_text(twin, change), x)
    missing = np.sqrt(np.mean((0.01 * x[..., 1]) ** 2)) / np.ptp(evaluate(model, x)["row"])
    assert by_step(budget)["grid"].logit_rmse_fs == pytest.approx(missing, rel=0.1)


def test_transistors_are_compared_with_the_systematic_step() -> None:
    twin = twin_of(MODEL)
    still = twin.run({}, SAMPLES.x)
    logits = still.logits.copy()
    logits += 0.02 * np.ptp(logits)
    states = {name: found.copy() for name, found in still.states.items()}
    states["l1.state"][0, 0, 0, 0] ^= True
    entry = error_budget(twin, SAMPLES.x, TwinResult(logits, states), chips=1).entries[-1]
    assert (entry.step, entry.over) == ("transistor", "systematic")
    assert entry.logit_rmse_fs == pytest.approx(0.02, rel=0.02)
    count = sum(found.size for found in states.values())
    assert entry.state_disagreement == pytest.approx(1 / count)


def test_no_statistics_no_mismatch() -> None:
    twin = replace(twin_of(MODEL), technology=replace(TECHNOLOGY, mismatch={}))
    assert "mismatch" not in by_step(error_budget(twin, SAMPLES.x))


def test_the_error_budget_in_words_and_bars() -> None:
    budget = error_budget(twin_of(MODEL), SAMPLES.x, chips=1)
    assert [row[0] for row in error_budget_rows(budget)] == ["grid", "systematic", "mismatch"]
    axes = plot_error_budget(budget, WIDE).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()][::-1] == [
        "grid",
        "systematic",
        "mismatch",
    ]
    nothing = BudgetEntry("grid", "ideal", 0.0, 0.0, None, 0.0)
    low, high = plot_error_budget(ErrorBudget((nothing,), 1, 1, 0), WIDE).axes[0].get_xlim()
    assert 0 < low < high
