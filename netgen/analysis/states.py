"""BMRU states of circuit and software: where they differ, and what explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from netgen.analysis.observed import Observed
from netgen.analysis.race import (
    forecast_races,
    near_threshold,
    predict_races,
    seen_transients,
)
from netgen.model import Model, hysteresis, states_before
from netgen.model.graph import Bools, Floats

Cause: TypeAlias = Literal["near_threshold", "race", "propagated", "clear"]
CAUSES: tuple[Cause, ...] = get_args(Cause)


@dataclass(frozen=True, eq=False)
class CellStates:
    """One bmru node's states; all arrays are (samples, frames, units).

    Attributes
    ----------
    software, circuit
        States of the free-running software model and of the circuit.
    expected
        What software makes of the circuit's own states: the candidate from the circuit's lower
        states in this frame, the cell's previous state from the circuit's frame before.
    near, race, transient
        That candidate is within 2 % of ``beta_hi`` of a threshold; the predictor flags a race;
        the circuit's own candidate showed a transient that could decide the state.
    race_forecast
        The race flags of the software's own states: what is known before simulating.
    cause
        1 + index into ``CAUSES`` where circuit and software differ, 0 where they agree.
    """

    software: Bools
    circuit: Bools
    expected: Bools
    near: Bools
    race: Bools
    transient: Bools
    race_forecast: Bools
    cause: NDArray[np.int8]

    @property
    def clear(self) -> Bools:
        """Where neither a near threshold nor a race or transient excuses a difference."""
        return ~(self.near | self.race | self.transient)

    @property
    def unexplained(self) -> Bools:
        """Clear states that are not what software expects from the circuit's own."""
        wrong: Bools = (self.circuit != self.expected) & self.clear
        return wrong

    @property
    def flips(self) -> Bools:
        """Where the circuit's state is not the software's."""
        return self.cause > 0


def read_states(
    model: Model,
    x: Floats,
    software: Mapping[str, Floats],
    same_state: Mapping[str, Floats],
    observed: Observed,
) -> dict[str, CellStates]:
    """Compare the states of every bmru node and give each difference its cause.

    A state that differs is ``propagated`` if it is the one software expects from the circuit's
    own other states (an earlier or lower difference explains it). Otherwise it is
    ``near_threshold`` if the candidate recomputed from the circuit's states is; else ``race`` if
    one was predicted or a transient seen; else ``clear``: nothing explains it.

    Parameters
    ----------
    software, same_state
        Values of all nodes, free-running and with the circuit's states forced.
    """
    own = {cell.name: software[cell.name] > 0 for cell in model.cells}
    forecast = forecast_races(model, x)
    races = predict_races(model, x, observed.states)
    readings = {}
    for cell in model.cells:
        states, candidate = observed.states[cell.name], same_state[cell.input]
        before = states_before(cell, states)
        expected = hysteresis(cell, candidate, before)
        near, race = near_threshold(cell, candidate), races[cell.name]
        transient = np.zeros_like(race)
        if cell.input in observed.extremes:
            line, extremes = observed.values[cell.input], observed.extremes[cell.input]
            transient = seen_transients(cell, before, candidate, line, extremes)
        cause = np.select(
            [own[cell.name] == states, states == expected, near, race | transient],
            [0, *(1 + CAUSES.index(c) for c in ("propagated", "near_threshold", "race"))],
            1 + CAUSES.index("clear"),
        )
        readings[cell.name] = CellStates(
            software=own[cell.name],
            circuit=states,
            expected=expected,
            near=near,
            race=race,
            transient=transient,
            race_forecast=forecast[cell.name],
            cause=cause.astype(np.int8),
        )
    return readings
