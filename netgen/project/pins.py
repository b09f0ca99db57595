"""Currents at a tile's pins: the circuit as drawn, with its wires and pads, simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from netgen.circuit.nets import output_nets
from netgen.circuit.wires import with_wires
from netgen.errors import InputError
from netgen.model.graph import Floats
from netgen.netlist.partition import Network
from netgen.netlist.testbench import Pad
from netgen.netlist.workbench import GateLoad, Workbench
from netgen.project.layout import layout_inputs
from netgen.project.reading import Build, prepared
from netgen.project.runs import read_runs
from netgen.project.simulate import SimulationChoices, plain_engine
from netgen.simulation.engines import run_tasks
from netgen.simulators import LocalPool


@dataclass(frozen=True)
class PinCurrents:
    """Currents of the simulated sample of a build whose inputs change most, at the pins."""

    forced: Floats  #: Into the inputs, A, (frames, channels).
    #: Out of the outputs into half the supply, A, (frames, outputs), by net.
    expected: Mapping[str, Floats]


def pin_currents(build: Build, wires: Mapping[str, float], pad: Pad) -> PinCurrents | None:
    """Simulate the sample whose inputs change most through pads, its biases mirrored.

    None where no sample was simulated yet. The reference comes from a source on the chip.

    Parameters
    ----------
    wires
        Capacitance of every net, F, as extracted.

    Raises
    ------
    SimulationError
        The simulation failed.
    """
    try:
        runs = read_runs(build)
    except InputError:
        return None
    done = [i for i in runs.asked if i not in runs.failures and runs.holds(i)]
    if not done:
        return None
    sample = max(done, key=lambda i: float(np.abs(np.diff(runs.samples.x[i], axis=0)).sum()))
    x = runs.samples.x[sample]
    network, technology, _ = layout_inputs(build)
    _, at, unit = prepared(build)
    circuit = replace(build.options, bias="mirrored").circuit(build.model, unit)
    drawn = Network(with_wires(network, wires), technology)
    bench = Workbench(circuit, technology, at, drawn, GateLoad({}, {}), pad=pad)
    engine = plain_engine("monolithic", bench, SimulationChoices(1), len(x))
    ((_, traces),) = run_tasks([(0, engine.task(x, sample))], LocalPool(1))
    if isinstance(traces, Exception):
        raise traces
    node, unit_current = build.model.readout.node, build.model.unit_current
    currents = traces.frames[node].T * unit_current
    outputs = dict(zip(output_nets(circuit), currents, strict=False))
    return PinCurrents(x * circuit.input_current, outputs)
