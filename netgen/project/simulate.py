"""Run samples through a build's transistors, doing only what is missing or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from netgen._version import __version__
from netgen.analysis.comparison.bounds import AS_SIZED, VARIED, left_open
from netgen.characterise import characterise_gates
from netgen.circuit.wires import with_wires
from netgen.errors import ConfigurationError, SimulationError, UsageError, cannot_write
from netgen.files import remove_scratch, write_whole
from netgen.model import Model, Samples
from netgen.model.graph import Floats
from netgen.netlist import GateLoad, Network, SimulatorOptions, Workbench, nominal, testbench
from netgen.netlist.testbench import EDGE, Pad
from netgen.project.build import bench_of
from netgen.project.design import read_netlist
from netgen.project.folder import Folder
from netgen.project.reading import Build, holding, prepared
from netgen.project.runs import start_runs, write_runs
from netgen.simulation import load_traces, save_traces
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
from netgen.simulators import (
    DaskPool,
    LocalPool,
    Requirements,
    Waveforms,
    chosen_simulator,
    key,
    required_versions,
    simulator_version,
)
from netgen.technology import Technology

LEAST_EDGE, LARGEST_EDGE = 1e-4, 0.5
"""What the rise time of an input step may be, as shares of a frame."""
_Run = TypeVar("_Run")


@dataclass(frozen=True)
class SimulationChoices:
    """How to simulate."""

    jobs: int  #: Transients at a time.
    #: Seconds of wall time allowed for each; None: 60 s and 3 s for every frame.
    timeout: float | None = None
    #: Also keep ngspice's own ``.raw`` file of each sample: the monolithic engine has one.
    raw: bool = False
    nodes: bool = False  #: Let that file hold the voltage of every net, too.
    engine: str = AUTO  #: One of :data:`netgen.simulation.engines.ENGINES`, or ``"auto"``.
    #: Address of a Dask cluster to simulate on; this machine where None.
    scheduler: str | None = None
    #: Simulator options for a unit current of 1 nA.
    options: SimulatorOptions = field(default_factory=SimulatorOptions)
    input_edge: float | None = None  #: Rise time of an input step, s; None: 1 % of the frame.
    pad: Pad | None = None  #: Through which inputs come; None: straight into their diodes.

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
class Finished(Generic[_Run]):
    """A run that is done: simulated, taken over from an earlier command, or failed."""

    run: _Run  #: Index of a sample in the nominal circuit, or a run of a variant.
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
        return choose(choices.engine, build.transistors)
    simulator = chosen_simulator()
    if "raw" not in simulator.capabilities:
        raise UsageError(f"--raw, --nodes: {simulator.name} has no waveform files of its own")
    if choices.engine not in (AUTO, "monolithic"):
        raise UsageError(
            f"--raw and --nodes need --engine monolithic: {choices.engine} has no single result"
        )
    return "monolithic"


@holding
def simulate(
    build: Build, samples: Samples, picked: list[int], choices: SimulationChoices
) -> Iterator[Finished[int]]:
    """Simulate samples and yield each as it is done; their traces are in the folder by then.

    Parameters
    ----------
    samples
        All samples of the file; ``picked`` are the indices of those to simulate.

    Raises
    ------
    ToolMissingError
        The simulator or the PDK is missing.
    UsageError
        The folder cannot be written, or ngspice cannot place the network as one circuit.
    """
    folder, choices = build.folder, choices.scaled(build.model)
    remove_scratch(folder.runs)
    name = chosen_engine(build, choices)
    bench = workbench(build, name, choices.edge(build.model))
    if name == "monolithic" and chosen_simulator().name == "ngspice":
        bench.network.check_placeable()
    bench = replace(bench, nodes=choices.nodes, pad=choices.pad)
    common = identity(bench, name, choices.options)
    keys = {
        index: key(_testbench(bench, choices.options, samples, index, folder), *common)
        for index in picked
    }
    facts = recorded_facts(name, choices)
    try:
        runs = start_runs(build, samples, keys, facts)
    except OSError as error:
        raise cannot_write(folder.runs, error) from None
    failures = dict(runs.failures)
    missing = []
    for index in picked:
        if _is_current(folder, index, keys[index], choices.raw):
            yield Finished(index, fresh=False)
        else:
            folder.traces(index).unlink(missing_ok=True)
            missing.append(index)
    engine = _engine(name, bench, folder, samples, choices)
    tasks = _tasks(engine, bench, folder, samples, missing, choices)
    for index, result in run_tasks(tasks, pool(choices, bench.technology)):
        bench.technology.check_unchanged()
        if isinstance(result, SimulationError):
            failures[index] = result.kind
            write_runs(build, replace(runs, failures=failures), facts)
            yield Finished(index, failure=result)
            continue
        save_traces(folder.traces(index), result, keys[index])
        yield Finished(index)


def recorded_facts(engine: str, choices: SimulationChoices) -> dict[str, object]:
    """Return what a record says of how samples were simulated."""
    return {
        "engine": engine,
        "options": asdict(choices.options),
        "input_edge": choices.input_edge,
        "pads": None if choices.pad is None else str(choices.pad),
        "simulator": simulator_version(),
        "netgen": __version__,
    }


def workbench(build: Build, engine: str, edge: float = EDGE) -> Workbench:
    """Return what the decks of a build have in common.

    ``edge`` is the rise time of an input step, as a share of the frame.
    """
    technology, at, unit = prepared(build)
    netlist = read_netlist(build, technology)
    if build.wires is not None:
        netlist = with_wires(netlist, build.wires.capacitances)
    network = Network(netlist, technology)
    load = GateLoad({}, {})
    if engine != "monolithic":
        load = characterise_gates(bench_of(technology, at, unit, build.model.unit_current))
    circuit = build.options.circuit(build.model, unit)
    return Workbench(circuit, technology, at, network, load, edge=edge)


def plain_engine(name: str, bench: Workbench, choices: SimulationChoices, frames: int) -> Engine:
    """Return an engine that needs only the workbench, for samples of so many frames."""
    timeout = choices.timeout or 60.0 + 3.0 * frames
    if name == "monolithic":
        return Monolithic(bench, choices.options, timeout)
    varied = bench.shifts is not None or bench.conditions != nominal(bench.technology)
    margins = VARIED if varied else AS_SIZED

    def unseen(x: Floats, frames: Mapping[str, Floats]) -> int:
        return sum(int(o.sum()) for o in left_open(bench.circuit, x, frames, margins).values())

    return Staged(bench, choices.options, timeout, unseen)


def _engine(
    name: str, bench: Workbench, folder: Folder, samples: Samples, choices: SimulationChoices
) -> Engine:
    def keep(index: int, waveforms: Waveforms) -> None:
        title = f"{bench.circuit.model.name}, sample {index}"
        chosen_simulator().write_raw(folder.raw(index), waveforms, title)

    def ran(index: int, deck: str) -> None:
        write_whole(folder.deck(index), deck)

    plain = plain_engine(name, bench, choices, samples.x.shape[1])
    if not isinstance(plain, Monolithic):
        return plain
    return replace(plain, keep=keep if choices.raw else None, ran=ran)


def pool(choices: SimulationChoices, technology: Technology) -> Pool:
    """Return where jobs run; other machines must have the same model files and tools."""
    if not choices.scheduler:
        return LocalPool(choices.jobs)
    files = tuple((str(file.path), file.sha256) for file in technology.read)
    return DaskPool(choices.scheduler, Requirements(files, required_versions()))


def identity(bench: Workbench, engine: str, options: SimulatorOptions) -> tuple[object, ...]:
    """Return what the results of all samples depend on."""
    where = bench.conditions, bench.technology.digest
    what = options, bench.load, bench.network.identity, bench.edge, bench.pad
    return __version__, FORMAT, engine, *what, where, simulator_version()


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
        bench_text = _testbench(bench, choices.options, samples, index, folder)
        write_whole(folder.testbench(index), bench_text)
        yield index, engine.task(samples.x[index], index)


def _testbench(
    bench: Workbench, options: SimulatorOptions, samples: Samples, index: int, folder: Folder
) -> str:
    title = f"{bench.circuit.model.name}, sample {index}"
    where = bench.circuit, bench.technology, bench.conditions
    deck = testbench(*where, samples.x[index], folder.body, title, bench.edge, bench.pad)
    deck = replace(deck, quantities=(*deck.quantities, *bench.voltages))
    return chosen_simulator().netlister.text(deck, options)


def _is_current(folder: Folder, index: int, run_key: str, raw: bool) -> bool:
    return holds(folder.traces(index), run_key) and (not raw or folder.raw(index).is_file())


def holds(path: Path, run_key: str) -> bool:
    """Tell whether a file holds the traces of just this run."""
    try:
        return load_traces(path)[1] == run_key
    except ConfigurationError:
        return False
