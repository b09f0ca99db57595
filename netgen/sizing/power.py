"""The supply power that a sized circuit will take, from its tables and the software model alone.

Every current of the circuit is known: it is an input, a bias, or a copy of a signal. Those that
come from the supply are added up at the settled operating points of all frames; what charges
gates between them is not (under a thousandth at 10 ms a frame).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.gain import MirrorTables
from netgen.circuit import REFERENCE, CellLayer, Circuit, Mirrors, SummingLayer
from netgen.circuit.blocks.port import POLARITY
from netgen.model import INPUT, Relu, evaluate
from netgen.netlist import SupplyBranch
from netgen.technology import Polarity, Technology


@dataclass(frozen=True, eq=False)
class PredictedPower:
    """What a circuit will take from its supplies."""

    #: Mean over the frames of each sample by kind of block and node, W, each (samples,).
    watts: Mapping[SupplyBranch, Floats]

    @property
    def average_w(self) -> float:
        """Mean over all samples, W."""
        return sum(float(each.mean()) for each in self.watts.values())

    @property
    def by_kind(self) -> dict[str, float]:
        """Mean over all samples by kind of block, W."""
        by_kind: dict[str, float] = {}
        for branch, watts in self.watts.items():
            by_kind[branch.kind] = by_kind.get(branch.kind, 0.0) + float(watts.mean())
        return by_kind


def predict_power(
    circuit: Circuit,
    technology: Technology,
    tables: MirrorTables,
    vdd: float,
    x: Floats,
    stride: int = 1,
) -> PredictedPower:
    """Predict the supply power of a sized circuit.

    A mirror copies its signal with the gain of its geometry at that current and at its
    row's voltage. What cells take, their blocks say.

    Parameters
    ----------
    x
        Inputs, (samples, frames, channels), software units.
    stride
        Look at every so many frames only.
    """
    at = _Operation(circuit, technology, tables, vdd, x, stride)
    watts: dict[SupplyBranch, Floats] = {}
    for branch, each in (*_gate_nets(at), *_layers(at)):
        watts[branch] = watts.get(branch, np.zeros(len(x))) + each
    return PredictedPower({branch: each for branch, each in watts.items() if each.any()})


Reading: TypeAlias = tuple[SupplyBranch, Floats]


WORKING_SET = 4_000_000
"""So many known gains are held at a time."""


class _Operation:
    """The currents of all frames, and how mirrors copy them."""

    def __init__(
        self,
        circuit: Circuit,
        technology: Technology,
        tables: MirrorTables,
        vdd: float,
        x: Floats,
        stride: int,
    ) -> None:
        self.circuit, self.technology, self.tables, self.vdd = circuit, technology, tables, vdd
        self.samples = len(x)
        unit = circuit.model.unit_current
        values = evaluate(circuit.model, x)
        self.values = {
            name: value[:, ::stride].reshape(-1, value.shape[2]) * unit
            for name, value in values.items()
        }
        self.frames = len(self.values[INPUT])
        self.values[REFERENCE] = np.full((self.frames, 1), unit)

    def power(self, amperes: Floats) -> Floats:
        """Return the mean power, (samples,), of currents from the supply, (frames, …)."""
        each: Floats = self.vdd * amperes.reshape(self.samples, -1).sum(axis=1)
        return each * self.samples / self.frames

    def constant(self, amperes: float) -> Floats:
        """Return the power of a current that always flows, (samples,)."""
        return np.full(self.samples, self.vdd * amperes)

    def carried(
        self, layer: SummingLayer, mirrors: Mirrors, polarity: Polarity, volts: Floats
    ) -> Floats:
        """Return what all mirrors of a polarity carry together in each frame, A, (frames,).

        Parameters
        ----------
        volts
            Voltages of the summing nodes, (frames or 1, summing nodes).
        """
        geometry, signal, axes = mirrors.geometry, self.values[mirrors.source], self.tables.axes
        assert geometry is not None
        of_polarity = (mirrors.weight > 0) == (polarity == "pmos")
        counts = np.where(of_polarity, geometry.multiplicity, 0)
        gate_net = self.circuit.defined_by(mirrors.source)
        tables = self.tables.of(*self.circuit.units(mirrors.source, layer))
        total = np.zeros(self.frames)
        if not counts.any():
            return total
        flows = (signal[:, :, np.newaxis] * axes.of_current(signal)).reshape(self.frames, -1)
        by_drain = np.broadcast_to(
            axes.of_drain(polarity, volts), (self.frames, len(of_polarity), len(axes.drains))
        )
        step = max(1, WORKING_SET // (flows.shape[1] * len(axes.drains)))
        for first in range(0, len(of_polarity), step):
            rows = slice(first, first + step)
            size = geometry.width[rows], geometry.length[rows], counts[rows]
            surfaces = tables.surfaces(gate_net, mirrors.weight[rows] > 0, size)
            currents = flows @ surfaces.transpose(1, 2, 0, 3).reshape(flows.shape[1], -1)
            total += (currents * by_drain[:, rows].reshape(self.frames, -1)).sum(axis=1)
        return total

    def unit_copy(self, node: str, polarity: Polarity, amperes: Floats, volts: Floats) -> Floats:
        """Return what unit copies of signals (frames, units) carry, A."""
        unit = self.technology.unit_of(polarity, self.circuit.unit)
        gate_net = self.circuit.defined_by(node)
        carried: Floats = amperes * self.tables.of_one(gate_net, polarity, unit, amperes, volts)
        return carried


def _gate_nets(at: _Operation) -> Iterator[Reading]:
    """Inputs, the reference, and the second gate net of every signal that has one."""
    yield SupplyBranch(INPUT, "input"), at.power(at.values[INPUT])
    circuit = at.circuit
    if circuit.divider is not None:
        yield SupplyBranch(INPUT, "input"), at.power(at.values[INPUT] * (circuit.divider.ratio - 1))
        given = at.values[INPUT] * (1 + circuit.divider.inner)
        yield SupplyBranch(INPUT, "divider"), at.power(given)
    if circuit.uses_reference:
        yield SupplyBranch(REFERENCE, "bias"), at.power(at.values[REFERENCE])
    for (node, gate_net), used in circuit.gate_nets.items():
        if gate_net == circuit.defined_by(node) or not used.any():
            continue
        signal = at.values[node][:, used]
        # the copy's drain lies at the diode of the other line; a PMOS's takes about as much as
        # an NMOS's
        diode = at.tables.diode_voltage(signal)
        if gate_net == "p":
            copies = at.unit_copy(node, "nmos", signal, at.vdd - diode)
        else:
            copies = at.unit_copy(node, "pmos", signal, diode)
        yield SupplyBranch(node, "line"), at.power(copies)


def _layers(at: _Operation) -> Iterator[Reading]:
    for layer in at.circuit.layers:
        yield from _cells(at, layer) if isinstance(layer, CellLayer) else _summing_nodes(at, layer)
    if at.circuit.decision:
        node = at.circuit.model.readout.node
        unit_current = at.circuit.model.unit_current
        taken = at.circuit.decision.supply(at.values[node], unit_current)
        yield SupplyBranch(node, "decision"), at.power(taken)


def _summing_nodes(at: _Operation, layer: SummingLayer) -> Iterator[Reading]:
    """Sourcing mirrors; at the readout also what its source takes of a row's current."""
    relu = layer.kind == "relu"
    if relu:
        node = at.circuit.model.by_name[layer.node]
        assert isinstance(node, Relu)
        sums = at.values[node.input]
        volts = np.where(sums > 0, at.tables.diode_voltage(sums), 0.0)
    else:
        volts = np.full((1, layer.size), at.vdd / 2)
    for mirrors in layer.mirrors:
        kind = "bias" if mirrors.source == REFERENCE else "mirror"
        sourced = at.carried(layer, mirrors, "pmos", volts)
        yield SupplyBranch(layer.node, kind), at.power(sourced)
        if not relu:
            sunk = at.carried(layer, mirrors, "nmos", volts)
            yield SupplyBranch(layer.node, "readout"), -at.power(sourced - sunk) / 2


