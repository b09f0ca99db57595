"""Jobs on a Dask cluster: the same jobs, the same judgement, other machines.

A deck is self-contained, so workers need no folder in common with the caller: only netgen and
libngspice. A worker that dies takes its jobs with it; they are run again elsewhere.
"""

from __future__ import annotations

import queue
from concurrent.futures import CancelledError
from importlib import import_module
from typing import Any

from netgen.errors import SimulationError, ToolMissingError, UsageError
from netgen.simulation.jobs import Job, Waveforms
from netgen.simulation.runner import run

DEATHS = 10
"""How many workers may die under a job before it counts as the cause."""
_CONNECT_S = 20


class DaskPool:
    """A Dask cluster as a pool.

    Parameters
    ----------
    scheduler
        Address of the scheduler, such as ``"tcp://host:8786"``.

    Raises
    ------
    ToolMissingError
        The package ``distributed`` is not installed.
    UsageError
        No scheduler answers there, or it has no workers.
    """

    def __init__(self, scheduler: str) -> None:
        try:
            distributed: Any = import_module("distributed")
        except ImportError:
            cure = "pip install 'fqnetgen[dask]'"
            raise ToolMissingError(f"--scheduler needs Dask; run: {cure}") from None
        self._gave_up = (distributed.KilledWorker, CancelledError)
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._jobs: dict[str, tuple[Job, Any]] = {}
        try:
            self._client = distributed.Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
            self._client.wait_for_workers(1, timeout=_CONNECT_S)
            self._client.run_on_scheduler(_allow_deaths)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"no Dask cluster with workers at {scheduler} ({type(error).__name__}); start "
                "dask scheduler and dask worker, or leave --scheduler out"
            ) from None

    @property
    def workers(self) -> int:
        """Jobs at a time: the threads of all workers there are now."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def put(self, job: Job) -> None:
        """Send a job to the cluster."""
        future = self._client.submit(_run, job, pure=False)
        self._jobs[future.key] = job, future  # a future that nobody holds is cancelled
        future.add_done_callback(self._done.put)

    def next_result(self) -> tuple[Job, Waveforms | SimulationError]:
        """Wait for a job to end and return it with its result or its failure."""
        future = self._done.get()
        job, _ = self._jobs.pop(future.key)
        try:
            return job, future.result()
        except self._gave_up as error:
            problem = f"simulation {job.name} failed: given up by the cluster ({error})"
            return job, SimulationError("crash", problem)

    def dismiss(self) -> None:
        """Cancel what is under way and leave the cluster to others."""
        self._client.cancel([future for _, future in self._jobs.values()], force=True)
        self._jobs.clear()
        self._client.close()


def _run(job: Job) -> Waveforms | SimulationError:
    """Run a job on a worker. A failure is a result: to run it again would not change it."""
    try:
        return run(job)
    except SimulationError as failure:
        return failure


def _allow_deaths(dask_scheduler: Any) -> None:
    """Let more workers die before the jobs they ran are given up, on the scheduler."""
    dask_scheduler.allowed_failures = max(dask_scheduler.allowed_failures, DEATHS)
