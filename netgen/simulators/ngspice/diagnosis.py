"""What netgen found of ngspice: its library, its age, and start files that people wrote for it."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from netgen.errors import NetgenError, ToolMissingError
from netgen.simulators.port import Finding

OLDEST_NGSPICE = 39
"""Older ones lack corrections of the shared library that results rest on."""
LIBRARY = "libngspice.so.0"


def findings(version: Callable[[], str]) -> Iterator[Finding]:
    """Yield what was found; ``version`` gives name and version of a simulator that starts."""
    yield _library(version)
    yield from _start_files()


def _library(version: Callable[[], str]) -> Finding:
    name = os.environ.get("NGSPICE_LIBRARY_PATH") or LIBRARY
    try:
        installed = version()
    except ToolMissingError as error:
        return Finding("ngspice", "fault", str(error), status=error.exit_status)
    except NetgenError as error:
        hint = f"try another library: NGSPICE_LIBRARY_PATH=/path/{LIBRARY}"
        return Finding("ngspice", "fault", str(error), hint, error.exit_status)
    summary = f"{installed}, {_loaded_path(name)}"
    release = re.search(r"\d+", installed)
    if release is None or int(release[0]) < OLDEST_NGSPICE:
        hint = f"install ngspice {OLDEST_NGSPICE} or later, or name it: NGSPICE_LIBRARY_PATH=…"
        return Finding("ngspice", "fault", summary, hint, 4)
    return Finding("ngspice", "ok", summary)


def _loaded_path(name: str) -> str:
    """Return the file that the loader takes for a library name."""
    try:
        ctypes.CDLL(name)
        lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return name
    paths = [line.split()[-1] for line in lines if "libngspice" in line]
    return paths[0] if paths else name


def _start_files() -> Iterator[Finding]:
    """Name start files of ngspice that could change results."""
    scripts = os.environ.get("SPICE_SCRIPTS")
    if scripts and (Path(scripts) / "spinit").is_file():
        hint = "netgen keeps it out of its simulations; your own ngspice reads it"
        yield Finding("spinit", "note", f"{Path(scripts) / 'spinit'} ($SPICE_SCRIPTS)", hint)
    home_file = Path.home() / ".spiceinit"
    if home_file.is_file():
        hint = "netgen keeps it out of its simulations; your own ngspice reads it"
        yield Finding("spinit", "note", str(home_file), hint)
