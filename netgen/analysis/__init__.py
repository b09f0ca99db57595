"""The analysis room: circuit against software in numbers, races, tolerances and the verdict."""

from netgen.analysis.comparison.compare import compare
from netgen.analysis.comparison.race import forecast_races
from netgen.analysis.comparison.results import (
    Comparison,
    NodeComparison,
    SampleComparison,
    UnexplainedState,
)
from netgen.analysis.comparison.states import CAUSES
from netgen.analysis.comparison.tolerance_files import (
    keep_tolerances,
    kept_tolerances,
    load_tolerances,
)
from netgen.analysis.comparison.tolerances import Check, Tolerances, override, verdict, verified
from netgen.analysis.comparison.verification import Verification
from netgen.analysis.power.consumption import Consumption, PowerFigures, PowerTally

__all__ = [
    "CAUSES",
    "Check",
    "Comparison",
    "Consumption",
    "NodeComparison",
    "PowerFigures",
    "PowerTally",
    "SampleComparison",
    "Tolerances",
    "UnexplainedState",
    "Verification",
    "compare",
    "forecast_races",
    "keep_tolerances",
    "kept_tolerances",
    "load_tolerances",
    "override",
    "verdict",
    "verified",
]
