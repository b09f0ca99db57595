"""The caller's end of a simulation server: start, ask, kill."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from netgen.document import Json, number_at, whole_at
from netgen.errors import ConfigurationError, MachineError, ToolMissingError
from netgen.simulators.jobs import Attempt, Job
from netgen.simulators.ngspice import messages
from netgen.simulators.ngspice.child import ERRNO, HEADER_SIZE_BYTES
from netgen.simulators.ngspice.quotes import without_quotes
from netgen.simulators.port import Response
from netgen.technology.commands import command_in

_BOOT = """\
import sys
sys.path[:] = sys.argv[3:]
from netgen.simulators.ngspice.child import serve
serve(int(sys.argv[1]), int(sys.argv[2]))
"""
_HINTS = {
    "ngspice": "install it (apt-get install libngspice0) or name it in NGSPICE_LIBRARY_PATH",
    "PySpice": "install it (pip install PySpice==1.5)",
}
STARTING_S = 120.0
"""Wall seconds in which a server must have started."""
GRACE_S = 2.0
"""Wall seconds after an attempt's time is over in which its server must say so."""
STALLED = "stalled"
"""Failure of a server that does not answer."""
MACHINE = "machine"
"""Failure of the machine: no room for a result, no process for it."""
NO_FAULT_OF_THE_DECK = (STALLED, MACHINE)
"""Failures that another attempt would not mend."""
_TAIL = 20
_CHUNK = 1 << 16
_LONGEST_WAIT = 1e6  # seconds; poll counts milliseconds in 32 bits


class _Stalled(Exception):
    """The server did not answer in time."""


