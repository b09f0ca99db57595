"""The circuit as data: gate nets, mirrors and cells, by the node and unit they stand for.

Two gate nets carry a signal: its N-gate net is the gate of an NMOS diode (copies sink current),
its P-gate net the gate of a PMOS diode (copies source current).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Floats, Integers
from netgen.circuit.blocks import CellBlock, Decision, block_of, comparator, groups, wta
from netgen.circuit.blocks.dac import DacRange
from netgen.circuit.blocks.divider import Divider
from netgen.circuit.names import REFERENCE, Chain, bias_path, prefixes, weight_path
from netgen.circuit.sums import SignedSums, signed_sums
from netgen.model import INPUT, Cell, Model, Relu, is_signed, sources
from netgen.technology import Geometry, size_name, with_sizes

GateNet: TypeAlias = Literal["n", "p"]
Bias: TypeAlias = Literal["ideal", "mirrored", "programmable"]
"""Where the bias currents of cells come from: ideal sources, copies of the reference, or DACs of
such copies."""
BIASES: tuple[Bias, ...] = get_args(Bias)
Readout: TypeAlias = Literal["currents", "wta", "wta-only", "comparator", "comparator-only"]
"""What leaves the circuit: currents alone, also the decisions of a winner-take-all or of a
comparator, or those decisions alone."""
READOUTS: tuple[Readout, ...] = get_args(Readout)
DECISIONS: Mapping[str, Decision] = {each.name: each for each in (wta.BLOCK, comparator.BLOCK)}
"""Blocks that decide, by name."""


@dataclass(frozen=True, eq=False)
class MirrorGeometry:
    """Geometry of a matrix of mirrors."""

    #: ``width``, ``length``: metres, (summing nodes, units).
    width: Floats
    length: Floats
    multiplicity: Integers  #: Devices in parallel, (summing nodes, units); 0 without a transistor.
    series: Integers  #: Transistors in series that make up the length, (summing nodes, units).
    #: Mirror ratio expected from the characterisation, signed, (summing nodes, units).
    realised: Floats

    @property
    def transistors(self) -> int:
        """How many transistors that is."""
        return int((self.multiplicity * self.series).sum())

    def at(self, row: int, unit: int) -> Geometry:
        """Return the geometry of one mirror (multiplicity 0 where there is none)."""
        place = row, unit
        width, length = float(self.width[place]), float(self.length[place])
        return Geometry(width, length, int(self.multiplicity[place]))


@dataclass(frozen=True, eq=False)
class Mirrors:
    """Mirror outputs: copies of a node's signals into the summing nodes of a layer."""

    source: str  #: ``"x"``, a relu or cell node, or :data:`REFERENCE` for a constant.
    #: Where the weights come from in the model; several only for the reference's biases.
    chains: tuple[Chain, ...]
    weight: Floats  #: Mirror ratios wanted, (summing nodes, units), signed.
    geometry: MirrorGeometry | None = None  #: The geometry, once sized.


@dataclass(frozen=True, eq=False)
class SummingLayer:
    """Summing nodes, where mirror outputs meet: diode ReLUs, or the readout's output nodes."""

    node: str
    kind: Literal["relu", "readout"]
    mirrors: tuple[Mirrors, ...]

    @property
    def group(self) -> str:
        """The group of devices that its mirrors belong to."""
        return groups.READOUT if self.kind == "readout" else groups.WEIGHTS

    @property
    def size(self) -> int:
        """How many summing nodes."""
        return len(self.mirrors[0].weight)


@dataclass(frozen=True, eq=False)
class CellLayer:
    """Cells of a node, each an instance of a block; currents in amperes."""

    cell: Cell  #: The node of the model.
    block: CellBlock
    wanted: Floats  #: The figures that the bias currents give, (biases, units).
    #: Release order: how many layers of cells with a memory this one depends on; start-up releases
    #: them in this order.
    release: int
    bias: Floats | None = None  #: The bias currents that give them, (biases, units), once sized.
    realised: Floats | None = None  #: The figures expected of those, (biases, units), once sized.
    #: The copies of the reference that give the bias currents where these are not ideal, or that
    #: DACs make them of, (biases, units), once sized.
    bias_geometry: MirrorGeometry | None = None
    group = groups.WEIGHTS  #: The group of devices that those copies belong to.

    @property
    def node(self) -> str:
        """Name of the node."""
        return self.cell.name

    @property
    def candidate(self) -> str:
        """The node whose signals the cells compare."""
        return self.cell.input

    @property
    def initial_state(self) -> NDArray[np.bool_]:
        """States before the first frame, (triggers,)."""
        return self.cell.initial_state

    @property
    def size(self) -> int:
        """How many cells."""
        return self.cell.size


Layer: TypeAlias = SummingLayer | CellLayer


