"""Does a result count? Judged by data; the text only names the class of a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HARMLESS = re.compile(r"Note:|Using .* Direct Linear Solver|\s*$")
_CAUSES = (
    ("singular", re.compile(r"singular matrix", re.IGNORECASE)),
    ("timestep", re.compile(r"time ?step too small", re.IGNORECASE)),
)
# Output that did not reach its end may have a cause that the text names; the rest is clear.
_VAGUE = ("no_result", "incomplete")

Vectors = Mapping[str, NDArray[Any]]


def complaints(lines: Sequence[str]) -> list[str]:
    """Return the lines that are more than a harmless note."""
    return [line for line in lines if not _HARMLESS.match(line)]


def choose(plots: Sequence[Vectors], required: Sequence[str]) -> Vectors:
    """Return the plot that holds every required vector, else the last one (empty if none).

    An analysis such as ``.noise`` leaves more than one plot.
    """
    whole = [plot for plot in plots if all(name in plot for name in required)]
    return (whole or list(plots) or [{}])[-1]


def scale_of(plot: Vectors) -> str | None:
    """Return the name of the plot's independent variable; None for a single point."""
    names = [name for name in plot if name in ("time", "frequency") or name.endswith("-sweep")]
    return names[0] if names else None


def judge(plot: Vectors, required: Sequence[str], stop: float | None) -> tuple[str, str] | None:
    """Return the class of failure and a detail for people; None if the result counts.

    Parameters
    ----------
    plot
        Arrays by name, each (points,).
    required
        Names that must be there.
    stop
        Value that the scale must end on within 1e-6 of its largest value; None for a single point.
    """
    if not plot or all(len(values) == 0 for values in plot.values()):
        return "no_result", "the analysis computed no point"
    scale = scale_of(plot)
    if stop is not None:
        if scale is None:
            return "no_result", "the analysis has no time, sweep or frequency"
        points = plot[scale].real
        last = float(points[-1]) if len(points) else float("nan")
        if not abs(last - stop) <= 1e-6 * float(np.max(np.abs(points), initial=abs(stop))):
            return "incomplete", f"{scale} ended at {last:g}, not at {stop:g}"
    missing = [name for name in required if name not in plot]
    if missing:
        return "missing_vector", f"no vector {', '.join(missing[:5])}"
    for name, values in plot.items():
        if np.iscomplexobj(values) and name != scale:
            return "complex", f"{name} is complex"
        if not np.all(np.isfinite(values)):
            return "not_finite", f"{name} is not finite"
    return None


def refine(kind: str, lines: Sequence[str]) -> str:
    """Return the class of failure that ngspice's text names, where the data cannot tell."""
    if kind in _VAGUE:
        for cause, pattern in _CAUSES:
            if any(pattern.search(line) for line in lines):
                return cause
    return kind
