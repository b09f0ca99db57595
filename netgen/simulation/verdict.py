"""Does a result count? Judged by data; the text only names the class of a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netgen.simulation.quotes import HIDDEN, without_quotes

_HARMLESS = re.compile(r"Note:|Using .* Direct Linear Solver|\s*$")
_STREAM = re.compile(r"^(stderr|stdout) ")
# What ngspice says at every failure of a class, and tells nothing about this one.
_EMPTY_WORDS = re.compile(
    r"Netlist line no|Error on line|Cannot compute substitute|Please check|.*cannot recover"
    r"|.*aborted$"
)
_CAUSES = {
    "singular": re.compile(r"singular matrix", re.IGNORECASE),
    "timestep": re.compile(r"time ?step too small", re.IGNORECASE),
}
# A singular matrix may be got over by gmin stepping; then it did not stop a later time point.
_UNDER_WAY = re.compile(r"time ?step too small; time =", re.IGNORECASE)
# Output that did not reach its end may have a cause that the text names; the rest is clear.
_VAGUE = ("no_result", "incomplete")
_REJECTED = ("load", "exit")
_SCALES = ("time", "frequency")
_LONGEST = 300

Vectors = Mapping[str, NDArray[Any]]


def complaints(lines: Sequence[str]) -> list[str]:
    """Return the lines that are more than a harmless note."""
    return [line for line in lines if not _HARMLESS.match(line)]


@dataclass(frozen=True, eq=False)
class Result:
    """What an analysis computed: its scale and the vectors that belong to it, each (points,)."""

    scale_name: str
    scale: NDArray[Any]
    vectors: Vectors

    @classmethod
    def of(cls, plots: Sequence[Vectors], required: Sequence[str]) -> Result:
        """Take the plot that holds every required vector, else the last one.

        An analysis such as ``.noise`` leaves more than one plot. A single point, which has no
        scale, is given the scale 0; a vector of another length than the scale is left out.
        """
        whole = [plot for plot in plots if all(name in plot for name in required)]
        plot = (whole or list(plots) or [{}])[-1]
        scales = [name for name in plot if name in _SCALES or name.endswith("-sweep")]
        points = len(plot[scales[0]]) if scales else min(map(len, plot.values()), default=0)
        vectors = {
            name: values
            for name, values in plot.items()
            if name not in scales[:1] and len(values) == points
        }
        if scales:
            return cls(scales[0], plot[scales[0]].real, vectors)
        return cls("", np.zeros(points), vectors)


def judge(
    result: Result, required: Sequence[str], stop: float | None, points: Sequence[float] = ()
) -> tuple[str, str] | None:
    """Return the class of failure and a detail for people; None if the result counts.

    Parameters
    ----------
    result
        What was computed.
    required
        Names that must be there.
    stop
        Value that the scale must end on, within 1e-6 of its largest value; None for a single point.
    points
        Values it must hold, within 1e-9 of its largest value.
    """
    if len(result.scale) == 0:
        return "no_result", "the analysis computed no point"
    if stop is not None:
        if not result.scale_name:
            return "no_result", "the analysis has no time, sweep or frequency"
        last = float(result.scale[-1])
        largest = float(np.max(np.abs(result.scale), initial=abs(stop)))
        if not abs(last - stop) <= 1e-6 * largest:
            return "incomplete", f"{result.scale_name} ended at {last:g}, not at {stop:g}"
        lost = _lost(result.scale, np.asarray(points), 1e-9 * largest)
        if lost.size:
            return "lost_point", f"{result.scale_name} did not stop at {lost[0]:g}"
    missing = [name for name in required if name not in result.vectors]
    if missing:
        return "missing_vector", f"no vector {', '.join(missing[:5])}"
    for name, values in result.vectors.items():
        if np.iscomplexobj(values):
            return "complex", f"{name} is complex"
        if not np.all(np.isfinite(values)):
            return "not_finite", f"{name} is not finite"
    return None


def _lost(scale: NDArray[Any], points: NDArray[Any], near: float) -> NDArray[Any]:
    """Return the points that an ascending scale does not hold."""
    after = np.searchsorted(scale, points).clip(1, len(scale) - 1) if len(scale) > 1 else 0
    distance = np.minimum(np.abs(scale[after] - points), np.abs(scale[after - 1] - points))
    lost: NDArray[Any] = points[distance > near]
    return lost


def refine(kind: str, lines: Sequence[str]) -> str:
    """Return the class of failure that ngspice's text names, where the data cannot tell."""
    if kind not in _VAGUE:
        return kind
    if any(_UNDER_WAY.search(line) for line in lines):
        return "timestep"
    named = (cause for cause, said in _CAUSES.items() if any(said.search(line) for line in lines))
    return next(named, kind)


def last_words(kind: str, lines: Sequence[str], deck: str = "") -> str:
    """Return the part of ngspice's output that tells most about a failure; empty if none does.

    Parameters
    ----------
    kind
        Class of failure: a rejected deck's first complaints are its cause, and the rest follows
        from them; of a run the last one counts.
    lines
        The log, each line with the name of its stream (as does not what C libraries print).
    deck
        What was run: of a deck that is rejected, what a complaint quotes from elsewhere is hidden.
    """
    errors = [plain(line) for line in lines if not line.startswith("stdout ")]
    telling = list(dict.fromkeys(e for e in complaints(errors) if not _EMPTY_WORDS.match(e)))
    if kind in _CAUSES:
        telling = [line for line in telling if _CAUSES[kind].search(line)]
    chosen = telling[-1:]
    if kind in _REJECTED:
        chosen = [without_quotes(line, deck) for line in telling[:3]]
        chosen = list(dict.fromkeys(line for line in chosen if line != HIDDEN))
    return " / ".join(line.strip() for line in chosen)[:_LONGEST]


def plain(line: str) -> str:
    """Return a line of the log without the name of its stream."""
    return _STREAM.sub("", line)
