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
    """One analysis to run in a process of its own."""

    name: str  #: For messages and logs.
    attempts: tuple[Attempt, ...]  #: Decks to try in order until one gives a result that counts.
    vectors: tuple[str, ...]  #: The simulator's names of what must be in the result.
    #: The scale's last value (time, or sweep value) that must be reached; None for a single point.
    stop: float | None
    timeout: float  #: Wall seconds allowed for each attempt.
    #: Values that the scale must hold: where sources bend. ngspice comes to the next point of a
    #: source only from the last, and can lose all that follow.
    points: tuple[float, ...] = ()
    #: The vectors of the quantities that the deck observes.
    names: Mapping[Quantity, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, eq=False)
class Waveforms:
    """The result of one job: only ever a complete one."""

    scale: NDArray[np.float64]  #: Time or sweep value, (points,).
    #: SI values by the simulator's name, each (points,).
    vectors: Mapping[str, NDArray[np.float64]]
    attempt: str  #: Label of the attempt that counted.
    failed_attempts: Mapping[str, str]  #: Class of failure of the attempts before it, by label.
    cpu_s: float  #: CPU seconds of the simulator's process, all attempts together.
    simulator: str  #: Name and version, such as ``"ngspice-39"``.
    #: The vectors of quantities: ``waveforms[quantity]`` gives the values of one.
    names: Mapping[Quantity, str] = field(default_factory=dict)

    def __getitem__(self, quantity: Quantity) -> NDArray[np.float64]:
        """Return the values of a quantity that the job observed, SI, (points,)."""
        return self.vectors[self.names[quantity]]

    @property
    def timepoints(self) -> int:
        """How many points the simulator computed."""
        return len(self.scale)
