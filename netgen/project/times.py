"""Measured times of the cells of a build."""

from __future__ import annotations

from netgen.analysis.slow import cell_speeds
from netgen.errors import NetgenError
from netgen.model import Model
from netgen.netlist import Conditions
from netgen.project.build import Build, prepare
from netgen.simulation import cache_folder, run
from netgen.sizing import CellSpeed, characterise_cells, characterise_times
from netgen.technology import Geometry, Technology


def speeds_of(
    model: Model, technology: Technology, at: Conditions, unit: Geometry
) -> dict[str, CellSpeed]:
    """Return the times of a model's cells, by bmru node; measured once for a technology.

    Raises
    ------
    SimulationError
        The characterisation failed.
    ToolMissingError
        It has to be made and ngspice is missing.
    """
    if not model.cells:
        return {}
    where = (technology, at, unit, model.unit_current, cache_folder(), run)
    return cell_speeds(model, characterise_cells(*where), characterise_times(*where))


def speeds_of_build(build: Build) -> dict[str, CellSpeed] | None:
    """Return the times of a build's cells; None where they are not known and cannot be measured.

    A report needs no simulator: without the times no state counts as slow.
    """
    try:
        return speeds_of(build.model, *prepare(build.options, build.folder.path))
    except NetgenError:
        return None
