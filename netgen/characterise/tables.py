"""All tables that a technology's circuits are sized with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from netgen.characterise.cells import CellBench, characterise_cells
from netgen.characterise.gain import MirrorTables
from netgen.characterise.mirrors import Run, characterise_mirrors
from netgen.circuit.blocks import CellBlock, CellTable
from netgen.netlist.models import Conditions
from netgen.technology import Geometry, Technology


@dataclass(frozen=True)
class Characterisation:
    """All that is known of a technology's blocks under given conditions: cells by operation."""

    mirrors: MirrorTables
    cells: Mapping[str, CellTable]


def characterise(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    unit_current: float,
    folder: Path,
    run: Run,
    blocks: Iterable[CellBlock],
) -> Characterisation:
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
    where = (technology, at, unit, unit_current, folder, run)
    cells = characterise_cells(CellBench(*where), blocks)
    return Characterisation(characterise_mirrors(*where), cells)
