"""Run jobs: the retry sequence of one, and many at once."""

from __future__ import annotations

import atexit
import functools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from netgen.errors import SimulationError
from netgen.simulation import verdict
from netgen.simulation.jobs import Attempt, Job, Waveforms
from netgen.simulation.quotes import without_quotes
from netgen.simulation.server import NO_FAULT_OF_THE_DECK, Answer, Server, borrowed_server

_TAIL = 20


@functools.cache
def simulator_version() -> str:
    """Return name and version of the simulator, such as ``"ngspice-39"``.

    Raises
    ------
    ToolMissingError
        libngspice is not installed.
    """
    with borrowed_server() as server:
        return server.version


def run(job: Job) -> Waveforms:
    """Run one job, trying its attempts in order.

    Raises
    ------
    SimulationError
        No attempt gave a result that counts; the class of failure is the last attempt's.
    ToolMissingError
        libngspice is not installed.
    """

    def ask(attempt: Attempt) -> Answer:
        with borrowed_server() as server:
            return server.ask(job, attempt)

    return _climb(job, ask)


def run_all(jobs: Iterable[Job], workers: int) -> Iterator[tuple[Job, Waveforms | SimulationError]]:
    """Run jobs in parallel and yield each with its result, or its failure, as it completes.

    Parameters
    ----------
    jobs
        Consumed as places become free, by the thread that iterates: at most ``2 × workers`` jobs
        are under way.
    workers
        Simulations at a time, each in a process of its own.

    Raises
    ------
    ToolMissingError
        libngspice is not installed.

    Notes
    -----
    Closing the iterator, or an exception such as KeyboardInterrupt in it, kills what still runs.
    """
    crew = LocalPool(workers)
    waiting = 0
    try:
        for job in jobs:
            crew.put(job)
            waiting += 1
            if waiting == 2 * workers:
                yield crew.next_result()
                waiting -= 1
        for _ in range(waiting):
            yield crew.next_result()
    finally:
        crew.dismiss()


class _Dismissed(Exception):
    """The caller does not want the results any more."""


class LocalPool:
    """Threads that each drive one server, so that a crash or a timeout is one job's failure.

    Parameters
    ----------
    workers
        Simulations at a time, each in a process of its own.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"{workers} workers cannot run a job")
        self.workers = workers
        self._tasks: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Job, Waveforms | Exception]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._busy: set[Server] = set()
        self._dismissed = False
        # An iterator that nobody closed must not keep the interpreter from ending: hence daemons,
        # and dismissed while they can still be joined.
        atexit.register(self.dismiss)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def put(self, job: Job) -> None:
        """Take a job, to run when a worker is free."""
        self._tasks.put(job)

    def next_result(self) -> tuple[Job, Waveforms | SimulationError]:
        """Wait for a job to end and return it with its result or its failure."""
        job, result = self._results.get()
        if isinstance(result, (Waveforms, SimulationError)):
            return job, result
        raise result

    def dismiss(self) -> None:
        """End every thread, and kill the simulations that still run."""
        with self._lock:
            self._dismissed = True
            for server in self._busy:
                server.interrupt()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        atexit.unregister(self.dismiss)

    def _work(self) -> None:
        while (job := self._tasks.get()) is not None:
            result: Waveforms | Exception
            try:
                result = _climb(job, functools.partial(self._ask, job))
            except _Dismissed:
                return
            except Exception as error:
                result = error
            self._results.put((job, result))

    def _ask(self, job: Job, attempt: Attempt) -> Answer:
        with borrowed_server() as server:
            with self._lock:
                if self._dismissed:
                    raise _Dismissed
                self._busy.add(server)
            try:
                return server.ask(job, attempt)
            finally:
                with self._lock:
                    self._busy.remove(server)


def _climb(job: Job, ask: Callable[[Attempt], Answer]) -> Waveforms:
    """Try a job's attempts until one counts."""
    failed: dict[str, str] = {}
    cpu_s = 0.0
    for attempt in job.attempts:
        answer = ask(attempt)
        cpu_s += answer.cpu_s
        if not answer.failure:
            return Waveforms(
                scale=answer.rows[0],
                vectors=dict(zip(answer.names, answer.rows[1:], strict=True)),
                attempt=attempt.label,
                failed_attempts=failed,
                cpu_s=cpu_s,
                simulator=simulator_version(),
            )
        failed[attempt.label] = verdict.refine(answer.failure, answer.lines)
        if answer.failure in NO_FAULT_OF_THE_DECK:
            break  # the next attempt would end alike, after as long
    raise _failure(job, failed, answer)


def _failure(job: Job, failed: dict[str, str], last: Answer) -> SimulationError:
    kind = list(failed.values())[-1]
    history = ", ".join(f"{label}: {kind}" for label, kind in failed.items())
    deck = job.attempts[len(failed) - 1].netlist
    said = verdict.last_words(kind, last.lines, deck)
    message = f"simulation {job.name} failed ({history}): {last.detail}"
    tail = [without_quotes(verdict.plain(line), deck) for line in last.lines[-_TAIL:]]
    return SimulationError(kind, f"{message}; ngspice: {said}" if said else message, tail)
