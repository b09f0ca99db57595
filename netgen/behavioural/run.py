"""The behavioural twin: the software model with the characterised errors of its devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from netgen.behavioural.cells import TwinCells, twin_cells
from netgen.behavioural.decision import TwinDecision, twin_decision
from netgen.behavioural.devices import Deviations, Devices, MirrorCopies, NetlistIndex, way
from netgen.behavioural.divider import twin_dividers
from netgen.behavioural.mirrors import ORDER, POINTS, Grid, LayerMirrors, features
from netgen.behavioural.plan import Plan
from netgen.behavioural.settings import ChipSettings
from netgen.behavioural.summing import TwinSums, twin_sums
from netgen.characterise import CellTimes, Characterisation, cell_speeds
from netgen.characterise.diodes import DiodeTable
from netgen.circuit import REFERENCE, CellLayer, Circuit
from netgen.circuit.netlist import Netlist
from netgen.model import INPUT
from netgen.model.graph import Bools, Floats
from netgen.netlist import SETTLED
from netgen.technology import Technology

WORKING = 0.75
"""gm/I of mirrors is taken at this signal, in units."""
WORKING_SET = 6_000_000
"""About so many numbers are held at a time: chips are taken in batches that fit."""


@dataclass(frozen=True, eq=False)
class TwinResult:
    """What chips do with samples."""

    logits: Floats  #: Readout currents in software units, (chips, samples, frames, classes).
    states: Mapping[str, Bools]  #: By cell node, (chips, samples, frames, triggers).
    #: What the decision compares, its offsets included, (chips, samples, frames, classes); None
    #: without one.
    currents: Floats | None = None

    @property
    def compared(self) -> Floats:
        """What decides, (chips, samples, frames, classes): winners' currents, A, or logits."""
        return self.logits if self.currents is None else self.currents


def joined(parts: Sequence[TwinResult]) -> TwinResult:
    """Return batches of chips together."""
    states = {
        name: np.concatenate([part.states[name] for part in parts]) for name in parts[0].states
    }
    currents = [part.currents for part in parts if part.currents is not None]
    return TwinResult(
        np.concatenate([part.logits for part in parts]),
        states,
        np.concatenate(currents) if currents else None,
    )


