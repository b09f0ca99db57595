"""Does a result count? Checked by its data, whatever the simulator prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.floating] | NDArray[np.complexfloating]
Vectors: TypeAlias = Mapping[str, Values]


@dataclass(frozen=True, eq=False)
class AnalysisResult:
    """What an analysis computed: its scale and the vectors that belong to it, each (points,)."""

    scale_name: str
    scale: Values
    vectors: Vectors


def check_result(
    result: AnalysisResult,
    required: Sequence[str],
    stop: float | None,
    points: Sequence[float] = (),
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


def _lost(scale: Values, points: Values, near: float) -> Values:
    """Return the points that an ascending scale does not hold."""
    after = np.searchsorted(scale, points).clip(1, len(scale) - 1) if len(scale) > 1 else 0
    distance = np.minimum(np.abs(scale[after] - points), np.abs(scale[after - 1] - points))
    lost: Values = points[distance > near]
    return lost
