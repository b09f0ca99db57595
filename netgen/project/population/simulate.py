"""Run samples through many variants of a build: chips with random deviations, or corners."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from netgen.document import Json, WrongKindError, numbers_at, text_at, texts_at
from netgen.errors import ConfigurationError, SimulationError, UsageError, cannot_write
from netgen.files import remove_scratch, write_whole
from netgen.model import Samples
from netgen.project.folder import OTHER_BIAS
from netgen.project.population.variants import Networks, Population, Variant
from netgen.project.reading import Build, holding
from netgen.project.record import POPULATION, read_json, read_record, rewritten
from netgen.project.runs import recorded_samples, samples_file
from netgen.project.simulate import (
    Finished,
    SimulationChoices,
    chosen_engine,
    holds,
    identity,
    plain_engine,
    pool,
    recorded_facts,
    workbench,
)
from netgen.schema import head
from netgen.simulation import Traces, load_traces, save_traces
from netgen.simulation.engines import Task, run_tasks
from netgen.simulators import key

RECORD = "population.json"
SAMPLES = "samples.npz"
PAGES = ("report.html", "report.json")
"""What :mod:`netgen.project.population.report` writes beside the runs."""


@dataclass(frozen=True)
class Run:
    """One sample in one variant: its files in the folder of a population."""

    folder: Path
    variant: str
    sample: int

    @property
    def traces(self) -> Path:
        """Settled values, once it is simulated."""
        return self.folder / self.variant / f"sample_{self.sample:04d}.npz"

    @property
    def failure(self) -> Path:
        """What went wrong, if it did."""
        return self.folder / self.variant / f"sample_{self.sample:04d}.json"


def engine_of_population(build: Build, choices: SimulationChoices) -> str:
    """Return the engine for many variants, which is that of the nominal circuit.

    Raises
    ------
    UsageError
        The raw result of a sample is asked for.
    """
    if choices.raw:
        raise UsageError("--raw keeps one sample's result; leave it out with many variants")
    return chosen_engine(build, choices)


@holding
def simulate_population(
    build: Build,
    samples: Samples,
    picked: list[int],
    population: Population,
    choices: SimulationChoices,
) -> Iterator[Finished[Run]]:
    """Simulate every sample in every variant and yield each run as it is done.

    Each run's result is in the folder by then, so that after an interruption of any kind the same
    call goes on where it was; runs that failed are tried again. Errors are those of
    :func:`netgen.project.simulate.simulate`.
    """
    choices = choices.scaled(build.model)
    name = engine_of_population(build, choices)
    folder = build.folder.population(population.name)
    nominal = workbench(build, name, choices.edge(build.model))
    nominal = replace(nominal, pad=choices.pad)
    networks = Networks.of(nominal, build)
    technology = nominal.technology
    common: list[object] = [*identity(nominal, name, choices.options)]
    common += [build.digests[OTHER_BIAS[build.options.bias]]]
    common += [technology.mismatch, technology.process]
    variants: tuple[Variant, ...] = population.variants
    circuits = {variant.name: key(*common, variant.identity) for variant in variants}
    described = population.described() | {
        "cases": [variant.name for variant in variants],
        "samples": picked,
        "circuit": build.identity,
        "edited": list(build.edited),
        "circuits": circuits,
        **recorded_facts(name, choices),
    }
    _start(folder, described, samples)
    missing: list[tuple[Variant, Run]] = []
    for variant in variants:
        for sample in picked:
            run = Run(folder, variant.name, sample)
            if holds(run.traces, variant_key(circuits[variant.name], samples, sample)):
                yield Finished(run, fresh=False)
            else:
                run.traces.unlink(missing_ok=True)  # of another circuit, perhaps
                missing.append((variant, run))

    def tasks() -> Iterator[tuple[Run, Task]]:
        for variant, runs in groupby(missing, key=itemgetter(0)):
            bench = variant.bench(nominal, networks)
            engine = plain_engine(name, bench, choices, samples.x.shape[1])
            for _, run in runs:
                yield run, engine.task(variant.stimuli(samples.x[run.sample]), run.sample)

    for run, result in run_tasks(tasks(), pool(choices, technology)):
        technology.check_unchanged()
        run.traces.parent.mkdir(exist_ok=True)
        run_key = variant_key(circuits[run.variant], samples, run.sample)
        if isinstance(result, SimulationError):
            run.traces.unlink(missing_ok=True)
            record = head("failure") | {"kind": result.kind, "message": str(result), "key": run_key}
            write_whole(run.failure, json.dumps(record) + "\n")
            yield Finished(run, failure=result)
            continue
        run.failure.unlink(missing_ok=True)
        save_traces(run.traces, _settled(result), run_key)
        yield Finished(run)


def variant_key(circuit: str, samples: Samples, sample: int) -> str:
    """Return the key of one sample's run in a variant of the circuit, which has a key itself."""
    return key(circuit, samples.x[sample].tobytes())