@dataclass(frozen=True, eq=False)
class Twin:
    """A network of which every transistor may deviate, evaluated frame by settled frame.

    Every signal is a current; each mirror copies it with its characterised gain at that current
    and at its row's voltage, and each deviation acts where its transistor sits. What the twin
    leaves out: transients, and whatever interacts beyond first order inside a cell.
    """

    circuit: Circuit
    technology: Technology
    #: ``known``, ``diodes``: the characterisation under the same conditions.
    known: Characterisation
    diodes: DiodeTable
    netlist: Netlist  #: The netlist record: its devices count, not the learned weights.
    #: Measured times of cells by node. Without them a cell answers any overdrive within its
    #: frame.
    times: Mapping[str, CellTimes] | None = None

    def run(
        self,
        shifts: Mapping[str, Floats],
        x: Floats,
        start: Mapping[str, Bools] | None = None,
        settings: ChipSettings | None = None,
    ) -> TwinResult:
        """Take samples through chips.

        Parameters
        ----------
        shifts
            Deviations by transistor, (chips, 2) each, as :func:`netgen.technology.draw` gives
            them. Those that are not named do not deviate; an empty mapping is one nominal chip.
        x
            Inputs, (samples, frames, channels), software units.
        start
            States before the first frame by cell node, (chips, triggers), where they are not the
            model's own: those that an earlier part of a stream ended with.
        settings
            Bias currents and input gains of each chip, where they are not the nominal ones.
        """
        chips = len(next(iter(shifts.values()))) if shifts else 1
        parts = list(self._batches(shifts, np.asarray(x, dtype=np.float64), chips, start, settings))
        return joined(parts)

    def _batches(
        self,
        shifts: Mapping[str, Floats],
        x: Floats,
        chips: int,
        start: Mapping[str, Bools] | None,
        settings: ChipSettings | None,
    ) -> Iterator[TwinResult]:
        points = x.shape[0] * x.shape[1]
        widest = max(self.circuit.model.sizes.values()) * ORDER * 4
        batch = max(1, WORKING_SET // max(1, points * widest))
        x = self.divided(x)
        inputs = features(x).reshape(1, points, -1)
        for first in range(0, chips, batch):
            chosen = slice(first, min(first + batch, chips))
            count = chosen.stop - first
            deviations = self._read.devices.deviations(shifts, chosen, count)
            before = {name: states[chosen] for name, states in (start or {}).items()}
            batch_settings = None if settings is None else settings.of(chosen)
            yield _Batch(self, deviations, count, x, inputs, before, batch_settings).result()

    def divided(self, x: Floats) -> Floats:
        """Return what the nominal dividers give of inputs, any shape, both in units."""
        return x if self.known.divider is None else x * self.known.divider.at(x)

    def nominal(self, x: Floats) -> tuple[Mapping[str, Floats], Floats]:
        """Return currents without any deviation, units: by node, and of the readout.

        Each is (points, units), the points are samples × frames. Of signals with one level it is
        that level where they are on.
        """
        x = self.divided(x)
        still = self.devices.deviations({}, slice(0, 1), 1)
        inputs = features(x).reshape(1, x.shape[0] * x.shape[1], -1)
        batch = _Batch(self, still, 1, x, inputs, {}, None)
        logits = batch.result().logits
        currents = {node: values[0] for node, values in batch.current.items()}
        for node in batch.high:
            states, level = batch.switched(node)
            currents[node] = states[0] * level[0]
        return currents, logits.reshape(inputs.shape[1], -1)

    @cached_property
    def grid(self) -> Grid:
        """Signal currents over all that are characterised."""
        first, *_, last = np.log(self.known.mirrors.axes.currents).tolist()
        return Grid(np.linspace(first, last, POINTS), self.circuit.model.unit_current, self.diodes)

    @cached_property
    def least(self) -> Mapping[str, tuple[Floats, Floats]]:
        """The smallest overdrives that cells answer within a frame, rising and falling, in units.

        By cell node, each (triggers,), for the cells as designed; without those that count as
        immediate.
        """
        if not self.times:
            return {}
        model = self.circuit.model
        speeds = cell_speeds(model, self.known.cells, self.times)
        within = SETTLED * model.frame_period
        least = {}
        for cell in (cell for cell in model.cells if cell.name in speeds):
            rise, fall = speeds[cell.name].overdrive(within)
            least[cell.name] = rise * cell.rising, fall * cell.rising
        return least

    @property
    def layers(self) -> tuple[TwinSums | TwinCells, ...]:
        """The circuit's layers, as they are built."""
        return self._read.layers

    @property
    def devices(self) -> Devices:
        """The devices that the layers are made of."""
        return self._read.devices

    @property
    def decision(self) -> TwinDecision | None:
        """What decides on the chip; None without."""
        return self._read.decision

    @property
    def dividers(self) -> tuple[MirrorCopies, ...]:
        """The way of inputs through their dividers; empty without."""
        return self._read.dividers

    @cached_property
    def slope(self) -> Floats:
        """gm/I of the devices at the working signal, 1/V, (devices,)."""
        polarities = self.devices.polarity
        at = np.log(WORKING * self.circuit.model.unit_current)
        known = {each: float(self.diodes.slope(each, at)) for each in set(polarities)}
        return np.array([known[each] for each in polarities])

    @cached_property
    def _read(self) -> _Read:
        index, devices = NetlistIndex(self.netlist), Devices()
        plan = Plan(self.circuit, self.technology, self.known, index, devices, self.grid)
        layers = tuple(
            twin_cells(plan, layer) if isinstance(layer, CellLayer) else twin_sums(plan, layer)
            for layer in self.circuit.layers
        )
        return _Read(layers, devices, twin_decision(plan), twin_dividers(plan))


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read from a network: its layers, and the devices that they found."""

    layers: tuple[TwinSums | TwinCells, ...]
    devices: Devices
    decision: TwinDecision | None
    dividers: tuple[MirrorCopies, ...]


class _Batch:
    """Some chips on their way through the layers.

    Currents are in units, (chips, points, units); the points are samples × frames.
    """

    def __init__(
        self,
        twin: Twin,
        deviations: Deviations,
        chips: int,
        x: Floats,
        inputs: Floats,
        start: Mapping[str, Bools],
        settings: ChipSettings | None,
    ) -> None:
        self.twin, self.deviations, self.chips, self.start = twin, deviations, chips, start
        self.biases = {} if settings is None else settings.biases
        self.shape = x.shape[:2]
        self.current = {INPUT: x.reshape(1, -1, x.shape[2])}
        self.features = {INPUT: inputs}
        gains = None if settings is None else settings.inputs
        if twin.dividers:
            errors = deviations.factor - twin.slope * deviations.threshold
            gains = way(twin.dividers, errors) + (0.0 if gains is None else gains)
        if gains is not None:
            signal = self.current[INPUT] * np.exp(gains)[:, np.newaxis]
            self.current[INPUT] = signal
            self.features[INPUT] = features(signal).reshape(chips, signal.shape[1], -1)
        self.states: dict[str, Bools] = {}
        self.high: dict[str, Floats] = {}

    def result(self) -> TwinResult:
        logits: Floats | None = None
        for layer in self.twin.layers:
            if isinstance(layer, TwinCells):
                self.cells(layer)
                continue
            settled = layer.settle(self.sums(layer), self.deviations, self.twin.grid)
            if layer.diode is None:
                logits = settled
            else:
                self.settled(layer.layer.node, settled)
        twin, shape = self.twin, (self.chips, *self.shape, -1)
        if twin.decision is None:
            assert logits is not None  # the readout is a circuit's last layer
            return TwinResult(logits.reshape(shape), self.states)
        errors = self.deviations.factor - twin.slope * self.deviations.threshold
        node = twin.circuit.model.readout.node
        if node in self.high:
            currents = self.states[node] * self.high[node][:, np.newaxis, np.newaxis]
        else:
            currents = self.current[node].reshape(shape)
        by_sample = currents if logits is None else logits.reshape(shape)
        return TwinResult(by_sample, self.states, twin.decision.compared(currents, errors))

    def settled(self, node: str, current: Floats) -> None:
        """Keep the currents of a node, (chips, points, units)."""
        self.current[node] = current
        self.features[node] = features(current).reshape(self.chips, current.shape[1], -1)

    def sums(self, layer: TwinSums) -> Floats:
        """Return what meets at each row, as coefficients over its voltage."""
        points = self.shape[0] * self.shape[1]
        total = np.zeros((self.chips, points, layer.layer.size * layer.drain.terms))
        for source, groups in layer.entries:
            if source in self.features:
                signal, values = self.features[source], [self.fitted(group) for group in groups]
                units = self.twin.circuit.model.sizes[source]
            else:
                signal, level = self.switched(source)
                values = [self.constant(group, level) for group in groups]
                units = signal.shape[2]
            parts = list(zip(groups, values, strict=True))
            total += signal @ layer.spread(units, parts, self.chips)
        return total.reshape(self.chips, points, layer.layer.size, layer.drain.terms)

    def switched(self, source: str) -> tuple[Floats, Floats]:
        """Return where a signal that knows one level is on, and that level in units."""
        if source == REFERENCE:
            return np.ones((1, 1, 1)), np.ones((1, 1))
        states = self.states[source].reshape(self.chips, -1, self.high[source].shape[1])
        return states.astype(np.float64), self.high[source]

    def constant(self, group: LayerMirrors, level: Floats) -> Floats:
        """Return what mirrors give for one level of their signals, (chips, n, 1, terms)."""
        grid = self.twin.grid
        logs = np.log(level * grid.unit)[:, group.unit]
        return grid.currents(group, logs, self.deviations)[:, :, np.newaxis]

    def fitted(self, group: LayerMirrors) -> Floats:
        """Return what mirrors give, as coefficients of the signal's features too."""
        grid = self.twin.grid
        currents = grid.currents(group, grid.logs[np.newaxis, np.newaxis], self.deviations)
        fitted: Floats = np.einsum("kc,bncj->bnkj", grid.fit, currents, optimize=True)
        return fitted

    def cells(self, cells: TwinCells) -> None:
        layer, twin = cells.layer, self.twin
        rising, falling, output = cells.thresholds(
            twin.known, self.deviations, twin.grid, self.biases.get(layer.node)
        )
        if layer.node in twin.least:
            rise, fall = twin.least[layer.node]
            rising, falling = rising + rise, falling - fall
        if layer.candidate in self.high:
            states = self.states[layer.candidate]
            candidate = states * self.high[layer.candidate][:, np.newaxis, np.newaxis]
        else:
            signal = self.current[layer.candidate]
            candidate = signal.reshape(len(signal), *self.shape, -1)
        states = cells.states(candidate, rising, falling, self.start.get(layer.node))
        self.states[layer.node] = states
        if layer.cell.rungs == 1:
            self.high[layer.node] = output
            return
        given = layer.cell.together(states * output[:, np.newaxis, np.newaxis]).sum(axis=-1)
        self.settled(layer.node, given.reshape(self.chips, -1, layer.size))
