"""The circuit room: from the nodes of a model to mirrors, diodes and cells."""

from netgen.circuit.circuit import (
    BIASES,
    READOUTS,
    Bias,
    CellLayer,
    Circuit,
    GateNet,
    Layer,
    Mirrors,
    Readout,
    SummingLayer,
    build_circuit,
    parameter_path,
)
from netgen.circuit.names import DECISION_WORD, REFERENCE, REFERENCE_WORD

__all__ = [
    "BIASES",
    "DECISION_WORD",
    "READOUTS",
    "REFERENCE",
    "REFERENCE_WORD",
    "Bias",
    "CellLayer",
    "Circuit",
    "GateNet",
    "Layer",
    "Mirrors",
    "Readout",
    "SummingLayer",
    "build_circuit",
    "parameter_path",
]
