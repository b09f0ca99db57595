"""Decks that measure a network's own mirrors and cells at operating points, layer by layer.

Each layer's subcircuit is taken from the network as it is written, perhaps edited since. The
layers whose gate nets it reads stand beside it as *lines*: these carry the current that a source
puts into them and nothing else, since their mirrors are turned off. So every column of a layer's
weights can be driven alone, and every cell meets a candidate of a known size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from netgen.arrays import Floats, Integers
from netgen.circuit import REFERENCE, REFERENCE_PREFIX, CellLayer, Circuit, SummingLayer
from netgen.circuit.blocks import relu, sized_name
from netgen.circuit.netlist import SUPPLIES, Layer
from netgen.circuit.nets import code_nets, input_nets, net, output_nets, start_nets
from netgen.errors import ConfigurationError
from netgen.netlist.deck import Deck, Quantity, SourceCurrent, Sweep, Voltage, drain_current
from netgen.netlist.partition import GATE_NETS, MOST_PORTS, placeable, placed_layers, without
from netgen.netlist.render import render_template
from netgen.netlist.workbench import Drive, Workbench
from netgen.netlist.write import Writer, layer_text
from netgen.units import spice

_ROWS, _CELLS = "rows", "cells"


@dataclass(frozen=True, eq=False)
class SummingBench:
    """A deck that measures a summing layer's sums, one point after the other."""

    deck: Deck
    sums: tuple[tuple[Quantity, ...], ...]  #: The currents that add up to each row's sum.
    points: int  #: How many points there are.


