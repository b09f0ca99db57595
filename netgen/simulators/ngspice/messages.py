"""What ngspice's plots and messages say: results come from data, text only names a failure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from netgen.simulators.ngspice.quotes import HIDDEN, without_quotes
from netgen.simulators.results import AnalysisResult, Vectors

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
_BYPASS = re.compile(r"(?im)^\.option\b.*\bbypass=1\b")
_STEP_FAILED = re.compile(r"further gmin increment|(gmin|source) step\w* failed", re.IGNORECASE)
# Output that did not reach its end may have a cause that the text names; the rest is clear.
_VAGUE = ("no_result", "incomplete")
_REJECTED = ("load", "exit")
_SCALES = ("time", "frequency")
_LONGEST = 300


def complaints(lines: Sequence[str]) -> list[str]:
    """Return the lines that are more than a harmless note."""
    return [line for line in lines if not _HARMLESS.match(line)]


def untrue_start(deck: str, lines: Sequence[str]) -> bool:
    """Tell whether the first point of a run may be wrong, by what ngspice said of it.

    After a gmin step that failed, points were seen to converge with ``bypass`` at currents that no
    voltage stands for. Likely ngspice restores the voltages of the last good step alone, and a
    bypassed transistor gives the currents that it holds from the failed one.
    """
    return bool(_BYPASS.search(deck)) and any(_STEP_FAILED.search(line) for line in lines)


def result_of(plots: Sequence[Vectors], required: Sequence[str]) -> AnalysisResult:
    """Take the plot that holds every required vector, else the last one.

    An analysis such as ``.noise`` leaves more than one plot. A single point, which has no scale, is
    given the scale 0; a vector of another length than the scale is left out.
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
        return AnalysisResult(scales[0], plot[scales[0]].real, vectors)
    return AnalysisResult("", np.zeros(points), vectors)


def refine(kind: str, lines: Sequence[str]) -> str:
    """Return the class of failure that ngspice's text names, where the data cannot tell."""
    if kind not in _VAGUE:
        return kind
    if any(_UNDER_WAY.search(line) for line in lines):
        return "timestep"
    named = (
        cause for cause, pattern in _CAUSES.items() if any(pattern.search(line) for line in lines)
    )
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
    errors = [message_text(line) for line in lines if not line.startswith("stdout ")]
    telling = list(dict.fromkeys(e for e in complaints(errors) if not _EMPTY_WORDS.match(e)))
    if kind in _CAUSES:
        telling = [line for line in telling if _CAUSES[kind].search(line)]
    chosen = telling[-1:]
    if kind in _REJECTED:
        chosen = [without_quotes(line, deck) for line in telling[:3]]
        chosen = list(dict.fromkeys(line for line in chosen if line != HIDDEN))
    return " / ".join(line.strip() for line in chosen)[:_LONGEST]


def message_text(line: str) -> str:
    """Return a line of the log without the name of its stream."""
    return _STREAM.sub("", line)
