"""Cells: nodes whose units switch between 0 and a level of their own.

Each is the operation of a block (:mod:`netgen.circuit.blocks`), which is found by its entry point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np

from netgen.arrays import Bools, Floats
from netgen.errors import ConfigurationError
from netgen.resources import plugins

GROUP = "netgen.blocks"
"""The entry point group: each entry is a block that realises an operation."""


@dataclass(frozen=True)
class Parameter:
    """A learned parameter of a cell, one positive number a unit: its key, and what it says."""

    key: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Cell:
    """A node whose units are at 0 or at a level of their own; arrays are (n,).

    A unit goes up where its candidate is above ``rising`` and down where it is below ``falling``;
    between the two it keeps the state of the frame before. One without memory is up above
    ``rising`` and down elsewhere. A subclass names its operation and its parameters, which are its
    fields.

    Attributes
    ----------
    initial_state
        States before the first frame.
    """

    name: str
    input: str
    initial_state: Bools = field(kw_only=True)

    op: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    rising_key: ClassVar[str]
    falling_key: ClassVar[str]
    level_key: ClassVar[str]
    memory: ClassVar[bool] = True

    @property
    def rising(self) -> Floats:
        """Upper thresholds, software units, (n,)."""
        return self._array(self.rising_key)

    @property
    def falling(self) -> Floats:
        """Lower thresholds, software units, (n,)."""
        return self._array(self.falling_key)

    @property
    def level(self) -> Floats:
        """Outputs in the high state, software units, (n,)."""
        return self._array(self.level_key)

    def _array(self, key: str) -> Floats:
        values: Floats = getattr(self, key)
        return values

    @property
    def size(self) -> int:
        """How many units."""
        return len(self.level)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Return the keys of its JSON object."""
        own = tuple(each.key for each in cls.parameters)
        return ("name", "op", "input", *own, *(("initial_state",) if cls.memory else ()))

    @classmethod
    def violations(cls, values: Mapping[str, Floats]) -> Iterator[tuple[str, int, str]]:
        """Yield key, unit and problem of parameters, all positive, that do not fit each other."""
        yield from ()

    def states(self, candidate: Floats, previous: Bools | None = None) -> Bools:
        """Return the states for candidates: the software reference.

        Parameters
        ----------
        candidate
            Software units, (samples, frames, units).
        previous
            The state before every frame, (samples, frames, units), where it is not the node's own.
        """
        if previous is None or not self.memory:
            return switched(candidate, self.rising, self.falling, self.initial_state, self.memory)
        held: Bools = (candidate > self.rising) | (previous & ~(candidate < self.falling))
        return held


def switched(
    candidate: Floats, rising: Floats, falling: Floats, first: Bools, memory: bool = True
) -> Bools:
    """Return the states of units for candidates, (…, frames, units).

    Parameters
    ----------
    rising, falling
        Thresholds that broadcast against the candidates.
    first
        States before the first frame, that broadcast against (…, units).
    """
    rises, falls = candidate > rising, candidate < falling
    if not memory:
        return rises
    states: Bools = np.empty(rises.shape, dtype=np.bool_)
    state = np.broadcast_to(first, states[..., 0, :].shape)
    for frame in range(candidate.shape[-2]):
        state = rises[..., frame, :] | (state & ~falls[..., frame, :])
        states[..., frame, :] = state
    return states


class Realising(Protocol):
    """What the model room knows of a block."""

    operation: type[Cell]


@lru_cache(maxsize=1)
def realised() -> Mapping[str, Realising]:
    """Return the installed blocks by the operation that each realises.

    Raises
    ------
    ConfigurationError
        An entry cannot be loaded, is no block, or brings an operation that another has, too.
    """
    found: dict[str, Realising] = {}
    for name, entry in plugins(GROUP).items():
        source = f"entry point {name} of {GROUP}"
        try:
            block = entry.load()
            op = str(block.operation.op)
        except Exception as error:  # whatever a foreign package does when it is imported
            problem = f"{entry.value} is no block ({type(error).__name__}: {error}); uninstall it"
            raise ConfigurationError(source, [problem]) from None
        if op in ("linear", "relu", "add", *found):
            raise ConfigurationError(source, [f"brings operation {op}, which is there already"])
        found[op] = block
    return found


def cell_class(op: str) -> type[Cell]:
    """Return the class of an operation's nodes."""
    return realised()[op].operation
