"""What agreement is demanded, where that is configured, and the verdict."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from netgen.analysis.results import Comparison
from netgen.analysis.verification import Verification
from netgen.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = ("netgen.toml", "netgen.json")
TABLE = "tolerances"


@dataclass(frozen=True)
class Tolerances:
    """Limits of a comparison; a figure at its limit passes. All are shares between 0 and 1.

    The defaults ask for what a well-sized circuit without mismatch reaches, with room for the
    honest exceptions: circuits sized by characterisation stay at 0.1 to 0.5 % logit error and
    99.9 to 100 % equal states, while ratio sizing gives 5 to 18 % and 79 to 98 %.

    Attributes
    ----------
    decision_agreement_min
        One sample in fifty may decide otherwise: software itself has near ties.
    frame_agreement_min
        Single frames tie more often than whole samples, but there are many more of them.
    state_agreement_min
        A flip near a threshold is legitimate and then persists over frames.
    state_agreement_clear_min
        All of them: what disagrees here no effect known explains, so it is a fault.
    logit_rmse_same_state_fs_max
        Analog error of the *worst* sample, as a share of the logits' full scale. Twice what
        characterised circuits show, well below what ratio sizing gives.
    node_error_max
        Error of the worst unit of any node, given the circuit's own signals below it: as a share
        of the currents that meet in a summing node, or of α for a cell. Circuits sized by
        characterisation stay below 0.3 % (sums) and 0.8 % (cells).
    mirror_error_max
        Of the worst weight that the netlist's mirrors make, against what was drawn for the learned
        one: below 1.5 % where nothing is wrong.
    row_error_max
        Of the worst row over the inputs it was sized for, against the learned weights, as a share
        of the currents that meet in it: below 0.5 %.
    threshold_error_max, width_error_max, output_error_max
        Of the worst cell against its learned figures: below 0.1, 0.5 and 0.1 %.
    """

    decision_agreement_min: float = 0.98
    frame_agreement_min: float = 0.99
    state_agreement_min: float = 0.99
    state_agreement_clear_min: float = 1.0
    logit_rmse_same_state_fs_max: float = 0.01
    node_error_max: float = 0.015
    mirror_error_max: float = 0.03
    row_error_max: float = 0.01
    threshold_error_max: float = 0.01
    width_error_max: float = 0.03
    output_error_max: float = 0.02


VERIFIED = (
    *("mirror_error_max", "row_error_max", "threshold_error_max", "width_error_max"),
    "output_error_max",
)
"""Tolerances of what :class:`netgen.analysis.verification.Verification` measures."""
NAMED = 20
"""So many places that miss a limit are named."""


@dataclass(frozen=True)
class Place:
    """Where a figure misses its limit.

    Attributes
    ----------
    what
        The unit or the parameter.
    error
        By how much it is off, signed where that is known.
    """

    node: str
    unit: int
    what: str
    error: float


@dataclass(frozen=True)
class Check:
    """One figure against its limit.

    Attributes
    ----------
    name
        The figure's name in ``report.json``.
    value
        None where there is nothing to judge; such a check passes unless no sample was compared.
    relation, limit
        The check passes where ``value relation limit`` holds.
    places
        Where it does not, the worst first, :data:`NAMED` at most.
    """

    name: str
    value: float | None
    relation: Literal["≥", "≤"]
    limit: float
    passed: bool
    places: tuple[Place, ...] = ()


def verdict(
    comparison: Comparison, tolerances: Tolerances, verification: Verification | None = None
) -> tuple[Check, ...]:
    """Judge a comparison: no simulation may have failed, and every tolerance must hold.

    A figure that the model does not have (state agreement without BMRU nodes) passes. What was
    measured of the netlist's mirrors and cells is judged where it is given.
    """
    failed = len(comparison.failures)
    checks = [Check("failures", failed, "≤", 0, failed == 0)]
    for entry in fields(tolerances):
        if entry.name in VERIFIED:
            continue
        limit = getattr(tolerances, entry.name)
        at_least = entry.name.endswith("_min")
        name = entry.name.removesuffix("_min")  # the RMSE's limit holds the worst sample: _max
        value = getattr(comparison, name)
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
    return (*checks, *(() if verification is None else verified(verification, tolerances)))


def verified(found: Verification, tolerances: Tolerances) -> tuple[Check, ...]:
    """Judge what was measured of a netlist: every layer could be, and every tolerance holds."""
    failures = len(found.failures)
    failed = tuple(Place(n, 0, f"{n} ({kind})", 1.0) for n, kind in found.failures.items())
    checks = [Check("verification_failures", failures, "≤", 0, failures == 0, failed)]
    cells = [(each, f"{each.node}[{each.unit}]") for each in found.cells]
    places = {
        "mirror_error_max": [Place(m.node, m.row, m.place, m.error) for m in found.mirrors],
        "row_error_max": [Place(r.node, r.row, f"{r.node}[{r.row}]", r.error) for r in found.rows],
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
    return tuple(checks)


def _beyond(places: Iterable[Place], limit: float) -> tuple[Place, ...]:
    missed = [place for place in places if not abs(place.error) <= limit]
    return tuple(sorted(missed, key=lambda place: -abs(place.error))[:NAMED])


def override(base: Tolerances, values: Mapping[str, Any], source: str, path: str) -> Tolerances:
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
    known = [entry.name for entry in fields(base)]
    problems = []
    for name, value in values.items():
        at = f"{path}.{name}" if path else name
        if name not in known:
            problems.append(f"{at}: is not known; choose among {', '.join(known)}")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(f"{at}: must be a number")
        elif not 0 <= value <= 1:  # nor NaN
            problems.append(f"{at}: must lie between 0 and 1 (0.01 is 1 %)")
    if problems:
        raise ConfigurationError(source, problems)
    return replace(base, **{name: float(value) for name, value in values.items()})


def load_tolerances(folder: Path) -> Tolerances:
    """Read the ``[tolerances]`` of ``netgen.toml`` or ``netgen.json`` in ``folder``.

    Without either file the defaults hold.

    Raises
    ------
    ConfigurationError
        Both files are there, one cannot be read, or it holds anything unknown.
    """
    present = [folder / name for name in FILES if (folder / name).exists()]
    if not present:
        return Tolerances()
    if len(present) > 1:
        raise ConfigurationError(str(present[0]), [f"{FILES[1]} is there as well; keep one"])
    (path,) = present
    data = _read(path)
    unknown = [f"{key}: is not known; the only table is [{TABLE}]" for key in data if key != TABLE]
    if unknown:
        raise ConfigurationError(str(path), unknown)
    table = data.get(TABLE, {})
    if not isinstance(table, dict):
        raise ConfigurationError(str(path), [f"{TABLE}: must be a table"])
    return override(Tolerances(), table, str(path), TABLE)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), [f"not UTF-8 text (byte {error.start})"]) from None
    except RecursionError:
        raise ConfigurationError(str(path), ["nested too deeply"]) from None
    except ValueError as error:  # of either parser
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise ConfigurationError(str(path), [f"not {kind}: {error}"]) from None
    if not isinstance(data, dict):
        raise ConfigurationError(str(path), ["must be an object"])
    return data
