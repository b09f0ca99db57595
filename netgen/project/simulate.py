"""Run samples through a build's transistors, doing only what is missing or changed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from netgen.analysis.bounds import AS_SIZED, VARIED, left_open
from netgen.circuit import build_circuit
from netgen.errors import ConfigurationError, SamplesError, SimulationError, UsageError
from netgen.files import write_whole
from netgen.model import Model, Samples, load_samples
from netgen.model.graph import Floats
from netgen.netlist import GateLoad, SimulatorOptions, Workbench, nominal, testbench
from netgen.netlist.testbench import EDGE
from netgen.project.build import Build, prepare
from netgen.project.folder import Folder, read_json
from netgen.simulation import (
    DaskPool,
    LocalPool,
    Waveforms,
    cache_folder,
    key,
    load_traces,
    run,
    save_traces,
    simulator_version,
    write_raw,
)
from netgen.simulation.engines import (
    AUTO,
    Engine,
    Monolithic,
    Pool,
    Staged,
    Task,
    choose,
    run_tasks,
)
from netgen.simulation.traces import FORMAT
from netgen.sizing import characterise_gates

LEAST_EDGE, LARGEST_EDGE = 1e-4, 0.5
"""What the rise time of an input step may be, as shares of a frame."""


@dataclass(frozen=True)
class SimulationChoices:
    """How to simulate.

    Attributes
    ----------
    jobs
        Transients at a time.
    timeout
        Seconds of wall time allowed for each; None: 60 s and 3 s for every frame.
    raw
        Also keep ngspice's own ``.raw`` file of each sample: the monolithic engine has one.
    engine
        One of :data:`netgen.simulation.engines.ENGINES`, or ``"auto"``.
    scheduler
        Address of a Dask cluster to simulate on; this machine where None.
    options
        Simulator options for a unit current of 1 nA.
    input_edge
        Rise time of an input step, s; None: 1 % of the frame.
    """

    jobs: int
    timeout: float | None = None
    raw: bool = False
    engine: str = AUTO
    scheduler: str | None = None
    options: SimulatorOptions = field(default_factory=SimulatorOptions)
    input_edge: float | None = None

    def scaled(self, model: Model) -> SimulationChoices:
        """Return the choices with simulator options for a model's unit current."""
        return replace(self, options=self.options.scaled(model.unit_current))

    def edge(self, model: Model) -> float:
        """Return the rise time of an input step as a share of a model's frame.

        Raises
        ------
        UsageError
            A frame has no room for it.
        """
        if self.input_edge is None:
            return EDGE
        share = self.input_edge / model.frame_period
        if not LEAST_EDGE <= share <= LARGEST_EDGE:
            first, last = (limit * model.frame_period * 1e3 for limit in (LEAST_EDGE, LARGEST_EDGE))
            raise UsageError(
                f"--input-edge {self.input_edge * 1e3:g}: from {first:g} to {last:g} ms in a frame "
                f"of {model.frame_period * 1e3:g} ms"
            )
        return share


@dataclass(frozen=True)
class Step:
    """One sample done: simulated, taken over from an earlier run, or failed."""

    sample: int
    failure: SimulationError | None = None
    fresh: bool = True


def chosen_engine(build: Build, choices: SimulationChoices) -> str:
    """Return the engine that :func:`simulate` will use.

    Raises
    ------
    UsageError
        It cannot give what was asked for.
    """
    if not choices.raw:
        return choose(choices.engine, int(build.record["devices"]["total"]))
    if choices.engine not in (AUTO, "monolithic"):
        raise UsageError(f"--raw needs --engine monolithic: {choices.engine} has no single result")
    return "monolithic"


