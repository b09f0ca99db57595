"""The sizing room: every weight's geometry and every cell's biases, from the characterisation."""

from netgen.sizing.activity import calibration_inputs, measure_activity
from netgen.sizing.power import PredictedPower, predict_power
from netgen.sizing.size import BelowFloor, size_circuit

__all__ = [
    "BelowFloor",
    "PredictedPower",
    "calibration_inputs",
    "measure_activity",
    "predict_power",
    "size_circuit",
]
