"""All tables that a technology's circuits are sized with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netgen.characterise.cells import CellBench, characterise_cells
from netgen.characterise.diodes import DiodeTable
from netgen.characterise.gain import MirrorTables
from netgen.characterise.mirrors import characterise_mirrors
from netgen.circuit.blocks import CellBlock, CellTable


@dataclass(frozen=True)
class Characterisation:
    """All that is known of a technology's blocks under given conditions: cells by operation.

    Diodes are known where DACs are sized.
    """

    mirrors: MirrorTables
    cells: Mapping[str, CellTable]
    diodes: DiodeTable | None = None


def characterise(bench: CellBench, blocks: Iterable[CellBlock]) -> Characterisation:
    """Measure mirrors and cells, or return their tables from the cache.

    Parameters
    ----------
    blocks
        Those whose cells are measured.

    Raises
    ------
    SimulationError
        A simulation failed.
    """
    cells = characterise_cells(bench, blocks)
    return Characterisation(characterise_mirrors(bench), cells)
