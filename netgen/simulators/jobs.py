"""What goes into a simulation and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Attempt:
    """One complete SPICE deck, and the rung of the retry sequence it stands for."""

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
        Names (lower case) that must be in the result.
    stop
        The scale's last value (time, or sweep value) that must be reached; None for a single point.
    timeout
        Wall seconds allowed for each attempt.
    points
        Values that the scale must hold: where sources bend. ngspice comes to the next point of a
        source only from the last, and can lose all that follow.
    """

    name: str
    attempts: tuple[Attempt, ...]
    vectors: tuple[str, ...]
    stop: float | None
    timeout: float
    points: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Waveforms:
    """The result of one job: only ever a complete one.

    Attributes
    ----------
    scale
        Time or sweep value, (points,).
    vectors
        SI values by lower-case name, each (points,).
    attempt
        Label of the attempt that counted.
    failed_attempts
        Class of failure of the attempts before it, by label.
    cpu_s
        CPU seconds of the simulator's process, all attempts together.
    simulator
        Name and version, such as ``"ngspice-39"``.
    """

    scale: NDArray[np.float64]
    vectors: Mapping[str, NDArray[np.float64]]
    attempt: str
    failed_attempts: Mapping[str, str]
    cpu_s: float
    simulator: str

    @property
    def timepoints(self) -> int:
        """How many points the simulator computed."""
        return len(self.scale)
