"""The deck that runs a sample through the network, and what is observed of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen.circuit import CellLayer, Circuit, Layer
from netgen.circuit.blocks import Probe, relu
from netgen.circuit.netlist import GROUND, SUPPLIES, Device, Instance, Netlist
from netgen.circuit.nets import (
    code_nets,
    input_nets,
    network_ports,
    output_nets,
    start_nets,
    winner_nets,
)
from netgen.netlist.deck import Deck, Quantity, SourceCurrent, Transient, Voltage, drain_current
from netgen.netlist.meters import Meter
from netgen.netlist.models import Conditions
from netgen.netlist.render import render_template
from netgen.technology import Technology
from netgen.units import spice

EDGE = 0.01
"""Rise time of an input step, as a share of the frame, where no other is asked for."""
SETTLED = 0.99
"""Where in a frame its settled value is read."""


@dataclass(frozen=True)
class Probes:
    """Where to find the circuit's answers in a result."""

    #: For every node with a current of its own, that of each unit.
    nodes: Mapping[str, tuple[Quantity, ...]]
    #: Voltage of every source that delivers power, by its current.
    supplies: Mapping[Quantity, float]
    #: Voltage that says a class wins, one each where the chip decides.
    winners: tuple[Quantity, ...] = ()
    #: Currents that take the supplies' power apart; none in a plain testbench.
    meters: Mapping[Quantity, Meter] = field(default_factory=dict)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All that is observed."""
        currents = [current for units in self.nodes.values() for current in units]
        return tuple(dict.fromkeys([*currents, *self.winners, *self.supplies, *self.meters]))


@dataclass(frozen=True)
class Pad:
    """What lies between a pin and the circuit."""

    resistance: float  #: Of the protection, Ω.
    capacitance: float  #: At the pin, F.
    leakage: float = 0.0  #: From the pin to ground, A; below 0 where it flows into the pin.

    def __str__(self) -> str:
        """Return it for people."""
        return (
            f"{self.resistance:g} ohm, {self.capacitance * 1e12:g} pF, "
            f"{self.leakage * 1e12:g} pA of leakage"
        )


def input_lines(net: str, supply: str, drive: str, pad: Pad | None, kind: str = "I") -> list[str]:
    """Return the statements of an input's current, as those of a whole network's testbench.

    Parameters
    ----------
    drive
        What the source gives, as the end of its statement.
    kind
        First letter of the source's name.
    """
    if pad is None:
        return [f"{kind}{net} {supply} {net} {drive}"]
    pin = f"pin_{net}"
    return [
        f"{kind}{net} {supply} {pin} {drive}",
        f"Rpad_{net} {pin} {net} {spice(pad.resistance)}",
        f"Cpad_{net} {pin} 0 {spice(pad.capacitance)}",
        f"Ipad_{net} {pin} 0 {spice(pad.leakage)}",
    ]


@dataclass(frozen=True)
class InputSource:
    """A source of the testbench: the net it drives and its waveform."""

    net: str
    waveform: str


def probe_of(layer: Layer) -> Probe | None:
    """Return the transistor that carries a unit's current."""
    if isinstance(layer, CellLayer):
        return layer.block.probe
    return relu.BLOCK.probe if layer.kind == "relu" else None


def probes(circuit: Circuit, technology: Technology, vdd: float) -> Probes:
    """Return what to observe: diode currents of ReLUs and cells, readout and supply currents."""
    nodes: dict[str, tuple[Quantity, ...]] = {}
    for layer in circuit.layers:
        prefix = circuit.prefix(layer)
        seen = probe_of(layer)
        if seen is not None:
            nodes[layer.node] = tuple(
                drain_current(
                    technology, seen.polarity, f"xnet.x{prefix}.x{prefix}_{unit}", seen.device
                )
                for unit in range(layer.size)
            )
    outputs = tuple(map(readout_current, output_nets(circuit)))
    nodes[READOUT] = outputs or nodes[circuit.model.readout.node]
    supplies: dict[Quantity, float] = {SUPPLY_CURRENT: vdd, **dict.fromkeys(outputs, vdd / 2)}
    return Probes(nodes, supplies, tuple(map(Voltage, winner_nets(circuit))))


def voltages(netlist: Netlist) -> tuple[Voltage, ...]:
    """Return the voltages of all nets of a network in a testbench, those inside blocks too."""
    nets_seen: dict[str, None] = {}
    known = (*SUPPLIES, GROUND)
    for layer in netlist.layers:
        around = {port: f"xnet.{port}" for port in layer.ports}
        around |= {port: port for port in netlist.ports}
        inside = f"xnet.x{layer.prefix}"
        for element in (each for unit in layer.units for each in unit.elements):
            nets = element.terminals if isinstance(element, Device) else element.nets
            inner = (net for net in nets if net not in known)
            nets_seen |= {around.get(net) or f"{inside}.{net}": None for net in inner}
            if isinstance(element, Instance):
                block = netlist.blocks[element.module]
                nets = tuple(net for device in block.devices for net in device.terminals)
                nets_seen |= {f"{inside}.x{element.name}.{net}": None for net in nets
                          if net not in (*block.ports, *known)}  # fmt: skip
    return tuple(map(Voltage, nets_seen))


