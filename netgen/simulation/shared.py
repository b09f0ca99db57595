"""ngspice through PySpice, repaired: only the simulation server imports this module.

PySpice 1.5 judges a run by the text ngspice prints and answers two of its callbacks wrongly.
This class keeps PySpice's binding to ``libngspice`` and leaves the judgement to
:mod:`netgen.simulation.verdict`, which judges by data.
"""

from __future__ import annotations

import ctypes
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numpy.typing import NDArray
from PySpice.Spice.NgSpice.Shared import NgSpiceShared, ffi

logging.getLogger("PySpice").addHandler(logging.NullHandler())
logging.getLogger("PySpice").propagate = False

# The -dev package alone ships the plain libngspice.so that PySpice asks for.
SONAME = "libngspice.so.0"

Vectors = dict[str, NDArray[Any]]


class Simulator(NgSpiceShared):  # type: ignore[misc]
    """One ngspice in this process.

    Parameters
    ----------
    log
        Called with every line ngspice prints, prefixed ``"stderr "`` or ``"stdout "``.

    Attributes
    ----------
    leave
        Called with ngspice's exit status when it gives up: it must end the process, since every
        later netlist in it would fail.

    Raises
    ------
    OSError
        libngspice cannot be loaded.
    """

    # Judged by data instead: a node called error_in would set the one, "Note:" lines the other.
    _error_in_stdout = property(lambda self: False, lambda self, value: None)
    _error_in_stderr = property(lambda self: False, lambda self, value: None)

    def __init__(self, log: Callable[[str], None]) -> None:
        self.log = log
        self.leave: Callable[[int], None] = os._exit
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
        self.destroy("all")
        self.remove_circuit()
        # The default of 2 OpenMP threads spins; parallelism is by process.
        self.exec_command("set num_threads=1")
        try:
            self.load_circuit(netlist)
        except NameError as error:  # PySpice's answer to a return code of ngSpice_Circ
            return (*self._stderr, str(error))
        return tuple(self._stderr)

    def plots(self) -> list[Vectors]:
        """Return the plots computed so far, oldest first: arrays by lower-case name."""
        names = [name for name in reversed(self.plot_names) if name != "const"]
        return [
            {name.lower(): vector._data for name, vector in self.plot(None, plot).items()}
            for plot in names
        ]

    def send_char(self, message: str, ngspice_id: int) -> int:
        """Pass a line of ngspice's output on (called by PySpice)."""
        self.log(message)
        return 0

    @staticmethod
    def _exit(status: int, immediate: bool, quit_exit: bool, ngspice_id: int, handle: Any) -> int:
        ffi.from_handle(handle).leave(status)
        return status

    @staticmethod
    def _background_thread_running(is_idle: bool, ngspice_id: int, handle: Any) -> int:
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
