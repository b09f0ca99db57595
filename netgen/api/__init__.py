"""The public interface: what the command line does, for scripts and notebooks.

Everything here is also reachable as ``netgen.NAME``. Times are in s, currents in A, lengths in m;
arrays are NumPy's. A ``progress`` is called with (done, total) after each finished run.
"""

from __future__ import annotations

from netgen.analysis import Tolerances
from netgen.api.actions import (
    build,
    compare,
    load_model,
    load_samples,
    make_samples,
    monte_carlo,
    open_build,
    simulate,
    twin,
)
from netgen.api.records import Chips, Circuit, Predictions, Result
from netgen.model import Model, Samples
from netgen.technology import Technology, load_technology

__all__ = [
    "Chips",
    "Circuit",
    "Model",
    "Predictions",
    "Result",
    "Samples",
    "Technology",
    "Tolerances",
    "build",
    "compare",
    "load_model",
    "load_samples",
    "load_technology",
    "make_samples",
    "monte_carlo",
    "open_build",
    "simulate",
    "twin",
]
