"""What agreement is demanded, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from netgen.analysis.comparison.results import Comparison
from netgen.analysis.comparison.verification import Verification
from netgen.errors import ConfigurationError
from netgen.keys import unknown_key


@dataclass(frozen=True)
class Tolerances:
    """Limits of a comparison; a figure at its limit passes. All are shares between 0 and 1.

    The defaults ask for what a well-sized circuit without mismatch reaches, with room for the
    honest exceptions: circuits sized by characterisation stay at 0.1 to 0.5 % logit error and
    99.9 to 100 % equal states, while ratio sizing gives 5 to 18 % and 79 to 98 %.
    """

    #: One sample in fifty may decide otherwise: software itself has near ties.
    decision_agreement_min: float = 0.98
    #: Single frames tie more often than whole samples, but there are many more of them.
    frame_agreement_min: float = 0.99
    #: A flip near a threshold is legitimate and then persists over frames.
    state_agreement_min: float = 0.99
    #: All of them: what disagrees here no effect known explains, so it is a fault.
    state_agreement_clear_min: float = 1.0
    #: Of the chip's decision, where the circuit's own largest logit leads by 1 %; only where there
    #: is one.
    winner_agreement_min: float = 0.999
    #: Analog error of the *worst* sample, as a share of the logits' full scale. Twice what
    #: characterised circuits show, well below what ratio sizing gives.
    logit_rmse_same_state_fs_max: float = 0.01
    #: Error of the worst unit of any node, given the circuit's own signals below it: as a share of
    #: the currents that meet in a summing node, or of what a cell gives. Circuits sized by
    #: characterisation stay below 0.35 % (sums) and 0.2 % (cells).
    node_error_max: float = 0.01
    #: Of the worst weight that the netlist's mirrors make, against what was drawn for the learned
    #: one: below 1.5 % where nothing is wrong.
    mirror_error_max: float = 0.03
    #: Of the worst row over the inputs it was sized for, against the learned weights, as a share of
    #: the currents that meet in it: below 0.5 %.
    row_error_max: float = 0.01
    #: ``threshold_error_max``, ``width_error_max``, ``output_error_max``: of the worst cell against
    #: its learned figures: below 0.1, 0.5 and 0.1 %.
    threshold_error_max: float = 0.01
    width_error_max: float = 0.03
    output_error_max: float = 0.02
    #: File or option that each tolerance comes from; absent for the defaults.
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)


LIMITS = tuple(entry.name for entry in fields(Tolerances) if entry.name != "sources")
"""The names of the tolerances."""

VERIFIED = (
    *("mirror_error_max", "row_error_max", "threshold_error_max", "width_error_max"),
    "output_error_max",
)
"""Tolerances of what :class:`netgen.analysis.comparison.verification.Verification` measures."""
NAMED = 20
"""So many places that miss a limit are named."""


@dataclass(frozen=True)
class Place:
    """Where a figure misses its limit."""

    node: str
    unit: int
    what: str  #: The unit or the parameter.
    error: float  #: By how much it is off, signed where that is known.


@dataclass(frozen=True)
class Check:
    """One figure against its limit."""

    name: str  #: The figure's name in ``report.json``.
    #: None where there is nothing to judge; such a check passes unless no sample was compared.
    value: float | None
    #: ``relation``, ``limit``: the check passes where ``value relation limit`` holds.
    relation: Literal["≥", "≤"]
    limit: float
    passed: bool
    places: tuple[Place, ...] = ()  #: Where it does not, the worst first, :data:`NAMED` at most.
    default: float = 0.0  #: The limit without any configuration.
    source: str = ""  #: File or option that the limit comes from; empty for the default.

    @property
    def unjudged(self) -> bool:
        """Whether there is nothing to judge: it neither holds nor is missed."""
        return self.value is None and self.passed

    @property
    def looser(self) -> bool:
        """Whether the limit lets more pass than the default does."""
        return self.limit < self.default if self.relation == "≥" else self.limit > self.default


def verdict(
    comparison: Comparison, tolerances: Tolerances, verification: Verification | None = None
) -> tuple[Check, ...]:
    """Judge a comparison: no simulation may have failed, and every tolerance must hold.

    A figure that the model does not have (state agreement without BMRU nodes) passes. What was
    measured of the netlist's mirrors and cells is judged where it is given.
    """
    failed = len(comparison.failures)
    checks = [Check("failures", failed, "≤", 0, failed == 0)]
    for entry in LIMITS:
        if entry in VERIFIED:
            continue
        limit = getattr(tolerances, entry)
        at_least = entry.endswith("_min")
        name = entry.removesuffix("_min")  # the RMSE's limit holds the worst sample: _max
        value = getattr(comparison, name)
        if value is None and name == "winner_agreement":
            continue
        if value is None:
            passed = bool(comparison.samples)
        else:
            passed = value >= limit if at_least else value <= limit
        places = [
            Place(each.node, each.unit, f"{each.node}[{each.unit}]", each.error)
            for each in comparison.unit_errors
            if name == "node_error_max"
        ]
        worst = _beyond(places, limit)
        checks.append(Check(name, value, "≥" if at_least else "≤", limit, passed, worst))
    others = () if verification is None else verified(verification, tolerances)
    return (*(_with_source(check, tolerances) for check in checks), *others)


def verified(verification: Verification, tolerances: Tolerances) -> tuple[Check, ...]:
    """Judge what was measured of a netlist: every layer could be, and every tolerance holds."""
    failures = len(verification.failures)
    failed = tuple(Place(n, 0, f"{n} ({kind})", 1.0) for n, kind in verification.failures.items())
    checks = [Check("verification_failures", failures, "≤", 0, failures == 0, failed)]
    cells = [(each, each.name) for each in verification.cells]
    places = {
        "mirror_error_max": [Place(m.node, m.row, m.place, m.error) for m in verification.mirrors],
        "row_error_max": [
            Place(r.node, r.row, f"{r.node}[{r.row}]", r.error) for r in verification.sums
        ],
    }
    for figure in ("threshold", "width", "output"):
        places[f"{figure}_error_max"] = [
            Place(cell.node, cell.unit, name, getattr(cell, f"{figure}_error"))
            for cell, name in cells
        ]
    for name, entries in places.items():
        limit = getattr(tolerances, name)
        value = max((abs(entry.error) for entry in entries), default=None)
        passed = value is None or value <= limit
        checks.append(Check(name, value, "≤", limit, passed, _beyond(entries, limit)))
    return tuple(_with_source(check, tolerances) for check in checks)


def _with_source(check: Check, tolerances: Tolerances) -> Check:
    name = check.name if check.name in LIMITS else f"{check.name}_min"
    if name not in LIMITS:  # a count, which has no tolerance
        return check
    default = getattr(Tolerances(), name)
    return replace(check, default=default, source=tolerances.sources.get(name, ""))


def _beyond(places: Iterable[Place], limit: float) -> tuple[Place, ...]:
    missed = [place for place in places if not abs(place.error) <= limit]
    return tuple(sorted(missed, key=lambda place: -abs(place.error))[:NAMED])


def override(base: Tolerances, values: Mapping[str, object], source: str, path: str) -> Tolerances:
    """Return ``base`` with some limits replaced.

    Parameters
    ----------
    source, path
        Where the values come from, for the message: a file (or the option) and a path in it.

    Raises
    ------
    ConfigurationError
        An unknown name or a value that is no share; every violation with its path.
    """
    problems = []
    limits: dict[str, float] = {}
    for name, value in values.items():
        at = f"{path}.{name}" if path else name
        if name not in LIMITS:
            problems.append(f"{at}: {unknown_key(name, LIMITS)}")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(f"{at}: must be a number")
        elif not 0 <= value <= 1:  # nor NaN
            problems.append(f"{at}: must lie between 0 and 1 (0.01 is 1 %)")
        else:
            limits[name] = float(value)
    if problems:
        raise ConfigurationError(source, problems)
    return replace(base, **limits, sources={**base.sources, **dict.fromkeys(limits, source)})
