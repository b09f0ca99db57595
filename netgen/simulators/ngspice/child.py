"""The simulation server: a process that holds ngspice and forks one child for every attempt.

It is started by :mod:`netgen.simulators.ngspice.server` as a plain subprocess, so that nothing of
the caller's ``__main__`` is imported again; it runs no simulation itself and stays single-threaded,
so that a fork is safe, and a child starts with ngspice loaded and no circuit in it. Requests and
replies are lines of JSON on two pipes; a result goes through a file that both sides hold open, and
so do the lines ngspice prints, so that neither a crash nor a kill can garble the pipes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from netgen.simulators.ngspice.messages import complaints, result_of, untrue_start
from netgen.simulators.results import Values, check_result

if TYPE_CHECKING:
    from netgen.simulators.ngspice.shared import SharedNgspice

HEADER_SIZE_BYTES = 8
ERRNO = 100
"""A child's exit status above this is the operating system's error that ended it."""
_LOG_LIMIT = 1 << 20
_LONGEST_WAIT = 1e6  # seconds; poll counts milliseconds in 32 bits
_CHUNK = 1 << 16
_GAVE_UP = "ngspice gave up"


@dataclass(frozen=True)
class Header:
    """Head of the result file; the rows of float64 follow, the scale first."""

    failure: str
    detail: str
    names: tuple[str, ...] = ()


def serve(result_fd: int, log_fd: int) -> None:
    """Reply to requests on stdin until it closes."""
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        simulator = _start(log_fd)
    except (OSError, ImportError) as error:
        tool = "PySpice" if isinstance(error, ImportError) else "ngspice"
        _reply(replies, {"missing": tool, "problem": str(error)})
        return
    _reply(replies, {"version": simulator.version})
    while (request := _read_line(requests)) is not None:
        for fd in (result_fd, log_fd):
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
        fields = json.loads(request)
        timeout = fields.pop("timeout")
        alive, inherited = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(alive)
            os.close(inherited)
            _end(replies, ERRNO + (error.errno or 0))
            continue
        if pid == 0:
            os.close(replies)  # so that the caller notices the server's end
            _child(simulator, result_fd, **fields)
        os.close(inherited)
        _end(replies, *_wait(pid, alive, requests, timeout))
        os.close(alive)


def _start(log_fd: int) -> SharedNgspice:
    from netgen.simulators.ngspice.shared import SharedNgspice

    def log(line: str) -> None:
        if os.lseek(log_fd, 0, os.SEEK_CUR) > _LOG_LIMIT:
            os.ftruncate(log_fd, 0)
            os.lseek(log_fd, 0, os.SEEK_SET)
        with suppress(OSError):  # a full disk: the result is what counts
            os.write(log_fd, line.encode() + b"\n")

    return SharedNgspice(log)


def _reply(fd: int, message: Mapping[str, object]) -> None:
    os.write(fd, json.dumps(message).encode() + b"\n")


def _end(fd: int, exit_code: int, timed_out: bool = False, cpu_s: float = 0.0) -> None:
    """Tell how one attempt ended."""
    _reply(fd, {"exit_code": exit_code, "timed_out": timed_out, "cpu_s": cpu_s})


def _read_line(fd: int) -> bytes | None:
    """Read one request; unbuffered, so that poll sees whatever comes after it."""
    chunks: list[bytes] = []
    while not (chunks and chunks[-1].endswith(b"\n")):
        chunk = os.read(fd, _CHUNK)
        if not chunk:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _wait(pid: int, alive: int, requests: int, timeout: float) -> tuple[int, bool, float]:
    """Wait for the child's end; kill it when its time is over or when nobody waits any more.

    ``alive`` reports end of file once the child, its only writer, is gone.
    """
    poll = select.poll()
    poll.register(alive, select.POLLIN)
    poll.register(requests, select.POLLIN)
    timed_out = not poll.poll(min(timeout, _LONGEST_WAIT) * 1e3)
    os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), timed_out, usage.ru_utime + usage.ru_stime


def _child(
    simulator: SharedNgspice,
    result_fd: int,
    netlist: str,
    vectors: list[str],
    stop: float | None,
    points: list[float],
) -> NoReturn:
    """Run one deck and leave the result in the file; never returns."""

    def leave(failure: str, detail: str = "") -> NoReturn:
        _write_result(result_fd, Header(failure, detail), [])
        os._exit(0)

    try:
        # Version by version, an error in the deck is a complaint or ends the simulator.
        simulator.leave = lambda status: leave("load" if status else "exit", _GAVE_UP)
        if complaints(simulator.load(netlist)):
            leave("load", "ngspice does not take the netlist")
        simulator.leave = lambda status: leave("exit", _GAVE_UP)
        simulator.simulate()
        if untrue_start(netlist, simulator.messages):
            leave("operating_point", "a step of gmin failed on the way to the first point")
        result = result_of(simulator.plots(), vectors)
        failure = check_result(result, vectors, stop, points)
        if failure:
            leave(*failure)
        rows = [result.scale, *result.vectors.values()]
        _write_result(result_fd, Header("", "", tuple(result.vectors)), rows)
        os._exit(0)
    except OSError as error:
        os._exit(min(255, ERRNO + (error.errno or 0)))
    except BaseException:
        with suppress(OSError):
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(1)


def _write_result(fd: int, header: Header, rows: Sequence[Values]) -> None:
    with os.fdopen(fd, "wb", closefd=False) as file:
        head = json.dumps(asdict(header)).encode()
        file.write(len(head).to_bytes(HEADER_SIZE_BYTES, "little") + head)
        for row in rows:
            file.write(np.ascontiguousarray(row, dtype=np.float64).data)
