"""ngspice through PySpice, repaired: only the simulation server imports this module.

PySpice 1.5 judges a run by the text ngspice prints and answers two of its callbacks wrongly.
This class keeps PySpice's binding to ``libngspice`` and leaves the judgement to
:mod:`netgen.simulators.results`, which checks data.
"""

from __future__ import annotations

import ctypes
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from PySpice.Spice.NgSpice.Shared import NgSpiceShared, ffi

from netgen.simulators.results import Vectors

logging.getLogger("PySpice").addHandler(logging.NullHandler())
logging.getLogger("PySpice").propagate = False

# The -dev package alone ships the plain libngspice.so that PySpice asks for.
SONAME = "libngspice.so.0"


class SharedNgspice(NgSpiceShared):  # type: ignore[misc]
    """One ngspice in this process.

    Parameters
    ----------
    log
        Called with every line ngspice prints, prefixed ``"stderr "`` or ``"stdout "``.

    Raises
    ------
    OSError
        libngspice cannot be loaded.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self.log = log
        #: Called with ngspice's exit status when it gives up: it must end the process, since every
        #: later netlist in it would fail.
        self.leave: Callable[[int], None] = os._exit
        self._loaded = False
        # ngspice 39 sometimes crashes at exit unless it was loaded this way first.
        ctypes.CDLL(self.library_path)
        with _no_spiceinit():
            super().__init__()

    @property
    def library_path(self) -> str:
        """The library to load; ``NGSPICE_LIBRARY_PATH`` comes first."""
        return os.environ.get("NGSPICE_LIBRARY_PATH") or SONAME

    @property
    def version(self) -> str:
        """Name and version, such as ``"ngspice-39"``."""
        return f"ngspice-{self.ngspice_version}"

    def load(self, netlist: str) -> tuple[str, ...]:
        """Load a deck in place of any other and return what ngspice wrote to stderr."""
        if self._loaded:  # else it leaks, and a failed load leaves the earlier circuit to run
            self.destroy("all")
            self.remove_circuit()
        self._loaded = True
        # The default of 2 OpenMP threads spins; parallelism is by process.
        self.exec_command("set num_threads=1")
        try:
            self.load_circuit(netlist)
        except NameError as error:  # PySpice's answer to a return code of ngSpice_Circ
            return (*self._stderr, str(error))
        return tuple(self._stderr)

    def simulate(self) -> None:
        """Run the analyses of the deck, as far as they go."""
        with suppress(NameError):  # PySpice's answer to a return code: less than the data tell
            self.run()

    @property
    def messages(self) -> tuple[str, ...]:
        """The lines of the last command, of both streams."""
        return (*self._stdout, *self._stderr)

    def plots(self) -> list[Vectors]:
        """Return the plots computed so far, oldest first: arrays by lower-case name."""
        names = [name for name in reversed(self.plot_names) if name != "const"]
        return [
            {name.lower(): vector._data for name, vector in self.plot(None, plot).items()}
            for plot in names
        ]

    @staticmethod
    def _send_char(message: object, ngspice_id: int, handle: object) -> int:
        # PySpice's own sets its error flags here: by any stderr line but "Warning:", "Note:" too,
        # and by the word error on stdout, for which a node called error_in is enough.
        simulator = ffi.from_handle(handle)
        line = ffi.string(message).decode(errors="replace")
        stream, _, content = line.partition(" ")
        (simulator._stderr if stream == "stderr" else simulator._stdout).append(content)
        simulator.log(line)
        return 0

    @staticmethod
    def _exit(
        status: int, immediate: bool, quit_exit: bool, ngspice_id: int, handle: object
    ) -> int:
        ffi.from_handle(handle).leave(status)
        return status

    @staticmethod
    def _background_thread_running(is_idle: bool, ngspice_id: int, handle: object) -> int:
        ffi.from_handle(handle)._is_running = not is_idle
        return 0


@contextmanager
def _no_spiceinit() -> Iterator[None]:
    """Keep ngspice from a user's ``.spiceinit``: a result must not depend on who runs it."""
    here = os.open(".", os.O_RDONLY)
    home = os.environ.get("HOME")
    with tempfile.TemporaryDirectory() as empty:
        try:
            os.environ["HOME"] = empty
            os.chdir(empty)
            yield
        finally:
            os.fchdir(here)
            os.close(here)
            if home is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = home
