"""A technology without model files and a simulator without ngspice, in the place of the real ones.

The simulator reads its stimuli from the deck and answers with the software model's values, so that
everything around it (build, sim, compare, run) can be tried in milliseconds.
"""

from __future__ import annotations

import re
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pwl
import pytest
from fake_technology import (
    NMOS,
    PMOS,
    Floats,
    fake_cells,
    fake_mirrors,
    fake_technology,
    fake_times,
)
from flat_netlist import lines_of

from netgen.analysis import Verification
from netgen.characterise import CellBench, Characterisation
from netgen.circuit import Circuit, build_circuit
from netgen.circuit.blocks.schmitt9 import SchmittTable, SchmittTimes
from netgen.circuit.blocks.schmitt9.block import Schmitt9
from netgen.errors import SimulationError
from netgen.model import Model, evaluate
from netgen.netlist import Quantity
from netgen.netlist.deck import DrainCurrent, SourceCurrent
from netgen.simulators import Job, Waveforms
from netgen.technology import Geometry, Technology

LIBRARY = "".join(
    f".subckt {name} d g s b w=1 l=1\nm0 d g s b {name} w=w l=l\n.ends {name}\n"
    for name in (NMOS, PMOS)
)
PHASES = np.array([0.0, 0.01, 0.1, 0.5, 0.99])


class FakeSimulator:
    """Responds like the software model.

    Attributes
    ----------
    models
        The technology's model file.
    done
        Indices of the samples it was asked to run, in order.
    failing
        Class of failure by sample, for those that shall fail.
    gain
        Factor on everything it answers: what is off by more than the tolerances disagrees.
    interrupt_at
        Sample at which the user presses Ctrl-C.
    """

    def __init__(self, models: Path) -> None:
        self.models = models
        self.done: list[int] = []
        self.decks: dict[int, str] = {}
        self.failing: dict[int, str] = {}
        self.gain = 1.0
        self.interrupt_at: int | None = None
        self.version = "ngspice-0"
        self.model: Model | None = None

    def build_circuit(self, model: Model, unit: Geometry) -> Circuit:
        self.model = model
        return build_circuit(model, unit)

    def run(self, job: Job) -> Waveforms | SimulationError:
        index = int(job.name.split()[-1])
        if index == self.interrupt_at:
            raise KeyboardInterrupt
        self.done.append(index)
        self.decks[index] = job.attempts[0].netlist
        if index in self.failing:
            kind = self.failing[index]
            return SimulationError(kind, f"simulation {job.name} failed ({kind})")
        return self.answer(job)

    def answer(self, job: Job) -> Waveforms:
        lines = lines_of(job.attempts[0].netlist)
        model = self.model
        assert model is not None
        assert job.stop is not None
        frames = round(job.stop / model.frame_period)
        x = np.stack([_input(lines, model, c, frames) for c in range(model.input_size)], axis=1)
        values = evaluate(model, x[None])
        time = ((np.arange(frames)[:, None] + PHASES) * model.frame_period).ravel()
        vectors = {
            name: np.append(np.repeat(_value(each, model, values), len(PHASES)), 0.0) * self.gain
            for each, name in job.names.items()
        }
        return Waveforms(
            np.append(time, job.stop),
            vectors,
            job.attempts[0].label,
            {},
            0.25,
            self.version,
            job.names,
        )


class FakePool:
    """A pool that asks the simulator, one job after the other."""

    def __init__(self, simulator: FakeSimulator, workers: int) -> None:
        assert workers >= 1
        self.simulator, self.workers = simulator, workers
        self.jobs: list[Job] = []

    def put(self, job: Job) -> None:
        self.jobs.append(job)

    def next_result(self) -> tuple[Job, Waveforms | SimulationError]:
        job = self.jobs.pop(0)
        return job, self.simulator.run(job)

    def dismiss(self) -> None:
        self.jobs.clear()


