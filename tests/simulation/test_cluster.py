"""A real cluster of worker processes: what it computes, and what becomes of it when one dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from netgen.errors import SimulationError, UsageError
from netgen.model.random import random_model
from netgen.project import BuildOptions, SimulationChoices, build, read_build, simulate
from netgen.simulation import Traces, load_traces
from netgen.simulators import Attempt, DaskPool, Job

pytest.importorskip("distributed")
pytestmark = [pytest.mark.ngspice, pytest.mark.filterwarnings("ignore")]  # Dask's own warnings
ROOT = Path(__file__).parents[2]
Start = Callable[..., subprocess.Popen[bytes]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start Dask's programs in a folder of their own, which knows nothing of the caller's."""
    processes: list[subprocess.Popen[bytes]] = []
    (tmp_path / "elsewhere").mkdir()

    def run(kind: str, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words],
            cwd=tmp_path / "elsewhere",
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(start: Start) -> str:
    port = free_port()
    start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"tcp://127.0.0.1:{port}"
        time.sleep(0.1)
    raise AssertionError("the scheduler does not start")


def worker(start: Start, scheduler: str) -> subprocess.Popen[bytes]:
    return start("worker", scheduler, "--nthreads", "1", "--no-nanny", "--no-dashboard")


def simulated(
    folder: Path, choices: SimulationChoices, after: Callable[[], object]
) -> list[Traces]:
    model, samples = random_model(5, state=3, layers=2, classes=2, inputs=3, frames=6, samples=6)
    build(model, folder, BuildOptions("generic180"))
    made = read_build(folder)
    for step in simulate(made, samples, list(range(6)), choices):
        assert step.failure is None
        after()
    return [load_traces(made.folder.traces(index))[0] for index in range(6)]


def test_a_worker_that_dies_loses_nothing(tmp_path: Path, start: Start, scheduler: str) -> None:
    doomed = worker(start, scheduler)
    worker(start, scheduler)
    choices = SimulationChoices(1, engine="staged", scheduler=scheduler)
    there = simulated(tmp_path / "there", choices, doomed.kill)
    assert doomed.wait() != 0
    here = simulated(tmp_path / "here", SimulationChoices(2, engine="staged"), int)
    for one, other in zip(there, here, strict=True):
        assert set(one.waves) == set(other.waves)
        for name, frames in one.frames.items():
            np.testing.assert_array_equal(frames, other.frames[name])
            np.testing.assert_array_equal(one.waves[name], other.waves[name])
        assert one.power_w == other.power_w


def test_a_job_that_fails_is_one_failure(start: Start, scheduler: str) -> None:
    worker(start, scheduler)
    good = "test\nv1 a 0 1\nr1 a 0 1k\n.tran 1u 1m\n.save a\n.end\n"
    pool = DaskPool(scheduler)
    try:
        for deck in (good, "test\nr1 a 0 nonsense\n.tran 1u 1m\n.end\n"):
            pool.put(Job("circuit", (Attempt("default", deck),), ("a",), 1e-3, 20.0))
        results = [pool.next_result()[1] for _ in range(2)]
    finally:
        pool.dismiss()
    assert sorted(isinstance(result, SimulationError) for result in results) == [False, True]


ENDLESS = "test\nv1 a 0 pulse(0 1 0 1u 1u 1 2)\nr1 a 0 1k\n.tran 1n 100\n.save a\n.end\n"


@pytest.mark.parametrize(
    ("who", "how", "words"),
    [
        ("worker", signal.SIGKILL, "has no worker any more"),
        ("scheduler", signal.SIGKILL, "does not answer"),
        ("scheduler", signal.SIGSTOP, "does not answer"),
    ],
)
def test_a_cluster_that_is_lost_ends_the_simulation(
    start: Start, who: str, how: signal.Signals, words: str
) -> None:
    port = free_port()
    ours = start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    address = f"tcp://127.0.0.1:{port}"
    worked = worker(start, address)
    pool = DaskPool(address)
    pool.put(Job("circuit", (Attempt("default", ENDLESS),), ("a",), 100.0, 4.0))
    time.sleep(1.0)
    {"worker": worked, "scheduler": ours}[who].send_signal(how)
    started = time.monotonic()
    with pytest.raises(SimulationError, match=words) as caught:
        pool.next_result()
    pool.dismiss()
    assert time.monotonic() - started < 20
    assert caught.value.exit_status == 5
    assert address in str(caught.value)


def test_no_cluster_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netgen.simulators.cluster._CONNECT_S", 1)
    with pytest.raises(UsageError, match="no Dask cluster with workers at tcp:"):
        DaskPool(f"tcp://127.0.0.1:{free_port()}")