@dataclass(frozen=True, eq=False)
class CellsBench:
    """A deck that holds a layer's cells at every voltage of their storage nodes.

    Once without candidates, once with each of the candidates asked for, and once without any while
    the start-up switches are on. Cells without a storage node have their candidates taken along a
    ramp instead.
    """

    deck: Deck
    #: By cell, the current that holds its storage node (without one: none), and its output.
    currents: tuple[tuple[Quantity, ...], ...]
    #: How often the voltages are gone through, and how many there are: (runs, points).
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class VerificationBench:
    """Writes the decks that verify a network."""

    bench: Workbench  #: The network with its technology and conditions.

    @property
    def circuit(self) -> Circuit:
        """The circuit that the network ought to be."""
        return self.bench.circuit

    @cached_property
    def placed(self) -> Mapping[str, Layer]:
        """The layers of the network."""
        return placed_layers(self.bench.network.netlist)

    def sums(
        self,
        layer: SummingLayer,
        currents: Mapping[str, Floats],
        held: Sequence[Floats],
        rows: Integers,
        gates: Mapping[str, Mapping[str, Floats]],
    ) -> SummingBench:
        """Return the deck that drives the gate nets of a summing layer.

        Parameters
        ----------
        currents
            By source node, A, (points, units). The reference always carries its own current.
            Mirrors of signals that carry none at any point are left out of the deck.
        held
            How summing nodes are held: at the voltage of a diode with this current, A, (rows,),
            counted so often, and so much above it, V, (points, rows) each; how hard, units a volt,
            (points,). A readout is always held, at half the supply.
        rows
            Those that are in the deck, (rows,).
        gates
            By source node, where they are known, the voltages of its gate nets, V, (points,): they
            stand for the source, whose diodes are slow to find from frame to frame.
        """
        named = dict.fromkeys(mirrors.source for mirrors in layer.mirrors)
        # biases that are all zero draw nothing, and the network may have no reference at all
        sources = [s for s in named if s != REFERENCE or self.circuit.uses_reference]
        prefix = self.circuit.prefix(layer)
        idle = frozenset[str]().union(
            *(self._both(s, np.flatnonzero(~each.any(axis=0))) for s, each in currents.items())
        )
        others = self._both(layer.node, np.setdiff1d(np.arange(layer.size), rows))
        parts = self._parts(prefix, "rows", idle, others)
        ports = frozenset(chain.from_iterable(part.ports for part in parts))
        absent = idle - ports
        statements = [
            f"B{name} {name} 0 v={_table(volts)}"
            for source in gates
            for name, volts in gates[source].items()
            if name in ports
        ]
        sources = [source for source in sources if source not in gates]
        driven = (self._driven_nets(source, currents.get(source), absent) for source in sources)
        statements += chain.from_iterable(driven)
        statements += self._instances(_ROWS, parts, self._driven(layer))
        sums: list[tuple[Quantity, ...]] = []
        typical, times, above, stiff = held
        for unit in rows.tolist():
            if layer.kind == "relu":
                where = f"v(typical{unit})*({_table(times[:, unit])})+({_table(above[:, unit])})"
                statements += self._held(layer, unit, float(typical[unit]), where, stiff)
                path = f"{_path(_ROWS, parts, unit)}.x{prefix}_{unit}"
                diode = drain_current(self.bench.technology, "nmos", path, relu.DEVICE)
                sums.append((diode, SourceCurrent(f"vheld{unit}")))
            else:
                node = f"r_{output_nets(self.circuit)[unit]}"
                statements.append(f"Vout{unit} {node} 0 {spice(self.bench.conditions.vdd / 2)}")
                sums.append((SourceCurrent(f"vout{unit}"),))
        statements.append("Vframe frame 0 0")
        placed = parts, *(self._as_gate_nets(source, absent) for source in sources)
        title = f"sums of {prefix}"
        deck = self._deck(title, statements, chain.from_iterable(sums), _frames(len(stiff)), placed)
        return SummingBench(deck, tuple(sums), len(stiff))

    def gates(self, source: str, currents: Floats) -> Deck:
        """Return the deck of a source by itself: it observes the voltages of its gate nets.

        ``currents`` are those that it carries, A, (points, units).
        """
        statements = [*self._driven_nets(source, currents), "Vframe frame 0 0"]
        parts = self._as_gate_nets(source)
        ports = dict.fromkeys(chain.from_iterable(part.ports for part in parts))
        nets = map(Voltage, (each for each in ports if each in self._gate_nets_of(source)))
        return self._deck(f"gates of {source}", statements, nets, _frames(len(currents)), [parts])

    def _held(
        self, layer: SummingLayer, unit: int, amperes: float, volts: str, stiff: Floats
    ) -> Iterator[str]:
        """Write what holds a summing node, at the voltage of its diode at a current or near it."""
        node = f"r_{net(self.circuit, layer.node, unit, 'n')}"
        group = self.circuit.group(layer.node)
        diode = sized_name(relu.DIODE, group, self.circuit.unit, layer.node)
        yield f"Xtypical{unit} typical{unit} vss {diode}"
        yield f"Itypical{unit} vdd typical{unit} {spice(amperes)}"
        yield f"Vheld{unit} {node} held{unit} 0"
        hard = _table(stiff * self.circuit.model.unit_current)
        yield f"Bheld{unit} held{unit} 0 i=({hard})*(v(held{unit})-({volts}))"

    def cells(self, layer: CellLayer, candidates: Floats, step: float, rung: int = 0) -> CellsBench:
        """Return the deck that takes a rung of cells through all its states, the others low.

        Parameters
        ----------
        candidates
            Candidate currents to do it with, A, (runs, cells); without any comes first.
        step
            Of the storage nodes' voltage, V.
        """
        if not layer.block.storages:
            return self.ramp(layer, candidates)
        prefix, none = self.circuit.prefix(layer), np.zeros((1, layer.size))
        table = np.concatenate([none, candidates, none])
        on = np.arange(len(table)) == len(table) - 1
        statements, outputs = self._cells(layer, table, on.astype(np.float64))
        for unit in range(layer.size):
            for place, storage in enumerate(layer.block.storages):
                path = _path(_CELLS, self._parts(prefix), unit)
                ends = f"Vm{unit} store" if place == rung else f"Voff{unit}_{place} 0"
                statements.append(f"{ends} {path}.{prefix}_{unit}_{storage} 0")
        currents = tuple((SourceCurrent(f"vm{unit}"), each) for unit, each in enumerate(outputs))
        statements += ["Vstore store 0 0", "Vframe frame 0 0"]
        vdd = self.bench.conditions.vdd
        count = round(vdd / step)
        # a nested sweep has no single end: a missing point shows when its result is reshaped
        runs = Sweep("Vframe", 0, len(table) - 1, 1)
        each = vdd / count
        sweep = Sweep("Vstore", each, vdd + each / 4, each, runs)
        seen = chain.from_iterable(currents)
        deck = self._deck(f"cells of {prefix}", statements, seen, sweep, self._placed(layer))
        return CellsBench(deck, currents, (len(table), count))

    def ramp(self, layer: CellLayer, candidates: Floats) -> CellsBench:
        """Return the deck that takes the candidates of cells along a ramp, A, (points, cells)."""
        statements, outputs = self._cells(layer, candidates)
        statements.append("Vframe frame 0 0")
        points = len(candidates)
        title = f"cells of {self.circuit.prefix(layer)}"
        deck = self._deck(title, statements, outputs, _frames(points), self._placed(layer))
        return CellsBench(deck, tuple((output,) for output in outputs), (1, points))

    def _cells(
        self, layer: CellLayer, table: Floats, on: Floats | None = None
    ) -> tuple[list[str], list[Quantity]]:
        """Write a layer with candidates, A, (points, cells), and what those need; its outputs.

        Start-up switches are on where ``on`` is 1, (points,).
        """
        prefix, seen = self.circuit.prefix(layer), layer.block.probe
        statements = [*self._driven_nets(layer.candidate, table, on=on)]
        parts = self._parts(prefix)
        statements += self._instances(_CELLS, parts, self._driven(layer))
        statements += self._starts(layer, on)
        if self._reads_reference(layer):
            statements += self._driven_nets(REFERENCE, None)
        paths = [f"{_path(_CELLS, parts, unit)}.x{prefix}_{unit}" for unit in range(layer.size)]
        technology = self.bench.technology
        return statements, [drain_current(technology, seen.polarity, p, seen.device) for p in paths]

    def _reads_reference(self, layer: CellLayer) -> bool:
        """Whether the biases of cells are mirrored."""
        ports = self.placed[self.circuit.prefix(layer)].ports
        return bool(self._gate_nets_of(REFERENCE).intersection(ports))

    def _placed(self, layer: CellLayer) -> list[tuple[Layer, ...]]:
        """Return the layers that the deck of cells holds."""
        sources = [layer.candidate] + [REFERENCE] * self._reads_reference(layer)
        return [self._parts(self.circuit.prefix(layer)), *map(self._as_gate_nets, sources)]

    def _deck(
        self,
        title: str,
        statements: list[str],
        quantities: Iterable[Quantity],
        sweep: Sweep,
        placed: Iterable[tuple[Layer, ...]],
    ) -> Deck:
        network, technology = self.bench.network, self.bench.technology
        used = {part.prefix: part for parts in placed for part in parts}
        body = render_template(
            "block.j2",
            blocks="\n".join(
                [
                    Writer(technology).modules(network.netlist.blocks.values()),
                    *(statement.text for statement in network.netlist.outside),
                    *(layer_text(part, technology) for part in used.values()),
                ]
            ),
            vdd=self.bench.conditions.vdd,
            lines=list(dict.fromkeys(statements)),  # layers of one release order share nets
        )
        title = f"Verification: {title}"
        return self.bench.deck(title, body, tuple(quantities), sweep, network.sizes)

    def _driven_nets(
        self,
        source: str,
        currents: Floats | None,
        absent: frozenset[str] = frozenset(),
        on: Floats | None = None,
    ) -> Iterator[str]:
        """Write a layer whose gate nets carry given currents, A, (points, units).

        Units that drive absent nets alone are left out.
        """
        prefix, parts = self._source_prefix(source), self._as_gate_nets(source, absent)
        yield from self._instances(
            f"line_{prefix}", parts, self._gate_nets_of(source), measured=False
        )
        if source == REFERENCE:
            return
        assert currents is not None
        layer = self._layers.get(source)
        if isinstance(layer, CellLayer):
            yield from self._starts(layer, on)
        for unit in range(currents.shape[1]):
            if self._both(source, [unit]) <= absent:
                continue
            name = f"line_{prefix}_{unit}"
            # low, so that its output takes nothing; without a candidate another is anyhow
            for storage in layer.block.storages if isinstance(layer, CellLayer) else ():
                node = f"{_path(f'line_{prefix}', parts, unit)}.{prefix}_{unit}_{storage}"
                yield f"Voff_{name}_{storage} {node} 0 0"
            gate_net = self.circuit.defined_by(source)
            node = net(self.circuit, source, unit, gate_net)
            ends = ("vdd", node) if gate_net == "n" else (node, "0")
            yield _source(name, *ends, currents[:, unit])

    @cached_property
    def _layers(self) -> Mapping[str, CellLayer | SummingLayer]:
        """Layers with gate nets, by node."""
        return {
            layer.node: layer
            for layer in self.circuit.layers
            if isinstance(layer, CellLayer) or layer.kind == "relu"
        }

    def _starts(self, layer: CellLayer, on: Floats | None = None) -> Iterator[str]:
        """Write the sources of the start-up nets; switches are on where ``on`` is 1, (points,)."""
        vdd = self.bench.conditions.vdd
        for (order, state), name in start_nets(self.circuit).items():
            if order == layer.release and name in self.placed[self.circuit.prefix(layer)].ports:
                volts = spice(vdd * state) if on is None else f"v={_table(vdd * abs(on - state))}"
                yield f"{'V' if on is None else 'B'}s_{name} {name} 0 {volts}"
        for name, high in code_nets(self.circuit, layer).items():
            yield f"Vs_{name} {name} 0 {spice(0.0 if high else vdd)}"

    def _driven(self, layer: CellLayer | SummingLayer) -> frozenset[str]:
        """Return the nets that a layer drives."""
        if isinstance(layer, SummingLayer) and layer.kind == "readout":
            return frozenset(output_nets(self.circuit))
        return self._gate_nets_of(layer.node)

    def _both(self, node: str, units: Iterable[int]) -> frozenset[str]:
        """Return the gate nets of units, whether they are used or not."""
        return frozenset(net(self.circuit, node, int(u), each) for u in units for each in GATE_NETS)

    def _gate_nets_of(self, node: str) -> frozenset[str]:
        return self._both(node, range(len(self.circuit.gate_nets[node, "n"])))

    @cached_property
    def _off(self) -> Mapping[str, str]:
        """By gate net, the rail at which its copies carry nothing."""
        off = dict.fromkeys(input_nets(self.circuit), "0")
        return off | {
            net(self.circuit, node, unit, gate_net): "0" if gate_net == "n" else "vdd"
            for (node, gate_net), used in self.circuit.gate_nets.items()
            for unit in range(len(used))
        }

    def _parts(
        self,
        prefix: str,
        use: str = "",
        idle: frozenset[str] = frozenset(),
        absent: frozenset[str] = frozenset(),
    ) -> tuple[Layer, ...]:
        """Return a layer as what is placed of it, see :func:`without` and :func:`placeable`."""
        try:
            layer = self.placed[prefix]
        except KeyError:
            problem = f"the network has no layer {prefix}; build again"
            raise ConfigurationError(self.bench.network.netlist.source, [problem]) from None
        return placeable(without(layer, idle, f"{prefix}_{use}", absent), MOST_PORTS)

    def _as_gate_nets(self, source: str, absent: frozenset[str] = frozenset()) -> tuple[Layer, ...]:
        """Return a source layer without its own mirrors, as far as it is one of rows."""
        driven, idle = self._gate_nets_of(source), frozenset[str]()
        if isinstance(self._layers.get(source), SummingLayer):
            idle = frozenset(self._off) - driven
        return self._parts(self._source_prefix(source), "lines", idle, absent & driven)

    def _source_prefix(self, source: str) -> str:
        return REFERENCE_PREFIX if source == REFERENCE else self.circuit.prefixes[source]

    def _instances(
        self, name: str, parts: tuple[Layer, ...], inner: frozenset[str], measured: bool = True
    ) -> Iterator[str]:
        """Write a layer with gate nets: as the one that is measured, or as what drives it."""
        kept = {*SUPPLIES, *inner, *start_nets(self.circuit).values()}
        kept.update(name for layer in self.circuit.cells for name in code_nets(self.circuit, layer))
        for number, part in enumerate(parts):
            if measured:
                nets = [f"r_{each}" if each in inner else each for each in part.ports]
            else:
                nets = [each if each in kept else self._rail(each) for each in part.ports]
            here = name if len(parts) == 1 else f"{name}_{number}"
            yield " ".join((f"X{here}", *nets, part.subckt))

    def _rail(self, name: str) -> str:
        if name not in self._off:
            problem = f"the network connects {name!r}, which is no gate net of the model"
            raise ConfigurationError(self.bench.network.netlist.source, [problem])
        return self._off[name]


def _path(name: str, parts: tuple[Layer, ...], unit: int) -> str:
    """Return the path of the instance that holds a unit of a layer."""
    if len(parts) == 1:
        return f"x{name}"
    at = next(n for n, part in enumerate(parts) if any(u.index == unit for u in part.units))
    return f"x{name}_{at}"


def _frames(points: int) -> Sweep:
    return Sweep("Vframe", 0, points - 1, 1, end=points - 1)


def _source(name: str, positive: str, negative: str, amperes: Floats) -> str:
    """Write a source that carries a current at each point."""
    return f"B{name} {positive} {negative} i={_table(amperes)}"


def _table(values: Floats) -> str:
    """Write a value at each point, (points,)."""
    return Drive(np.arange(len(values), dtype=np.float64), values).table
