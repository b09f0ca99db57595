"""Balanced accuracy of a population as JSON and in words."""

from __future__ import annotations

from dataclasses import asdict

from netgen.analysis.variability.accuracy import PopulationAccuracy
from netgen.analysis.variability.proportions import Proportion
from netgen.document import Json
from netgen.report.text import percent


def accuracy_document(accuracy: PopulationAccuracy) -> dict[str, Json]:
    """Return it as a JSON object."""
    parts = asdict(accuracy)
    shares = {name: getattr(accuracy, name).share for name in ("near", "close", "far", "constant")}
    return parts | {name: parts[name] | {"share": share} for name, share in shares.items()}


def accuracy_lines(accuracy: PopulationAccuracy, what: str) -> list[str]:
    """Return it as lines for a terminal; ``what`` is chips or corners."""
    low, high = accuracy.interval
    lines = [
        f"balanced accuracy over {accuracy.samples} samples: software "
        f"{percent(accuracy.software)}; mean of {accuracy.chips} {what} {percent(accuracy.mean)} "
        f"(95 %: {100 * low:.1f} … {100 * high:.1f} %), 5 % quantile {percent(accuracy.low)}",
        f"{what} within 1 point of software: {_share(accuracy.near)}; within 2 points: "
        f"{_share(accuracy.close)}; within 5 points: {_share(accuracy.far)}",
    ]
    if accuracy.constant.hits:
        lines.append(
            f"{what} that give one answer to every sample: {accuracy.constant.hits} of "
            f"{accuracy.constant.trials}, {_share(accuracy.constant)}"
        )
    return lines


def accuracy_facts(accuracy: PopulationAccuracy, what: str) -> list[tuple[str, str]]:
    """Return it as names and values for a page."""
    return [
        ("balanced accuracy, software", percent(accuracy.software)),
        (f"balanced accuracy, mean of {what}", percent(accuracy.mean)),
        ("its 5 % quantile", percent(accuracy.low)),
        (f"{what} within 1 point of software", _share(accuracy.near)),
        (f"{what} within 2 points of software", _share(accuracy.close)),
        (f"{what} within 5 points of software", _share(accuracy.far)),
        (
            f"{what} that give one answer to every sample",
            f"{accuracy.constant.hits} of {accuracy.constant.trials}, {_share(accuracy.constant)}",
        ),
    ]


def _share(proportion: Proportion) -> str:
    if proportion.wilson is None:
        return "–"
    low, high = proportion.wilson
    return f"{percent(proportion.share)} ({100 * low:.1f} … {100 * high:.1f} %)"
