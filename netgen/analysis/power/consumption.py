"""Where the supply power goes: by kind of block, by layer, by node, and frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from netgen.circuit import REFERENCE
from netgen.model import INPUT, Model
from netgen.model.graph import Floats
from netgen.netlist import KINDS, SupplyBranch
from netgen.simulation.traces import Traces

Grouping: TypeAlias = Literal["block", "layer", "node"]
GROUPINGS: tuple[Grouping, ...] = ("block", "layer", "node")
TOTAL = "total"


@dataclass(frozen=True)
class Consumption:
    """What something takes from the supplies."""

    average_w: float  #: Mean over time and samples.
    #: Largest value at any time of any sample; between frames only as far as the engine looks.
    peak_w: float
    #: ``energy_sample_j``, ``energy_frame_j``: mean energy of a whole sample and of a frame.
    energy_sample_j: float
    energy_frame_j: float


@dataclass(frozen=True, eq=False)
class PowerFigures:
    """The supply power of several samples, taken apart."""

    samples: int  #: How many.
    total: Consumption  #: All of it.
    #: By grouping and name: kinds of block, layers, nodes.
    groups: Mapping[Grouping, Mapping[str, Consumption]]
    #: Mean power by kind of block and node, W; it adds up to the total.
    blocks: Mapping[SupplyBranch, float]
    frames_w: Mapping[str, Floats]  #: Mean power in each frame by kind of block, W, each (frames,).


def layer_of(node: str) -> str:
    """Return the layer a node belongs to: what stands before the first dot of its name.

    Examples
    --------
    >>> layer_of("l1.state"), layer_of("logits"), layer_of("x")
    ('l1', 'logits', 'input')
    """
    named = {INPUT: "input", REFERENCE: "reference"}
    return named.get(node, node.partition(".")[0])


def group_of(branch: SupplyBranch, grouping: Grouping) -> str:
    """Return the name of the group that a branch belongs to."""
    if grouping == "block":
        return branch.kind
    return layer_of(branch.node) if grouping == "layer" else branch.node


@dataclass(eq=False)
class PowerTally:
    """Adds up samples one by one; their waves are not kept."""

    model: Model
    samples: int = 0
    average: dict[SupplyBranch, float] = field(default_factory=dict)
    peak: dict[tuple[str, str], float] = field(default_factory=dict)
    frames: dict[str, Floats] = field(default_factory=dict)
    duration: float = 0.0

    def add(self, traces: Traces) -> None:
        """Add a sample's traces."""
        power, time = traces.power, traces.time
        if not power.branches:
            return
        self.samples += 1
        self.duration = float(time[-1])
        for branch, watts in zip(power.branches, power.average_w, strict=True):
            self.average[branch] = self.average.get(branch, 0.0) + float(watts)
        wave = power.wave_w.astype(np.float64)
        self._highest((TOTAL, TOTAL), wave.sum(axis=1))
        for grouping in GROUPINGS:
            for name, columns in _columns(power.branches, grouping).items():
                grouped = wave[:, columns].sum(axis=1)
                self._highest((grouping, name), grouped)
                if grouping == "block":
                    frames = by_frame(grouped, time, self.model.frame_period)
                    self.frames[name] = self.frames.get(name, np.zeros(len(frames))) + frames

    def _highest(self, key: tuple[str, str], watts: Floats) -> None:
        self.peak[key] = max(self.peak.get(key, -np.inf), float(watts.max()))

    def figures(self) -> PowerFigures | None:
        """Return the figures of all samples; None where no ammeters were read."""
        if not self.samples:
            return None
        nodes = [INPUT, REFERENCE, *(node.name for node in self.model.nodes)]
        order = sorted(self.average, key=lambda c: (nodes.index(c.node), KINDS.index(c.kind)))
        mean = {branch: self.average[branch] / self.samples for branch in order}
        groups: dict[Grouping, dict[str, Consumption]] = {}
        for grouping in GROUPINGS:
            names = list(_columns(order, grouping))
            if grouping == "block":
                names.sort(key=KINDS.index)
            groups[grouping] = {
                name: self._consumption(
                    sum(w for c, w in mean.items() if group_of(c, grouping) == name),
                    (grouping, name),
                )
                for name in names
            }
        total = self._consumption(sum(mean.values()), (TOTAL, TOTAL))
        frames = {kind: self.frames[kind] / self.samples for kind in groups["block"]}
        return PowerFigures(self.samples, total, groups, mean, frames)

    def _consumption(self, average: float, key: tuple[str, str]) -> Consumption:
        return Consumption(
            average, self.peak[key], average * self.duration, average * self.model.frame_period
        )


def _columns(branches: Sequence[SupplyBranch], grouping: Grouping) -> dict[str, list[int]]:
    columns: dict[str, list[int]] = {}
    for index, branch in enumerate(branches):
        columns.setdefault(group_of(branch, grouping), []).append(index)
    return columns


def by_frame(watts: Floats, time: Floats, period: float) -> Floats:
    """Return the mean of each frame, (frames,), of power at the points ``time``."""
    energy = np.concatenate([[0.0], np.cumsum(np.diff(time) * (watts[1:] + watts[:-1]) / 2)])
    edges = np.arange(round(time[-1] / period) + 1) * period
    means: Floats = np.diff(np.interp(edges, time, energy)) / period
    return means
