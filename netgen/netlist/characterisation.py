"""Decks of the small circuits that a technology is characterised with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from netgen.circuit import REFERENCE
from netgen.circuit.blocks import (
    BiasedCell,
    Block,
    CandidateStep,
    bias,
    comparator,
    mirror,
    modules_of,
    relu,
    sized_name,
)
from netgen.circuit.blocks.divider import DIVIDER, Divider
from netgen.circuit.blocks.groups import CANDIDATES, CONSTANTS, STATES, X
from netgen.model import INPUT
from netgen.netlist.deck import (
    Deck,
    Quantity,
    SourceCurrent,
    Sweep,
    Transient,
    Voltage,
    drain_current,
)
from netgen.netlist.models import Conditions, SimulatorOptions
from netgen.netlist.render import render_template
from netgen.netlist.testbench import pwl
from netgen.netlist.write import Writer, transistors
from netgen.technology import Geometry, Polarity, Technology
from netgen.units import spice

ACCURATE = SimulatorOptions(reltol=1e-6, vntol=1e-9, abstol=1e-16, bypass=False)
"""Options for operating points: nothing is spared, they are few."""


@dataclass(frozen=True)
class MirrorUnderTest:
    """A mirror output: its gate net (1: NMOS-defined, 2: PMOS-defined) and its geometry."""

    gate_net: int
    polarity: Polarity
    geometry: Geometry

    @property
    def gate(self) -> str:
        """Its gate's net on the bench."""
        return f"{self.polarity[0]}{self.gate_net}"


@dataclass(frozen=True)
class CellView:
    """What a template writes for one cell: its name, bias currents, nets and instance."""

    name: str
    biases: tuple[tuple[str, float, str], ...]
    inner: tuple[str, ...]
    nets: str
    module: str
    storage: str
    waveform: str
    other: str
    diode: str
    to_p: str
    load: float = 0.0


def cell_view(
    name: str, cell: BiasedCell, unit: Geometry, waveform: str = "", **nets: str
) -> CellView:
    """Return the view of a cell under test.

    Parameters
    ----------
    unit
        The unit mirror, with the sizes of groups of devices.
    name
        Of its instance after ``Xcell``; all its own nets end with it.
    nets
        Nets of ports by name that have another net than their own.
    """
    block = cell.block
    diode, to_p = (sized_name(each, CANDIDATES, unit) for each in (relu.DIODE, mirror.TO_P))
    return CellView(
        name,
        tuple((kind, amps, sized_name(bias.DIODE, kind, unit)) for kind, amps in cell.biases),
        block.inner,
        cell.nets(name, **nets),
        block.module,
        f"storage{name}" if block.storages else "",
        waveform,
        sized_name(mirror.TO_N if block.output == "p" else mirror.TO_P, STATES, unit),
        diode,
        to_p,
    )


def block_texts(technology: Technology, unit: Geometry, cells: Iterable[BiasedCell] = ()) -> str:
    """Return the subcircuits that benches of cells take."""
    modules = modules_of(dict.fromkeys(cell.block for cell in cells), technology, unit)
    return Writer(technology).modules(modules.values(), comments=False)


LINE_VOLTAGE = Voltage("n1")
"""Gate voltage of the mirrors under test that an NMOS diode defines."""


def mirror_current(index: int) -> Quantity:
    """Return the drain current of a mirror under test."""
    return SourceCurrent(f"vm{index}")


def mirror_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    mirrors: Sequence[MirrorUnderTest],
    log_current: tuple[float, float, float],
    drain: tuple[float, float, float],
) -> Deck:
    """Return the deck that sweeps ln(signal current / A) within a sweep of the drain voltage.

    Both sweeps are (first, last, step).
    """
    write = transistors(technology)
    rails = {"nmos": "vss", "pmos": "vdd"}
    views = []
    for index, tested in enumerate(mirrors):
        name, net, rail = f"m{index}", f"d{index}", rails[tested.polarity]
        device = write[tested.polarity](name, net, tested.gate, rail, tested.geometry)
        views.append((name, net, device))
    body = render_template(
        "mirror_characterisation.j2", vdd=at.vdd, unit=unit, mirrors=views, **write
    )
    # a nested sweep has no single end: a missing point shows when its result is reshaped
    sweep = Sweep("Vlog", *log_current, Sweep("Vdrain", *drain))
    quantities = (LINE_VOLTAGE, *map(mirror_current, range(len(mirrors))))
    return Deck.at(technology, at, "Characterisation of mirrors", body, quantities, sweep)


