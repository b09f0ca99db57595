"""Blocks: the subcircuits that units are made of, each behind one protocol.

Rows and lines are made of mirrors, diodes and bias diodes; every other operation of a model is
realised by a :class:`CellBlock`, which is found by the entry point group ``netgen.blocks``.
"""

from netgen.arrays import Floats
from netgen.circuit.blocks.bench import Bench, BiasedCell, CandidateStep, Held
from netgen.circuit.blocks.kit import Kit, module
from netgen.circuit.blocks.port import (
    Bias,
    Block,
    CellBlock,
    CellTable,
    CellTimes,
    Copy,
    Currents,
    Decision,
    Matched,
    Probe,
)
from netgen.circuit.blocks.registry import block_of, modules_of, sized_name
from netgen.circuit.blocks.speed import CellSpeed

__all__ = [
    "Bench",
    "Bias",
    "BiasedCell",
    "Block",
    "CandidateStep",
    "CellBlock",
    "CellSpeed",
    "CellTable",
    "CellTimes",
    "Copy",
    "Currents",
    "Decision",
    "Floats",
    "Held",
    "Kit",
    "Matched",
    "Probe",
    "block_of",
    "module",
    "modules_of",
    "sized_name",
]
