"""Run samples through many variants of a build: chips with random deviations, or corners."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from netgen._version import __version__
from netgen.errors import ConfigurationError, SimulationError, UsageError
from netgen.files import write_whole
from netgen.model import Samples, load_samples
from netgen.project.build import Build
from netgen.project.cases import Case, Population
from netgen.project.folder import read_json
from netgen.project.simulate import (
    SimulationChoices,
    chosen_engine,
    circuit_identity,
    holds,
    identity,
    plain_engine,
    pool,
    workbench,
    write_samples,
)
from netgen.simulation import Traces, key, load_traces, save_traces
from netgen.simulation.engines import Task, run_tasks

RECORD = "population.json"


@dataclass(frozen=True)
class Run:
    """One sample in one variant: its files in the folder of a population."""

    folder: Path
    case: str
    sample: int

    @property
    def traces(self) -> Path:
        """Settled values, once it is simulated."""
        return self.folder / self.case / f"sample_{self.sample:04d}.npz"

    @property
    def failure(self) -> Path:
        """What went wrong, if it did."""
        return self.folder / self.case / f"sample_{self.sample:04d}.json"


@dataclass(frozen=True)
class RunStep:
    """One run done: simulated, taken over from an earlier command, or failed."""

    run: Run
    failure: SimulationError | None = None
    fresh: bool = True


def engine_of_population(build: Build, choices: SimulationChoices) -> str:
    """Return the engine for many variants, which is that of the nominal circuit."""
    if choices.raw:
        raise UsageError("--raw keeps one sample's result; leave it out with many variants")
    return chosen_engine(build, choices)


def simulate_population(
    build: Build,
    samples: Samples,
    picked: list[int],
    population: Population,
    choices: SimulationChoices,
) -> Iterator[RunStep]:
    """Simulate every sample in every variant and yield each run as it is done.

    Each run's result is in the folder by then, so that after an interruption of any kind the same
    call goes on where it was; runs that failed are tried again.

    Raises
    ------
    ToolMissingError
        libngspice or the PDK is missing.
    UsageError
        The folder cannot be written.
    """
    choices = choices.scaled(build.model)
    name = engine_of_population(build, choices)
    folder = build.folder.population(population.name)
    nominal = workbench(build, name, choices.edge(build.model))
    described = population.described() | {
        "cases": [case.name for case in population.cases],
        "samples": picked,
        "engine": name,
        "circuit": circuit_identity(build),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_samples(folder / "samples.npz", samples)
        write_whole(folder / RECORD, json.dumps(described, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror})") from None
    mirrored = build.folder.mirrored_bias
    common: list[object] = [__version__, *identity(nominal, name, choices.options)]
    common += [mirrored] if mirrored.is_file() else []
    cases: tuple[Case, ...] = population.cases
    circuits = [key(*common, case.identity) for case in cases]
    inputs = {sample: samples.x[sample].tobytes() for sample in picked}
    keys: dict[Run, str] = {}
    missing: list[tuple[Case, Run]] = []
    for case, circuit in zip(cases, circuits, strict=True):
        for sample in picked:
            run = Run(folder, case.name, sample)
            keys[run] = key(circuit, inputs[sample])
            if holds(run.traces, keys[run]):
                yield RunStep(run, fresh=False)
            else:
                run.traces.unlink(missing_ok=True)  # of another circuit, perhaps
                missing.append((case, run))

    def tasks() -> Iterator[tuple[Run, Task]]:
        for case, runs in groupby(missing, key=itemgetter(0)):
            bench = case.bench(nominal, build.folder)
            engine = plain_engine(name, bench, choices, samples.x.shape[1])
            for _, run in runs:
                yield run, engine.task(samples.x[run.sample], run.sample)

    for run, result in run_tasks(tasks(), pool(choices)):
        run.traces.parent.mkdir(exist_ok=True)
        if isinstance(result, SimulationError):
            run.traces.unlink(missing_ok=True)
            said = {"kind": result.kind, "message": str(result)}
            write_whole(run.failure, json.dumps(said) + "\n")
            yield RunStep(run, result)
            continue
        run.failure.unlink(missing_ok=True)
        save_traces(run.traces, _settled(result), keys[run])
        yield RunStep(run)


def _settled(traces: Traces) -> Traces:
    """Leave out what happens between the frames: of thousands of runs nobody looks at it."""
    power = replace(traces.power, wave_w=traces.power.wave_w[:0])
    return replace(traces, waves={}, time=np.zeros(0), power=power)


@dataclass(frozen=True, eq=False)
class PopulationRuns:
    """What a folder holds of a population.

    Attributes
    ----------
    described
        What was asked for: its kind, cases, samples, engine…
    samples
        All samples of the file that was simulated.
    failures
        Class of failure by (case, sample).
    """

    folder: Path
    described: Mapping[str, Any]
    cases: tuple[str, ...]
    picked: tuple[int, ...]
    samples: Samples
    failures: Mapping[tuple[str, int], str]

    def traces(self, case: str, sample: int) -> Traces | None:
        """Return what one run gave; None where it failed or was not simulated yet."""
        run = Run(self.folder, case, sample)
        if (case, sample) in self.failures or not run.traces.is_file():
            return None
        return load_traces(run.traces)[0]


def populations(build: Build) -> list[str]:
    """Return the names of the populations that a build has runs of."""
    found = build.folder.population("").glob(f"*/{RECORD}")
    return sorted(path.parent.name for path in found)


def read_population(build: Build, name: str) -> PopulationRuns:
    """Return the runs of a population.

    Raises
    ------
    ConfigurationError
        There are none, or of another circuit.
    """
    folder = build.folder.population(name)
    described = read_json(folder / RECORD)
    if described.get("circuit") != circuit_identity(build):
        problem = "the circuit was built anew since; run netgen sim again"
        raise ConfigurationError(str(folder), [problem])
    try:
        cases = tuple(map(str, described["cases"]))
        picked = tuple(map(int, described["samples"]))
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError(str(folder), ["is damaged; run netgen sim again"]) from None
    failures = {}
    for case in cases:
        for sample in picked:
            path = Run(folder, case, sample).failure
            if path.is_file():
                failures[case, sample] = str(read_json(path).get("kind", "unknown"))
    samples = load_samples(folder / "samples.npz", build.model)
    return PopulationRuns(folder, described, cases, picked, samples, failures)