def _input(lines: list[str], model: Model, channel: int, frames: int) -> Floats:
    (line,) = (line for line in lines if line.startswith(f"Ix_{channel}_n "))
    settled = (np.arange(frames) + 0.99) * model.frame_period
    return pwl.at(line.split(maxsplit=3)[3], settled) / model.unit_current


def _value(quantity: Quantity, model: Model, values: dict[str, Floats]) -> Floats:
    """Return the values of a current, A, (frames,)."""
    assert isinstance(quantity, DrainCurrent | SourceCurrent)
    path = quantity.device if isinstance(quantity, DrainCurrent) else quantity.source
    if path == "vvdd":
        return np.full(values["x"].shape[1], -50e-9)
    if "vmeter_" in path:
        return np.zeros(values["x"].shape[1])
    circuit = build_circuit(model, Geometry(1e-6, 1e-6))
    words = {circuit.prefix(layer): layer.node for layer in circuit.layers}
    found = re.match(r"xnet\.x(\w+)\.x\w+_(\d+)\.", path) or re.match(r"v(\w+)_(\d+)_out", path)
    assert found, path
    return values[words[found[1]]][0, :, int(found[2])] * model.unit_current


def bmru_nodes(circuit: Circuit) -> list[str]:
    """Return the nodes whose cells have tables."""
    return [layer.node for layer in circuit.cells if layer.cell.op == "bmru"]


def install(patch: pytest.MonkeyPatch, folder: Path) -> FakeSimulator:
    """Put the fakes in the place of PDK and simulator; ``folder`` takes the PDK's files.

    Reports are written without plots, which take longer than all the rest.
    """
    technology = fake_technology(folder=folder)
    for file in technology.includes:
        (folder / file).write_text("* nothing in it\n")
    (folder / technology.library).write_text(f".lib tt\n{LIBRARY}.endl tt\n")
    simulator = FakeSimulator(folder / technology.library)

    def load(*_: object) -> Technology:
        return fake_technology(folder=folder)  # anew: a technology remembers its files' hash

    # the package has functions of the same names as its modules
    build, simulate = map(import_module, ("netgen.project.build", "netgen.project.simulate"))
    patch.setattr(import_module("netgen.project.options"), "load_technology", load)

    def characterise(bench: CellBench, circuit: Circuit) -> Characterisation:
        mirrors = fake_mirrors(bench.technology, bench.unit, bench.at.vdd)
        return Characterisation(mirrors, cells(bench, circuit))

    def cells(bench: CellBench, circuit: Circuit) -> dict[str, SchmittTable]:
        return dict.fromkeys(bmru_nodes(circuit), fake_cells(bench.unit_current))

    def measured_times(bench: CellBench, circuit: Circuit, _: object) -> dict[str, SchmittTimes]:
        return dict.fromkeys(bmru_nodes(circuit), fake_times(bench.unit_current))

    patch.setattr(build, "characterise", characterise)
    patch.setattr(build, "characterise_diodes", lambda _: None)
    times = import_module("netgen.project.studies.times")
    patch.setattr(times, "characterise_cells", cells)
    patch.setattr(times, "characterise_times", measured_times)
    ramp = np.array([0.0, 0.5, 1.0, 0.5, 0.0])
    patch.setattr(Schmitt9, "curve", lambda *_: (ramp * 1e-9, (ramp > 0.4) * 1e-9))
    patch.setattr(build, "simulator_version", lambda: simulator.version)
    patch.setattr(simulate, "simulator_version", lambda: simulator.version)
    options = import_module("netgen.project.options")
    patch.setattr(options, "build_circuit", simulator.build_circuit)
    patch.setattr(simulate, "LocalPool", partial(FakePool, simulator))
    for module in ("netgen.commands.actions.verify", "netgen.api.actions.verify_folder"):
        patch.setattr(module, lambda *_: Verification((), (), ()))
    patch.setattr("netgen.report.comparison.write.plot_all", lambda *_: [])
    return simulator
