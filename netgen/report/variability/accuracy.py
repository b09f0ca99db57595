"""Balanced accuracy of a population as JSON and in words."""

from __future__ import annotations

from dataclasses import asdict

from netgen.analysis.variability.accuracy import PopulationAccuracy
from netgen.analysis.variability.proportions import Proportion
from netgen.document import Json
from netgen.report.text import percent


def accuracy_document(found: PopulationAccuracy) -> dict[str, Json]:
    """Return it as a JSON object."""
    parts = asdict(found)
    shares = {name: getattr(found, name).share for name in ("near", "close", "far", "constant")}
    return parts | {name: parts[name] | {"share": share} for name, share in shares.items()}


def accuracy_lines(found: PopulationAccuracy, what: str) -> list[str]:
    """Return it as lines for a terminal; ``what`` is chips or corners."""
    low, high = found.interval
    lines = [
        f"balanced accuracy over {found.samples} samples: software {percent(found.software)}; mean "
        f"of {found.chips} {what} {percent(found.mean)} (95 %: {100 * low:.1f} … "
        f"{100 * high:.1f} %), 5 % quantile {percent(found.low)}",
        f"{what} within 1 point of software: {_share(found.near)}; within 2 points: "
        f"{_share(found.close)}; within 5 points: {_share(found.far)}",
    ]
    if found.constant.hits:
        lines.append(
            f"{what} that give one answer to every sample: {found.constant.hits} of "
            f"{found.constant.trials}, {_share(found.constant)}"
        )
    return lines


def accuracy_facts(found: PopulationAccuracy, what: str) -> list[tuple[str, str]]:
    """Return it as names and values for a page."""
    return [
        ("balanced accuracy, software", percent(found.software)),
        (f"balanced accuracy, mean of {what}", percent(found.mean)),
        ("its 5 % quantile", percent(found.low)),
        (f"{what} within 1 point of software", _share(found.near)),
        (f"{what} within 2 points of software", _share(found.close)),
        (f"{what} within 5 points of software", _share(found.far)),
        (
            f"{what} that give one answer to every sample",
            f"{found.constant.hits} of {found.constant.trials}, {_share(found.constant)}",
        ),
    ]


def _share(found: Proportion) -> str:
    if found.wilson is None:
        return "–"
    low, high = found.wilson
    return f"{percent(found.share)} ({100 * low:.1f} … {100 * high:.1f} %)"
