"""The behavioural twin of a circuit or of a build folder, with what it takes characterised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netgen.analysis import Comparison
from netgen.analysis.comparison.error_budget import ErrorBudget, NoErrorBudget, error_budget
from netgen.behavioural import Twin, TwinResult
from netgen.behavioural.fast import fast_chips
from netgen.behavioural.settings import ChipSettings
from netgen.characterise import characterise, characterise_times
from netgen.characterise.diodes import characterise_diodes
from netgen.characterise.responses import with_responses
from netgen.circuit import Circuit
from netgen.circuit.netlist import Netlist
from netgen.errors import NetgenError
from netgen.model import decide
from netgen.model.graph import Floats
from netgen.netlist import Conditions
from netgen.project.build import bench_of
from netgen.project.design import read_netlist
from netgen.project.options import check_conditions
from netgen.project.reading import Build, prepared
from netgen.technology import Technology, Variation, sample_deviations

ERROR_BUDGET_WORK = 50 * 101 * 500
"""A report's budget takes as many samples as keep samples · frames · transistors below this."""


def twin_of(circuit: Circuit, technology: Technology, at: Conditions, netlist: Netlist) -> Twin:
    """Return the twin of a network; characterisations come from the cache where they are known.

    Parameters
    ----------
    netlist
        The netlist record: its devices count, not the learned weights.

    Raises
    ------
    SimulationError
        A characterisation failed.
    ToolMissingError
        One has to be made and ngspice is missing.
    """
    bench = bench_of(technology, at, circuit.unit, circuit.model.unit_current)
    known = characterise(bench, circuit)
    times = characterise_times(bench, circuit, known.cells)
    circuit, known = with_responses(circuit, known, bench)
    return Twin(circuit, technology, known, characterise_diodes(bench), netlist, times)


def twin_of_build(build: Build, temperature: float | None = None) -> Twin:
    """Return the twin of a build folder's netlist, see :func:`twin_of`.

    Parameters
    ----------
    temperature
        °C at which it works; sizes and bias currents stay as built. None: that of the build.

    Raises
    ------
    UsageError
        The temperature is out of its range.
    """
    technology, at, unit = prepared(build)
    if temperature is not None:
        at = check_conditions(replace(at, temperature=temperature))
    network = read_netlist(build, technology)
    return twin_of(build.options.circuit(build.model, unit), technology, at, network)


BATCH = 50
"""Chips that are sampled and run at a time."""


def twin_decisions(
    build: Build,
    x: Floats,
    variation: Variation,
    chips: int,
    fast: bool = False,
    settings: ChipSettings | None = None,
    temperature: float | None = None,
) -> Iterator[NDArray[np.int64]]:
    """Take samples through the twins of many chips; yield the classes of each batch of chips.

    The chips are those that ``netgen sim --monte-carlo`` simulates with the same variation.

    Parameters
    ----------
    x
        Inputs, (samples, frames, channels), software units.
    fast
        By the fast chip model (:mod:`netgen.behavioural.fast`).
    settings
        Bias currents and input gains of each chip, where they are not the nominal ones.
    temperature
        See :func:`twin_of_build`.

    Yields
    ------
    numpy.ndarray
        Decided class, (chips of the batch, samples).
    """
    twin = twin_of_build(build, temperature)
    transistors = twin.netlist.transistors
    model = fast_chips(twin)
    readout = build.model.readout
    for first in range(0, chips, BATCH):
        count = min(BATCH, chips - first)
        shifts = sample_deviations(twin.technology, variation, transistors, first, count)
        batch_settings = None if settings is None else settings.of(slice(first, first + count))
        if fast:
            result = model.run(model.errors(shifts), x, batch_settings)
        else:
            result = twin.run(shifts, x, settings=batch_settings)
        logits = result.compared
        flat = decide(readout, logits.reshape(-1, *logits.shape[2:]))
        yield flat.reshape(count, len(x))


def error_budget_of(build: Build, x: Floats, comparison: Comparison) -> ErrorBudget | NoErrorBudget:
    """Return the error budget of what was compared; why there is none where it cannot be made.

    A report needs no simulator: without one, or without the PDK, it goes without the budget if the
    characterisation is not known already.

    Parameters
    ----------
    x
        Inputs of the compared samples, units, (samples, frames, channels).
    """
    if not len(x):
        return NoErrorBudget("no sample was simulated")
    readout = build.model.readout.node
    work = x.shape[1] * build.transistors
    taken = slice(0, max(1, ERROR_BUDGET_WORK // max(1, work)))
    states = {
        name: states_of.circuit[np.newaxis, taken] for name, states_of in comparison.states.items()
    }
    circuit = TwinResult(comparison.circuit[readout][np.newaxis, taken], states)
    try:
        return error_budget(twin_of_build(build), x[taken], circuit)
    except NetgenError as error:
        return NoErrorBudget(str(error).splitlines()[0])