def divider_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    unit_current: float,
    divider: Divider,
    log_level: tuple[float, float, float],
) -> tuple[Deck, Quantity]:
    """Return the deck that sweeps ln(input / units) of a divider, and the current out of it.

    Parameters
    ----------
    log_level
        First, last, step.
    """
    elements = (
        f"Bpin vdd pin i={spice(unit_current * divider.ratio)}*exp(v(swept))",
        f"Xdivider pin out vdd vss {DIVIDER}",
        "Vinto out n 0",
        f"Xdiode n vss {sized_name(relu.DIODE, X, unit, INPUT)}",
    )
    body = _bench(technology, at, unit, divider, elements)
    out, sweep = SourceCurrent("vinto"), Sweep("Vswept", *log_level)
    return Deck.at(technology, at, "Characterisation of a divider", body, (out,), sweep), out


def comparator_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    unit_current: float,
    levels: Sequence[float],
    ratio: tuple[float, float, float],
    source: tuple[str, str],
) -> tuple[Deck, tuple[Quantity, ...]]:
    """Return the deck that sweeps the ratio of two currents, and a comparator's output by level.

    Parameters
    ----------
    levels
        Of the first current, units.
    ratio
        Of the second over the first: first, last, step.
    source
        Group and node of the currents' diodes.
    """
    reference = sized_name(relu.DIODE, CONSTANTS, unit, REFERENCE)
    group, node = source
    diode, to_p = (sized_name(each, group, unit, node) for each in (relu.DIODE, mirror.TO_P))
    elements = [f"Iref vdd ref {spice(unit_current)}", f"Xref ref vss {reference}"]
    for n, level in enumerate(levels):
        elements += [
            f"I{n} vdd a{n} {spice(level * unit_current)}",
            f"Xa{n} a{n} vss {diode}",
            f"Xp{n} a{n} p{n} vdd vss {to_p}",
            f"B{n} vdd b{n} i={spice(level * unit_current)}*v(swept)",
            f"Xb{n} b{n} vss {diode}",
            f"Xc{n} p{n} b{n} ref first{n} second{n} vdd vss {comparator.COMPARATOR}",
        ]
    body = _bench(technology, at, unit, comparator.BLOCK, elements)
    outputs = tuple(Voltage(f"first{n}") for n in range(len(levels)))
    title = "Characterisation of comparators"
    return Deck.at(technology, at, title, body, outputs, Sweep("Vswept", *ratio)), outputs


def _bench(
    technology: Technology, at: Conditions, unit: Geometry, block: Block, elements: Iterable[str]
) -> str:
    """Return a body with a block's subcircuits, the supply, and a voltage that is swept."""
    blocks = Writer(technology).modules(
        modules_of([block], technology, unit).values(), comments=False
    )
    supplies = f"Vvdd vdd 0 {spice(at.vdd)}", "Vvss vss 0 0", "Vswept swept 0 0"
    return "\n".join((blocks, *supplies, *elements))


def cell_currents(
    technology: Technology, index: int, cell: BiasedCell
) -> tuple[Quantity, Quantity]:
    """Return the current into the storage node and the output current of a cell under test."""
    return SourceCurrent(f"vm{index}"), cell_output(technology, str(index), cell)


def cell_output(technology: Technology, name: str, cell: BiasedCell) -> Quantity:
    """Return the output current of a cell under test, see :func:`cell_view`."""
    probe = cell.block.probe
    return drain_current(technology, probe.polarity, f"xcell{name}", probe.device)


def cell_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    cells: Sequence[BiasedCell],
    sweep: tuple[float, float, float],
) -> Deck:
    """Return the deck that sweeps the storage node of several cells: (first, last, step) V."""
    body = render_template(
        "cell_characterisation.j2",
        vdd=at.vdd,
        blocks=block_texts(technology, unit, cells),
        cells=[cell_view(str(i), cell, unit, candidate="vdd") for i, cell in enumerate(cells)],
    )
    pairs = (cell_currents(technology, index, cell) for index, cell in enumerate(cells))
    analysis = Sweep("Vstore", *sweep, end=at.vdd)
    where = technology, at, "Characterisation of cells"
    return Deck.at(*where, body, tuple(chain.from_iterable(pairs)), analysis)


