"""The characterisation room: what a technology's blocks do, measured in small SPICE runs."""

from netgen.characterise.cells import CellBench, cell_speeds, characterise_cells, characterise_times
from netgen.characterise.diodes import characterise_diodes
from netgen.characterise.gates import characterise_gates
from netgen.characterise.tables import Characterisation, characterise
from netgen.circuit.blocks import CellSpeed, CellTable, CellTimes

__all__ = [
    "CellBench",
    "CellSpeed",
    "CellTable",
    "CellTimes",
    "Characterisation",
    "cell_speeds",
    "characterise",
    "characterise_cells",
    "characterise_diodes",
    "characterise_gates",
    "characterise_times",
]
