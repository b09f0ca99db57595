"""The behavioural twin of a circuit or of a build folder, with what it takes characterised."""

from __future__ import annotations

from netgen.analysis.twin import Twin
from netgen.circuit import Circuit, build_circuit
from netgen.netlist import Conditions
from netgen.project.build import Build, prepare
from netgen.simulation import cache_folder, run
from netgen.sizing import Characterisation, characterise_cells, characterise_mirrors
from netgen.sizing.diodes import characterise_diodes
from netgen.technology import Technology


def twin_of(
    circuit: Circuit,
    technology: Technology,
    at: Conditions,
    network: str,
    source: str = "netlist.cir",
) -> Twin:
    """Return the twin of a network; characterisations come from the cache where they are known.

    Parameters
    ----------
    network
        Text of the network (:func:`netgen.netlist.network_text`): what is drawn is what counts.
    source
        The name of its file, for messages.

    Raises
    ------
    SimulationError
        A characterisation failed.
    ToolMissingError
        One has to be made and ngspice is missing.
    """
    unit = circuit.model.unit_current
    where = (technology, at, circuit.unit, unit, cache_folder(), run)
    known = Characterisation(characterise_mirrors(*where), characterise_cells(*where))
    return Twin(circuit, technology, known, characterise_diodes(*where), network, source)


def twin_of_build(build: Build) -> Twin:
    """Return the twin of a build folder's netlist, see :func:`twin_of`."""
    folder = build.folder
    technology, at, unit = prepare(build.options, folder.path)
    text = folder.netlist.read_text(encoding="utf-8")
    return twin_of(build_circuit(build.model, unit), technology, at, text, str(folder.netlist))
