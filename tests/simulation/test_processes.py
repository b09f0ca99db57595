"""Processes: timeouts, crashes, Ctrl-C, and nothing left running afterwards."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from processes import PATIENCE, cpu_s, in_thread, parents, running_simulations, until

from netgen.errors import MachineError, SimulationError, ToolMissingError
from netgen.simulators import Attempt, Job, Waveforms, run_all, run_job
from netgen.simulators.ngspice import NGSPICE
from netgen.simulators.ngspice.server import GRACE_S, Server
from netgen.simulators.runner import borrowed_session

pytestmark = pytest.mark.ngspice

BODY = "test\nv1 in 0 pulse(0 1 0 1u 1u 1 2)\nr1 in out 1k\nc1 out 0 100n\n.save out\n"
QUICK = BODY + ".tran 1u 1m\n.end\n"
ENDLESS = BODY + ".tran 1n 100\n.end\n"


def job(*netlists: str, timeout: float = 60.0) -> Job:
    attempts = tuple(Attempt(f"rung{index}", netlist) for index, netlist in enumerate(netlists))
    return Job("circuit", attempts, ("out",), 1e-3, timeout)


def outcome(a_job: Job) -> Waveforms | SimulationError:
    try:
        return run_job(a_job)
    except SimulationError as error:
        return error


def test_timeout_is_hard() -> None:
    start = time.monotonic()
    error = outcome(job(ENDLESS, timeout=0.3))
    assert time.monotonic() - start < PATIENCE
    assert isinstance(error, SimulationError)
    assert error.kind == "timeout"
    assert "0.3 s" in str(error)
    assert running_simulations(os.getpid()) == []


def test_retry_sequence_goes_on_after_a_timeout_and_counts_its_cpu() -> None:
    result = run_job(job(ENDLESS, QUICK, timeout=0.5))
    assert result.attempt == "rung1"
    assert result.failed_attempts == {"rung0": "timeout"}
    assert result.cpu_s > run_job(job(QUICK)).cpu_s + 0.05


@pytest.mark.parametrize("victim", ["server", "child"])
def test_kill_is_one_jobs_crash(victim: str) -> None:
    thread, results = in_thread(outcome, job(ENDLESS))
    ((server, child),) = until(lambda: running_simulations(os.getpid()))
    os.kill(server if victim == "server" else child, signal.SIGKILL)
    thread.join(PATIENCE)
    assert isinstance(results[0], SimulationError)
    assert results[0].kind == "crash"
    until(lambda: child not in parents())
    assert run_job(job(QUICK)).timepoints > 900


def test_kill_spares_the_other_jobs() -> None:
    jobs = [job(ENDLESS), *(job(QUICK, timeout=60.0 + index) for index in range(1, 11))]
    kinds: dict[Job, str] = {}

    def collect() -> None:
        for done, result in run_all(jobs, workers=2):
            kinds[done] = getattr(result, "kind", "good")

    thread, _ = in_thread(collect)
    until(lambda: len(kinds) == 10)
    ((_, child),) = until(lambda: running_simulations(os.getpid()))
    os.kill(child, signal.SIGKILL)
    thread.join(PATIENCE)
    assert kinds.pop(jobs[0]) == "crash"
    assert list(kinds.values()) == ["good"] * 10


@pytest.mark.parametrize("size", [1, 40_000], ids=["short deck", "deck above a pipe's buffer"])
def test_stopped_server_ends_within_the_timeout(size: int) -> None:
    with borrowed_session(NGSPICE) as server:
        assert isinstance(server, Server)
        stopped = server._process.pid  # kept for the next run, which is ours
    os.kill(stopped, signal.SIGSTOP)
    start = time.monotonic()
    error = outcome(job("* long\n" * size + ENDLESS, QUICK, timeout=1.0))
    assert time.monotonic() - start < 1 + GRACE_S + 5
    assert isinstance(error, SimulationError)
    assert error.kind == "stalled"  # and the next rung was not tried: it would wait as long
    assert error.exit_status == 5
    assert "the simulation server did not answer within 1 s; was it stopped?" in str(error)
    until(lambda: stopped not in parents())
    assert run_job(job(QUICK)).timepoints > 900


def test_stopped_simulation_is_a_timeout() -> None:
    thread, results = in_thread(outcome, job(ENDLESS, timeout=2.0))
    ((_, child),) = until(lambda: running_simulations(os.getpid()))
    os.kill(child, signal.SIGSTOP)
    thread.join(PATIENCE)
    assert isinstance(results[0], SimulationError)
    assert results[0].kind == "timeout"


def test_server_that_never_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netgen.simulators.ngspice.server._BOOT", "import time; time.sleep(1000)")
    monkeypatch.setattr("netgen.simulators.ngspice.server.STARTING_S", 0.5)
    with pytest.raises(MachineError, match=r"did not start within 0\.5 s"):
        Server()


def test_no_room_for_a_result(tmp_path: Path) -> None:
    body = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
try:
    run_job(job(QUICK))
except Exception as error:
    print(error.kind, error.exit_status, str(error))
"""
    with start_script(tmp_path, body) as process:
        code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert out.startswith("machine 5 simulation circuit failed (only: machine): File too large; ")


