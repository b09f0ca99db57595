"""Cells: nodes whose units switch between levels of their own.

Each is the operation of a block (:mod:`netgen.circuit.blocks`), which is found by its entry point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Bools, Floats, Integers
from netgen.errors import ConfigurationError
from netgen.resources import plugins

T = TypeVar("T", bound=np.generic)
_SWAPPED = 0.2
"""Rungs are read out of their order only where their order misses an output by this share of the
smallest level of a rung."""
GROUP = "netgen.blocks"
"""The entry point group: each entry is a block that realises an operation."""


@dataclass(frozen=True)
class Parameter:
    """A learned parameter of a cell, positive numbers: its key, and what it says."""

    key: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Cell:
    """A node whose units are at 0 or at levels of their own.

    A unit has one trigger, or several rungs: triggers on the same candidate, whose outputs add up.
    A trigger goes up where its candidate is above ``rising`` and down where it is below
    ``falling``; between the two it keeps the state of the frame before. One without memory is up
    above ``rising`` and down elsewhere. Arrays of triggers hold one rung of a unit after the other,
    then the next unit's. A subclass names its operation and its parameters, which are its fields:
    (units,) each, or (units, rungs) with ``laddered``.
    """

    name: str
    input: str
    initial_state: Bools = field(kw_only=True)  #: States before the first frame, (triggers,).

    op: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    rising_key: ClassVar[str]
    falling_key: ClassVar[str]
    level_key: ClassVar[str]
    memory: ClassVar[bool] = True
    laddered: ClassVar[bool] = False

    @property
    def rising(self) -> Floats:
        """Upper thresholds, software units, (triggers,)."""
        return self._array(self.rising_key)

    @property
    def falling(self) -> Floats:
        """Lower thresholds, software units, (triggers,)."""
        return self._array(self.falling_key)

    @property
    def level(self) -> Floats:
        """What each trigger gives while it is high, software units, (triggers,)."""
        return self._array(self.level_key)

    def _array(self, key: str) -> Floats:
        values: Floats = getattr(self, key).reshape(-1)
        return values

    @property
    def size(self) -> int:
        """How many units."""
        return len(getattr(self, self.level_key))

    @property
    def triggers(self) -> int:
        """How many triggers all units have together."""
        return len(self.level)

    @property
    def rungs(self) -> int:
        """How many triggers a unit has."""
        return self.triggers // self.size

    @property
    def levels(self) -> Floats:
        """Outputs with one rung high, with two, …, software units, (rungs, units)."""
        levels: Floats = self.level.reshape(self.size, -1).cumsum(axis=1).T
        return levels

    def place(self, trigger: int) -> str:
        """Return the index of a trigger's parameters in the model format, such as ``[2][0]``."""
        unit, rung = divmod(trigger, self.rungs)
        return f"[{unit}][{rung}]" if self.laddered else f"[{unit}]"

    def seen(self, units: NDArray[T]) -> NDArray[T]:
        """Return values of units, (…, units), as their triggers see them, (…, triggers)."""
        return units if self.rungs == 1 else np.repeat(units, self.rungs, axis=-1)

    def together(self, triggers: NDArray[T]) -> NDArray[T]:
        """Return values of triggers, (…, triggers), by unit, (…, units, rungs)."""
        return triggers.reshape(*triggers.shape[:-1], self.size, self.rungs)

    def output(self, states: Bools) -> Floats:
        """Return the outputs, software units, (…, units), in given states, (…, triggers)."""
        given: Floats = states * self.level
        return given if self.rungs == 1 else self.together(given).sum(axis=-1)

    def read(self, output: Floats) -> Bools:
        """Return the states, (…, triggers), that outputs say, software units, (…, units).

        Rungs go up in their order, so that a rung is high where the output passes the middle
        between what those before it give and that with its own. Where mismatch has swapped the
        thresholds of rungs, an output may be that of other rungs: if their sum is less than half as
        far from it as any sum in order, and that one is far, they are read as high.
        """
        middle = self.levels.T.reshape(-1) - self.level / 2
        states: Bools = self.seen(output) > middle
        if self.rungs > 1:
            missed = np.abs(output - self.output(states))
            far = missed > _SWAPPED * self.together(self.level).min(axis=-1)
            by_rung = self.together(states)
            for unit in np.flatnonzero(far.reshape(-1, self.size).any(axis=0)).tolist():
                place = far[..., unit]
                by_rung[place, unit] = self._any_rungs(
                    unit, output[place, unit], missed[place, unit], by_rung[place, unit]
                )
        return states

    def _any_rungs(self, unit: int, output: Floats, missed: Floats, states: Bools) -> Bools:
        """Return the rungs, (values, rungs), that are high, in whatever order."""
        choices = np.indices((2,) * self.rungs, dtype=np.bool_).reshape(self.rungs, -1).T
        off = np.abs(output[:, np.newaxis] - choices @ self.together(self.level)[unit])
        better = off.min(axis=1) < missed / 2
        read: Bools = np.where(better[:, np.newaxis], choices[off.argmin(axis=1)], states)
        return read

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Return the keys of its JSON object."""
        keys = tuple(each.key for each in cls.parameters)
        return ("name", "op", "input", *keys, *(("initial_state",) if cls.memory else ()))

    @classmethod
    def violations(cls, values: Mapping[str, Floats]) -> Iterator[tuple[str, int, str]]:
        """Yield key, trigger and problem of parameters that do not fit each other.

        Values are in units, (units,) or (units, rungs). All are positive; one that has a problem of
        its own may be missing.
        """
        yield from ()

    def states(self, candidate: Floats, previous: Bools | None = None) -> Bools:
        """Return the states for candidates: the software reference.

        Parameters
        ----------
        candidate
            Software units, (samples, frames, units).
        previous
            The state before every frame, (samples, frames, triggers), where it is not the node's
            own.

        Returns
        -------
        array
            (samples, frames, triggers).
        """
        candidate = self.seen(candidate)
        if previous is None or not self.memory:
            return switched(candidate, self.rising, self.falling, self.initial_state, self.memory)
        held: Bools = (candidate > self.rising) | (previous & ~(candidate < self.falling))
        return held


def switched(
    candidate: Floats, rising: Floats, falling: Floats, first: Bools, memory: bool = True
) -> Bools:
    """Return the states of triggers for candidates as they see them, (…, frames, triggers).

    Parameters
    ----------
    rising, falling
        Thresholds that broadcast against the candidates.
    first
        States before the first frame, that broadcast against (…, triggers).
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


def first_states(high: Integers, rungs: int) -> Bools:
    """Return the states of triggers, (units · rungs,), with so many rungs of each unit high."""
    states: Bools = np.arange(rungs) < high[:, np.newaxis]
    return states.reshape(-1)


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
    operations: dict[str, Realising] = {}
    for name, entry in plugins(GROUP).items():
        source = f"entry point {name} of {GROUP}"
        try:
            block = entry.load()
            op = str(block.operation.op)
        except Exception as error:  # whatever a foreign package does when it is imported
            problem = f"{entry.value} is no block ({type(error).__name__}: {error}); uninstall it"
            raise ConfigurationError(source, [problem]) from None
        if op in ("linear", "relu", "add", *operations):
            raise ConfigurationError(source, [f"brings operation {op}, which is there already"])
        operations[op] = block
    return operations


def cell_class(op: str) -> type[Cell]:
    """Return the class of an operation's nodes."""
    return realised()[op].operation