def _cells(at: _Operation, layer: CellLayer) -> Iterator[Reading]:
    assert layer.bias is not None
    bias, dac = float(layer.bias.sum()), at.circuit.dac
    if dac is None:
        yield SupplyBranch(layer.node, "bias"), at.constant(bias)
    else:
        yield SupplyBranch(layer.node, "dac"), at.constant(bias * (1 + dac.copied))
    yield SupplyBranch(layer.node, "cell"), at.power(layer.block.supply(_LayerCurrents(at, layer)))


@dataclass(frozen=True, eq=False)
class _LayerCurrents:
    """What a block asks of a layer's currents, see :class:`netgen.circuit.blocks.Currents`."""

    at: _Operation
    layer: CellLayer

    @property
    def vdd(self) -> float:
        return self.at.vdd

    @property
    def output(self) -> Floats:
        return self.at.values[self.layer.node]

    @property
    def bias(self) -> Floats:
        assert self.layer.bias is not None
        return self.layer.bias

    def candidate(self, volts: float) -> Floats:
        polarity = POLARITY[self.layer.block.candidate]
        source, drains = self.layer.candidate, np.full((self.at.frames, 1), volts)
        return self.at.unit_copy(source, polarity, self.at.values[source], drains)

    def sunk(self, bias: Floats, volts: Floats) -> Floats:
        return self.at.unit_copy(REFERENCE, "nmos", bias[np.newaxis], volts[np.newaxis])

    def diode_voltage(self, amperes: Floats) -> Floats:
        return self.at.tables.diode_voltage(amperes)