def test_simulator_settings_of_others_are_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spinit").write_text("quit\n")
    monkeypatch.setenv("SPICE_SCRIPTS", str(tmp_path))
    with start_script(tmp_path, "print(run_job(job(QUICK)).timepoints > 900)") as process:
        assert finish(process)[:2] == (0, "True\n")


def test_current_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    body = "os.chdir('gone'); os.rmdir('../gone')\nprint(run_job(job(QUICK)).timepoints > 900)"
    with start_script(tmp_path, body) as process:
        assert finish(process)[:2] == (0, "True\n")


def test_segmentation_fault_is_a_crash() -> None:
    thread, results = in_thread(outcome, job(ENDLESS, QUICK))
    ((_, child),) = until(lambda: running_simulations(os.getpid()))
    os.kill(child, signal.SIGSEGV)
    thread.join(PATIENCE)
    assert isinstance(results[0], Waveforms)
    assert results[0].failed_attempts == {"rung0": "crash"}


def test_idle_server_that_died_is_replaced() -> None:
    run_job(job(QUICK))
    idle = [process for process, parent in parents().items() if parent == os.getpid()]
    for process in idle:
        os.kill(process, signal.SIGKILL)
    until(lambda: not set(idle) & set(parents()))
    assert run_job(job(QUICK)).timepoints > 900


def test_closing_early_kills_what_runs() -> None:
    threads = threading.active_count()
    results = run_all([job(QUICK), *[job(ENDLESS)] * 5], workers=2)
    assert isinstance(results, Generator)
    _, first = next(results)
    assert isinstance(first, Waveforms)
    assert first.timepoints > 900
    until(lambda: len(running_simulations(os.getpid())) == 2)
    start = time.monotonic()
    results.close()
    assert time.monotonic() - start < 5
    assert running_simulations(os.getpid()) == []
    assert threading.active_count() == threads


def test_jobs_are_taken_as_places_become_free() -> None:
    taken: list[int] = []

    def jobs() -> Iterator[Job]:
        for index in range(20):
            taken.append(index)
            yield job(QUICK)

    for done, _ in enumerate(run_all(jobs(), workers=2)):
        assert len(taken) <= done + 1 + 2 * 2


def test_error_in_the_iterable_is_the_callers() -> None:
    def jobs() -> Iterator[Job]:
        yield job(QUICK)
        raise ArithmeticError("no more decks")

    with pytest.raises(ArithmeticError, match="no more decks"):
        list(run_all(jobs(), workers=2))
    assert running_simulations(os.getpid()) == []


def test_nothing_is_left_open() -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(2):
        list(run_all([job(QUICK)] * 4, workers=2))
        before = open_files()
    for _ in range(10):
        outcome(job(ENDLESS, timeout=0.02))
        list(run_all([job(QUICK)] * 4, workers=2))
    assert open_files() == before


def test_workers_must_be_some() -> None:
    with pytest.raises(ValueError, match="0 workers"):
        next(run_all([], workers=0))


def test_missing_library_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "/nowhere/libngspice.so.0")
    with pytest.raises(ToolMissingError, match="apt-get install libngspice0") as caught:
        Server()
    assert "/nowhere/libngspice.so.0" in str(caught.value)
    assert caught.value.exit_status == 4


SCRIPT = f"""
import os, sys
sys.path[:] = {sys.path!r}
from netgen.simulators import Attempt, Job, run_all, run_job
QUICK, ENDLESS = {QUICK!r}, {ENDLESS!r}
def job(netlist):
    return Job("circuit", (Attempt("only", netlist),), ("out",), 1e-3, 60.0)
"""


def start_script(folder: Path, body: str) -> subprocess.Popen[str]:
    """Start a script as a user may write it, with no guard of its main part."""
    script = folder / "script.py"
    script.write_text(SCRIPT + body)
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


