"""The fast chip model: the network with one log-normal error a transistor.

In weak inversion gm/I hardly depends on the current. A deviating transistor then multiplies the
current that it passes on by a factor of its own, whatever the signal (Pelgrom et al., IEEE JSSC 24
(1989) 1433: ΔI/I = Δβ/β − (gm/I) ΔVth). A diode divides by its factor, each of its copies
multiplies. So the errors that a diode's copies share stay shared, as in the circuit. What the
circuit adds without any deviation (gains that depend on signal and drain) is taken from one run of
the nominal :class:`netgen.behavioural.Twin`. Left out is what of it depends on the deviations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from netgen.behavioural.cells import TwinCells
from netgen.behavioural.devices import way
from netgen.behavioural.mirrors import SMALLEST
from netgen.behavioural.run import Twin, TwinResult, joined
from netgen.behavioural.settings import ChipSettings
from netgen.behavioural.summing import TwinSums
from netgen.circuit import REFERENCE
from netgen.model import INPUT
from netgen.model.graph import Bools, Floats
from netgen.technology import Technology, Transistor

T = TypeVar("T", bound=np.generic)
Singles: TypeAlias = NDArray[np.float32]
WORKING_SET = 4_000_000
"""About so many numbers are held at a time: chips are taken in batches that fit."""


@dataclass(frozen=True, eq=False)
class FastChips:
    """A sized network as structured log-normal errors, evaluated for many chips at once."""

    twin: Twin  #: What it is derived from: layers, ways of the signals, nominal currents.
    #: gm/I, 1/V, by place of the device, (devices,): at the working signal, in cells at their own
    #: currents.
    slope: Floats
    #: Inputs of the last run, and what the nominal circuit adds to its sums of them.
    _added: list[tuple[Floats, Sequence[Singles]]] = field(default_factory=list, repr=False)

    @property
    def layers(self) -> tuple[TwinSums | TwinCells, ...]:
        """The circuit's layers."""
        return self.twin.layers

    @cached_property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Every device's transistors (several where they are in series), by place."""
        return tuple(self.twin.devices.places)

    def errors(self, shifts: Mapping[str, Floats]) -> Floats:
        """Return ln of the current over the nominal one, (chips, devices).

        Parameters
        ----------
        shifts
            Deviations by transistor, (chips, 2) each, as :func:`netgen.technology.draw` gives them.
        """
        chips = len(next(iter(shifts.values())))
        deviations = self.twin.devices.deviations(shifts, slice(0, chips), chips)
        return deviations.factor - self.slope * deviations.threshold

    def sigma(self, technology: Technology, transistors: Mapping[str, Transistor]) -> Floats:
        """Return the standard deviation of :meth:`errors` by mismatch, (devices,)."""
        sigmas = []
        for names, slope in zip(self.names, self.slope.tolist(), strict=True):
            parts = [deviation(technology, transistors[name], slope) for name in names]
            sigmas.append(float(np.sqrt(np.sum(np.square(parts)))) / len(parts))
        return np.array(sigmas)

    def thresholds(
        self, cells: TwinCells, errors: Floats, settings: ChipSettings | None = None
    ) -> tuple[Floats, Floats, Floats]:
        """Return β_hi, β_lo and α of a layer's triggers in units, each (chips, triggers)."""
        layer, unit = cells.layer, self.twin.circuit.model.unit_current
        logs = np.stack([way(each, errors) for each in cells.ways], axis=1)
        if cells.mirrored:
            logs = logs + np.stack([way(each, errors) for each in cells.mirrored], axis=1)
        biases = None if settings is None else settings.biases.get(layer.node)
        if cells.dacs is not None:
            branches = cells.dacs.branches
            each = [np.stack([way((one,), errors) for one in dac], axis=1) for dac in branches]
            logs = logs + cells.dacs.factors(np.stack(each, axis=1), biases)
        elif biases is not None:
            logs = logs + biases
        figures = np.moveaxis(layer.wanted / unit * np.exp(logs), 1, 0)
        rising, falling, level = layer.block.ideal(figures)
        seen = np.exp(way(cells.candidate, errors))
        return rising / seen, falling / seen, level

    def run(self, errors: Floats, x: Floats, settings: ChipSettings | None = None) -> TwinResult:
        """Take samples through chips.

        Parameters
        ----------
        errors
            See :meth:`errors`, (chips, devices).
        x
            Inputs, (samples, frames, channels), software units.
        """
        parts = list(self._batches(errors, x, settings))
        return joined(parts)

    def candidates(self, errors: Floats, x: Floats, settings: ChipSettings | None) -> Floats:
        """Return the candidate currents of all cells, (chips, samples, frames, cells)."""
        chips = _Chips(self, errors, self.signal(x), settings, self.added(x))
        chips.result()
        nodes = [each.layer.candidate for each in self.layers if isinstance(each, TwinCells)]
        candidates = [chips.by_sample(chips.current[node]) for node in nodes]
        alike = [np.broadcast_to(each, (len(errors), *each.shape[1:])) for each in candidates]
        return np.concatenate(alike, axis=3).astype(np.float64)

    def _batches(
        self, errors: Floats, x: Floats, settings: ChipSettings | None
    ) -> Iterator[TwinResult]:
        points = x.shape[0] * x.shape[1]
        widest = max(self.twin.circuit.model.sizes.values())
        batch = max(1, WORKING_SET // max(1, points * widest))
        signal, added = self.signal(x), self.added(x)
        for first in range(0, len(errors), batch):
            chosen = slice(first, min(first + batch, len(errors)))
            batch_settings = None if settings is None else settings.of(chosen)
            yield _Chips(self, errors[chosen], signal, batch_settings, added).result()

    def signal(self, x: Floats) -> Singles:
        """Return inputs (samples, frames, channels) behind nominal dividers."""
        return np.ascontiguousarray(self.twin.divided(x), dtype=np.float32)

    def added(self, x: Floats) -> Sequence[Singles]:
        """Return what the nominal circuit adds to each layer's weighted sums, (units, points)."""
        if not self._added or self._added[0][0] is not x:
            self._added[:] = [(x, list(self._residuals(np.asarray(x, dtype=np.float64))))]
        return self._added[0][1]

    def _residuals(self, x: Floats) -> Iterator[Singles]:
        currents, logits = self.twin.nominal(x)
        for layer in self.layers:
            if isinstance(layer, TwinCells):
                continue
            given = logits if layer.diode is None else currents[layer.layer.node]
            ideal = np.zeros_like(given)
            for source, groups in layer.entries:
                signal = np.ones((len(given), 1)) if source == REFERENCE else currents[source]
                for each in groups:
                    np.add.at(ideal.T, each.row, (each.sign * each.weight * signal[:, each.unit]).T)
            error = given - ideal
            if layer.diode is not None:
                error[given <= SMALLEST] = 0.0  # the diode is off: any negative sum gives this
            by_frame = error.reshape(*x.shape[:2], -1).transpose(2, 1, 0)
            yield by_frame.reshape(error.shape[1], -1).astype(np.float32)


def fast_chips(twin: Twin) -> FastChips:
    """Return the fast chip model of a circuit's twin."""
    slope = twin.slope.copy()
    # constants and states know one current; of what varies it is that of the working signal
    levels: dict[str, Floats] = {REFERENCE: np.ones(1)}
    levels |= {cell.name: cell.level for cell in twin.circuit.model.cells if cell.rungs == 1}
    for layer in twin.layers:
        if isinstance(layer, TwinCells):
            # a state hangs on the candidate where it equals the threshold current
            cell = layer.layer.cell
            threshold = layer.bias[:: len(layer.bias) // cell.rungs]
            pairs = [(layer.candidate, threshold.T.reshape(-1))]
            pairs += zip(layer.ways, layer.bias, strict=True)
            for copies, bias in pairs:
                for one in copies:
                    slope[one.diode] = slope[one.copy] = twin.diodes.slope(one.polarity, bias)
            continue
        for source, groups in layer.entries:
            for group in groups if source in levels else ():
                logs = np.log(levels[source][group.unit] * twin.circuit.model.unit_current)
                for one in group.copies:
                    slope[one.diode] = slope[one.copy] = twin.diodes.slope(one.polarity, logs)
    return FastChips(twin, slope)


def deviation(technology: Technology, transistor: Transistor, slope: float) -> float:
    """Return the standard deviation of ln of a transistor's current, by mismatch.

    Parameters
    ----------
    slope
        gm/I, 1/V.
    """
    threshold, factor = technology.mismatch[transistor.polarity].sigma(transistor.geometry)
    return float(np.hypot(slope * threshold, factor))


class _Chips:
    """Some chips on their way through the layers; signals are (chips or 1, units, points).

    The points are frames × samples, so that the samples of a frame lie side by side.
    """

    def __init__(
        self,
        model: FastChips,
        errors: Floats,
        x: Singles,
        settings: ChipSettings | None,
        added: Sequence[Singles],
    ) -> None:
        self.model, self.errors, self.settings = model, errors, settings
        self.added = iter(added)
        self.samples, self.frames, channels = x.shape
        signal = x.transpose(2, 1, 0).reshape(1, channels, -1)
        gains = None if settings is None else settings.inputs
        if model.twin.dividers:
            gains = way(model.twin.dividers, errors) + (0.0 if gains is None else gains)
        if gains is not None:
            signal = signal * np.exp(gains)[..., np.newaxis].astype(np.float32)
        self.current: dict[str, Singles] = {INPUT: signal}
        self.states: dict[str, Bools] = {}

    def result(self) -> TwinResult:
        logits: Singles | None = None
        for layer in self.model.layers:
            if isinstance(layer, TwinCells):
                self.cells(layer)
                continue
            logits = self.sums(layer)
            if layer.diode is not None:
                self.current[layer.layer.node] = np.maximum(logits, 0)
        decision = self.model.twin.decision
        if decision is None:
            assert logits is not None  # the readout is a circuit's last layer
            return TwinResult(self.by_sample(logits).astype(np.float64), self.states)
        currents = self.by_sample(self.current[self.model.twin.circuit.model.readout.node])
        logits_of = currents
        if self.model.twin.circuit.readout is not None and logits is not None:
            logits_of = self.by_sample(logits)
        compared = decision.compared(currents.astype(np.float64), self.errors)
        return TwinResult(logits_of.astype(np.float64), self.states, compared)

    def by_sample(self, signal: NDArray[T]) -> NDArray[T]:
        """Return (chips, units, points) as (chips, samples, frames, units)."""
        chips, units, _ = signal.shape
        return signal.reshape(chips, units, self.frames, self.samples).transpose(0, 3, 2, 1)

    def sums(self, layer: TwinSums) -> Singles:
        chips, size = len(self.errors), layer.layer.size
        total = np.empty((chips, size, self.frames * self.samples), dtype=np.float32)
        total[:] = next(self.added)
        for source, groups in layer.entries:
            constant = source == REFERENCE
            units = 1 if constant else self.current[source].shape[1]
            weight = np.zeros((chips, size, units), dtype=np.float32)
            for group in groups:
                gains = group.sign * group.weight * np.exp(way(group.copies, self.errors))
                weight[:, group.row, group.unit] = gains
            if constant:
                total += weight
            elif len(self.current[source]) == 1:
                total += (weight.reshape(-1, units) @ self.current[source][0]).reshape(total.shape)
            else:
                total += weight @ self.current[source]
        return total

    def cells(self, cells: TwinCells) -> None:
        cell = cells.layer.cell
        above, below, given_high = self.model.thresholds(cells, self.errors, self.settings)
        rise, fall = self.model.twin.least.get(cells.layer.node, (0.0, 0.0))
        rising, falling, level = (
            each.astype(np.float32) for each in (above + rise, below - fall, given_high)
        )
        candidate = np.repeat(self.current[cell.input], cell.rungs, axis=1)
        candidate = candidate.reshape(-1, cell.triggers, self.frames, self.samples)
        rises = candidate > rising[..., np.newaxis, np.newaxis]
        stays = candidate >= falling[..., np.newaxis, np.newaxis] if cell.memory else rises
        states = np.empty((len(self.errors), *candidate.shape[1:]), dtype=np.bool_)
        state: Bools = cell.initial_state[:, np.newaxis]
        for frame in range(self.frames):
            state = rises[:, :, frame] | (stays[:, :, frame] & state)
            states[:, :, frame] = state
        flat = states.reshape(len(states), cell.triggers, -1)
        self.states[cell.name] = self.by_sample(flat)
        given = flat * level[..., np.newaxis]
        if cell.rungs > 1:
            given = given.reshape(len(flat), cell.size, cell.rungs, -1).sum(axis=2)
        self.current[cell.name] = given