@dataclass(frozen=True, eq=False)
class Circuit:
    """The whole network."""

    model: Model
    unit: Geometry  #: Geometry of the unit mirror (and of every diode).
    layers: tuple[Layer, ...]  #: In evaluation order; the readout is last, where currents leave.
    #: Whether the cells' bias currents are copies of the reference current, as on a chip; else each
    #: comes from an ideal source of its own.
    mirrored_bias: bool = False
    #: Range of the DACs between those copies and the bias currents; None without.
    dac: DacRange | None = None
    #: Of the DACs, by node, (biases, units), where they are not those of the nominal currents.
    codes: Mapping[str, Integers] = field(default_factory=dict)
    #: What decides every frame by the currents of the readout's node; None without.
    decision: Decision | None = None
    #: Of each input; None where inputs flow into their diodes.
    divider: Divider | None = None

    @property
    def input_current(self) -> float:
        """What 1.0 of an input stands for at its pin, A."""
        return self.model.unit_current * (1.0 if self.divider is None else self.divider.ratio)

    @cached_property
    def prefixes(self) -> Mapping[str, str]:
        """Net prefixes of the nodes (see :func:`netgen.circuit.names.prefixes`)."""
        return prefixes(self.model)

    def prefix(self, layer: Layer) -> str:
        """Return the net prefix of a layer: its node's, but for a copying readout."""
        prefix = self.prefixes[layer.node]
        if isinstance(layer, SummingLayer) and layer.kind == "readout":
            while (
                not is_signed(self.model.by_name[layer.node]) and prefix in self.prefixes.values()
            ):
                prefix += "_readout"
        return prefix

    def group(self, node: str) -> str:
        """Return the group of devices that a signal's diodes and their copies belong to."""
        if node == REFERENCE:
            return groups.CONSTANTS
        if any(layer.candidate == node for layer in self.cells):
            return groups.CANDIDATES
        if node == INPUT:
            return groups.X
        return groups.STATES if node in self._outputs else groups.ROWS

    def unit_of(self, node: str) -> Geometry:
        """Return the unit device of a signal's diodes and their copies."""
        return self.unit.of(self.group(node), node)

    def units(self, source: str, layer: Layer) -> tuple[Geometry, Geometry]:
        """Return the unit devices of a signal's diodes, and of its mirrors into a layer."""
        return self.unit_of(source), self.unit.of(layer.group, layer.node)

    @property
    def mirror_units(self) -> tuple[tuple[Geometry, Geometry], ...]:
        """The unit devices of diodes and of mirrors on them, each pair once, sorted."""
        pairs = [self.units(m.source, each) for each in self.summing_layers for m in each.mirrors]
        pairs += [self.units(REFERENCE, layer) for layer in self.cells]
        known = {diode for diode, _ in pairs}
        diodes = {self.unit_of(node) for node, _ in self.signals} - known
        return tuple(sorted({*pairs, *((diode, self.unit.of("")) for diode in diodes)}))

    def cell_unit(self, layer: CellLayer) -> Geometry:
        """Return the unit mirror of a layer's cells: its groups have their sizes at any node."""
        nodes = self._cell_groups(layer)
        return with_sizes(self.unit.of(""), {g: self.unit.of(g, node) for g, node in nodes.items()})

    def cell_module(self, layer: CellLayer) -> str:
        """Return the name of the subcircuit of a layer's cells, another where its sizes are."""
        names = (size_name(self.unit, *each) for each in self._cell_groups(layer).items())
        module = layer.block.module
        return f"{module}_{self.prefixes[layer.node]}" if any("." in n for n in names) else module

    @staticmethod
    def _cell_groups(layer: CellLayer) -> Mapping[str, str]:
        """Return the node at which the devices of a cell belong to a group, by the group."""
        groups_of_block = dict.fromkeys((*layer.block.groups.values(), groups.STATES), layer.node)
        return groups_of_block | {groups.CANDIDATES: layer.candidate}

    def defined_by(self, node: str) -> GateNet:
        """Return the gate net that the diode of a signal is on."""
        return self._outputs.get(node, "n")

    @cached_property
    def _outputs(self) -> Mapping[str, GateNet]:
        return {layer.node: layer.block.output for layer in self.cells}

    def biased(self, bias: Bias, span: DacRange) -> Circuit:
        """Return the circuit with its bias currents from elsewhere."""
        programmable = bias == "programmable"
        return replace(self, mirrored_bias=bias != "ideal", dac=span if programmable else None)

    def codes_of(self, layer: CellLayer) -> Integers:
        """Return the codes of a layer's DACs, (biases, units)."""
        assert self.dac is not None
        usual = np.full(layer.wanted.shape, self.dac.nominal, dtype=np.intp)
        return self.codes.get(layer.node, usual)

    @property
    def summing_layers(self) -> tuple[SummingLayer, ...]:
        """The summing layers, in evaluation order."""
        return tuple(layer for layer in self.layers if isinstance(layer, SummingLayer))

    @property
    def cells(self) -> tuple[CellLayer, ...]:
        """The cell layers, in evaluation order."""
        return tuple(layer for layer in self.layers if isinstance(layer, CellLayer))

    @property
    def readout(self) -> SummingLayer | None:
        """The layer whose currents leave the circuit; None where only decisions do."""
        last = self.layers[-1]
        return last if isinstance(last, SummingLayer) and last.kind == "readout" else None

    @property
    def releases(self) -> int:
        """Number of release orders: the longest chain of cell layers."""
        return max((layer.release for layer in self.cells if layer.block.storages), default=-1) + 1

    @property
    def uses_reference(self) -> bool:
        """Whether any constant or bias current is a copy of the reference current."""
        if self.decision or (self.mirrored_bias and self.cells):
            return True
        mirrors = [entry for layer in self.summing_layers for entry in layer.mirrors]
        return any(m.source == REFERENCE and realised_weight(m).any() for m in mirrors)

    @property
    def signals(self) -> Iterator[tuple[str, int]]:
        """Every node with gate nets, and how many units it has."""
        yield INPUT, self.model.input_size
        for layer in self.layers:
            if isinstance(layer, CellLayer) or layer.kind == "relu":
                yield layer.node, layer.size

    @cached_property
    def gate_nets(self) -> Mapping[tuple[str, GateNet], NDArray[np.bool_]]:
        """Which units have an N- and a P-gate net, by (node, "n" or "p"), each (units,).

        A gate net is only built where a mirror uses it. The diode that defines a signal is always
        there: N for inputs and ReLUs, that of its block's output for cells.
        """
        need: dict[tuple[str, GateNet], NDArray[np.bool_]] = {(REFERENCE, "n"): np.ones(1, bool)}
        need[REFERENCE, "p"] = np.full(
            1, self.mirrored_bias and self.dac is None and bool(self.cells)
        )
        for name, size in self.signals:
            defined = self.defined_by(name)
            need[name, "n"] = np.full(size, defined == "n")
            need[name, "p"] = np.full(size, defined == "p")
        for layer in self.layers:
            if isinstance(layer, CellLayer):
                need[layer.candidate, layer.block.candidate] |= True
                continue
            for mirrors in layer.mirrors:
                weight = realised_weight(mirrors)
                need[mirrors.source, "p"] |= (weight > 0).any(axis=0)
                need[mirrors.source, "n"] |= (weight < 0).any(axis=0)
        if self.decision:
            for unit in range(self.model.sizes[node := self.model.readout.node]):
                need[node, self.decision.gate_net(unit)][unit] = True
        return MappingProxyType(need)


