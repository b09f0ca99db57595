"""The analysis room: circuit against software in numbers, races, tolerances and the verdict."""

from netgen.analysis.comparison.compare import compare
from netgen.analysis.comparison.nodes import Unexercised, UnitError
from netgen.analysis.comparison.race import forecast_races, near_threshold, predict_races
from netgen.analysis.comparison.results import (
    Comparison,
    Divergence,
    NodeComparison,
    SampleComparison,
    SimulationCost,
    UnexplainedState,
)
from netgen.analysis.comparison.states import CAUSES, Cause, CellStates
from netgen.analysis.comparison.tolerance_files import (
    keep_tolerances,
    kept_tolerances,
    load_tolerances,
)
from netgen.analysis.comparison.tolerances import (
    Check,
    Place,
    Tolerances,
    override,
    verdict,
    verified,
)
from netgen.analysis.comparison.verification import (
    CellFigure,
    MirrorFigure,
    SumFigure,
    Verification,
)
from netgen.analysis.power.consumption import Consumption, PowerFigures, PowerTally

__all__ = [
    "CAUSES",
    "Cause",
    "CellFigure",
    "CellStates",
    "Check",
    "Comparison",
    "Consumption",
    "Divergence",
    "MirrorFigure",
    "NodeComparison",
    "Place",
    "PowerFigures",
    "PowerTally",
    "SampleComparison",
    "SimulationCost",
    "SumFigure",
    "Tolerances",
    "Unexercised",
    "UnexplainedState",
    "UnitError",
    "Verification",
    "compare",
    "forecast_races",
    "keep_tolerances",
    "kept_tolerances",
    "load_tolerances",
    "near_threshold",
    "override",
    "predict_races",
    "verdict",
    "verified",
]
