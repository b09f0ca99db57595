"""What limits a circuit: signals that do not settle, cells that leak or do not deliver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from netgen.analysis.metrics import rms
from netgen.model import Model
from netgen.simulation import Traces

LATE = 0.1
"""Signals are looked at this share of a frame before they are read."""
LIMIT = 0.02
"""A symptom counts from here."""


@dataclass(frozen=True)
class Symptoms:
    """Of a circuit over several samples; None where its simulation cannot tell.

    Attributes
    ----------
    settling
        By how much signals still move over the last tenth of a frame, as a share of their own
        root mean square: of the node where that is most.
    leakage
        What cells give while they are low, as a share of α: of the worst cell.
    gain
        What cells give while they are high, over α, less 1: of the worst cell.
    """

    settling: float | None
    leakage: float | None
    gain: float | None

    def said(self) -> tuple[str, ...]:
        """Name what is beyond its limit, for people."""
        return tuple(self._said())

    def _said(self) -> Iterator[str]:
        if self.settling is not None and self.settling > LIMIT:
            yield f"settling: signals still move by {self.settling:.1%} when they are read"
        if self.leakage is not None and self.leakage > LIMIT:
            yield f"leakage: a low cell gives {self.leakage:.1%} of alpha"
        if self.gain is not None and abs(self.gain) > LIMIT:
            yield f"headroom: a high cell gives {self.gain:+.1%} against alpha"


def symptoms(model: Model, traces: Iterable[Traces]) -> Symptoms:
    """Look for what limits a circuit.

    Parameters
    ----------
    traces
        Consumed one by one.
    """
    moved: dict[str, list[float]] = {}
    low: dict[str, list[np.ndarray]] = {cell.name: [] for cell in model.cells}
    high: dict[str, list[np.ndarray]] = {cell.name: [] for cell in model.cells}
    for trace in traces:
        for cell in model.cells:
            given = trace.frames[cell.name] / cell.alpha
            is_high = given > 0.5
            low[cell.name].append(np.where(is_high, np.nan, given))
            high[cell.name].append(np.where(is_high, given, np.nan))
        if trace.shows_transients:
            for name, share in _moved(model, trace):
                moved.setdefault(name, []).append(share)
    return Symptoms(
        settling=max((rms(np.array(shares)) for shares in moved.values()), default=None),
        leakage=max(_means(low), default=None),
        gain=max((mean - 1 for mean in _means(high)), key=abs, default=None),
    )


def _moved(model: Model, trace: Traces) -> Iterator[tuple[str, float]]:
    """Yield by how much each node's signals move before they are read."""
    for name, settled in trace.frames.items():
        count = len(settled)
        before = (np.arange(count) + 0.99 - LATE) * model.frame_period
        wave = trace.waves[name]
        early = np.stack([np.interp(before, trace.time, unit) for unit in wave.T], axis=1)
        size = rms(settled[1:])
        if size > 0:
            yield name, rms((settled - early)[1:]) / size


def _means(found: dict[str, list[np.ndarray]]) -> Iterator[float]:
    """Yield the mean of each cell over the frames in which it has one."""
    for arrays in found.values():
        stacked = np.concatenate(arrays) if arrays else np.zeros((0, 0))
        there = np.isfinite(stacked)
        count = there.sum(axis=0)
        sums = np.where(there, stacked, 0.0).sum(axis=0)
        yield from (sums[count > 0] / count[count > 0]).tolist()
