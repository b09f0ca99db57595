"""Decks of parts of a network: their gate nets are driven, the rest of the network is absent.

A part's neighbours only touch it at gates. Those of its own are driven with what the neighbours'
lines did; those it drives itself are put back as capacitance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from netgen.arrays import Floats
from netgen.circuit import DECISION_PREFIX, REFERENCE_PREFIX, CellLayer, Circuit, SummingLayer
from netgen.circuit.netlist import Device
from netgen.circuit.nets import input_nets, output_nets
from netgen.model import INPUT
from netgen.netlist.deck import (
    Analysis,
    Deck,
    Quantity,
    SourceCurrent,
    Sweep,
    Voltage,
    drain_current,
)
from netgen.netlist.library import Sizes, shiftable, trimmed
from netgen.netlist.meters import INPUT_METER, Meter, SupplyBranch
from netgen.netlist.models import Conditions, models_text
from netgen.netlist.partition import Network, NetworkElements, Partition, sizes
from netgen.netlist.render import render_template
from netgen.netlist.testbench import (
    EDGE,
    SUPPLY_CURRENT,
    Pad,
    Probes,
    bench_text,
    input_lines,
    probe_of,
    probes,
    pwl,
    readout_current,
    startup,
    voltages,
    whole_sample,
)
from netgen.netlist.variation import ShiftWords
from netgen.netlist.write import ElementText
from netgen.technology import Polarity, Technology
from netgen.units import spice


@dataclass(frozen=True, eq=False)
class GateLoad:
    """Load of a gate in subthreshold, by polarity: F/m² of area and F/m of width."""

    area: Mapping[Polarity, float]
    width: Mapping[Polarity, float]

    def capacitance(self, hung: Iterable[Device]) -> float:
        """Return the capacitance of gates, in farads."""
        return sum(
            gate.geometry.multiplicity
            * gate.geometry.width
            * (self.area[gate.polarity] * gate.geometry.length + self.width[gate.polarity])
            for gate in hung
        )


@dataclass(frozen=True, eq=False)
class Drive:
    """What happens at a net: volts (or amperes of an input) at given times or frames."""

    at: Floats  #: Seconds, or frames for a sweep, (points,).
    value: Floats  #: (points,).

    @cached_property
    def still(self) -> bool:
        """Whether nothing happens."""
        return bool(np.all(self.value == self.value[0]))

    @cached_property
    def pwl(self) -> str:
        """The waveform of an independent source."""
        if self.still:
            return f"dc {spice(float(self.value[0]))}"
        return pwl(zip(self.at.tolist(), self.value.tolist(), strict=True))

    @cached_property
    def table(self) -> str:
        """An expression over the swept frame."""
        if self.still:
            return spice(float(self.value[0]))
        points = zip(self.at.tolist(), self.value.tolist(), strict=True)
        return "pwl(v(frame)," + ",".join(f"{spice(t)},{spice(v)}" for t, v in points) + ")"


def together(drives: Mapping[str, Drive]) -> dict[str, Drive]:
    """Give drives the points of each other.

    ngspice comes to the next point of a source only from the last: a source that has points of its
    own between those of others can lose the rest of them, and is then followed with any error.
    """
    moving = {net: drive for net, drive in drives.items() if not drive.still}
    if not moving:
        return dict(drives)
    at = np.unique(np.concatenate([drive.at for drive in moving.values()]).round(12))
    return dict(drives) | {
        net: Drive(at, np.interp(at, drive.at, drive.value)) for net, drive in moving.items()
    }


@dataclass(frozen=True, eq=False)
class Excitation:
    """What drives partitions through a sample."""

    nets: Mapping[str, Drive]  #: The nets that they use, by name.
    inputs: Mapping[int, Drive]  #: The input currents, by channel.
    frames: int


@dataclass(frozen=True, eq=False)
class Workbench:
    """What the decks of all parts and samples have in common.

    Raises
    ------
    ConfigurationError
        The network's text does more than to describe a circuit.
    """

    circuit: Circuit
    technology: Technology
    conditions: Conditions
    network: Network
    load: GateLoad  #: What gates of absent parts weigh.
    #: How the network's transistors deviate, see :func:`netgen.netlist.shift_words`.
    shifts: ShiftWords | None = None
    edge: float = EDGE  #: Rise time of an input step, as a share of the frame.
    nodes: bool = False  #: Whether decks of the whole network observe the voltage of every net.
    #: What lies between the pins and the network; alone, parts have that of inputs, and leakage at
    #: outputs.
    pad: Pad | None = None

    def __post_init__(self) -> None:
        self.network.check()

    @cached_property
    def statements(self) -> NetworkElements:
        """What the network's decks are made of."""
        return self.network.plain if self.shifts is None else self.network.deviating

    def _text(self, lines: Iterable[ElementText]) -> list[str]:
        if self.shifts is None:
            return [line.text for line in lines]
        return [line.shifted(self.shifts) for line in lines]

    def models(self, sizes: Sizes | None) -> str:
        """Return the models: self-contained, so that a deck runs on any machine.

        With ``sizes``, only the model bins that transistors of these sizes may need.
        """
        names = tuple(device.model for device in self.technology.devices.values())
        text = models_text(self.technology, self.conditions)
        if self.shifts is None and sizes is None:
            return text
        library = trimmed(text, names, self.technology.digest)
        if self.shifts is not None:
            library = shiftable(library, names, self.technology.name)
        return library.text(sizes or self.network.sizes or frozenset())

    def whole(self, title: str, x: Floats) -> Deck:
        """Return the deck of the network as one circuit: ``x`` is (frames, channels)."""
        network = "\n".join(self._text(self.statements.whole))
        stimuli = bench_text(self.circuit, self.conditions, x, INPUT_METER.net, self.edge, self.pad)
        steps = np.flatnonzero((np.diff(x, axis=0) != 0).any(axis=1)) + 1
        bends = np.sort(np.concatenate([steps, steps + self.edge]))
        points = tuple((bends * self.circuit.model.frame_period).tolist())
        return self.deck(
            f"Testbench: {title}",
            f"{network}\n{stimuli}",
            (*self.probes.quantities, *self.voltages),
            whole_sample(self.circuit, len(x)),
            self.network.sizes,
            points,
        )

    def deck(
        self,
        title: str,
        body: str,
        quantities: tuple[Quantity, ...],
        analysis: Analysis,
        sizes: Sizes | None,
        points: tuple[float, ...] = (),
    ) -> Deck:
        """Return a deck with the models of transistors of these sizes."""
        where = self.technology, self.conditions, title, body, quantities, analysis, points
        return Deck.at(*where, self.models(sizes))

    @cached_property
    def voltages(self) -> tuple[Quantity, ...]:
        """Those of all nets, where they are asked for."""
        return voltages(self.network.netlist) if self.nodes else ()

    @cached_property
    def probes(self) -> Probes:
        """What is saved of the network as one circuit."""
        all_probes = probes(self.circuit, self.technology, self.conditions.vdd)
        meters: dict[Quantity, Meter] = {
            SourceCurrent(path): Meter(branch, self.conditions.vdd)
            for path, branch in self.statements.whole_meters.items()
        }
        outputs = map(readout_current, output_nets(self.circuit))
        return replace(all_probes, meters=meters | self._returned(outputs))

    def _returned(self, outputs: Iterable[Quantity]) -> dict[Quantity, Meter]:
        branch = SupplyBranch(self.circuit.model.readout.node, "readout")
        return dict.fromkeys(outputs, Meter(branch, -self.conditions.vdd / 2))

    @cached_property
    def layers(self) -> Mapping[str, CellLayer | SummingLayer]:
        """The circuit's layers by their net prefixes."""
        return {self.circuit.prefix(layer): layer for layer in self.circuit.layers}

    @cached_property
    def levels(self) -> tuple[tuple[Partition, ...], ...]:
        """The partitions layer by layer, in signal order: reference and inputs first."""
        prefixes = [REFERENCE_PREFIX, self.circuit.prefixes[INPUT], *self.layers, DECISION_PREFIX]
        parts = self.network.parts
        return tuple(parts[prefix] for prefix in prefixes if prefix in parts)

    def remembers(self, part: Partition) -> bool:
        """Tell whether a part has a memory."""
        layer = self.layers.get(part.prefix)
        return isinstance(layer, CellLayer) and layer.cell.memory

    def probe(self, part: Partition) -> Quantity | None:
        """Return the current of a part, if it stands for a node of the model."""
        layer = self.layers.get(part.prefix)
        name = f"{part.prefix}_{part.unit}"
        if layer is None:
            return None
        seen = probe_of(layer)
        if seen is None:
            return readout_current(f"{name}_out")
        return drain_current(self.technology, seen.polarity, f"x{name}", seen.device)

    def winners(self, parts: Sequence[Partition]) -> tuple[Quantity, ...]:
        """Return the voltages that say which class wins, where the parts decide."""
        return self.probes.winners if any(part.prefix == DECISION_PREFIX for part in parts) else ()

    def driven_nets(self, parts: Sequence[Partition]) -> tuple[str, ...]:
        """Return the nets of parts that other parts use."""
        return tuple(sorted(net for part in parts for net in part.nets if net in self.network.hung))

    def supplies(self, parts: Sequence[Partition]) -> dict[Quantity, float]:
        """Return the volts of the sources that deliver power, by their currents."""
        outputs = map(readout_current, self._outputs(parts))
        vdd = self.conditions.vdd
        return {SUPPLY_CURRENT: vdd, **dict.fromkeys(outputs, vdd / 2)}

    def meters(self, parts: Sequence[Partition]) -> dict[Quantity, Meter]:
        """Return the currents that take the power of parts apart."""
        meters: dict[Quantity, Meter] = {
            SourceCurrent(name): Meter(branch, self.conditions.vdd)
            for prefix, indices in _by_layer(parts).items()
            for name, branch in self.statements.layer(prefix, indices).branches(prefix).items()
        }
        if self.inputs(parts):
            meter = Meter(INPUT_METER.branch, self.conditions.vdd)
            meters[SourceCurrent(INPUT_METER.name)] = meter
        return meters | self._returned(map(readout_current, self._outputs(parts)))

    def quantities(self, parts: Sequence[Partition]) -> tuple[Quantity, ...]:
        """Return what to observe of parts: currents, voltages of lines, supplies and meters."""
        currents = [probe for part in parts if (probe := self.probe(part))]
        supplies = [*self.supplies(parts), *self.meters(parts)]
        return tuple(
            dict.fromkeys(
                [*currents, *map(Voltage, self.driven_nets(parts)), *self.winners(parts), *supplies]
            )
        )

    def used(self, parts: Sequence[Partition]) -> tuple[str, ...]:
        """Return the nets that parts use and do not have."""
        inner = frozenset(net for part in parts for net in part.nets)
        return tuple(dict.fromkeys(n for part in parts for n in part.uses if n not in inner))

    def inputs(self, parts: Sequence[Partition]) -> dict[int, str]:
        """Return the nets that input currents flow into, by channel."""
        prefix = self.circuit.prefixes[INPUT]
        nets = input_nets(self.circuit)
        return {part.unit: nets[part.unit] for part in parts if part.prefix == prefix}

    def sweep(self, title: str, parts: Sequence[Partition], given: Excitation) -> Deck:
        """Return the deck that takes memoryless parts from frame to frame, each one settled."""
        lines = [f"B{net} {net} 0 v={given.nets[net].table}" for net in self.used(parts)]
        for channel, net in self.inputs(parts).items():
            drive = f"i={given.inputs[channel].table}"
            lines += input_lines(net, INPUT_METER.net, drive, self.pad, "B")
        # A guess at the diodes of the rows: at 0 V no mirror conducts, and Newton's method finds
        # its way to a row of hundreds of them late or not at all.
        start = spice(self.conditions.vdd / 4)
        nets = [net for part in parts for net in part.elements.nets if net.kind == "n"]
        lines += [f".nodeset v({net.name})={start}" for net in nets]
        lines += ["Vframe frame 0 0"]
        sweep = Sweep("Vframe", 0, given.frames - 1, 1, end=given.frames - 1)
        return self._deck(title, parts, lines, sweep)

    def transient(self, title: str, parts: Sequence[Partition], given: Excitation) -> Deck:
        """Return the deck that takes parts through a sample in time."""
        switches = {s.net: s.waveform for s in startup(self.circuit, self.conditions.vdd)}
        used, currents = self.used(parts), self.inputs(parts)
        driven = {net: given.nets[net] for net in used if net not in switches}
        driven |= {net: given.inputs[channel] for channel, net in currents.items()}
        driven = together(driven)
        forms = {net: drive.pwl for net, drive in driven.items()} | switches
        points = {
            at for drive in driven.values() if not drive.still for at in drive.at[:-1].tolist()
        }
        lines = [f"V{net} {net} 0 {forms[net]}" for net in used]
        for net in currents.values():
            lines += input_lines(net, INPUT_METER.net, forms[net], self.pad)
        lines += self._loads(parts)
        analysis = whole_sample(self.circuit, given.frames)
        return self._deck(title, parts, lines, analysis, tuple(sorted(points)))

    def _loads(self, parts: Sequence[Partition]) -> list[str]:
        inside = frozenset(parts)
        loads = []
        for net in self.driven_nets(parts):
            others = (hung for part, hung in self.network.hung[net].items() if part not in inside)
            absent = [gate for hung in others for gate in hung]
            if absent:
                loads.append(f"C{net} {net} 0 {spice(self.load.capacitance(absent))}")
        return loads

    def _outputs(self, parts: Sequence[Partition]) -> list[str]:
        nets, layer = output_nets(self.circuit), self.circuit.readout
        prefix = "" if layer is None else self.circuit.prefix(layer)
        return [nets[part.unit] for part in parts if part.prefix == prefix]

    def _deck(
        self,
        title: str,
        parts: Sequence[Partition],
        lines: list[str],
        analysis: Analysis,
        points: tuple[float, ...] = (),
    ) -> Deck:
        half = spice(self.conditions.vdd / 2)
        elements = [
            line
            for prefix, indices in _by_layer(parts).items()
            for line in self._text(self.statements.layer(prefix, indices).statements(prefix))
        ]
        if self.inputs(parts):
            elements.append(INPUT_METER.statement)
        readout = [f"V{net} {net} 0 {half}" for net in self._outputs(parts)]
        if self.pad is not None:
            leak = spice(self.pad.leakage)
            readout += [f"Ipad_{net} {net} 0 {leak}" for net in self._outputs(parts)]
        body = render_template(
            "block.j2",
            blocks=self.statements.blocks,
            vdd=self.conditions.vdd,
            lines=[*elements, *readout, *lines],
        )
        used = sizes(device for part in parts for device in part.transistors)
        return self.deck(title, body, self.quantities(parts), analysis, used, points)


def _by_layer(parts: Iterable[Partition]) -> dict[str, list[int]]:
    """Return the units of parts by the prefix of their layer."""
    indices: dict[str, list[int]] = {}
    for part in parts:
        indices.setdefault(part.prefix, []).append(part.unit)
    return indices
