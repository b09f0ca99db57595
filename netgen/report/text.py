"""Numbers and names as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from netgen.analysis import Check, Comparison, SampleComparison
from netgen.model import Model

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")

MEANINGS = {
    "failures": "samples whose simulation failed",
    "decision_agreement": "samples decided for the same class",
    "frame_agreement": "frames of the readout with the same largest logit",
    "state_agreement": "states equal, both running freely",
    "state_agreement_clear": "states as software expects from the circuit's own, "
    "states with a known cause to differ left out",
    "winner_agreement": "frames in which the chip's bits name the circuit's largest logit, "
    "where it leads by 1 %",
    "logit_rmse_same_state_fs_max": "analog error of the worst sample, share of full scale, "
    "states forced equal",
    "node_error_max": "worst unit of any node, by the circuit's own signals below it: share of the "
    "currents that meet in it, or of what a cell gives",
    "verification_failures": "layers that could not be measured, or whose cells do not start right",
    "mirror_error_max": "worst weight, as the netlist's mirrors make it, without samples",
    "row_error_max": "worst row over the inputs it was sized for, share of the currents that meet",
    "threshold_error_max": "worst upper threshold, as the netlist's cells have it",
    "width_error_max": "worst hysteresis width, as the netlist's cells have it",
    "output_error_max": "worst output, as the netlist's cells have it",
}
"""What each checked figure says."""

CAUSE_MEANINGS = {
    "near_threshold": "the software candidate lies within 2 % of a threshold",
    "candidate_error": "the circuit's own candidate lies on the other side of the threshold: "
    "the analog error of its summing node",
    "slow": "the cell needs longer than its frame for so small an overdrive, by the measured times",
    "race": "a transient could set it: predicted from the layers below, or seen in the circuit",
    "propagated": "follows from an earlier or lower difference",
    "clear": "nothing explains it: the state is clear, and yet not what software expects",
}
"""What each cause of a difference means."""


COUNTS = ("failures", "verification_failures")
"""Figures that are numbers of something, not shares."""


def printable(text: str) -> str:
    """Replace what neither XML nor UTF-8 can carry (control characters, lone surrogates)."""
    return _UNPRINTABLE.sub("\ufffd", text)


def percent(share: float | None) -> str:
    """Write a share in per cent; one that is not whole never reads as 0 or 100.

    Examples
    --------
    >>> percent(1.0), percent(0.99997), percent(0.0012), percent(None)
    ('100 %', '99.997 %', '0.12 %', '–')
    """
    if share is None:
        return "–"
    value = 100 * share
    if value in (0.0, 100.0):
        return f"{value:.0f} %"
    decimals = 2
    while f"{value:.{decimals}f}" in (f"{0:.{decimals}f}", f"{100:.{decimals}f}") and decimals < 12:
        decimals += 1
    return f"{value:.{decimals}f} %"


def measured(check: Check) -> str:
    """Write a check's value: a count for failures, else a share."""
    if check.value is None:
        return "–"
    return f"{check.value:.0f}" if check.name in COUNTS else percent(check.value)


def limit(check: Check) -> str:
    """Write a check's relation and limit."""
    bound = f"{check.limit:g}" if check.name in COUNTS else f"{100 * check.limit:g} %"
    return f"{check.relation} {bound}"


def source(check: Check) -> str:
    """Say where a limit comes from that is no default, and whether it is looser."""
    if not check.source:
        return ""
    looser = f"looser than the default {100 * check.default:g} %, " if check.looser else ""
    return f"{looser}from {check.source}"


def window(comparison: Comparison) -> str:
    """Say which frames the readout looks at, of how many."""
    start, stop = comparison.readout_frames
    return f"{start} … {stop - 1} of 0 … {comparison.frames - 1}"


def telling(samples: Iterable[SampleComparison]) -> list[SampleComparison]:
    """Return samples, the most telling first: decided otherwise, then by the circuit's margin."""
    return sorted(
        samples, key=lambda entry: (entry.agrees, entry.margin_circuit, -entry.logit_rmse_fs)
    )


def sample_name(index: int, name: str) -> str:
    """Name a sample by its index, and by its own name where that says more.

    Examples
    --------
    >>> sample_name(7, "sample 7"), sample_name(7, "up/speaker_3")
    ('sample 7', 'sample 7, up/speaker_3')
    """
    title = "" if name in (f"sample {index}", f"{index}") else f", {name}"
    return f"sample {index}{title}"


def class_name(model: Model, index: int) -> str:
    """Return a class's name, printable."""
    return printable(model.classes[index])
