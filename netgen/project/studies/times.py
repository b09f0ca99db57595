"""Measured times of the cells of a build."""

from __future__ import annotations

from netgen.characterise import CellSpeed, cell_speeds, characterise_cells, characterise_times
from netgen.errors import NetgenError
from netgen.project.build import Design, bench_of
from netgen.project.reading import Build, prepared


def speeds_of(design: Design) -> dict[str, CellSpeed]:
    """Return the times of a design's cells, by node; measured once for a technology.

    Raises
    ------
    SimulationError
        The characterisation failed.
    ToolMissingError
        It has to be made and ngspice is missing.
    """
    model = design.circuit.model
    if not model.cells:
        return {}
    bench = bench_of(design.technology, design.conditions, design.circuit.unit, model.unit_current)
    times = characterise_times(bench, design.circuit, design.known.cells)
    return cell_speeds(model, design.known.cells, times)


def speeds_of_build(build: Build) -> dict[str, CellSpeed] | None:
    """Return the times of a build's cells; None where they are not known and cannot be measured.

    A report needs no simulator: without the times no state counts as slow.
    """
    model = build.model
    if not model.cells:
        return {}
    try:
        technology, at, unit = prepared(build)
        bench = bench_of(technology, at, unit, model.unit_current)
        circuit = build.options.circuit(model, unit)
        cells = characterise_cells(bench, circuit)
        return cell_speeds(model, cells, characterise_times(bench, circuit, cells))
    except NetgenError:
        return None
