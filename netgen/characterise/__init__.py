"""The characterisation room: what a technology's blocks do, measured in small SPICE runs."""

from netgen.characterise.cells import CellTable, characterise_cells, hysteresis_curve
from netgen.characterise.diodes import DiodeTable, characterise_diodes
from netgen.characterise.gates import characterise_gates
from netgen.characterise.mirrors import MirrorTables, characterise_mirrors
from netgen.characterise.tables import Characterisation, characterise
from netgen.characterise.times import CellSpeed, CellTimes, cell_speeds, characterise_times

__all__ = [
    "CellSpeed",
    "CellTable",
    "CellTimes",
    "Characterisation",
    "DiodeTable",
    "MirrorTables",
    "cell_speeds",
    "characterise",
    "characterise_cells",
    "characterise_diodes",
    "characterise_gates",
    "characterise_mirrors",
    "characterise_times",
    "hysteresis_curve",
]
