"""The nine-transistor Schmitt trigger, which realises the operation ``bmru``."""

from netgen.circuit.blocks.schmitt9.block import BLOCK
from netgen.circuit.blocks.schmitt9.op import Bmru
from netgen.circuit.blocks.schmitt9.table import SchmittTable, read_thresholds
from netgen.circuit.blocks.schmitt9.times import SchmittTimes

__all__ = ["BLOCK", "Bmru", "SchmittTable", "SchmittTimes", "read_thresholds"]
