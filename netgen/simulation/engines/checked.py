"""A fast engine, and a thorough one where the fast one's answer leaves a doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netgen.simulation.engines.monolithic import Monolithic
from netgen.simulation.engines.staged import Staged
from netgen.simulation.engines.tasks import Task
from netgen.simulation.traces import Traces


@dataclass(frozen=True, eq=False)
class Checked:
    """Takes a sample through the stages, and through the whole network if that leaves a doubt.

    Attributes
    ----------
    doubtful
        Judges the traces of the fast engine.
    """

    fast: Staged | Monolithic
    thorough: Staged | Monolithic
    doubtful: Callable[[Traces], bool]

    def task(self, x: NDArray[np.float64], sample: int) -> Task:
        """Run one sample: inputs (frames, channels) in software units."""
        traces = yield from self.fast.task(x, sample)
        if not self.doubtful(traces):
            return traces
        again = yield from self.thorough.task(x, sample)
        return replace(again, cpu_s=again.cpu_s + traces.cpu_s)
