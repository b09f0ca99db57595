"""Engines: how a network is taken through a sample, whole or in parts."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netgen.simulation.engines.monolithic import Monolithic
from netgen.simulation.engines.staged import Staged
from netgen.simulation.engines.tasks import Pool, Task, run_tasks

__all__ = [
    "AUTO",
    "ENGINES",
    "WHOLE",
    "Engine",
    "Monolithic",
    "Pool",
    "Staged",
    "Task",
    "choose",
    "run_tasks",
]

AUTO = "auto"
ENGINES = ("monolithic", "staged")
WHOLE = 1500
"""Up to this many transistors ``auto`` simulates a network as one circuit."""


class Engine(Protocol):
    """Takes samples through a network; a task's traces say which engine made them."""

    def task(self, x: NDArray[np.float64], sample: int) -> Task:
        """Return the work for one sample: inputs (frames, channels) in software units."""


def choose(asked: str, transistors: int) -> str:
    """Return the engine to use: the one asked for, or for ``auto`` one that the size allows."""
    if asked != AUTO:
        return asked
    return "monolithic" if transistors <= WHOLE else "staged"
