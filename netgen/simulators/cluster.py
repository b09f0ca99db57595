"""Jobs on a Dask cluster: the same jobs, the same judgement, other machines.

A deck is self-contained, so workers need no folder in common with the caller: only netgen and
the simulator. A worker that dies takes its jobs with it; they are run again elsewhere.
"""

from __future__ import annotations

import hashlib
import math
import queue
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from netgen._version import __version__
from netgen.errors import ConfigurationError, SimulationError, ToolMissingError, UsageError
from netgen.extras import install
from netgen.simulators.jobs import Job, Waveforms
from netgen.simulators.port import chosen_simulator
from netgen.simulators.runner import run_job, simulator_version

DEATHS = 10
"""How many workers may die under a job before it counts as the cause."""
LOST_S = 60.0
"""Wall seconds, at most, without a worker or an answer of the scheduler; less where jobs have less
time."""
_CONNECT_S = 20
_LOOK_S = 1.0
"""Wall seconds between two looks at a cluster that sends no result."""


def required_versions() -> dict[str, str]:
    """Return the versions of the tools that a simulation's result depends on."""
    simulator = chosen_simulator()
    return {
        "netgen": __version__,
        simulator.name: simulator_version(),
        **simulator.packages(),
        "numpy": version("numpy"),
    }


class _Future(Protocol):
    """A job under way, as Dask knows it."""

    key: str

    def result(self, timeout: float) -> Waveforms | SimulationError: ...

    def add_done_callback(self, callback: Callable[[_Future], None]) -> None: ...


class _Scheduler(Protocol):
    """Dask's scheduler, from inside."""

    allowed_failures: int


@dataclass(frozen=True)
class Requirements:
    """What a worker must have, so that its results are those of the caller's machine."""

    #: Model files: path and SHA-256. Only decks that name one read any.
    files: tuple[tuple[str, str], ...] = ()
    #: Of the tools, see :func:`required_versions`.
    versions: Mapping[str, str] = field(default_factory=dict)

    def check(self, job: Job) -> None:
        """See that this machine has what a job requires.

        Raises
        ------
        ConfigurationError
            It has other versions, or other model files.
        """
        here = required_versions()
        for tool, wanted in self.versions.items():
            if here.get(tool) != wanted:
                problem = f"has {tool} {here.get(tool)}, not {wanted} as the caller"
                raise self._refused(problem)
        if not any(path in job.attempts[0].netlist for path, _ in self.files):
            return
        for path, digest in self.files:
            try:
                actual = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            except OSError as error:
                raise self._refused(f"cannot read {path} ({error.strerror})") from None
            if actual != digest:
                raise self._refused(f"has another {path} than the caller")

    def _refused(self, problem: str) -> ConfigurationError:
        hint = "install the same on all machines, or leave --scheduler out"
        return ConfigurationError(f"worker on {socket.gethostname()}", [f"{problem}; {hint}"])