def realised_weight(mirrors: Mirrors) -> Floats:
    """Return the wanted weights, (rows, columns), 0 where there is no transistor."""
    if mirrors.geometry is None:
        return mirrors.weight
    return np.where(mirrors.geometry.multiplicity > 0, mirrors.weight, 0.0)


def build_circuit(model: Model, unit: Geometry) -> Circuit:
    """Map a model to blocks: relu and readout nodes to summing nodes, cells to their blocks."""
    sums = signed_sums(model)
    orders = _release_orders(model)
    layers: list[Layer] = []
    for node in model.nodes:
        if isinstance(node, Relu):
            layers.append(_summing_layer(node.name, "relu", sums[node.input]))
        elif isinstance(node, Cell):
            block = block_of(node)
            wanted = block.wanted(node) * model.unit_current
            layers.append(CellLayer(node, block, wanted, orders[node.name] - node.memory))
    readout = model.readout.node
    layers.append(_summing_layer(readout, "readout", sums[readout]))
    return Circuit(model, unit, tuple(layers))


def _summing_layer(name: str, kind: Literal["relu", "readout"], sums: SignedSums) -> SummingLayer:
    mirrors = [Mirrors(term.source, (term.chain,), term.weight) for term in sums.terms]
    if sums.bias_chains:
        mirrors.append(Mirrors(REFERENCE, sums.bias_chains, sums.bias[:, np.newaxis]))
    return SummingLayer(name, kind, tuple(mirrors))


def _release_orders(model: Model) -> dict[str, int]:
    """Count, for every node, the layers with a memory on the longest way to it, itself included."""
    depth = {INPUT: 0}
    for node in model.nodes:
        depth[node.name] = max(depth[name] for name in sources(node))
        if isinstance(node, Cell):
            depth[node.name] += node.memory
    return depth


def parameter_path(mirrors: Mirrors, row: int, column: int) -> str:
    """Say which learned parameters a mirror stands for."""
    if mirrors.source == REFERENCE:
        return bias_path(mirrors.chains, row)
    return weight_path(mirrors.source, mirrors.chains[0], row, column)
