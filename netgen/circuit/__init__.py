"""The circuit room: from the nodes of a model to mirrors, diodes and cells."""

from netgen.circuit.circuit import (
    READOUTS,
    CellLayer,
    Circuit,
    Drawn,
    Layer,
    Line,
    Mirrors,
    Readout,
    RowLayer,
    build_circuit,
    drawn_weight,
    parameter_path,
)
from netgen.circuit.names import DECISION_WORD, REFERENCE, REFERENCE_WORD, Chain
from netgen.circuit.rows import Rows, Terms, rows_of

__all__ = [
    "DECISION_WORD",
    "READOUTS",
    "REFERENCE",
    "REFERENCE_WORD",
    "CellLayer",
    "Chain",
    "Circuit",
    "Drawn",
    "Layer",
    "Line",
    "Mirrors",
    "Readout",
    "RowLayer",
    "Rows",
    "Terms",
    "build_circuit",
    "drawn_weight",
    "parameter_path",
    "rows_of",
]
