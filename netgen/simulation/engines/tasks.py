"""Work that takes several simulations, each batch of which may depend on those before it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from netgen.errors import SimulationError
from netgen.simulation.traces import Traces
from netgen.simulators.jobs import Job, Waveforms

Task: TypeAlias = Generator[Sequence[Job], Sequence[Waveforms], Traces]
"""Yields jobs that can run side by side, is sent their results in order, and returns traces."""
Key = TypeVar("Key")


class Pool(Protocol):
    """Somewhere jobs run: processes of this machine, or of a cluster."""

    @property
    def workers(self) -> int:
        """Jobs at a time."""

    def put(self, job: Job) -> None:
        """Take a job."""

    def next_result(self) -> tuple[Job, Waveforms | SimulationError]:
        """Wait for any job to end and return it with its result or its failure."""

    def dismiss(self) -> None:
        """Give up all jobs under way."""


@dataclass(eq=False)
class _Batch:
    """Jobs of a task that run side by side."""

    task: Task
    jobs: Sequence[Job]
    results: dict[int, Waveforms] = field(default_factory=dict)


def run_tasks(
    tasks: Iterable[tuple[Key, Task]], pool: Pool
) -> Iterator[tuple[Key, Traces | SimulationError]]:
    """Run tasks in a pool and yield each with its traces, or its failure, as it completes.

    Tasks are started as places become free. One job that fails ends its task, not the others.
    Closing the iterator, or an exception in it, dismisses the pool.
    """
    waiting = iter(tasks)
    under_way: dict[int, tuple[Key, _Batch, int]] = {}

    def submit(key: Key, task: Task, jobs: Sequence[Job]) -> None:
        batch = _Batch(task, jobs)
        for position, job in enumerate(jobs):
            under_way[id(job)] = key, batch, position
            pool.put(job)

    def drop(batch: _Batch) -> None:
        for job in batch.jobs:
            abandoned.update({id(job): job} if under_way.pop(id(job), None) else {})
        batch.task.close()

    abandoned: dict[int, Job] = {}  # held, so that no other job gets their ids
    try:
        while True:
            while len(under_way) < 2 * pool.workers:
                started = next(waiting, None)
                if started is None:
                    break
                submit(*started, next(started[1]))
            if not under_way:
                return
            job, result = pool.next_result()
            if abandoned.pop(id(job), None):
                continue
            key, batch, position = under_way.pop(id(job))
            if isinstance(result, SimulationError):
                drop(batch)
                yield key, result
                continue
            batch.results[position] = result
            if len(batch.results) < len(batch.jobs):
                continue
            try:
                jobs = batch.task.send([batch.results[at] for at in range(len(batch.jobs))])
            except StopIteration as end:
                yield key, end.value
            else:
                submit(key, batch.task, jobs)
    finally:
        pool.dismiss()
