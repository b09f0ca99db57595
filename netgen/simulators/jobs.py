"""What goes into a simulation and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netgen.netlist import Quantity


@dataclass(frozen=True)
class Attempt:
    """One complete deck in the simulator's language, and its label in the retry sequence."""

    label: str
    netlist: str


@dataclass(frozen=True)
class Job:
    """One analysis to run in a process of its own.

    Attributes
    ----------
    name
        For messages and logs.
    attempts
        Decks to try in order until one gives a result that counts.
    vectors
        The simulator's names of what must be in the result.
    stop
        The scale's last value (time, or sweep value) that must be reached; None for a single point.
    timeout
        Wall seconds allowed for each attempt.
    points
        Values that the scale must hold: where sources bend. ngspice comes to the next point of a
        source only from the last, and can lose all that follow.
    names
        The vectors of the quantities that the deck observes.
    """

    name: str
    attempts: tuple[Attempt, ...]
    vectors: tuple[str, ...]
    stop: float | None
    timeout: float
    points: tuple[float, ...] = ()
    names: Mapping[Quantity, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, eq=False)
class Waveforms:
    """The result of one job: only ever a complete one.

    Attributes
    ----------
    scale
        Time or sweep value, (points,).
    vectors
        SI values by the simulator's name, each (points,).
    attempt
        Label of the attempt that counted.
    failed_attempts
        Class of failure of the attempts before it, by label.
    cpu_s
        CPU seconds of the simulator's process, all attempts together.
    simulator
        Name and version, such as ``"ngspice-39"``.
    names
        The vectors of quantities: ``waveforms[quantity]`` gives the values of one.
    """

    scale: NDArray[np.float64]
    vectors: Mapping[str, NDArray[np.float64]]
    attempt: str
    failed_attempts: Mapping[str, str]
    cpu_s: float
    simulator: str
    names: Mapping[Quantity, str] = field(default_factory=dict)

    def __getitem__(self, quantity: Quantity) -> NDArray[np.float64]:
        """Return the values of a quantity that the job observed, SI, (points,)."""
        return self.vectors[self.names[quantity]]

    @property
    def timepoints(self) -> int:
        """How many points the simulator computed."""
        return len(self.scale)
