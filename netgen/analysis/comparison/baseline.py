"""The figures of a comparison against those of an earlier report: what became worse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from netgen.analysis.comparison.results import Comparison
from netgen.analysis.comparison.tolerances import Check
from netgen.errors import ConfigurationError, UsageError
from netgen.schema import head

Better = Literal["high", "low"]
BETTER: Mapping[str, Better] = MappingProxyType(
    {
        "failures": "low",
        "decision_agreement": "high",
        "frame_agreement": "high",
        "state_agreement": "high",
        "state_agreement_clear": "high",
        "state_clear_share": "high",
        "logit_rmse_fs": "low",
        "logit_rmse_fs_max": "low",
        "logit_rmse_same_state_fs": "low",
        "logit_rmse_same_state_fs_max": "low",
        "logit_rmse_same_state_own": "low",
        "logit_rmse_same_state_own_max": "low",
        "node_error_max": "low",
        "verification_failures": "low",
        "mirror_error_max": "low",
        "row_error_max": "low",
        "threshold_error_max": "low",
        "width_error_max": "low",
        "output_error_max": "low",
        "accuracy_software": "high",
        "accuracy_circuit": "high",
        "power_w": "low",
        "energy_j": "low",
    }
)
"""Figures that may be compared with earlier ones, and which end of each is the good one."""
Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class Limit:
    """By how much a figure may become worse; ``share`` counts it as a share of the earlier one."""

    name: str
    amount: float
    share: bool = False


@dataclass(frozen=True)
class Baseline:
    """An earlier report."""

    source: str  #: Its file.
    model: str  #: SHA-256 of its model.
    samples: int  #: How many it compares.
    figures: Figures


@dataclass(frozen=True)
class Change:
    """A figure, earlier and now."""

    name: str
    before: float | None
    now: float | None
    #: By how much it became worse; below 0 where it became better. None where either is missing.
    worse: float | None
    allowed: float | None  #: By how much it may become worse; None: by anything.
    passed: bool

    @property
    def summary(self) -> str:
        """The earlier figure, the present one, and by how much it may be worse."""
        before, now = (
            "none" if each is None else f"{each:.6g}" for each in (self.before, self.now)
        )
        limit = "" if self.allowed is None else f"; may become worse by {self.allowed:.3g}"
        return f"was {before}, is {now}{limit}"


@dataclass(frozen=True)
class BaselineComparison:
    """Figures against those of an earlier report."""

    source: str  #: The earlier report's file.
    #: ``same_model``, ``same_samples``: whether it is of this very model, and of as many samples.
    same_model: bool
    same_samples: bool
    changes: tuple[Change, ...]  #: Figures that either report has, those with a limit first.

    @property
    def regressed(self) -> tuple[Change, ...]:
        """Figures that became worse by more than they may."""
        return tuple(change for change in self.changes if not change.passed)


@dataclass(frozen=True)
class Against:
    """What a comparison is held against: an earlier report, and how much worse it may be."""

    baseline: Baseline
    limits: tuple[Limit, ...] = ()

    def of(self, comparison: Comparison, checks: Sequence[Check], model: str) -> BaselineComparison:
        """Return the figures of a comparison of a model (its SHA-256) against the earlier ones."""
        return against_baseline(self.baseline, self.limits, comparison, checks, model)


def parse_limit(text: str) -> Limit:
    """Read ``NAME=VALUE`` or ``NAME=VALUE%`` (a share of the earlier figure).

    Raises
    ------
    UsageError
        It is neither, or the name is not known.
    """
    name, _, value = (part.strip() for part in text.partition("="))
    share = value.endswith("%")
    try:
        amount = float(value.removesuffix("%")) / (100 if share else 1)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        example = "decision_agreement=0.01 or power_w=5%"
        raise UsageError(f"--max-regression {text}: write NAME=VALUE, such as {example}")
    if name not in BETTER:
        near = get_close_matches(name, BETTER, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(BETTER)}"
        raise UsageError(f"--max-regression {name}: is not known; {hint}")
    return Limit(name, amount, share)


def read_baseline(path: Path) -> Baseline:
    """Read the ``report.json`` of an earlier comparison.

    Raises
    ------
    ConfigurationError
        It cannot be read, or is no such report of this version.
    """
    known = head("report")
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
        if not isinstance(data, dict) or {key: data.get(key) for key in known} != known:
            problem = f"is no {known['format']} of version {known['version']}; name a report.json"
            raise ConfigurationError(str(path), [problem])
        checks = {check["name"]: check["value"] for check in data["checks"]}
        checks |= {name: data[name] for name in BETTER if name in data}
        figures = {name: _number(checks[name]) for name in BETTER if name in checks}
        return Baseline(str(path), str(data["model"]["sha256"]), int(data["samples"]), figures)
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read ({error.strerror})"]) from None
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ConfigurationError(str(path), ["is damaged; make the report again"]) from None


def against_baseline(
    baseline: Baseline,
    limits: Sequence[Limit],
    comparison: Comparison,
    checks: Sequence[Check],
    model: str,
) -> BaselineComparison:
    """Compare figures with earlier ones.

    Parameters
    ----------
    limits
        Of one figure the last one counts.
    model
        SHA-256 of the model.
    """
    now: dict[str, float | None] = {check.name: check.value for check in checks}
    now |= {name: getattr(comparison, name) for name in BETTER if hasattr(comparison, name)}
    now["failures"] = float(len(comparison.failures))
    asked = {limit.name: limit for limit in limits}
    rest = [name for name in BETTER if name not in asked]
    changes = tuple(
        _change(name, baseline.figures.get(name), now.get(name), asked.get(name))
        for name in (*asked, *rest)
        if name in asked or (baseline.figures.get(name), now.get(name)) != (None, None)
    )
    same = baseline.samples == len(comparison.samples)
    return BaselineComparison(baseline.source, baseline.model == model, same, changes)


def _change(name: str, before: float | None, now: float | None, limit: Limit | None) -> Change:
    worse = None
    if before is not None and now is not None:
        worse = before - now if BETTER[name] == "high" else now - before
    if limit is None:
        return Change(name, before, now, worse, None, passed=True)
    allowed = limit.amount * (abs(before or 0.0) if limit.share else 1.0)
    if worse is None:  # a figure that is gone is worse than any
        return Change(name, before, now, None, allowed, passed=before is None)
    return Change(name, before, now, worse, allowed, passed=worse <= allowed + _slack(before))


def _slack(before: float | None) -> float:
    """Return what rounding may add: equal figures are equal."""
    return 1e-12 * abs(before or 0.0)


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return float(value)