SUPPLY_CURRENT = SourceCurrent("vvdd")


def readout_current(net: str) -> SourceCurrent:
    """Return the current at the net of a readout."""
    return SourceCurrent(f"v{net}")


READOUT = "(readout)"
"""Key of the readout's currents in :class:`Probes`."""


def testbench(
    circuit: Circuit,
    technology: Technology,
    at: Conditions,
    x: NDArray[np.float64],
    network: Path,
    title: str,
    edge: float = EDGE,  # noqa: PT028  (not a test)
    pad: Pad | None = None,  # noqa: PT028
) -> Deck:
    """Return the deck of one sample.

    Parameters
    ----------
    x
        Inputs in software units, (frames, channels).
    network
        The file that holds the network's subcircuits.
    edge
        Rise time of an input step, as a share of the frame.
    """
    body = f'.include "{network}"\n\n{bench_text(circuit, at, x, edge=edge, pad=pad)}'
    quantities = probes(circuit, technology, at.vdd).quantities
    analysis = whole_sample(circuit, len(x))
    return Deck.at(technology, at, f"Testbench: {title}", body, quantities, analysis)


def whole_sample(circuit: Circuit, frames: int) -> Transient:
    """Return the transient of a sample."""
    period = circuit.model.frame_period
    return Transient(period, frames * period)


def bench_text(
    circuit: Circuit,
    at: Conditions,
    x: NDArray[np.float64],
    input_supply: str = "vdd",
    edge: float = EDGE,
    pad: Pad | None = None,
) -> str:
    """Return the network's instance and its sources for one sample, in plain SPICE.

    Parameters
    ----------
    x
        Inputs of the sample, units, (frames, channels).
    edge
        Rise time of an input step, as a share of the frame.
    pad
        What lies between the pins of inputs and outputs and the circuit, if anything does.
    """
    inputs = input_sources(circuit, x, edge)
    outputs = output_nets(circuit)
    return render_template(
        "stimuli.j2",
        vdd=at.vdd,
        half=at.vdd / 2,
        input_supply=input_supply,
        nets=("vdd", "0", *network_ports(circuit)),
        inputs=inputs,
        outputs=outputs,
        currents=[*(source.net for source in inputs), *outputs],
        pad=pad,
        startup=startup(circuit, at.vdd),
    )


def input_sources(
    circuit: Circuit, x: NDArray[np.float64], edge: float = EDGE
) -> list[InputSource]:
    """Return the currents into the inputs; ``x``: units, (frames, channels)."""
    return [
        InputSource(
            net, staircase(x[:, channel] * circuit.input_current, circuit.model.frame_period, edge)
        )
        for channel, net in enumerate(input_nets(circuit))
    ]


def staircase(values: NDArray[np.float64], period: float, edge: float = EDGE) -> str:
    """Return a piecewise-linear waveform that holds each value, (frames,), for a frame.

    Each step takes a share ``edge`` of a frame, right after the frame begins.
    """
    if np.all(values == values[0]):
        return f"dc {spice(float(values[0]))}"
    points = [(0.0, values[0])]
    for frame in np.flatnonzero(np.diff(values)) + 1:
        points.append((frame * period, values[frame - 1]))
        points.append(((frame + edge) * period, values[frame]))
    return pwl(points)


def release_time(order: int, orders: int, period: float) -> float:
    """Return when the cells of one release order are released, inside the first frame.

    One after another, so that a cell is only released when those below it have settled.
    """
    return 0.6 * period * (order + 1) / max(orders, 3)


def startup(circuit: Circuit, vdd: float) -> list[InputSource]:
    """Return start-up sources, which release cells in order, and the levels of codes."""
    period = circuit.model.frame_period
    sources = []
    for (order, state), name in start_nets(circuit).items():
        on, off = (0.0, vdd) if state else (vdd, 0.0)
        release = release_time(order, circuit.releases, period)
        points = [(0.0, on), (release, on), (release + EDGE * period, off)]
        sources.append(InputSource(name, pwl(points)))
    for layer in circuit.cells:
        levels = code_nets(circuit, layer).items()
        sources += [InputSource(name, f"dc {spice(0.0 if on else vdd)}") for name, on in levels]
    return sources


def pwl(points: Iterable[tuple[float, float]]) -> str:
    """Return a piecewise-linear waveform of (time, value) points, SI."""
    return "pwl(" + " ".join(f"{spice(t)} {spice(float(v))}" for t, v in points) + ")"
