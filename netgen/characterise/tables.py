"""All tables that a technology's circuits are sized with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netgen.characterise.cells import CellTable, characterise_cells
from netgen.characterise.mirrors import MirrorTables, Run, characterise_mirrors
from netgen.netlist.models import Conditions
from netgen.technology import Geometry, Technology


@dataclass(frozen=True)
class Characterisation:
    """All that is known of a technology's blocks under given conditions."""

    mirrors: MirrorTables
    cells: CellTable


def characterise(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    unit_current: float,
    folder: Path,
    run: Run,
) -> Characterisation:
    """Measure mirrors and cells, or return their tables from the cache.

    Raises
    ------
    SimulationError
        A simulation failed.
    """
    where = (technology, at, unit, unit_current, folder, run)
    return Characterisation(characterise_mirrors(*where), characterise_cells(*where))
