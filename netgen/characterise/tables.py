"""All tables that a technology's circuits are sized with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.cells import CellBench, characterise_cells
from netgen.characterise.diodes import DiodeTable
from netgen.characterise.gain import MirrorTables
from netgen.characterise.mirrors import characterise_mirrors
from netgen.circuit import Circuit
from netgen.circuit.blocks import CellTable


@dataclass(frozen=True, eq=False)
class Response:
    """What a block gives over what it ought to give, by the current that it carries."""

    levels: Floats  #: Currents, units, (points,), rising.
    shares: Floats  #: Output over the ideal one there, (points,).

    def at(self, units: Floats) -> Floats:
        """Return the share at currents, units, any shape; beyond the ends that of the end."""
        logs = np.log(np.maximum(units, self.levels[0]))
        return np.asarray(np.interp(logs, np.log(self.levels), self.shares))

    @property
    def error(self) -> tuple[float, float]:
        """The lowest and the highest error, as a share."""
        return round(float(self.shares.min()) - 1, 5), round(float(self.shares.max()) - 1, 5)

    def __str__(self) -> str:
        """Return both errors, and over which currents."""
        (low, high), (first, *_, last) = self.error, self.levels.tolist()
        return f"error {low:+.2%} … {high:+.2%} over {first:g} … {last:g} units"


@dataclass(frozen=True)
class Characterisation:
    """All that is known of a technology's blocks under given conditions: cells by node.

    Diodes are known where DACs are sized, responses of what a circuit has.
    """

    mirrors: MirrorTables
    cells: Mapping[str, CellTable]
    diodes: DiodeTable | None = None
    divider: Response | None = None  #: Of inputs.
    comparator: Response | None = None  #: Second current over the first where it turns.


def characterise(bench: CellBench, circuit: Circuit) -> Characterisation:
    """Measure a circuit's mirrors and cells, or return their tables from the cache.

    Raises
    ------
    SimulationError
        A simulation failed.
    """
    cells = characterise_cells(bench, circuit)
    return Characterisation(characterise_mirrors(bench, circuit), cells)
