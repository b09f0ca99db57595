"""Run samples through a build's transistors, doing only what is missing or changed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from netgen.circuit import Circuit, build_circuit
from netgen.errors import ConfigurationError, SamplesError, SimulationError, UsageError
from netgen.files import write_whole
from netgen.model import Samples, load_samples
from netgen.netlist import Conditions, SimulatorOptions, probes, testbench
from netgen.project.build import Build, prepare
from netgen.project.folder import Folder, read_json
from netgen.simulation import (
    Attempt,
    Job,
    Waveforms,
    key,
    load_traces,
    run_all,
    save_traces,
    simulator_version,
    write_raw,
)
from netgen.simulation.observe import observe
from netgen.technology import Technology


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
        Also keep ngspice's own ``.raw`` file of each sample.
    options
        Simulator options.
    """

    jobs: int
    timeout: float | None = None
    raw: bool = False
    options: SimulatorOptions = field(default_factory=SimulatorOptions)


@dataclass(frozen=True)
class Step:
    """One sample done: simulated, taken over from an earlier run, or failed."""

    sample: int
    failure: SimulationError | None = None
    fresh: bool = True


@dataclass(frozen=True, eq=False)
class _Bench:
    """All that the decks of a build's samples have in common."""

    circuit: Circuit
    technology: Technology
    conditions: Conditions
    folder: Folder
    netlist_key: str

    def deck(self, options: SimulatorOptions, x: np.ndarray, network: Path, sample: int) -> str:
        title = f"{self.circuit.model.name}, sample {sample}"
        return testbench(self.circuit, self.technology, self.conditions, options, x, network, title)


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
    folder = build.folder
    technology, at, unit = prepare(build.options, folder.path)
    bench = _Bench(
        build_circuit(build.model, unit), technology, at, folder,
        key(folder.netlist.read_text(encoding="utf-8"), technology.digest),
    )  # fmt: skip
    try:
        folder.runs.mkdir(exist_ok=True)
        known = _remember_samples(build, samples)
    except OSError as error:
        raise UsageError(f"{folder.runs} cannot be written ({error.strerror})") from None
    simulator = simulator_version()
    keys = {
        index: key(bench.deck(choices.options, samples.x[index], Path("netlist.cir"), index),
                   bench.netlist_key, simulator)
        for index in picked
    }  # fmt: skip
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
    results = run_all(_jobs(bench, samples, missing, choices), choices.jobs)
    for job, result in results:
        index = int(job.name.rpartition(" ")[2])
        if isinstance(result, SimulationError):
            failures[index] = result.kind
            _write_index(folder, asked, failures)
            yield Step(index, result)
            continue
        _keep(bench, samples, index, result, keys[index], choices.raw)
        yield Step(index)


def _jobs(
    bench: _Bench, samples: Samples, picked: list[int], choices: SimulationChoices
) -> Iterator[Job]:
    model = bench.circuit.model
    vectors = probes(bench.circuit, bench.technology, bench.conditions.vdd).vectors
    frames = samples.x.shape[1]
    timeout = choices.timeout or 60.0 + 3.0 * frames
    network = bench.folder.netlist.resolve()
    for index in picked:
        x = samples.x[index]
        attempts = tuple(
            Attempt(label, bench.deck(options, x, network, index))
            for label, options in choices.options.ladder()
        )
        relative = Path("..") / bench.folder.netlist.name
        write_whole(bench.folder.testbench(index), bench.deck(choices.options, x, relative, index))
        yield Job(f"sample {index}", attempts, vectors, frames * model.frame_period, timeout)


def _keep(
    bench: _Bench, samples: Samples, index: int, result: Waveforms, run_key: str, raw: bool
) -> None:
    model = bench.circuit.model
    where = probes(bench.circuit, bench.technology, bench.conditions.vdd)
    traces = observe(result, where, model, samples.x.shape[1], index)
    if raw:
        write_raw(bench.folder.raw(index), result, f"{model.name}, sample {index}")
    save_traces(bench.folder.traces(index), traces, run_key)


def _is_current(folder: Folder, index: int, run_key: str, raw: bool) -> bool:
    if raw and not folder.raw(index).is_file():
        return False
    try:
        return load_traces(folder.traces(index))[1] == run_key
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


def _identity(build: Build) -> str:
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
    if index.get("circuit") != _identity(build):
        problem = "the circuit was built anew since; run netgen sim again"
        raise ConfigurationError(str(folder.index), [problem])
    try:
        samples = load_samples(folder.samples, build.model)
        failures = {int(sample): str(kind) for sample, kind in index["failures"].items()}
        return Runs(samples, tuple(index["asked"]), failures)
    except (SamplesError, ValueError, KeyError, TypeError, AttributeError):
        problem = "does not fit its samples; run netgen sim again"
        raise ConfigurationError(str(folder.index), [problem]) from None


def _remember_samples(build: Build, samples: Samples) -> Runs:
    """Keep the samples with the runs; other samples or another circuit than before start afresh."""
    folder, circuit = build.folder, _identity(build)
    buffer = io.BytesIO()
    arrays = {"x": samples.x, "id": np.array(samples.ids)}
    if samples.y is not None:
        arrays["y"] = samples.y
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
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
    write_whole(folder.samples, buffer.getvalue())
    start = {"digest": digest, "circuit": circuit, "asked": [], "failures": {}}
    write_whole(folder.index, json.dumps(start) + "\n")
    return known


def _write_index(folder: Folder, asked: list[int], failures: dict[int, str]) -> None:
    index = read_json(folder.index)
    named = {str(sample): kind for sample, kind in sorted(failures.items())}
    write_whole(folder.index, json.dumps(index | {"asked": asked, "failures": named}) + "\n")
