"""Trim: codes of a chip's programmable currents, from measurements or by trial."""

from netgen.circuit.codes import CodeRange
from netgen.trim.codes import Codes, nominal_codes
from netgen.trim.measure import CellFigures, trim_inputs, trim_measured
from netgen.trim.search import trim_by_trial

__all__ = [
    "CellFigures",
    "CodeRange",
    "Codes",
    "nominal_codes",
    "trim_by_trial",
    "trim_inputs",
    "trim_measured",
]
