"""BMRU states of circuit and software: where they differ, and what explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from netgen.analysis.comparison.race import (
    SEEN,
    forecast_races,
    near_threshold,
    predict_races,
    seen_transients,
)
from netgen.analysis.comparison.settled import SettledTraces
from netgen.analysis.comparison.slow import slow_states
from netgen.characterise import CellSpeed
from netgen.model import Cell, Model, states_before
from netgen.model.graph import Bools, Floats

Cause: TypeAlias = Literal[
    "near_threshold", "candidate_error", "slow", "race", "propagated", "clear"
]
CAUSES: tuple[Cause, ...] = get_args(Cause)

CANDIDATE_ERROR = 0.03
"""The error of a candidate explains a state up to this share of its largest value in software: more
is no analog error of a sized summing node, but a fault of it."""


_TRIED: tuple[Cause, ...] = ("propagated", "near_threshold", "candidate_error", "slow", "race")
"""The order in which causes are tried: the first that holds counts."""


@dataclass(frozen=True, eq=False)
class CellStates:
    """One cell node's states; all arrays are (samples, frames, triggers)."""

    #: ``software``, ``circuit``: states of the free-running software model and of the circuit.
    software: Bools
    circuit: Bools
    #: What software makes of the circuit's own states: the candidate from the circuit's lower
    #: states in this frame, the cell's previous state from the circuit's frame before.
    expected: Bools
    #: ``near``, ``off``, ``slow``, ``race``, ``transient``: that candidate is near a threshold,
    #: within 2 % of the upper one; the circuit's own candidate lies on its other side
    #: (:func:`candidate_errors`); the cell needs longer than its frame (:func:`.slow.slow_states`);
    #: the predictor flags a race; the circuit's own candidate showed a transient that could decide
    #: the state.
    near: Bools
    off: Bools
    slow: Bools
    race: Bools
    transient: Bools
    #: ``race_forecast``, ``slow_forecast``: the race and slow flags of the software's own states:
    #: what is known before simulating.
    race_forecast: Bools
    slow_forecast: Bools
    #: 1 + index into ``CAUSES`` where circuit and software differ, 0 where they agree.
    cause: NDArray[np.int8]

    @property
    def clear(self) -> Bools:
        """Where none of the known causes excuses a difference, (samples, frames, triggers)."""
        return ~(self.near | self.off | self.slow | self.race | self.transient)

    @property
    def unexplained(self) -> Bools:
        """Clear states other than software expects, (samples, frames, triggers)."""
        wrong: Bools = (self.circuit != self.expected) & self.clear
        return wrong

    @property
    def flips(self) -> Bools:
        """Where the circuit's state is not the software's, (samples, frames, triggers)."""
        return self.cause > 0


def read_states(
    model: Model,
    x: Floats,
    software: Mapping[str, Floats],
    same_state: Mapping[str, Floats],
    settled: SettledTraces,
    speeds: Mapping[str, CellSpeed] | None = None,
) -> dict[str, CellStates]:
    """Compare the states of every cell node and give each difference its cause.

    A state that differs is ``propagated`` if it is the one software expects from the circuit's
    own other states (an earlier or lower difference explains it). Otherwise it is
    ``near_threshold`` if the candidate recomputed from the circuit's states is; else
    ``candidate_error`` if the circuit's own candidate lies on the other side of the threshold;
    else ``slow`` if the cell needs longer than its frame; else ``race`` if one was predicted or a
    transient seen; else ``clear``: nothing explains it.

    Parameters
    ----------
    x
        Inputs, units, (samples, frames, channels).
    software, same_state
        Values of all nodes, units, (samples, frames, units of the node): free-running, and with
        the circuit's states forced.
    speeds
        Measured times by cell node. Without them no state counts as slow.
    """
    reference = {cell.name: cell.read(software[cell.name]) for cell in model.cells}
    forecast = forecast_races(model, x)
    races = predict_races(model, x, settled.states)
    late = {name: np.zeros_like(states) for name, states in settled.states.items()}
    late_forecast = late
    if speeds is not None:
        late = slow_states(model, settled.states, same_state, settled.values, speeds)
        late_forecast = slow_states(model, reference, software, software, speeds)
    readings = {}
    for cell in model.cells:
        states, candidate = settled.states[cell.name], same_state[cell.input]
        before = states_before(cell, states)
        expected = cell.states(candidate, before)
        near, race, slow = near_threshold(cell, candidate), races[cell.name], late[cell.name]
        off = candidate_errors(cell, before, candidate, settled.values[cell.input])
        transient = np.zeros_like(race)
        if cell.input in settled.extremes:
            signal, extremes = settled.values[cell.input], settled.extremes[cell.input]
            transient = seen_transients(cell, before, candidate, signal, extremes)
        cause = np.select(
            [reference[cell.name] == states, states == expected, near, off, slow, race | transient],
            [0, *(1 + CAUSES.index(cause) for cause in _TRIED)],
            1 + CAUSES.index("clear"),
        )
        readings[cell.name] = CellStates(
            software=reference[cell.name],
            circuit=states,
            expected=expected,
            near=near,
            off=off,
            slow=slow,
            race=race,
            transient=transient,
            race_forecast=forecast[cell.name],
            slow_forecast=late_forecast[cell.name],
            cause=cause.astype(np.int8),
        )
    return readings


def candidate_errors(cell: Cell, before: Bools, candidate: Floats, circuit: Floats) -> Bools:
    """Flag states that the analog error of the candidate decides.

    The circuit's own candidate, settled, lies on the other side of the threshold than software's,
    or on it (:data:`.race.SEEN`). An error beyond :data:`CANDIDATE_ERROR` explains
    nothing. Currents are in units; all arrays are (samples, frames, triggers).
    """
    candidate, circuit = cell.seen(candidate), cell.seen(circuit)
    reach = SEEN * cell.rising
    threshold = np.where(before, cell.falling, cell.rising)
    above = np.where(before, candidate >= cell.falling, candidate > cell.rising)
    other = np.where(above, circuit < threshold + reach, circuit > threshold - reach)
    largest = candidate.max(axis=(0, 1), initial=0.0)
    bounded: Bools = np.abs(circuit - candidate) <= CANDIDATE_ERROR * largest
    return other & bounded
