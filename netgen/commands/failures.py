"""How a command ends: the exit status of an exception, and the lines that tell of it."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import tempfile
import traceback
from pathlib import Path

from netgen._version import __version__
from netgen.errors import MachineError, NetgenError, UsageError, told_of_system

INTERRUPTED = 130
OUTPUT_GONE = 141
"""What a shell reports of a program whose reader went away (128 + SIGPIPE)."""
UNFORESEEN = 70
"""``EX_SOFTWARE`` of sysexits.h: an error that netgen has no answer to, so a fault in netgen."""
TRACEBACK = "NETGEN_TRACEBACK"
"""Set to 1, this variable shows the traceback of an unforeseen error."""


def expected(error: BaseException) -> NetgenError | None:
    """Return what to tell of an exception that netgen did not raise itself; None of a fault.

    The operating system's errors and a lack of memory or threads are the machine's, or those of
    the place the command was given.
    """
    if isinstance(error, OSError):
        return of_system(error)
    if isinstance(error, MemoryError) or _lacks_memory(error):
        return MachineError("there is not enough memory; free some, or lower --jobs")
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return MachineError("no thread can be started; raise ulimit -u, or lower --jobs")
    return None


def _lacks_memory(error: BaseException) -> bool:
    """Tell whether a library could not be loaded for lack of memory."""
    messages = ("failed to map segment", "Cannot allocate memory", "cannot allocate memory")
    return isinstance(error, ImportError) and any(words in str(error) for words in messages)


def of_system(error: OSError) -> NetgenError:
    """Return an error of the operating system as one of netgen's: one line, the file in it."""
    message = error.strerror or str(error) or type(error).__name__
    if error.filename is None and error.errno == errno.ENOENT and not _has_current_folder():
        return UsageError("the current folder is gone; change to another one")
    names = [_shown(name) for name in (error.filename, error.filename2) if name is not None]
    subject = names[0] if names else "the operating system"
    return told_of_system(error, f"{subject}: {message}")


def unforeseen(error: BaseException) -> list[str]:
    """Write the traceback of a fault in netgen to a log file, and return what to tell."""
    text = "".join(traceback.format_exception(error))
    if os.environ.get(TRACEBACK, "") not in ("", "0"):
        return [*text.rstrip().splitlines(), f"netgen {__version__} met an unforeseen error"]
    what = f"unforeseen error ({type(error).__name__})"
    lines = [f"netgen {__version__}: {shlex.join(sys.argv)}", f"Python {sys.version}", text]
    try:
        handle, name = tempfile.mkstemp(prefix="netgen-error-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
            log.write("\n".join(lines))
    except OSError as problem:
        message = problem.strerror or str(problem)
        return [f"{what}, and no log of it can be written ({message}); set {TRACEBACK}=1 to see it"]
    return [f"{what}; please report it with {Path(name)}"]


def _shown(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else str(name)


def _has_current_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True