def cell_ramp_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    cells: Sequence[BiasedCell],
    ends: Sequence[tuple[float, float]],
    points: int,
) -> Deck:
    """Return the deck that sweeps candidates from one current to another, A, in so many points."""
    views = [
        cell_view(str(index), cell, unit, f"{spice(low)}+v(part)*{spice(high - low)}")
        for index, (cell, (low, high)) in enumerate(zip(cells, ends, strict=True))
    ]
    blocks = block_texts(technology, unit, cells)
    body = render_template("cell_ramp.j2", vdd=at.vdd, blocks=blocks, cells=views)
    outputs = tuple(cell_output(technology, str(i), cell) for i, cell in enumerate(cells))
    step = 1 / (points - 1)
    sweep = Sweep("Vpart", 0.0, 1 + step / 4, step, end=1.0)
    return Deck.at(technology, at, "Characterisation of cells: ramps", body, outputs, sweep)


def cell_time_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    steps: Sequence[CandidateStep],
    edge: float,
    stop: float,
) -> Deck:
    """Return the deck that shows how cells answer a step of their candidate.

    Parameters
    ----------
    edge, stop
        Duration of the candidates' edge and of the simulation, s.
    """
    views = []
    for index, step in enumerate(steps):
        points = [(0.0, step.before), (edge, step.after), (stop, step.after)]
        view = cell_view(str(index), step.cell, unit, pwl(points))
        views.append(replace(view, load=step.load))
    blocks = block_texts(technology, unit, [step.cell for step in steps])
    body = render_template("cell_times.j2", vdd=at.vdd, blocks=blocks, cells=views)
    outputs = tuple(cell_output(technology, str(i), step.cell) for i, step in enumerate(steps))
    where = technology, at, "Characterisation of the time cells take"
    return Deck.at(*where, body, outputs, Transient(stop / 1000, stop), (edge,))


def cell_time_options(steps: Sequence[CandidateStep]) -> SimulatorOptions:
    """Return simulator options for :func:`cell_time_deck`."""
    smallest = min(step.cell.currents[0] for step in steps)
    return SimulatorOptions(abstol=1e-15).scaled(smallest)


def diode_deck(
    technology: Technology, at: Conditions, unit: Geometry, log_current: tuple[float, float, float]
) -> Deck:
    """Return the deck that sweeps ln(current / A) of diodes, see :data:`DIODE_VOLTAGES`."""
    body = render_template(
        "diode_characterisation.j2", vdd=at.vdd, unit=unit, **transistors(technology)
    )
    first, last, step = log_current
    end = first + round((last - first) / step - 0.25) * step
    sweep = Sweep("Vlog", *log_current, end=end)
    where = technology, at, "Characterisation of diodes"
    return Deck.at(*where, body, tuple(DIODE_VOLTAGES.values()), sweep)


DIODE_VOLTAGES: Mapping[Polarity, Quantity] = {"nmos": Voltage("n"), "pmos": Voltage("p")}
"""Voltages of the nets of diodes against ground."""


@dataclass(frozen=True)
class _Gate:
    name: str
    net: str
    device: str
    waveform: str


GATE_SWING = (0.15, 0.3)
"""Between these shares of the supply a gate is in subthreshold."""
GATE_TIME = 1e-3
"""How long the swing takes, s."""


def gate_deck(
    technology: Technology, at: Conditions, devices: Sequence[tuple[Polarity, Geometry]]
) -> Deck:
    """Return the deck that ramps the gates of devices through :data:`GATE_SWING`."""
    write = transistors(technology)
    views = []
    for index, (polarity, geometry) in enumerate(devices):
        first, last = (at.vdd * share for share in GATE_SWING)
        rail = "vss" if polarity == "nmos" else "vdd"
        if polarity == "pmos":
            first, last = at.vdd - first, at.vdd - last
        net = f"g{index}"
        device = write[polarity](f"m{index}", "drain", net, rail, geometry)
        views.append(_Gate(net, net, device, pwl([(0.0, first), (GATE_TIME, last)])))
    body = render_template("gate_characterisation.j2", vdd=at.vdd, gates=views)
    quantities = tuple(gate_current(index) for index in range(len(devices)))
    analysis = Transient(GATE_TIME / 100, GATE_TIME)
    return Deck.at(technology, at, "Characterisation of gates", body, quantities, analysis)


def gate_current(index: int) -> Quantity:
    """Return the current into a gate under test."""
    return SourceCurrent(f"vg{index}")
