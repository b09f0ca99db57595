"""What processes run, and how long a test waits for them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

PATIENCE = 120.0
"""Seconds until a test stops waiting."""

P = ParamSpec("P")
T = TypeVar("T")


def parents() -> dict[int, int]:
    """Return the parent of every process that runs, by process."""
    found: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            found[int(path.parent.name)] = int(parent)
    return found


def running_simulations(root: int) -> list[tuple[int, int]]:
    """Return (server, child) of every simulation under way below a process."""
    table = parents()
    servers = [process for process, parent in table.items() if parent == root]
    return [(parent, process) for process, parent in table.items() if parent in servers]


def until(condition: Callable[[], T]) -> T:
    """Wait for a condition and return its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return value


def in_thread(
    function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> tuple[threading.Thread, list[T]]:
    """Start a function in a thread; return the thread and the list its result will be in."""
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(function(*args, **kwargs)))
    thread.start()
    return thread, results


def cpu_s(process: int) -> float:
    """Return the CPU seconds a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
