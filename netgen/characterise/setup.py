"""What measurements of blocks have in common: conditions, simulator, cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from netgen._version import __version__
from netgen.arrays import Floats
from netgen.netlist.characterisation import ACCURATE
from netgen.netlist.deck import Deck
from netgen.netlist.models import Conditions, SimulatorOptions
from netgen.simulators import Job, Waveforms, cached_arrays, job_of, key, simulator_version
from netgen.technology import Geometry, Technology

Run: TypeAlias = Callable[[Job], Waveforms]
RETRIES = (("default", ACCURATE),)


@dataclass(frozen=True, eq=False)
class MeasurementSetup:
    """The conditions under which blocks are measured."""

    technology: Technology
    at: Conditions
    unit: Geometry  #: Geometry of the unit mirror.
    unit_current: float  #: What 1.0 in software stands for, A.
    folder: Path | None  #: The cache; None where nothing is kept.
    run: Run  #: Runs one simulation (:func:`netgen.simulators.run_job`).

    def simulated(
        self,
        name: str,
        deck: Deck,
        timeout: float = 300.0,
        retries: Iterable[tuple[str, SimulatorOptions]] = RETRIES,
    ) -> Waveforms:
        """Run a deck; ``timeout`` is wall seconds for each attempt."""
        return self.run(job_of(name, deck, retries, timeout))

    def cached(
        self, measure: Callable[[], Mapping[str, Floats]], *identity: object
    ) -> Mapping[str, Floats]:
        """Return what was measured, or what the cache holds: arrays of any shape by name."""
        if self.folder is None:
            return measure()
        parts = (*identity, self.technology.digest, simulator_version(), __version__)
        return cached_arrays(self.folder, key(*parts), lambda: dict(measure()))
