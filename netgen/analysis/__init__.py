"""The analysis room: circuit against software in numbers, races, tolerances and the verdict."""

from netgen.analysis.comparison import compare
from netgen.analysis.power import Consumption, PowerFigures, PowerTally
from netgen.analysis.race import forecast_races, near_threshold, predict_races
from netgen.analysis.results import (
    Comparison,
    Divergence,
    NodeComparison,
    SampleComparison,
    SimulationCost,
    UnexplainedState,
)
from netgen.analysis.states import CAUSES, Cause, CellStates
from netgen.analysis.tolerances import Check, Tolerances, load_tolerances, override, verdict

__all__ = [
    "CAUSES",
    "Cause",
    "CellStates",
    "Check",
    "Comparison",
    "Consumption",
    "Divergence",
    "NodeComparison",
    "PowerFigures",
    "PowerTally",
    "SampleComparison",
    "SimulationCost",
    "Tolerances",
    "UnexplainedState",
    "compare",
    "forecast_races",
    "load_tolerances",
    "near_threshold",
    "override",
    "predict_races",
    "verdict",
]