def _start(folder: Path, described: Mapping[str, object], samples: Samples) -> None:
    """Write the record of a population; pages about another one are no longer true.

    Raises
    ------
    UsageError
        The folder cannot be written.
    """
    data = samples_file(samples)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for scratch in (folder, *folder.glob("c*_*/")):
            remove_scratch(scratch)
        try:
            known = read_record(folder / RECORD, POPULATION)
            same = known["circuits"] == described["circuits"]
            same = same and known["samples"] == described["samples"]
            same = same and text_at(known, "files", SAMPLES) == hashlib.sha256(data).hexdigest()
        except (ConfigurationError, KeyError, WrongKindError):
            same = False
        with rewritten(folder / RECORD, POPULATION) as draft:
            draft.write(SAMPLES, data)
            for name in () if same else PAGES:
                (folder / name).unlink(missing_ok=True)
            draft.content = dict(described)
    except OSError as error:
        raise cannot_write(folder, error) from None


def _settled(traces: Traces) -> Traces:
    """Leave out what happens between the frames: of thousands of runs nobody looks at it."""
    power = replace(traces.power, wave_w=traces.power.wave_w[:0])
    return replace(traces, waves={}, time=np.zeros(0), power=power)


@dataclass(frozen=True, eq=False)
class PopulationRuns:
    """What a folder holds of a population."""

    folder: Path
    described: Mapping[str, Json]  #: What was asked for: its kind, variants, samples, engine…
    variants: tuple[str, ...]
    picked: tuple[int, ...]
    samples: Samples  #: All samples of the file that was simulated.
    circuits: Mapping[str, str]  #: Key of each variant of the circuit, which its runs must be of.
    failures: Mapping[tuple[str, int], str]  #: Class of failure by (variant, sample).

    def traces(self, variant: str, sample: int) -> Traces | None:
        """Return what one run gave; None where it failed or was not simulated yet.

        Raises
        ------
        ConfigurationError
            Its file is damaged.
        """
        run = Run(self.folder, variant, sample)
        if (variant, sample) in self.failures or not run.traces.is_file():
            return None
        traces, stored_key = load_traces(run.traces)
        run_key = variant_key(self.circuits[variant], self.samples, sample)
        return traces if (stored_key, traces.sample) == (run_key, sample) else None


def populations(build: Build) -> list[str]:
    """Return the names of the populations that a build has runs of."""
    records = build.folder.population("").glob(f"*/{RECORD}")
    return sorted(path.parent.name for path in records)


def read_population(build: Build, name: str) -> PopulationRuns:
    """Return the runs of a population.

    Raises
    ------
    ConfigurationError
        There are none, or of another circuit, or the folder is damaged.
    """
    folder = build.folder.population(name)
    described = read_record(folder / RECORD, POPULATION)
    if described.get("circuit") != build.identity:
        problem = "the circuit was built anew, or edited by hand, since; run netgen sim again"
        raise ConfigurationError(str(folder), [problem])
    try:
        variants = texts_at(described, "cases")
        picked = tuple(int(sample) for sample in numbers_at(described, "samples"))
        circuits = {variant: text_at(described, "circuits", variant) for variant in variants}
        samples = recorded_samples(build, folder / SAMPLES, described, POPULATION.hint)
        if not all(0 <= sample < len(samples) for sample in picked):
            raise ValueError(picked)
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError(str(folder), ["is damaged; run netgen sim again"]) from None
    failures: dict[tuple[str, int], str] = {}
    for variant in variants:
        for sample in picked:
            kind = _failure(
                Run(folder, variant, sample), variant_key(circuits[variant], samples, sample)
            )
            failures |= {} if kind is None else {(variant, sample): kind}
    return PopulationRuns(folder, described, variants, picked, samples, circuits, failures)


def _failure(run: Run, run_key: str) -> str | None:
    """Return how a run failed; None where it did not, or where that cannot be told any more."""
    if not run.failure.is_file():
        return None
    try:
        record = read_json(run.failure)
    except ConfigurationError:
        return None
    return str(record.get("kind")) if record.get("key") == run_key else None