class DaskPool:
    """A Dask cluster as a pool.

    Parameters
    ----------
    scheduler
        Address of the scheduler, such as ``"tcp://host:8786"``.
    required
        What its workers must have.

    Raises
    ------
    ToolMissingError
        The package ``distributed`` is not installed.
    UsageError
        No scheduler answers there, or it has no workers.
    """

    def __init__(self, scheduler: str, required: Requirements | None = None) -> None:
        self._required = required or Requirements()
        try:
            distributed = import_module("distributed")
        except ImportError:
            raise ToolMissingError(f"--scheduler needs Dask; run: {install('dask')}") from None
        self._address = scheduler
        self._gave_up = distributed.KilledWorker
        self._done: queue.SimpleQueue[_Future] = queue.SimpleQueue()
        self._jobs: dict[str, tuple[Job, _Future]] = {}
        self._threads = 1
        self._patience_s = LOST_S
        self._seen = time.monotonic()
        try:
            self._client = distributed.Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
            self._client.wait_for_workers(1, timeout=_CONNECT_S)
            self._client.run_on_scheduler(_allow_deaths)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"no Dask cluster with workers at {scheduler} ({type(error).__name__}); start "
                "dask scheduler and dask worker, or leave --scheduler out"
            ) from None
        self._look()

    @property
    def workers(self) -> int:
        """Jobs at a time: the threads of all workers there were when the cluster last answered."""
        return max(1, self._threads)

    def put(self, job: Job) -> None:
        """Send a job to the cluster."""
        self._patience_s = min(self._patience_s, job.timeout)
        future = self._client.submit(_run, job, self._required, pure=False)
        self._jobs[future.key] = job, future  # a future that nobody holds is cancelled
        future.add_done_callback(self._done.put)

    def next_result(self) -> tuple[Job, Waveforms | SimulationError]:
        """Wait for a job to end and return it with its result or its failure.

        Raises
        ------
        SimulationError
            The last worker is gone, or the scheduler does not answer any more.
        ConfigurationError
            A worker has not what is required.
        """
        future = self._next_done()
        job, _ = self._jobs.pop(future.key)
        try:
            return job, future.result(timeout=self._patience_s)
        except CancelledError:  # by nobody here: the scheduler is gone, and knows of no job
            raise self._lost(self._look() or "dropped a simulation") from None
        except self._gave_up as error:
            problem = f"simulation {job.name} failed: given up by the cluster ({error})"
            return job, SimulationError("crash", problem)
        except (TimeoutError, OSError):  # the worker that holds it is gone, or the scheduler
            raise self._lost("does not hand over a result") from None

    def dismiss(self) -> None:
        """Cancel what is under way and leave the cluster to others, if it still answers."""
        futures = [future for _, future in self._jobs.values()]
        self._jobs.clear()
        with suppress(OSError, TimeoutError, CancelledError):
            if futures:
                self._client.sync(
                    self._client._cancel, futures, force=True, callback_timeout=_LOOK_S
                )
        with suppress(OSError, TimeoutError, CancelledError):
            self._client.close(timeout=_LOOK_S)

    def _next_done(self) -> _Future:
        """Return the next future that is done; look at the cluster while there is none."""
        self._seen = time.monotonic()
        looked = -math.inf
        while True:
            with suppress(queue.Empty):
                return self._done.get(timeout=_LOOK_S / 4)
            if time.monotonic() - looked >= _LOOK_S:
                problem = self._look()
                looked = time.monotonic()
            if looked - self._seen > self._patience_s:
                raise self._lost(f"{problem} (for {self._patience_s:g} s)")

    def _look(self) -> str:
        """Ask the scheduler for its workers; return what is wrong, if anything is."""
        answer = max(_LOOK_S, min(self._patience_s / 4, 5.0))
        try:
            threads = self._client.sync(self._client.scheduler.ncores, callback_timeout=answer)
        except (OSError, TimeoutError, CancelledError) as error:
            return f"does not answer ({type(error).__name__})"
        self._threads = sum(threads.values())
        if not threads:
            return "has no worker any more"
        self._seen = time.monotonic()
        return ""

    def _lost(self, problem: str) -> SimulationError:
        return SimulationError(
            "cluster",
            f"the Dask cluster at {self._address} {problem}; see after its scheduler and workers, "
            "then run the command again: what is done is kept",
        )


def _run(job: Job, required: Requirements) -> Waveforms | SimulationError:
    """Run a job on a worker. A failure is a result: to run it again would not change it."""
    required.check(job)
    try:
        result = run_job(job)
    except SimulationError as failure:
        return failure
    required.check(job)  # what it read was the same all the time
    return result


def _allow_deaths(dask_scheduler: _Scheduler) -> None:
    """Let more workers die before the jobs they ran are given up, on the scheduler."""
    dask_scheduler.allowed_failures = max(dask_scheduler.allowed_failures, DEATHS)