def simulate(
    build: Build, samples: Samples, picked: list[int], choices: SimulationChoices
) -> Iterator[Step]:
    """Simulate samples and yield each as it is done; their traces are in the folder by then.

    Parameters
    ----------
    samples
        All samples of the file; ``picked`` are the indices of those to simulate.

    Raises
    ------
    ToolMissingError
        libngspice or the PDK is missing.
    UsageError
        The folder cannot be written.
    """
    folder, choices = build.folder, choices.scaled(build.model)
    name = chosen_engine(build, choices)
    bench = workbench(build, name, choices.edge(build.model))
    try:
        folder.runs.mkdir(exist_ok=True)
        known = _remember_samples(build, samples)
    except OSError as error:
        raise UsageError(f"{folder.runs} cannot be written ({error.strerror})") from None
    common = identity(bench, name, choices.options)
    keys = {
        index: key(_testbench(bench, choices.options, samples, index), *common) for index in picked
    }
    failures: dict[int, str] = {i: kind for i, kind in known.failures.items() if i not in keys}
    asked = sorted({*known.asked, *picked})
    missing = []
    for index in picked:
        if _is_current(folder, index, keys[index], choices.raw):
            yield Step(index, fresh=False)
        else:
            folder.traces(index).unlink(missing_ok=True)
            missing.append(index)
    _write_index(folder, asked, failures)
    engine = _engine(name, bench, folder, samples, choices)
    tasks = _tasks(engine, bench, folder, samples, missing, choices)
    for index, result in run_tasks(tasks, pool(choices)):
        if isinstance(result, SimulationError):
            failures[index] = result.kind
            _write_index(folder, asked, failures)
            yield Step(index, result)
            continue
        save_traces(folder.traces(index), result, keys[index])
        yield Step(index)


def workbench(build: Build, engine: str, edge: float = EDGE) -> Workbench:
    """Return what the decks of a build have in common.

    ``edge`` is the rise time of an input step, as a share of the frame.
    """
    folder = build.folder
    technology, at, unit = prepare(build.options, folder.path)
    network = folder.netlist.read_text(encoding="utf-8")
    load = GateLoad({}, {})
    if engine != "monolithic":
        load = characterise_gates(technology, at, unit, cache_folder(), run)
    circuit = build_circuit(build.model, unit)
    return Workbench(circuit, technology, at, network, str(folder.netlist), load, edge=edge)


def plain_engine(name: str, bench: Workbench, choices: SimulationChoices, frames: int) -> Engine:
    """Return an engine that needs only the workbench, for samples of so many frames."""
    timeout = choices.timeout or 60.0 + 3.0 * frames
    if name == "monolithic":
        return Monolithic(bench, choices.options, timeout)
    varied = bench.shifted or bench.conditions != nominal(bench.technology)
    margins = VARIED if varied else AS_SIZED

    def unseen(x: Floats, frames: Mapping[str, Floats]) -> int:
        return sum(int(o.sum()) for o in left_open(bench.circuit, x, frames, margins).values())

    return Staged(bench, choices.options, timeout, unseen)


def _engine(
    name: str, bench: Workbench, folder: Folder, samples: Samples, choices: SimulationChoices
) -> Engine:
    def keep(index: int, waveforms: Waveforms) -> None:
        title = f"{bench.circuit.model.name}, sample {index}"
        write_raw(folder.raw(index), waveforms, title)

    def ran(index: int, deck: str) -> None:
        write_whole(folder.deck(index), deck)

    plain = plain_engine(name, bench, choices, samples.x.shape[1])
    if not isinstance(plain, Monolithic):
        return plain
    return replace(plain, keep=keep if choices.raw else None, ran=ran)


def pool(choices: SimulationChoices) -> Pool:
    """Return where jobs run."""
    return DaskPool(choices.scheduler) if choices.scheduler else LocalPool(choices.jobs)


def identity(bench: Workbench, engine: str, options: SimulatorOptions) -> tuple[object, ...]:
    """Return what the results of all samples depend on."""
    where = bench.conditions, bench.technology.digest
    what = options, bench.load, bench.network, bench.edge
    return FORMAT, engine, *what, where, simulator_version()


def _tasks(
    engine: Engine,
    bench: Workbench,
    folder: Folder,
    samples: Samples,
    picked: list[int],
    choices: SimulationChoices,
) -> Iterator[tuple[int, Task]]:
    """Start samples one by one; each leaves a testbench that runs it as a whole."""
    for index in picked:
        folder.deck(index).unlink(missing_ok=True)
        write_whole(folder.testbench(index), _testbench(bench, choices.options, samples, index))
        yield index, engine.task(samples.x[index], index)


