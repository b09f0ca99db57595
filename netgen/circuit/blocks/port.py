"""The protocol of blocks: all that the rooms of netgen ask one for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.blocks.bench import Bench, BiasedCell, Held
from netgen.circuit.blocks.groups import CANDIDATES, STATES
from netgen.circuit.blocks.kit import Kit
from netgen.circuit.blocks.speed import CellSpeed
from netgen.circuit.netlist import Module
from netgen.model.cell import Cell
from netgen.technology import Polarity

GateNet: TypeAlias = Literal["n", "p"]
POLARITY: Mapping[GateNet, Polarity] = {"n": "nmos", "p": "pmos"}
"""Of the transistors whose gates are on a gate net."""


@dataclass(frozen=True)
class Matched:
    """A layout hint: transistors of one subcircuit whose differences matter, and why."""

    module: str
    devices: tuple[str, ...]
    why: str


class Block(ABC):
    """Subcircuits that belong together."""

    name: str

    @property
    def groups(self) -> Mapping[str, str]:
        """The group of devices that a transistor of the block belongs to, by name."""
        return {}

    @abstractmethod
    def modules(self, kit: Kit) -> tuple[Module, ...]:
        """Return the subcircuits."""

    def matched(self) -> tuple[Matched, ...]:
        """Return layout hints."""
        return ()


class Decision(Block):
    """Names the class with the largest readout current by one digital output a class."""

    title: str
    classes: int | None = None  #: How many it decides between; None: any number.

    @abstractmethod
    def gate_net(self, unit: int) -> GateNet:
        """Return the gate net of a class's current that is copied."""

    @abstractmethod
    def instances(
        self, prefix: str, copied: Sequence[str], outputs: Sequence[str], reference: str
    ) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield names, subcircuits and nets.

        Parameters
        ----------
        prefix
            Of what all classes share.
        copied, outputs
            Gate nets and outputs of the classes.
        """

    @abstractmethod
    def copies(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return, by class, the transistor that copies its current, and the one that inhibits it.

        For the names of all instances. Without an inhibiting one it is empty.
        """

    @abstractmethod
    def supply(self, currents: Floats, unit_current: float) -> Floats:
        """Return what it takes from the supply, A, (frames,), for currents (frames, classes)."""


@dataclass(frozen=True)
class Bias:
    """A bias current of a cell: it flows into a diode of its own, whose gate net is a port."""

    name: str  #: Of the port, and of the net after the cell's name.
    parameter: str  #: Path of the learned parameter below the node, with ``{0}`` for the unit.
    #: Name of the group of devices that it works through, if that is not its own name: that of the
    #: biases of other rungs that do the same.
    kind: str = ""

    @property
    def group(self) -> str:
        """Name of the group of devices that it works through."""
        return self.kind or self.name


@dataclass(frozen=True)
class Copy:
    """One mirror inside a cell: a diode (the bias's own, if empty) and what copies it."""

    polarity: Polarity
    diode: str
    copy: str


@dataclass(frozen=True)
class Probe:
    """The transistor whose drain current is the output."""

    polarity: Polarity
    device: str


class CellTable(Protocol):
    """What cells do for their bias currents, as characterised."""

    def biases(self, wanted: Floats) -> Floats:
        """Return the bias currents, A, (biases, units), that give wanted figures of that shape."""

    def figures(self, bias: Floats) -> Floats:
        """Return the figures, A, (biases, units), that bias currents give."""

    def switching(self, bias: Floats) -> tuple[Floats, Floats, Floats]:
        """Return rising and falling threshold and output of triggers, A, (…, triggers).

        For bias currents, A, (biases, …, units).
        Bias currents of chips that deviate may lie beyond what is characterised.
        """


class CellTimes(Protocol):
    """How long cells take, as characterised."""

    def of(self, cells: CellTable, wanted: Floats) -> CellSpeed:
        """Return the times of triggers with given figures of their cells, A, (biases, units)."""


class Currents(Protocol):
    """The settled currents of a layer of cells, for its power; voltages are V, currents A."""

    @property
    def vdd(self) -> float:
        """The supply."""

    @property
    def output(self) -> Floats:
        """Output currents, (frames, units)."""

    @property
    def bias(self) -> Floats:
        """Bias currents, (biases, units)."""

    def candidate(self, volts: float) -> Floats:
        """Return the copy of the candidate into a node of this voltage, (frames, units)."""

    def sunk(self, bias: Floats, volts: Floats) -> Floats:
        """Return unit NMOS copies of bias currents, each (units,), as (1, units)."""

    def diode_voltage(self, amperes: Floats) -> Floats:
        """Return the voltage of a unit diode, any shape."""


