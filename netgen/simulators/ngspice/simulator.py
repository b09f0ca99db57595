"""ngspice as a simulator of netgen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from netgen.simulators.jobs import Waveforms
from netgen.simulators.ngspice import diagnosis
from netgen.simulators.ngspice.netlister import NgspiceNetlister
from netgen.simulators.ngspice.raw import write_raw
from netgen.simulators.ngspice.server import Server
from netgen.simulators.port import Capability, Finding
from netgen.simulators.runner import simulator_version


@dataclass(frozen=True)
class Ngspice:
    """ngspice's shared library through PySpice, one process for each attempt."""

    name: str = "ngspice"
    capabilities: frozenset[Capability] = frozenset({"raw"})
    netlister: NgspiceNetlister = field(default_factory=NgspiceNetlister)

    def start(self) -> Server:
        """Start a server process, see :class:`netgen.simulators.ngspice.server.Server`."""
        return Server()

    def packages(self) -> dict[str, str]:
        """Return the version of PySpice."""
        return {"PySpice": version("PySpice")}

    def write_raw(self, path: Path, waveforms: Waveforms, title: str) -> None:
        """Write a binary raw file, see :func:`netgen.simulators.ngspice.raw.write_raw`."""
        write_raw(path, waveforms, title)

    def diagnose(self) -> Iterator[Finding]:
        """Yield what was found of the library and of start files."""
        return diagnosis.findings(simulator_version)


NGSPICE = Ngspice()
