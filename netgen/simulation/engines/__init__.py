"""Engines: how a network is taken through a sample, whole or in parts."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netgen.simulation.engines.checked import Checked
from netgen.simulation.engines.monolithic import Monolithic
from netgen.simulation.engines.staged import Staged
from netgen.simulation.engines.tasks import Pool, Task, run_tasks

__all__ = [
    "AUTO",
    "CHECKED",
    "ENGINES",
    "MEDIUM",
    "SMALL",
    "Checked",
    "Engine",
    "Monolithic",
    "Pool",
    "Staged",
    "Task",
    "choose",
    "run_tasks",
]

AUTO = "auto"
ENGINES = ("monolithic", "staged", "staged-dynamic")
CHECKED = "checked"
"""``staged``, and ``monolithic`` for samples where that leaves a doubt."""
SMALL = 200
"""Up to this many transistors a network is simulated as a whole: parts would cost as much."""
MEDIUM = 1500
"""Up to this many a doubtful sample can be simulated as a whole at a bearable cost."""


class Engine(Protocol):
    """Takes samples through a network; a task's traces say which engine made them."""

    def task(self, x: NDArray[np.float64], sample: int) -> Task:
        """Return the work for one sample: inputs (frames, channels) in software units."""


def choose(asked: str, transistors: int) -> str:
    """Return the engine to use: the one asked for, or for ``auto`` the fastest for the size.

    That is ``monolithic``, :data:`CHECKED` or ``staged``.
    """
    if asked != AUTO:
        return asked
    if transistors <= SMALL:
        return "monolithic"
    return CHECKED if transistors <= MEDIUM else "staged"
