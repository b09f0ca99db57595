"""What limits a circuit: signals that do not settle, cells that leak or do not deliver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from netgen.analysis.comparison.metrics import rms
from netgen.model import Cell, Model
from netgen.model.graph import Floats
from netgen.simulation import Traces
from netgen.units import engineering

LATE = 0.1
"""Signals are looked at this share of a frame before they are read."""
LIMIT = 0.02
"""A symptom counts from here."""
SMALL = 0.01
"""What moves is not set against less than this, in units: a node that is off hardly carries it."""


@dataclass(frozen=True)
class CircuitLimits:
    """Of a circuit over several samples; None where its simulation cannot tell."""

    #: By how much signals still move over the last tenth of a frame, as a share of their own root
    #: mean square (of α in cells, of 0.01 units elsewhere, where that is more): of the node where
    #: that is most.
    settling: float | None
    #: What cells give while they are low, as a share of α: of the worst cell.
    leakage: float | None
    gain: float | None  #: What cells give while they are high, over α, less 1: of the worst cell.

    def exceeded(self) -> tuple[str, ...]:
        """Name what is beyond its limit, for people."""
        return tuple(self._exceeded())

    def _exceeded(self) -> Iterator[str]:
        if self.settling is not None and self.settling > LIMIT:
            yield f"settling: signals still move by {self.settling:.1%} when they are read"
        if self.leakage is not None and self.leakage > LIMIT:
            yield f"leakage: a low cell gives {self.leakage:.1%} of alpha"
        if self.gain is not None and abs(self.gain) > LIMIT:
            yield f"headroom: a high cell gives {self.gain:+.1%} against alpha"


class LimitTally:
    """Gathers what limits a circuit from traces, one by one."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._moved: dict[str, list[tuple[float, float]]] = {}
        self._moving = self._values = 0
        self._low: dict[str, list[np.ndarray]] = {cell.name: [] for cell in model.cells}
        self._high: dict[str, list[np.ndarray]] = {cell.name: [] for cell in model.cells}

    def watched(self, traces: Iterable[Traces]) -> Iterator[Traces]:
        """Yield traces unchanged, each one added."""
        for trace in traces:
            self.add(trace)
            yield trace

    def add(self, trace: Traces) -> None:
        """Add the traces of one sample."""
        for cell in self._model.cells:
            output = trace.frames[cell.name]
            wanted = cell.output(cell.read(output))
            is_high = wanted > 0
            given = output / np.where(is_high, wanted, cell.levels[0])
            self._low[cell.name].append(np.where(is_high, np.nan, given))
            self._high[cell.name].append(np.where(is_high, given, np.nan))
        if trace.shows_transients:
            for name, moved, size in _moved(self._model, trace):
                self._moved.setdefault(name, []).append((rms(moved), size))
                limit = LIMIT * max(size, self._usual(name))
                self._moving += int(np.count_nonzero(np.abs(moved) > limit))
                self._values += moved.size

    def figures(self) -> CircuitLimits:
        """Return the figures over all samples so far."""
        return CircuitLimits(
            settling=self.settling(),
            leakage=max(_means(self._low), default=None),
            gain=max((mean - 1 for mean in _means(self._high)), key=abs, default=None),
        )

    def settling(self) -> float | None:
        """Return the figure of :class:`CircuitLimits` by itself."""
        shares = []
        for name, masks in self._moved.items():
            moved, size = (rms(np.array(each)) for each in zip(*masks, strict=True))
            shares.append(moved / max(size, self._usual(name)))
        return max(shares, default=None)

    def moving(self) -> float | None:
        """Return the share of all values that still move by 2 % when they are read.

        Unlike :meth:`settling` it does not see the few cells that happen to be at a threshold.
        """
        return self._moving / self._values if self._values else None

    def _usual(self, name: str) -> float:
        node = self._model.by_name[name]
        return rms(node.level) if isinstance(node, Cell) else SMALL


def circuit_limits(model: Model, traces: Iterable[Traces]) -> CircuitLimits:
    """Look for what limits a circuit.

    Parameters
    ----------
    traces
        Consumed one by one.
    """
    tally = LimitTally(model)
    for trace in traces:
        tally.add(trace)
    return tally.figures()


@dataclass(frozen=True)
class Settling:
    """Whether a circuit settles within its frames."""

    frame_period: float  #: s.
    #: The frame in which every cell, in the order of the layers, answers an overdrive of 2 % of its
    #: β_hi, by the measured times, s. None where they are not known.
    needed: float | None
    #: Share of all values that still move by 2 % when they are read, see :meth:`LimitTally.moving`.
    #: None where the simulation cannot tell.
    moving: float | None

    def summary(self) -> str | None:
        """Say that the circuit does not settle, and how long it takes; None where it does."""
        frame = engineering(self.frame_period, "s")
        if self.needed is not None and self.needed > self.frame_period:
            needed = engineering(self.needed, "s")
            return (
                f"the circuit does not settle within a frame of {frame}: its cells take {needed} "
                f"to answer a candidate {LIMIT:.0%} beyond a threshold"
            )
        if self.moving is not None and self.moving > LIMIT:
            return (
                f"the circuit does not settle within a frame of {frame}: {self.moving:.0%} of its "
                f"signals still move by {LIMIT:.0%} over its last tenth"
            )
        return None


def _moved(model: Model, trace: Traces) -> Iterator[tuple[str, Floats, float]]:
    """Yield by how much each node's signals move before they are read, and their RMS."""
    for name, settled in trace.frames.items():
        count = len(settled)
        if count < 2 or name not in trace.waves:
            continue
        before = (np.arange(count) + 0.99 - LATE) * model.frame_period
        wave = trace.waves[name]
        early = np.stack([np.interp(before, trace.time, unit) for unit in wave.T], axis=1)
        yield name, (settled - early)[1:], rms(settled[1:])


def _means(values: dict[str, list[np.ndarray]]) -> Iterator[float]:
    """Yield the mean of each cell over the frames in which it has one."""
    for arrays in values.values():
        stacked = np.concatenate(arrays) if arrays else np.zeros((0, 0))
        there = np.isfinite(stacked)
        count = there.sum(axis=0)
        sums = np.where(there, stacked, 0.0).sum(axis=0)
        yield from (sums[count > 0] / count[count > 0]).tolist()
