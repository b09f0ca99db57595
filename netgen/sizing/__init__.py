"""The sizing room: characterise a technology's blocks, and invert that for every device."""

from netgen.sizing.activity import Activity, calibration_inputs, measure_activity
from netgen.sizing.cells import CellTable, characterise_cells, hysteresis_curve
from netgen.sizing.gates import characterise_gates
from netgen.sizing.mirrors import MirrorTables, characterise_mirrors
from netgen.sizing.power import PredictedPower, predict_power
from netgen.sizing.size import BelowFloor, Characterisation, size_circuit
from netgen.sizing.times import CellSpeed, CellTimes, characterise_times

__all__ = [
    "Activity",
    "BelowFloor",
    "CellSpeed",
    "CellTable",
    "CellTimes",
    "Characterisation",
    "MirrorTables",
    "PredictedPower",
    "calibration_inputs",
    "characterise_cells",
    "characterise_gates",
    "characterise_mirrors",
    "characterise_times",
    "hysteresis_curve",
    "measure_activity",
    "predict_power",
    "size_circuit",
]
