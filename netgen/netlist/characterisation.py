"""Decks of the small circuits that a technology is characterised with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netgen.circuit.blocks import BiasedCell, Step, mirror, modules_of
from netgen.netlist.models import Conditions, SimulatorOptions, models_head
from netgen.netlist.render import drain_current, render, transistors
from netgen.netlist.testbench import pwl
from netgen.netlist.write import Writer
from netgen.technology import Geometry, Polarity, Technology
from netgen.units import spice

ACCURATE = SimulatorOptions(reltol=1e-6, vntol=1e-9, abstol=1e-16, bypass=False)
"""Options for operating points: nothing is spared, they are few."""


@dataclass(frozen=True)
class MirrorUnderTest:
    """A mirror output: which line drives it (1: NMOS-defined, 2: PMOS-defined) and its geometry."""

    line: int
    polarity: Polarity
    geometry: Geometry


@dataclass(frozen=True)
class _Mirror:
    name: str
    net: str
    device: str


@dataclass(frozen=True)
class CellView:
    """What a template writes for one cell: its name, bias currents, nets, instance and output."""

    name: str
    biases: tuple[tuple[str, float], ...]
    inner: tuple[str, ...]
    nets: str
    module: str
    storage: str
    output: str
    waveform: str = ""
    other: str = ""


def cell_view(
    technology: Technology, name: str, cell: BiasedCell, waveform: str = "", **nets: str
) -> CellView:
    """Return the view of a cell under test.

    Parameters
    ----------
    name
        Of its instance after ``Xcell``; all its own nets end with it.
    nets
        Nets of ports by name that have another net than their own.
    """
    block = cell.block
    return CellView(
        name,
        cell.biases,
        block.inner,
        cell.nets(name, **nets),
        block.module,
        f"storage{name}" if block.storage else "",
        drain_current(technology, block.probe.polarity, f"xcell{name}", block.probe.device),
        waveform,
        mirror.TO_N if block.output == "p" else mirror.TO_P,
    )


def block_texts(technology: Technology, unit: Geometry, cells: Iterable[BiasedCell] = ()) -> str:
    """Return the subcircuits that benches of cells take."""
    modules = modules_of(dict.fromkeys(cell.block for cell in cells), technology, unit)
    return Writer(technology).modules(modules.values(), comments=False)


def mirror_vector(index: int) -> str:
    """Return the vector of the drain current of a mirror under test."""
    return f"vm{index}#branch"


def mirror_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    mirrors: Sequence[MirrorUnderTest],
    log_current: tuple[float, float, float],
    drain: tuple[float, float, float],
) -> str:
    """Return the deck that sweeps ln(signal current / A) within a sweep of the drain voltage.

    Both sweeps are (first, last, step).
    """
    write = transistors(technology)
    rails = {"nmos": "vss", "pmos": "vdd"}
    views = []
    for index, tested in enumerate(mirrors):
        gate = f"{tested.polarity[0]}{tested.line}"
        net, rail = f"d{index}", rails[tested.polarity]
        line = write[tested.polarity](f"m{index}", net, gate, rail, tested.geometry)
        views.append(_Mirror(f"m{index}", net, line))
    return render(
        "mirror_characterisation.j2",
        head=models_head(technology, at, ACCURATE),
        vdd=at.vdd,
        unit=unit,
        mirrors=views,
        first=log_current[0],
        last=log_current[1],
        step=log_current[2],
        drain_first=drain[0],
        drain_last=drain[1],
        drain_step=drain[2],
        **write,
    )


def cell_vectors(technology: Technology, index: int, cell: BiasedCell) -> tuple[str, str]:
    """Return the vectors of the current into the storage node and of the output current."""
    return f"vm{index}#branch", cell_view(technology, str(index), cell).output


def cell_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    cells: Sequence[BiasedCell],
    sweep: tuple[float, float, float],
) -> str:
    """Return the deck that sweeps the storage node of several cells: (first, last, step) V."""
    views = [
        cell_view(technology, str(index), cell, candidate="vdd") for index, cell in enumerate(cells)
    ]
    return render(
        "cell_characterisation.j2",
        head=models_head(technology, at, ACCURATE),
        vdd=at.vdd,
        blocks=block_texts(technology, unit, cells),
        cells=views,
        first=sweep[0],
        last=sweep[1],
        step=sweep[2],
    )


def cell_ramp_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    cells: Sequence[BiasedCell],
    ends: Sequence[tuple[float, float]],
    points: int,
) -> str:
    """Return the deck that sweeps candidates from one current to another, A, in so many points."""
    views = [
        cell_view(technology, str(index), cell, f"{spice(low)}+v(part)*{spice(high - low)}")
        for index, (cell, (low, high)) in enumerate(zip(cells, ends, strict=True))
    ]
    step = 1 / (points - 1)
    return render(
        "cell_ramp.j2",
        head=models_head(technology, at, ACCURATE),
        vdd=at.vdd,
        blocks=block_texts(technology, unit, cells),
        cells=views,
        last=1 + step / 4,
        step=step,
    )


def cell_time_deck(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    steps: Sequence[Step],
    edge: float,
    stop: float,
) -> str:
    """Return the deck that shows how cells answer a step of their candidate.

    Parameters
    ----------
    edge, stop
        Duration of the candidates' edge and of the simulation, s.
    """
    smallest = min(step.cell.currents[0] for step in steps)
    views = []
    for index, step in enumerate(steps):
        points = [(0.0, step.before), (edge, step.after), (stop, step.after)]
        views.append(cell_view(technology, str(index), step.cell, pwl(points)))
    return render(
        "cell_times.j2",
        head=models_head(technology, at, SimulatorOptions(abstol=1e-15).scaled(smallest)),
        vdd=at.vdd,
        blocks=block_texts(technology, unit, [step.cell for step in steps]),
        cells=views,
        stop=stop,
    )


def diode_deck(
    technology: Technology, at: Conditions, unit: Geometry, log_current: tuple[float, float, float]
) -> str:
    """Return the deck that sweeps ln(current / A) of an NMOS and a PMOS diode, nets n and p."""
    return render(
        "diode_characterisation.j2",
        head=models_head(technology, at, ACCURATE),
        vdd=at.vdd,
        unit=unit,
        first=log_current[0],
        last=log_current[1],
        step=log_current[2],
        **transistors(technology),
    )


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
) -> str:
    """Return the deck that ramps the gates of devices through :data:`GATE_SWING`."""
    write = transistors(technology)
    views = []
    for index, (polarity, geometry) in enumerate(devices):
        first, last = (at.vdd * share for share in GATE_SWING)
        rail = "vss" if polarity == "nmos" else "vdd"
        if polarity == "pmos":
            first, last = at.vdd - first, at.vdd - last
        net = f"g{index}"
        line = write[polarity](f"m{index}", "drain", net, rail, geometry)
        views.append(_Gate(net, net, line, pwl([(0.0, first), (GATE_TIME, last)])))
    return render(
        "gate_characterisation.j2",
        head=models_head(technology, at, ACCURATE),
        vdd=at.vdd,
        gates=views,
        stop=GATE_TIME,
    )


def gate_vector(index: int) -> str:
    """Return the vector of the current into a gate under test."""
    return f"vg{index}#branch"
