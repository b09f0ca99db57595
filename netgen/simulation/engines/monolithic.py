"""The network as one circuit: nothing is left out, and the cost grows with the cube of its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netgen.netlist import SimulatorOptions
from netgen.netlist.workbench import Workbench
from netgen.simulation.engines.tasks import Task
from netgen.simulation.observe import node_traces
from netgen.simulators import Waveforms, job_of


@dataclass(frozen=True, eq=False)
class Monolithic:
    """One transient a sample."""

    bench: Workbench
    options: SimulatorOptions
    timeout: float  #: Wall seconds for each attempt.
    #: Called with the index of a sample and its waveforms.
    keep: Callable[[int, Waveforms], None] | None = None
    #: Called with the index of a sample and the deck whose result counts.
    ran: Callable[[int, str], None] | None = None

    def task(self, x: NDArray[np.float64], sample: int) -> Task:
        """Run one sample: inputs (frames, channels) in software units."""
        bench, model = self.bench, self.bench.circuit.model
        deck = bench.whole(f"{model.name}, sample {sample}", x)
        job = job_of(f"sample {sample}", deck, self.options.retries(), self.timeout)
        (result,) = yield [job]
        if self.ran is not None:
            self.ran(sample, next(a.netlist for a in job.attempts if a.label == result.attempt))
        if self.keep is not None:
            self.keep(sample, result)
        edge = bench.edge * model.frame_period
        return node_traces(result, bench.probes, model, len(x), sample, edge)
