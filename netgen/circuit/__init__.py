"""The circuit room: from the nodes of a model to mirrors, diodes and cells."""

from netgen.circuit.circuit import (
    BIASES,
    DECISIONS,
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
from netgen.circuit.names import DECISION_PREFIX, REFERENCE, REFERENCE_PREFIX

__all__ = [
    "BIASES",
    "DECISIONS",
    "DECISION_PREFIX",
    "READOUTS",
    "REFERENCE",
    "REFERENCE_PREFIX",
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