CTRL_C = """
good = []
try:
    for done, result in run_all([job(QUICK)] + [job(ENDLESS)] * 7, workers=2):
        good.append(result.timepoints)
        print("first", flush=True)
except KeyboardInterrupt:
    print("interrupted", len(good), flush=True)
"""


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_ends_everything(tmp_path: Path, times: int) -> None:
    with start_script(tmp_path, CTRL_C) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        running = until(lambda: running_simulations(process.pid))
        os.killpg(process.pid, signal.SIGINT)
        start = time.monotonic()
        _, out, _ = finish(process)
    assert time.monotonic() - start < 5
    assert out == "interrupted 1\n"
    until(lambda: not {pid for pair in running for pid in pair} & set(parents()))


def test_ctrl_c_ends_a_single_run(tmp_path: Path) -> None:
    with start_script(tmp_path, "print('ready', flush=True)\nrun_job(job(ENDLESS))") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        running = until(lambda: running_simulations(process.pid))
        os.killpg(process.pid, signal.SIGINT)
        code, _, err = finish(process)
    assert code == -signal.SIGINT
    assert "KeyboardInterrupt" in err
    until(lambda: not {pid for pair in running for pid in pair} & set(parents()))


def both(caller: int) -> list[tuple[int, int]]:
    """Return the two simulations of a caller, nothing while there are fewer."""
    found = running_simulations(caller)
    return found if len(found) == 2 else []


def test_killed_caller_leaves_no_process(tmp_path: Path) -> None:
    with start_script(tmp_path, "list(run_all([job(ENDLESS)] * 3, workers=2))") as process:
        running = until(lambda: both(process.pid))
        process.kill()
        process.communicate()
    until(lambda: not {pid for pair in running for pid in pair} & set(parents()))


def test_forgotten_iterator_does_not_hold_up_the_end(tmp_path: Path) -> None:
    body = "kept = run_all([job(QUICK)] + [job(ENDLESS)] * 3, workers=2)\nnext(kept)\nprint('end')"
    with start_script(tmp_path, body) as process:
        start = time.monotonic()
        code, out, err = finish(process)
    assert (code, out, err) == (0, "end\n", "")
    assert time.monotonic() - start < PATIENCE


def test_library_in_a_script_without_main_guard(tmp_path: Path) -> None:
    body = "print('once')\nprint(run_job(job(QUICK)).timepoints > 900, 'PySpice' in sys.modules)"
    with start_script(tmp_path, body) as process:
        assert finish(process) == (0, "once\nTrue False\n", "")


def test_forked_caller_has_a_server_of_its_own(tmp_path: Path) -> None:
    body = """
run_job(job(QUICK))
child = os.fork()
print(*(run_job(job(QUICK)).timepoints > 900 for _ in range(5)), flush=True)
if child:
    print(os.waitpid(child, 0)[1])
"""
    with start_script(tmp_path, body) as process:
        code, out, err = finish(process)
    five = " ".join(["True"] * 5)
    assert (code, out, err) == (0, f"{five}\n{five}\n0\n", "")


def test_users_spiceinit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".spiceinit").write_text("quit\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with start_script(tmp_path, "print(run_job(job(QUICK)).timepoints > 900)") as process:
        assert finish(process)[:2] == (0, "True\n")


def test_circuit_is_replaced_in_one_process(tmp_path: Path) -> None:
    body = """
from netgen.simulators.ngspice.shared import SharedNgspice
from netgen.simulators.ngspice.messages import complaints
simulator = SharedNgspice(lambda line: None)
print(complaints(simulator.load(QUICK)))
simulator.simulate()
print(len(simulator.plots()))
print(len(complaints(simulator.load(QUICK.replace("c1 out 0", "x1 out nosub")))) > 0)
simulator.simulate()
print(sum(len(plot) for plot in simulator.plots()), flush=True)
os._exit(0)
"""
    with start_script(tmp_path, body) as process:
        assert finish(process)[1] == "[]\n1\nTrue\n0\n"


def test_one_thread_computes() -> None:
    # By default ngspice starts OpenMP threads for BSIM4, which spin.
    devices = "".join(f"m{i} d g 0 0 nm l=1u w=1u\n" for i in range(100))
    bsim4 = f"test\nvd d 0 1\nvg g 0 pulse(0 1 0 1u 1u 1u 4u)\n{devices}.tran 1n 1\n"
    endless = f"{bsim4}.model nm nmos level=14 version=4.8\n.end\n"
    thread, results = in_thread(outcome, job(endless))
    ((_, child),) = until(lambda: running_simulations(os.getpid()))
    until(lambda: cpu_s(child) > 0.3)
    threads = len(list(Path(f"/proc/{child}/task").iterdir()))
    os.kill(child, signal.SIGKILL)
    thread.join(PATIENCE)
    assert threads == 1
    assert isinstance(results[0], SimulationError)
    assert results[0].kind == "crash"
