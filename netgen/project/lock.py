"""One writer a folder."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from netgen.errors import UsageError, cannot_write
from netgen.files import remove_scratch

FILE = ".netgen.lock"
LINGER = 5.0
"""Seconds to wait for a lock whose process has ended: what it had just started keeps it a while."""
_held: dict[Path, tuple[int, int]] = {}
"""Of this process: the thread that holds a folder, and how many times."""
_guard = threading.Lock()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only netgen that writes into a folder; the system ends a lock with its process.

    A thread that holds the lock may take it again. Where a file system has no locks there are
    none: the digests of the record still show a mixture.

    Raises
    ------
    UsageError
        Another netgen holds the lock, or the folder cannot be written.
    """
    whole = folder.resolve()
    with _guard:
        thread, count = _held.get(whole, (threading.get_ident(), 0))
        if thread != threading.get_ident():
            raise UsageError(_refusal(folder, f"another thread of process {os.getpid()}"))
        file = None if count else _acquire(folder)
        _held[whole] = thread, count + 1
    try:
        if not count:
            remove_scratch(folder)
        yield
    finally:
        with _guard:
            _held[whole] = thread, _held[whole][1] - 1
            if not _held[whole][1]:
                del _held[whole]
        if file is not None:
            os.close(file)


def _acquire(folder: Path) -> int:
    path = folder / FILE
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise cannot_write(folder, error) from None
    until = time.monotonic() + LINGER
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() < until and _ended(path):
                time.sleep(0.02)
                continue
            os.close(file)
            raise UsageError(_refusal(folder, _holder(path))) from None
        except OSError:  # no locks on this file system
            return file
    with suppress(OSError):
        words = {"process": os.getpid(), "host": socket.gethostname(), "command": sys.argv[1:2]}
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(words).encode() + b"\n", 0)
    return file


def _ended(path: Path) -> bool:
    """Tell whether the process that took a lock on this machine has ended."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(path.read_bytes())
        if record["host"] == socket.gethostname():
            try:
                os.kill(int(record["process"]), 0)
            except ProcessLookupError:
                return True
    return False


def _refusal(folder: Path, holder: str) -> str:
    return f"{folder} is in use by {holder}; wait until it ends, or use another folder"


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(path.read_bytes())
        command = " ".join(("netgen", *map(str, record["command"])))
        text = f"another netgen ({command}, process {record['process']} on {record['host']})"
        if text.isprintable():
            return text[:200]
    return "another netgen"
