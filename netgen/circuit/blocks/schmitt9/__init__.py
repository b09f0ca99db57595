"""The nine-transistor Schmitt trigger, which realises the operation ``bmru``."""

from netgen.circuit.blocks.schmitt9.block import BLOCK
from netgen.circuit.blocks.schmitt9.op import Bmru
from netgen.circuit.blocks.schmitt9.table import (
    THRESHOLDS,
    CellTable,
    hysteresis_curve,
    read_thresholds,
)
from netgen.circuit.blocks.schmitt9.times import CellTimes

__all__ = [
    "BLOCK",
    "THRESHOLDS",
    "Bmru",
    "CellTable",
    "CellTimes",
    "hysteresis_curve",
    "read_thresholds",
]
