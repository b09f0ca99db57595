"""The network level by level, since gates draw no current: each part with its own time steps.

Gate voltages are handed on as they are at the end of each frame. Parts without a memory are taken
from one settled frame to the next by a sweep, cells by a transient in which their candidates step
once a frame. What happens between two frames is therefore not seen, races least of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Floats
from netgen.netlist import SETTLED, SimulatorOptions, SupplyBranch, release_time
from netgen.netlist.deck import Voltage
from netgen.netlist.partition import Partition
from netgen.netlist.workbench import Drive, Excitation, Workbench
from netgen.simulation.engines.tasks import Task
from netgen.simulation.observe import averaged
from netgen.simulation.traces import NO_WINNERS, PowerTraces, Traces
from netgen.simulators import Job, Waveforms, job_of

PHASES = (
    *(-0.00513, 0.00261, 0.00487, 0.00749, 0.01, 0.01247, 0.01523, 0.01979, 0.02539, 0.03067),
    *(0.04013, 0.05179, 0.06971, 0.10193, 0.15137, 0.20483, 0.30671, 0.50867, 0.90437),
)
"""Where in a frame waveforms are kept, as shares of the frame."""
MERGED = 600
"""Memoryless levels of up to this many transistors are swept together."""
SWEPT = 600
"""Transistors of a batch of swept partitions."""
CELLS = 2
"""Cells of a batch."""


@dataclass(frozen=True, eq=False)
class Staged:
    """Runs samples level by level."""

    bench: Workbench
    options: SimulatorOptions
    timeout: float  #: Wall seconds for each attempt at a batch.
    #: Counts the states that a transient could decide, from inputs (frames, channels) and settled
    #: values by node (frames, units), all in software units.
    unseen: Callable[[Floats, Mapping[str, Floats]], int]

    @cached_property
    def levels(self) -> tuple[tuple[tuple[Partition, ...], ...], ...]:
        """Batches of parts, level by level: those of one level can run side by side."""
        levels = self._merged(list(self.bench.levels))
        return tuple(tuple(self._batches(level)) for level in levels)

    def _merged(self, levels: list[tuple[Partition, ...]]) -> Iterator[tuple[Partition, ...]]:
        held: tuple[Partition, ...] = ()
        for level in levels:
            together = held + level
            if held and (self._has_cells(together) or _devices(together) > MERGED):
                yield held
                together = level
            held = together
        yield held

    def _has_cells(self, parts: Sequence[Partition]) -> bool:
        return any(self.bench.remembers(part) for part in parts)

    def _batches(self, level: tuple[Partition, ...]) -> Iterator[tuple[Partition, ...]]:
        if self._has_cells(level):
            for first in range(0, len(level), CELLS):
                yield level[first : first + CELLS]
            return
        count = 1 if _devices(level) <= MERGED else max(1, round(_devices(level) / SWEPT))
        for share in np.array_split(np.arange(len(level)), min(count, len(level))):
            yield tuple(level[index] for index in share)

    def task(self, x: Floats, sample: int) -> Task:
        """Run one sample: inputs (frames, channels) in software units."""
        record = _Record(self.bench, x, sample)
        for batches in self.levels:
            swept = not self._has_cells(batches[0])
            jobs = [self._job(batch, record, swept) for batch in batches]
            results = yield jobs
            for batch, result in zip(batches, results, strict=True):
                record.add(batch, result, swept)
        traces = record.traces([label for label, _ in self.options.retries()])
        return replace(traces, unseen=self.unseen(x, traces.frames))

    def _job(self, batch: tuple[Partition, ...], record: _Record, swept: bool) -> Job:
        first, last = batch[0], batch[-1]
        name = f"sample {record.sample}, {first.prefix}[{first.unit}] … {last.prefix}[{last.unit}]"
        make = self.bench.sweep if swept else self.bench.transient
        deck = make(name, batch, record.excitation(swept))
        return job_of(name, deck, self.options.retries(), self.timeout)


def _devices(parts: Sequence[Partition]) -> int:
    return sum(part.devices for part in parts)


@dataclass(eq=False)
class _Record:
    """The results of a sample so far."""

    bench: Workbench
    x: Floats
    sample: int
    settled: dict[str, Floats] = field(default_factory=dict)
    waves: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    nets: dict[bool, dict[str, Drive]] = field(default_factory=lambda: {False: {}, True: {}})
    power: float = 0.0
    readings: list[tuple[SupplyBranch, float, Floats]] = field(default_factory=list)
    winners: list[Floats] = field(default_factory=list)
    cpu_s: float = 0.0
    attempts: set[str] = field(default_factory=set)
    simulator: str = ""

    @property
    def frames(self) -> int:
        return len(self.x)

    @property
    def period(self) -> float:
        return self.bench.circuit.model.frame_period

    @cached_property
    def times(self) -> Floats:
        """When values are read that are settled, (frames,)."""
        return (np.arange(self.frames, dtype=np.float64) + SETTLED) * self.period

    @cached_property
    def grid(self) -> Floats:
        """The common phases of all frames, and those after each start-up release, (points,)."""
        phases = np.array(PHASES)
        shares = [np.arange(self.frames)[:, np.newaxis] + phases]
        orders = self.bench.circuit.releases
        shares += [
            release_time(order, orders, 1.0) + phases[phases < 0.2] for order in range(orders)
        ]
        flat = np.concatenate([[0.0, self.frames], *(part.ravel() for part in shares)])
        times: Floats = np.unique(flat[flat >= 0].round(9)) * self.period
        return times

    def excitation(self, swept: bool) -> Excitation:
        """Return the gate voltages known so far and the inputs, over frames or over time."""
        amperes = self.x.T * self.bench.circuit.input_current
        inputs = {c: self._settled(values, swept) for c, values in enumerate(amperes)}
        return Excitation(self.nets[swept], inputs, self.frames)

    def _settled(self, values: Floats, swept: bool) -> Drive:
        """Return one value a frame: as it is, or held in time with an edge at each step."""
        if swept:
            return Drive(np.arange(self.frames, dtype=np.float64), values)
        steps = np.flatnonzero(np.diff(values)) + 1
        at = np.stack([steps, steps + self.bench.edge], axis=1).ravel() * self.period
        held = np.stack([values[steps - 1], values[steps]], axis=1).ravel()
        return Drive(np.concatenate([[0.0], at]), np.concatenate([values[:1], held]))

    def add(self, batch: Sequence[Partition], result: Waveforms, swept: bool) -> None:
        """Take up the result of a batch."""
        bench = self.bench
        read = np.arange(self.frames, dtype=np.float64) if swept else self.times
        for net in bench.driven_nets(batch):
            self._add_net(net, result, read)
        for part in batch:
            probe = bench.probe(part)
            if probe:
                self._add_current(part, result[probe], result, read, swept)
        for output in bench.winners(batch):
            held = np.interp(read, result.scale, result[output])
            self.winners.append(held / bench.conditions.vdd)
        for current, volts in bench.supplies(batch).items():
            self.power += self._averaged(-volts * result[current], result, swept)
        for current, meter in bench.meters(batch).items():
            watts = meter.volts * result[current]
            wave = self._on_grid(watts, result, read, swept)
            self.readings.append((meter.branch, self._averaged(watts, result, swept), wave))
        self.cpu_s += result.cpu_s
        self.attempts.add(result.attempt)
        self.simulator = result.simulator

    def _averaged(self, values: Floats, result: Waveforms, swept: bool) -> float:
        return float(values.mean()) if swept else averaged(values, result.scale)

    def _on_grid(self, values: Floats, result: Waveforms, read: Floats, swept: bool) -> Floats:
        """Return values of a result over the common points of all parts."""
        if not swept:
            return np.interp(self.grid, result.scale, values)
        held = self._settled(np.interp(read, result.scale, values), False)
        return np.interp(self.grid, held.at, held.value)

    def _add_net(self, net: str, result: Waveforms, read: Floats) -> None:
        held = np.interp(read, result.scale, result[Voltage(net)])
        for swept in (False, True):
            self.nets[swept][net] = self._settled(held, swept)

    def _add_current(
        self, part: Partition, amperes: Floats, result: Waveforms, read: Floats, swept: bool
    ) -> None:
        name = f"{part.prefix}_{part.unit}"
        current = amperes / self.bench.circuit.model.unit_current
        self.settled[name] = np.interp(read, result.scale, current)
        wave = self._on_grid(current, result, read, swept)
        self.waves[name] = wave.astype(np.float32)

    def traces(self, sequence: Sequence[str]) -> Traces:
        """Return the traces once every level has been added."""
        frames, waves = {}, {}
        for prefix, layer in self.bench.layers.items():
            names = [f"{prefix}_{unit}" for unit in range(layer.size)]
            frames[layer.node] = np.stack([self.settled[name] for name in names], axis=1)
            waves[layer.node] = np.stack([self.waves[name] for name in names], axis=1)
        return Traces(
            sample=self.sample,
            frames=frames,
            extremes={},
            time=self.grid,
            waves=waves,
            power_w=self.power,
            cpu_s=self.cpu_s,
            attempt=max(self.attempts, key=sequence.index),
            simulator=self.simulator,
            engine="staged",
            power=PowerTraces.of(self.readings),
            input_edge=self.bench.edge * self.period,
            winners=np.stack(self.winners, axis=1) if self.winners else NO_WINNERS,
        )
