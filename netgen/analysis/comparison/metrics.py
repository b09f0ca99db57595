"""Error figures that are numbers or None, never NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.model.graph import Floats


@dataclass(frozen=True)
class ErrorFigures:
    """Circuit minus software over all samples, frames and units of one node."""

    #: ``rmse``, ``max_error``: root mean square and largest absolute error, software units.
    rmse: float
    max_error: float
    at: tuple[int, int, int]  #: (sample position, frame, unit) of the largest error.
    correlation: float | None  #: Pearson's; None where either signal is constant.


def error_figures(circuit: Floats, software: Floats) -> ErrorFigures:
    """Compare two (samples, frames, units) arrays of at least one sample."""
    error = np.abs(circuit - software)
    sample, frame, unit = np.unravel_index(error.argmax(), error.shape)
    return ErrorFigures(
        rmse=rms(error),
        max_error=float(error.max()),
        at=(int(sample), int(frame), int(unit)),
        correlation=correlation(circuit, software),
    )


def rms(values: Floats) -> float:
    """Root mean square of values of any shape, in their unit."""
    return float(np.sqrt(np.mean(np.square(values))))


def correlation(a: Floats, b: Floats) -> float | None:
    """Pearson's correlation of two arrays of any shape; None where one is constant."""
    if is_constant(a) or is_constant(b):
        return None
    return float(np.clip(np.corrcoef(a.ravel(), b.ravel())[0, 1], -1.0, 1.0))


def is_constant(values: Floats) -> bool:
    """Tell whether values of any shape differ by rounding alone: a billionth of the largest."""
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def share(hits: np.ndarray) -> float | None:
    """Share of true entries in an array of any shape; None of an empty one."""
    return float(hits.mean()) if hits.size else None


def mean(values: Floats) -> float | None:
    """Mean of values of any shape, in their unit; None of an empty array."""
    return float(values.mean()) if values.size else None
