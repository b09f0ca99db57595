"""What a simulator offers, and how those that are installed are found."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netgen.errors import UsageError
from netgen.netlist import SpiceNetlister
from netgen.simulators.jobs import Attempt, Job, Waveforms

GROUP = "netgen.simulators"
"""The entry point group: each entry is a :class:`Simulator`."""
CHOICE = "NETGEN_SIMULATOR"
"""Environment variable that names the simulator."""
BUILT_IN = EntryPoint("ngspice", "netgen.simulators.ngspice:NGSPICE", GROUP)
"""The default, also where the package runs from its sources."""

Capability: TypeAlias = Literal["raw"]
"""What not every simulator can: ``raw``, a waveform file of its own."""


@dataclass(frozen=True)
class Finding:
    """One thing of the installation that was looked at."""

    subject: str
    #: ``"fault"``: netgen does not work before it is mended; ``"note"``: something optional is
    #: missing, or the user should know.
    state: Literal["ok", "note", "fault"]
    summary: str  #: What was found.
    hint: str = ""  #: What to do; empty where there is nothing to do.
    status: int = 0  #: Exit status of the commands that meet this fault.


@dataclass(frozen=True, eq=False)
class Response:
    """What came of one attempt: the rows of a result, or a failure."""

    failure: str  #: Class of failure; empty for a result.
    detail: str  #: What is wrong with the result.
    cpu_s: float  #: CPU seconds of the simulator's process.
    names: tuple[str, ...]  #: Names of the vectors.
    rows: NDArray[np.float64]  #: Scale, then the vectors, (1 + vectors, points).
    message: str = ""  #: The part of the simulator's messages that tells most about the failure.
    tail: tuple[str, ...] = ()  #: Its last messages.
    final: bool = False  #: Another attempt would fail alike: the machine's fault, not the deck's.


class Session(Protocol):
    """A running simulator, which takes one attempt at a time."""

    @property
    def version(self) -> str:
        """Name and version, such as ``"ngspice-39"``."""

    @property
    def alive(self) -> bool:
        """Whether it can take another attempt."""

    def ask(self, job: Job, attempt: Attempt) -> Response:
        """Run one attempt; a simulator that crashes or takes too long is the attempt's failure."""

    def interrupt(self) -> None:
        """End it at once, from any thread: an ``ask`` under way returns."""

    def kill(self) -> None:
        """End it and free what belongs to it."""


class Simulator(Protocol):
    """A simulator as netgen uses it; hashable."""

    def __hash__(self) -> int:
        """Tell simulators apart."""

    @property
    def name(self) -> str:
        """Name of its entry point."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can beyond running jobs."""

    @property
    def netlister(self) -> SpiceNetlister:
        """Writes decks in its language, and knows the names of its results."""

    def start(self) -> Session:
        """Start a session; raises ``ToolMissingError`` where the simulator is not installed."""

    def packages(self) -> Mapping[str, str]:
        """Return the versions of the packages that it is reached through."""

    def write_raw(self, path: Path, waveforms: Waveforms, title: str) -> None:
        """Write a transient's waveforms as its own waveform file (capability ``raw``)."""

    def diagnose(self) -> Iterator[Finding]:
        """Yield what was found of its installation; the first finding is on itself."""


@functools.cache
def _installed(name: str) -> Simulator:
    entries = {entry.name: entry for entry in (BUILT_IN, *entry_points(group=GROUP))}
    if name in entries:
        simulator: Simulator = entries[name].load()
        return simulator
    listed = ", ".join(sorted(entries))
    raise UsageError(f"{CHOICE}={name}: there is no such simulator; known: {listed}")


def chosen_simulator() -> Simulator:
    """Return the simulator that ``$NETGEN_SIMULATOR`` names; ngspice where it names none.

    Raises
    ------
    UsageError
        None of this name is installed.
    """
    return _installed(os.environ.get(CHOICE) or BUILT_IN.name)
