"""All tables that a technology's circuits are sized with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netgen.characterise.cells import CellBench, characterise_cells
from netgen.characterise.diodes import DiodeTable
from netgen.characterise.gain import MirrorTables
from netgen.characterise.mirrors import characterise_mirrors
from netgen.circuit import Circuit
from netgen.circuit.blocks import CellTable


@dataclass(frozen=True)
class Characterisation:
    """All that is known of a technology's blocks under given conditions: cells by node.

    Diodes are known where DACs are sized.
    """

    mirrors: MirrorTables
    cells: Mapping[str, CellTable]
    diodes: DiodeTable | None = None


def characterise(bench: CellBench, circuit: Circuit) -> Characterisation:
    """Measure a circuit's mirrors and cells, or return their tables from the cache.

    Raises
    ------
    SimulationError
        A simulation failed.
    """
    cells = characterise_cells(bench, circuit)
    return Characterisation(characterise_mirrors(bench, circuit), cells)
