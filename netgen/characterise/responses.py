"""What an input's divider and a comparator give: they are measured over currents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netgen.characterise.setup import MeasurementSetup
from netgen.characterise.tables import Characterisation, Response
from netgen.circuit import Circuit
from netgen.circuit.blocks import comparator
from netgen.circuit.blocks.divider import Divider
from netgen.netlist.characterisation import comparator_deck, divider_deck

WORKING = 0.3
"""Input, in units, at which the ratio of a divider is to be right."""
INPUTS = np.geomspace(0.02, 1.5, 13)
"""Inputs, in units, over which its error is stated."""
LEADERS = np.geomspace(0.1, 3.0, 8)
"""Readout currents, in units, at which a comparator is measured."""
RATIOS = (0.8, 1.2, 0.001)
"""Second current over the first there: first, last, step."""


def with_responses(
    circuit: Circuit, known: Characterisation, setup: MeasurementSetup
) -> tuple[Circuit, Characterisation]:
    """Return a circuit with its divider as measured, and what divider and comparator give.

    Raises
    ------
    SimulationError
        A measurement failed.
    """
    if circuit.decision == comparator.BLOCK:
        known = replace(known, comparator=comparator_response(setup, circuit))
    if circuit.divider is not None:
        divider, response = sized_divider(setup, circuit.divider.ratio)
        circuit, known = replace(circuit, divider=divider), replace(known, divider=response)
    return circuit, known


def sized_divider(setup: MeasurementSetup, ratio: float) -> tuple[Divider, Response]:
    """Return the divider of a ratio, and what it gives over what it ought to.

    Raises
    ------
    SimulationError
        The measurement failed.
    UsageError
        The ratio is out of its range.
    """
    first = Divider.of(ratio)
    at_work = float(_divided(setup, first).at(np.array(WORKING)))
    divider = Divider.of(ratio, at_work * first.drawn / ratio)
    return divider, _divided(setup, divider)


def _divided(setup: MeasurementSetup, divider: Divider) -> Response:
    where = setup.technology, setup.at, setup.unit, setup.unit_current
    first, second, *_, last = np.log(INPUTS).tolist()
    sweep = first, last + (second - first) / 4, second - first
    deck, seen = divider_deck(*where, divider, sweep)
    measured = setup.cached(
        lambda: {"out": setup.simulated("divider characterisation", deck)[seen]},
        *("divider", *where[1:], divider, sweep),
    )
    return Response(INPUTS, measured["out"] / (INPUTS * setup.unit_current))


def comparator_response(setup: MeasurementSetup, circuit: Circuit) -> Response:
    """Return the second current over the first at which a comparator turns, over the first.

    The end of the measured ratios stands for what lies beyond.

    Raises
    ------
    SimulationError
        The measurement failed.
    """
    where = setup.technology, setup.at, setup.unit, setup.unit_current
    node = circuit.model.readout.node
    swept = LEADERS.tolist(), RATIOS, (circuit.group(node), node)
    deck, seen = comparator_deck(*where, *swept)
    identity = "comparator", *where[1:], *swept

    def measure() -> dict[str, np.ndarray]:
        done = setup.simulated("comparator characterisation", deck)
        levels = (done[each] / setup.at.vdd for each in seen)
        return {"turns": np.array([np.interp(-0.5, -level, done.scale) for level in levels])}

    return Response(LEADERS, setup.cached(measure, *identity)["turns"])
