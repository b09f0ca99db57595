"""Run jobs: the retry sequence of one, many at once, and sessions kept for later."""

from __future__ import annotations

import atexit
import functools
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from netgen.errors import SimulationError
from netgen.netlist import Deck, SimulatorOptions
from netgen.simulators.jobs import Attempt, Job, Waveforms
from netgen.simulators.port import Response, Session, Simulator, chosen_simulator


def simulator_version() -> str:
    """Return name and version of the chosen simulator, such as ``"ngspice-39"``.

    Raises
    ------
    ToolMissingError
        The simulator is not installed.
    """
    return _version(chosen_simulator())


@functools.cache
def _version(simulator: Simulator) -> str:
    with borrowed_session(simulator) as session:
        return session.version


def job_of(
    name: str, deck: Deck, retries: Iterable[tuple[str, SimulatorOptions]], timeout: float
) -> Job:
    """Return the job that runs a deck on the chosen simulator.

    ``retries`` are labels and simulator options to try in turn, ``timeout`` the wall seconds of
    each.
    """
    netlister = chosen_simulator().netlister
    names = {quantity: netlister.name(quantity) for quantity in deck.quantities}
    texts: dict[str, str] = {}  # options that make no difference to a deck are tried once
    for label, options in retries:
        texts.setdefault(netlister.text(deck, options), label)
    attempts = tuple(Attempt(label, text) for text, label in texts.items())
    required = tuple(names.values())
    return Job(name, attempts, required, deck.analysis.end, timeout, deck.points, names)


def run_job(job: Job) -> Waveforms:
    """Run one job, trying its attempts in order.

    Raises
    ------
    SimulationError
        No attempt gave a result that counts; the class of failure is the last attempt's.
    ToolMissingError
        The simulator is not installed.
    """
    simulator = chosen_simulator()

    def ask(attempt: Attempt) -> Response:
        with borrowed_session(simulator) as session:
            return session.ask(job, attempt)

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
        The simulator is not installed.

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
    """Threads that each drive one session, so that a crash or a timeout is one job's failure.

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
        self._busy: set[Session] = set()
        self._simulator = chosen_simulator()
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
        """Wait for a job to end and return it with its result or its failure.

        Raises
        ------
        Exception
            What ended the job other than a failed simulation.
        """
        job, result = self._results.get()
        if isinstance(result, (Waveforms, SimulationError)):
            return job, result
        raise result

    def dismiss(self) -> None:
        """End every thread, and kill the simulations that still run."""
        with self._lock:
            self._dismissed = True
            for session in self._busy:
                session.interrupt()
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

    def _ask(self, job: Job, attempt: Attempt) -> Response:
        with borrowed_session(self._simulator) as session:
            with self._lock:
                if self._dismissed:
                    raise _Dismissed
                self._busy.add(session)
            try:
                return session.ask(job, attempt)
            finally:
                with self._lock:
                    self._busy.remove(session)


def _climb(job: Job, ask: Callable[[Attempt], Response]) -> Waveforms:
    """Try a job's attempts until one counts."""
    failed: dict[str, str] = {}
    cpu_s = 0.0
    for attempt in job.attempts:
        response = ask(attempt)
        cpu_s += response.cpu_s
        if not response.failure:
            return Waveforms(
                scale=response.rows[0],
                vectors=dict(zip(response.names, response.rows[1:], strict=True)),
                attempt=attempt.label,
                failed_attempts=failed,
                cpu_s=cpu_s,
                simulator=simulator_version(),
                names=job.names,
            )
        failed[attempt.label] = response.failure
        if response.final:
            break  # the next attempt would end alike, after as long
    raise _failure(job, failed, response)


def _failure(job: Job, failed: dict[str, str], last: Response) -> SimulationError:
    history = ", ".join(f"{label}: {kind}" for label, kind in failed.items())
    message = f"simulation {job.name} failed ({history}): {last.detail}"
    problem = f"{message}; {last.message}" if last.message else message
    return SimulationError(last.failure, problem, list(last.tail))


_idle: dict[str, list[Session]] = {}


@contextmanager
def borrowed_session(simulator: Simulator) -> Iterator[Session]:
    """Give a running session and keep it for later; a block that fails ends it.

    To start a session costs a quarter of a second, a job in a running one some milliseconds.
    """
    session = _idle_session(simulator.name) or simulator.start()
    try:
        yield session
    except BaseException:
        session.kill()
        raise
    if session.alive:
        _idle.setdefault(simulator.name, []).append(session)
    else:
        session.kill()


def _idle_session(name: str) -> Session | None:
    with suppress(IndexError, KeyError):  # another thread may have taken the last one
        while True:
            session = _idle[name].pop()
            if session.alive:
                return session
            session.kill()
    return None


@atexit.register
def _kill_idle() -> None:
    for sessions in _idle.values():
        while sessions:
            sessions.pop().kill()


# Two processes on one session's pipes would read each other's results.
os.register_at_fork(after_in_child=_idle.clear)