class CellBlock(Block):
    """The block that realises an operation, one instance a unit."""

    operation: type[Cell]  #: The class of the model's nodes.
    module: str  #: Name of the subcircuit.
    title: str  #: What units are called, in the plural.
    #: Of the subcircuit in order: ``candidate``, the biases by name, ``output``, ``storage`` (where
    #: there is one; ``storage_2``, … where there are more), ``vdd``, ``vss``.
    ports: tuple[str, ...]
    #: ``candidate``, ``output``: the gate net (n or p) of the candidate that it copies, and the one
    #: its output defines.
    candidate: GateNet = "p"
    output: GateNet = "p"
    entries: tuple[str, ...]  #: By rung, the transistor that copies the candidate.
    #: Its bias currents, rung after rung: of each, the first gives the upper threshold, the last
    #: the output.
    biases: tuple[Bias, ...]
    #: By bias, the mirrors from its diode to where the current works.
    ways: tuple[tuple[Copy, ...], ...]
    #: By rung, the suffix of the net that holds its state; none without a memory.
    storages: tuple[str, ...] = ()
    #: Nets of the subcircuit that follow the output net as the state changes.
    inner: tuple[str, ...] = ()
    probe: Probe  #: Where the output current is seen.
    limits: tuple[float, float]  #: Characterised range of bias currents, in units.

    @property
    def groups(self) -> Mapping[str, str]:
        """The group of devices that a transistor of the block belongs to, by name.

        What a bias works through has the name of its kind; others have none.
        """
        groups = {**dict.fromkeys(self.entries, CANDIDATES), self.probe.device: STATES}
        for bias, way in zip(self.biases, self.ways, strict=True):
            for name in (name for copy in way for name in (copy.diode, copy.copy) if name):
                groups.setdefault(name, bias.group)
        return groups

    def of(self, cell: Cell) -> CellBlock:
        """Return the block of a node: another where its number of rungs makes one."""
        return self

    @property
    def storage_nets(self) -> Mapping[str, str]:
        """The suffixes of the nets that hold the state, by port."""
        places = range(1, len(self.storages) + 1)
        names = ("storage" if place == 1 else f"storage_{place}" for place in places)
        return dict(zip(names, self.storages, strict=True))

    def biased(self, *currents: float) -> BiasedCell:
        """Return a cell for a bench with its bias currents, A: of several rungs, the first."""
        return BiasedCell(self, tuple(map(float, currents)))

    def parameters(self, node: str, unit: int) -> tuple[str, ...]:
        """Return the paths of the learned parameters that a cell's biases stand for."""
        return tuple(f"{node}.{bias.parameter.format(unit)}" for bias in self.biases)

    def wanted(self, cell: Cell) -> Floats:
        """Return the figures that the biases give, in units, (biases, units)."""
        return self.figures(cell.rising, cell.falling, cell.level)

    def figures(self, rising: Floats, falling: Floats, output: Floats) -> Floats:
        """Return what the biases give, (biases, …, units), of triggers, (…, triggers)."""
        return np.array([rising, output])

    def ideal(self, figures: Floats) -> tuple[Floats, Floats, Floats]:
        """Return rising and falling threshold and output of ideal triggers, (…, triggers).

        The inverse of :meth:`figures`, for figures (biases, …, units) in any unit.
        """
        return figures[0], figures[0], figures[-1]

    def refused(self, cell: Cell) -> Iterator[tuple[str, int, str]]:
        """Yield key, trigger and problem of parameters that no circuit of the block has."""
        low, high = self.limits
        for key in dict.fromkeys((cell.rising_key, cell.level_key)):
            values = getattr(cell, key).reshape(-1)
            for unit in np.flatnonzero((values < low) | (values > high)).tolist():
                yield (
                    key,
                    unit,
                    f"{values[unit]:g} cannot be drawn; a cell takes {low:g} … {high:g} units: "
                    "rescale the model or change unit_current",
                )

    def missed(self, cell: Cell, figures: Floats) -> Iterator[tuple[str, int, str]]:
        """Yield key, trigger and problem where figures (biases, units), in units, are missed."""
        yield from ()

    @abstractmethod
    def characterise(self, bench: Bench) -> CellTable:
        """Measure what cells do for their bias currents."""

    def read(self, held: Held) -> Floats:
        """Return rising and falling threshold and output, A, (cells, 3), NaN where there is none.

        Without a storage node the candidates went along a ramp: a cell switches where its output
        passes half of its last.
        """
        readings = []
        for candidate, output in zip(held.candidate, held.output, strict=True):
            place = int(np.argmax(output > output[-1] / 2))
            near = slice(place - 1, place + 1)
            at = np.interp(output[-1] / 2, output[near], candidate[near]) if place else np.nan
            readings.append([at, at, output[-1]])
        return np.array(readings)

    def times(self, bench: Bench, table: CellTable) -> CellTimes | None:
        """Measure how long cells take; None counts as no time."""
        return None

    def curve(self, bench: Bench, cell: BiasedCell) -> tuple[Floats, Floats]:
        """Return candidate and output current, A, (points,), of a slow ramp up and down again."""
        up = np.linspace(0.0, 2.0, 401) * cell.currents[0]
        return up, bench.ramped([cell], up[np.newaxis])[0]

    @abstractmethod
    def supply(self, at: Currents) -> Floats:
        """Return what a cell itself takes from the supply, A, (frames, units)."""
