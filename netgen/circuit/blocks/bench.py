"""What a block can have measured of its cells: the characterisation room does it in SPICE."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from netgen.arrays import Floats
from netgen.technology import Geometry, Technology

if TYPE_CHECKING:
    from netgen.circuit.blocks.port import CellBlock


@dataclass(frozen=True)
class BiasedCell:
    """A cell under test with its bias currents, A, in the order of its block's biases."""

    block: CellBlock
    currents: tuple[float, ...]

    @property
    def biases(self) -> tuple[tuple[str, float], ...]:
        """The currents with the names of their biases."""
        names = (bias.name for bias in self.block.biases)
        return tuple(zip(names, self.currents, strict=True))

    def storage_nets(self, suffix: str) -> tuple[str, ...]:
        """Return the nets of its instance in a bench that hold states, rung by rung."""
        return tuple(f"{p}{suffix}" for p in self.block.ports if p.startswith("storage"))

    def nets(self, suffix: str, **others: str) -> str:
        """Return the nets of its instance in a bench, with spaces between.

        Parameters
        ----------
        suffix
            Makes the nets of biases, output and storage its own.
        others
            Nets of ports by name that have another.
        """
        nets = {port: f"{port}{suffix}" for port in self.block.ports}
        if self.block.candidate == "n":  # the row's own diode drives it
            nets["candidate"] = f"n{suffix}"
        return " ".join({**nets, "vdd": "vdd", "vss": "vss", **others}[p] for p in self.block.ports)


@dataclass(frozen=True)
class CandidateStep:
    """A cell whose candidate current steps at time 0, from one value to another (A)."""

    cell: BiasedCell
    before: float
    after: float
    load: float = 0.0  #: Capacitance added to the storage node, F.


@dataclass(frozen=True, eq=False)
class Held:
    """Cells held in every state by their storage node."""

    candidate: Floats  #: Candidate current that holds the cell there, A, (cells, points).
    output: Floats  #: Output current, A, (cells, points).


class Bench(Protocol):
    """Measures cells under fixed conditions; each method raises ``SimulationError``."""

    @property
    def technology(self) -> Technology:
        """Whose transistors they have."""

    @property
    def unit(self) -> Geometry:
        """The unit mirror."""

    @property
    def unit_current(self) -> float:
        """What 1.0 in software stands for, A."""

    def held(self, cells: Sequence[BiasedCell]) -> Held:
        """Hold cells at every voltage of their storage node."""

    def ramped(self, cells: Sequence[BiasedCell], candidates: Floats) -> Floats:
        """Return the output currents, A, (cells, points), along ramps of the candidates.

        Parameters
        ----------
        candidates
            A, evenly spaced, (cells, points).
        """

    def stepped(
        self, steps: Sequence[CandidateStep], edge: float, stop: float
    ) -> tuple[Floats, Floats]:
        """Return times, s, (points,), and outputs, A, (steps, points), as candidates step.

        Parameters
        ----------
        edge, stop
            Duration of the candidates' edge and of the simulation, s.
        """

    def kept(
        self, name: str, identity: object, measure: Callable[[], Mapping[str, Floats]]
    ) -> Mapping[str, Floats]:
        """Return what was measured, or what the cache holds: arrays of any shape by name."""
