"""The options about an earlier report, and what is printed of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from netgen.analysis.comparison.baseline import (
    Against,
    BaselineComparison,
    parse_limit,
    read_baseline,
)
from netgen.commands.options import PATH
from netgen.commands.records import taking
from netgen.errors import UsageError


@dataclass(frozen=True)
class BaselineOptions:
    """An earlier report, and by how much figures may be worse than its."""

    baseline: Path | None
    regressions: tuple[str, ...]

    def against(self) -> Against | None:
        """Return what a comparison shall be held against.

        Raises
        ------
        UsageError
            A limit is none, or there is no baseline for it.
        ConfigurationError
            The baseline cannot be read.
        """
        limits = tuple(parse_limit(text) for text in self.regressions)
        if self.baseline is None:
            if limits:
                raise UsageError("--max-regression is about a baseline; add --baseline REPORT.json")
            return None
        return Against(read_baseline(self.baseline), limits)


baseline_options = taking(
    "earlier",
    BaselineOptions,
    click.option(
        "--baseline",
        type=PATH,
        metavar="REPORT.json",
        help="The report of an earlier comparison: say what became better or worse.",
    ),
    click.option(
        "--max-regression",
        "regressions",
        multiple=True,
        metavar="NAME=VALUE",
        help="By how much a figure may be worse than in the baseline, such as "
        "decision_agreement=0.01 or power_w=5%; repeatable. Status 1 where one is worse.",
    ),
)


def say_baseline(comparison: BaselineComparison) -> None:
    """Print what changed since an earlier report, and name what regressed."""
    other = [] if comparison.same_model else ["another model"]
    other += [] if comparison.same_samples else ["another number of samples"]
    what = f" (of {' and '.join(other)})" if other else ""
    click.echo(f"against {comparison.source}{what}:")
    for change in comparison.changes:
        if change.allowed is not None or change.before != change.now:
            mark = "    " if change.allowed is None else "ok  " if change.passed else "FAIL"
            click.echo(f"  {mark} {change.name:<30} {change.summary}")
    if comparison.regressed:
        click.echo(f"regressed: {', '.join(change.name for change in comparison.regressed)}")