def _testbench(bench: Workbench, options: SimulatorOptions, samples: Samples, index: int) -> str:
    title = f"{bench.circuit.model.name}, sample {index}"
    where = bench.circuit, bench.technology, bench.conditions
    network = Path("..") / "netlist.cir"
    return testbench(*where, options, samples.x[index], network, title, bench.edge)


def _is_current(folder: Folder, index: int, run_key: str, raw: bool) -> bool:
    return holds(folder.traces(index), run_key) and (not raw or folder.raw(index).is_file())


def holds(path: Path, run_key: str) -> bool:
    """Tell whether a file holds the traces of just this run."""
    try:
        return load_traces(path)[1] == run_key
    except ConfigurationError:
        return False


@dataclass(frozen=True, eq=False)
class Runs:
    """What a folder holds of simulated samples.

    Attributes
    ----------
    samples
        All samples of the file that was simulated.
    asked
        Indices that were asked for so far.
    failures
        Class of failure by index.
    """

    samples: Samples
    asked: tuple[int, ...]
    failures: dict[int, str]


def circuit_identity(build: Build) -> str:
    """Name the circuit of a build: the traces of another do not belong to it."""
    return key(build.folder.netlist.read_text(encoding="utf-8"), build.options)


def read_runs(build: Build) -> Runs:
    """Return the samples a folder was asked to simulate.

    Raises
    ------
    ConfigurationError
        Nothing was simulated yet, or the circuit is not what was simulated.
    """
    folder = build.folder
    if not folder.index.is_file():
        problem = "holds no simulation; run netgen sim first"
        raise ConfigurationError(str(folder.path), [problem])
    index = read_json(folder.index)
    if index.get("circuit") != circuit_identity(build):
        problem = "the circuit was built anew since; run netgen sim again"
        raise ConfigurationError(str(folder.index), [problem])
    try:
        samples = load_samples(folder.samples, build.model)
        failures = {int(sample): str(kind) for sample, kind in index["failures"].items()}
        return Runs(samples, tuple(index["asked"]), failures)
    except (SamplesError, ValueError, KeyError, TypeError, AttributeError):
        problem = "does not fit its samples; run netgen sim again"
        raise ConfigurationError(str(folder.index), [problem]) from None


def write_samples(path: Path, samples: Samples) -> None:
    """Write samples as they are read, see :func:`netgen.model.load_samples`."""
    buffer = io.BytesIO()
    arrays = {"x": samples.x, "id": np.array(samples.ids)}
    if samples.y is not None:
        arrays["y"] = samples.y
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_whole(path, buffer.getvalue())


def _remember_samples(build: Build, samples: Samples) -> Runs:
    """Keep the samples with the runs; other samples or another circuit than before start afresh."""
    folder, circuit = build.folder, circuit_identity(build)
    digest = key(samples.x.tobytes(), samples.x.shape, samples.ids, str(samples.y))
    known = Runs(samples, (), {})
    if folder.index.is_file():
        try:
            index = read_json(folder.index)
            if (index.get("digest"), index.get("circuit")) == (digest, circuit):
                failures = {int(k): str(v) for k, v in index["failures"].items()}
                return Runs(samples, tuple(index["asked"]), failures)
        except (ConfigurationError, KeyError, ValueError, AttributeError):
            pass  # written anew below
    write_samples(folder.samples, samples)
    start = {"digest": digest, "circuit": circuit, "asked": [], "failures": {}}
    write_whole(folder.index, json.dumps(start) + "\n")
    return known


def _write_index(folder: Folder, asked: list[int], failures: dict[int, str]) -> None:
    index = read_json(folder.index)
    named = {str(sample): kind for sample, kind in sorted(failures.items())}
    write_whole(folder.index, json.dumps(index | {"asked": asked, "failures": named}) + "\n")