class Server:
    """One server process, which runs one attempt at a time.

    Raises
    ------
    ToolMissingError
        ngspice's library (or PySpice) is not there or does not start.
    MachineError
        The server does not answer.
    """

    def __init__(self) -> None:
        # Nameless, so nothing is left over however the processes end; closed by kill().
        self._result = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._log = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        fds = (self._result.fileno(), self._log.fileno())
        # One thread: numpy's own would make the server's forks unsafe.
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        # What others set up for ngspice (a spinit in SPICE_SCRIPTS) must not change a result.
        plain = {name: text for name, text in os.environ.items() if not _is_of_spice(name)}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _BOOT, *map(str, fds), *_module_folders()],
            bufsize=0,  # so that poll sees all there is
            cwd="/",  # the caller's may vanish; nothing is read from a current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=plain | threads,
            pass_fds=fds,
            start_new_session=True,  # Ctrl-C is the caller's, who then kills the session whole
        )
        self._unread = b""
        try:
            try:
                greeting = self._read(time.monotonic() + STARTING_S)
            except _Stalled:
                raise MachineError(
                    f"the simulation server did not start within {STARTING_S:g} s; was it "
                    "stopped, or is the machine overloaded?"
                ) from None
            if "version" not in greeting:
                tool = greeting.get("missing", "ngspice")
                message = greeting.get("problem") or " ".join(self._lines()[-1:])
                problem = str(message) or _death(self._process.wait())
                raise ToolMissingError(f"{tool} does not start ({problem}): {_HINTS[str(tool)]}")
        except BaseException:
            self.kill()
            raise
        self.version = str(greeting["version"])

    @property
    def alive(self) -> bool:
        """Whether the process can take another attempt."""
        return self._process.poll() is None

    def ask(self, job: Job, attempt: Attempt) -> Response:
        """Run one attempt; a server that dies is the attempt's crash.

        Raises
        ------
        ConfigurationError
            The deck holds a command.
        """
        command = command_in(attempt.netlist)
        if command is not None:  # wherever it came from: nothing but simulations is run
            problem = f"line {command[0]} of its deck, {command[1]}, is a command to ngspice"
            raise ConfigurationError(f"simulation {job.name}", [f"{problem}; netgen runs none"])
        request = {
            "netlist": attempt.netlist,
            "vectors": job.vectors,
            "stop": job.stop,
            "timeout": job.timeout,
            "points": job.points,
        }
        deadline = time.monotonic() + min(job.timeout, _LONGEST_WAIT) + GRACE_S
        try:
            self._write(json.dumps(request).encode() + b"\n", deadline)
            ended = self._read(deadline)
        except _Stalled:
            self.interrupt()
            self._process.wait()
            message = (
                f"the simulation server did not answer within {job.timeout:g} s; was it stopped?"
            )
            return self._failed(attempt, STALLED, message)
        if not ended:
            self.interrupt()
            self._process.wait()
            return self._failed(attempt, "crash", "the simulation server died")
        cpu_s, status = number_at(ended, "cpu_s"), whole_at(ended, "exit_code")
        if ended["timed_out"]:
            detail = f"no result after {job.timeout:g} s"
            return self._failed(attempt, "timeout", detail, cpu_s)
        if status > ERRNO:
            message = os.strerror(status - ERRNO)
            detail = f"{message}; its process and its result in {tempfile.gettempdir()} need room"
            return self._failed(attempt, MACHINE, detail, cpu_s)
        if status != 0:
            return self._failed(attempt, "crash", _death(status), cpu_s)
        return self._collect(attempt, cpu_s)

    def kill(self) -> None:
        """End the process and its child at once, and free what belongs to them."""
        self.interrupt()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._result, self._log):
            assert file is not None
            with suppress(OSError):
                file.close()

    def interrupt(self) -> None:
        """End the process and its child at once, from any thread: a running ``ask`` returns."""
        if self._process.returncode is None:  # else the number may be another's by now
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _write(self, data: bytes, deadline: float) -> None:
        """Send a request: the pipe takes no more of it than a server that runs has read."""
        assert self._process.stdin is not None
        pipe = self._process.stdin.fileno()
        os.set_blocking(pipe, False)
        with suppress(BrokenPipeError):  # a server that died is noticed when its answer is read
            while data:
                _wait(pipe, select.POLLOUT, deadline)
                data = data[os.write(pipe, data[:_CHUNK]) :]

    def _read(self, deadline: float) -> dict[str, Json]:
        """Return the server's next answer; nothing where it died."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while b"\n" not in self._unread:
            _wait(pipe, select.POLLIN, deadline)
            chunk = os.read(pipe, _CHUNK)
            if not chunk:
                return {}
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        reply: dict[str, Json] = json.loads(line)
        return reply

    def _lines(self) -> tuple[str, ...]:
        self._log.seek(0)
        return tuple(self._log.read().decode(errors="replace").splitlines())

    def _collect(self, attempt: Attempt, cpu_s: float) -> Response:
        self._result.seek(0)
        size = int.from_bytes(self._result.read(HEADER_SIZE_BYTES), "little")
        header = json.loads(self._result.read(size))
        if header["failure"]:
            return self._failed(attempt, header["failure"], header["detail"], cpu_s)
        names = tuple(header["names"])
        rows = np.fromfile(self._result, dtype=np.float64).reshape(len(names) + 1, -1)
        return Response("", "", cpu_s, names, rows)

    def _failed(self, attempt: Attempt, kind: str, detail: str, cpu_s: float = 0.0) -> Response:
        lines, deck = self._lines(), attempt.netlist
        named = messages.refine(kind, lines)
        message = messages.last_words(named, lines, deck)
        return Response(
            named,
            detail,
            cpu_s,
            (),
            np.empty((0, 0)),
            f"ngspice: {message}" if message else "",
            tuple(without_quotes(messages.message_text(line), deck) for line in lines[-_TAIL:]),
            final=kind in NO_FAULT_OF_THE_DECK,
        )


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Wait until a pipe can be read or written, or is closed."""
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1e3):
        raise _Stalled


def _is_of_spice(variable: str) -> bool:
    return variable.startswith("SPICE_") or variable == "NGSPICE_INPUT_DIR"


def _module_folders() -> list[str]:
    """Return where Python finds modules, whatever the current folder is."""
    folders = []
    for entry in sys.path:
        with suppress(OSError):  # the current folder is gone
            folders.append(str(Path(entry).absolute()))
    return folders


def _death(exit_code: int) -> str:
    if exit_code < 0:
        return f"the simulator's process was killed by {signal.Signals(-exit_code).name}"
    return "the simulator's process failed"
