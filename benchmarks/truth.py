"""Does an engine say what the whole circuit does? Each against a reference run, state by state.

    python benchmarks/truth.py MODEL.json SAMPLES.npz               the nominal circuit
    python benchmarks/truth.py MODEL.json SAMPLES.npz --chips 20    chips with mismatch
    python benchmarks/truth.py --random 10                          random networks

The reference is the network as one circuit, simulated with another integration method, tight
options, a small largest step and without bypass; samples in which an engine disputes it are
simulated once more with tighter ones. References are kept by the digest of all they depend on
(``--keep``), so that a second run takes only the engines' own time.

A state is *called equal, differs* where the engine shows the software model's state and the
reference does not, and *called different, equal* the other way round. CPU seconds include all
overhead and are those of this machine; compare them with each other only.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from netgen.model import Model, Samples, decide, evaluate, load_model, load_samples, pick_indices
from netgen.model.random import random_model
from netgen.netlist import SimulatorOptions, Workbench
from netgen.project import (
    Build,
    BuildOptions,
    SimulationChoices,
    build,
    read_build,
    read_runs,
    simulate,
)
from netgen.project.population.simulate import Run, read_population, simulate_population
from netgen.project.population.variants import MonteCarlo, Networks
from netgen.project.simulate import workbench
from netgen.simulation import Traces
from netgen.simulation.engines import AUTO, Monolithic, run_tasks
from netgen.simulators import (
    LocalPool,
    cache_folder,
    cached_arrays,
    chosen_simulator,
    key,
    simulator_version,
)
from netgen.technology import Variation

TIGHT = SimulatorOptions(reltol=1e-4, method="trap", bypass=False)
TIGHTER = replace(TIGHT, reltol=1e-5, vntol=1e-6, chgtol=1e-16)
STEP, SMALLER_STEP = 0.05, 0.01
"""Largest time steps, as shares of a frame."""
TIMEOUT = 3600.0


@dataclass(frozen=True, eq=False)
class Answer:
    """Settled values by node, (frames, units), the CPU seconds they took, states not seen."""

    frames: dict[str, NDArray[np.float64]]
    cpu_s: float
    unseen: int = 0


def reference(bench: Workbench, x: NDArray[np.float64], keep: Path, tighter: bool) -> Answer:
    """Simulate one sample as one circuit, or take it from the folder of references."""
    model = bench.circuit.model
    options = TIGHTER if tighter else TIGHT
    share = SMALLER_STEP if tighter else STEP
    options = replace(options.scaled(model.unit_current), max_step=share * model.frame_period)

    def compute() -> dict[str, NDArray[np.float64]]:
        engine = Monolithic(bench, options, TIMEOUT)
        ((_, traces),) = run_tasks([(0, engine.task(x, 0))], LocalPool(1))
        if not isinstance(traces, Traces):
            raise traces
        return {**traces.frames, "(cpu)": np.array(traces.cpu_s)}

    deck = chosen_simulator().netlister.text(bench.whole("reference", x), options)
    lines = [line for line in deck.splitlines() if not line.startswith("*")]
    identity = key("reference", lines, bench.technology.digest, simulator_version())
    found = cached_arrays(keep, identity, compute)
    return Answer({n: v for n, v in found.items() if n != "(cpu)"}, float(found["(cpu)"]))


@dataclass
class Tally:
    """Counts over samples."""

    states: int = 0
    truly: int = 0
    """States in which the reference differs from software."""
    said: int = 0
    """States in which the engine does."""
    equal_differs: int = 0
    different_equal: int = 0
    decisions: int = 0
    unseen: int = 0
    samples: int = 0
    cpu_s: float = 0.0
    reference_cpu_s: float = 0.0
    error: list[float] = field(default_factory=list)

    def add(self, model: Model, x: NDArray[np.float64], engine: Answer, truth: Answer) -> None:
        """Count one sample."""
        software = evaluate(model, x[np.newaxis])
        soft, shown, true = (
            states(model, values)
            for values in ({n: v[0] for n, v in software.items()}, engine.frames, truth.frames)
        )
        self.states += soft.size
        self.truly += int((true != soft).sum())
        self.said += int((shown != soft).sum())
        self.equal_differs += int(((shown == soft) & (true != soft)).sum())
        self.different_equal += int(((shown != soft) & (true == soft)).sum())
        readout = model.readout
        logits = [answer.frames[readout.node][np.newaxis] for answer in (engine, truth)]
        self.decisions += int((decide(readout, logits[0]) != decide(readout, logits[1]))[0])
        same = (shown == true).all(axis=1)
        span = max(float(np.ptp(software[readout.node])), 1e-30)
        self.error.append(float(np.abs(logits[0] - logits[1])[0, same].max(initial=0.0)) / span)
        self.unseen += engine.unseen
        self.samples += 1
        self.cpu_s += engine.cpu_s
        self.reference_cpu_s += truth.cpu_s

    def line(self, name: str) -> str:
        """Write a row of the table."""
        count = max(self.samples, 1)
        cells = (
            name, self.samples, self.states, self.truly, self.said, self.equal_differs,
            self.different_equal, self.decisions, self.unseen, f"{max(self.error, default=0):.2%}",
            f"{self.cpu_s / count:.2f}", f"{self.reference_cpu_s / count:.2f}",
        )  # fmt: skip
        return "| " + " | ".join(map(str, cells)) + " |"


HEADER = (
    "| engine | samples | states | truly differ | said to differ | called equal, differ | called "
    "different, equal | decisions unlike the reference | states not looked at | largest logit "
    "error where states are equal | CPU s a sample | reference |\n" + "|---" * 12 + "|"
)


def states(model: Model, values: dict[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Return all states of a sample, (frames, units)."""
    parts = [values[cell.name] > cell.level / 2 for cell in model.cells]
    return np.concatenate(parts, axis=1)


@dataclass(frozen=True, eq=False)
class Case:
    """A circuit and the samples that it is to be judged on."""

    name: str
    bench: Workbench
    samples: Samples
    picked: Sequence[int]
    answers: dict[str, dict[int, Answer]]


def answer(traces: Traces, overhead: float) -> Answer:
    """Return what an engine said of a sample."""
    return Answer(dict(traces.frames), traces.cpu_s + overhead, traces.unseen)


def nominal(made: Build, samples: Samples, picked: list[int], engines: Sequence[str]) -> Case:
    """Simulate samples in the circuit as it was built, by each engine."""
    answers: dict[str, dict[int, Answer]] = {}
    for engine in engines:
        choices = SimulationChoices(jobs=1, engine=engine)
        own = time.process_time()
        for step in simulate(made, samples, picked, choices):
            if step.failure is not None:
                raise step.failure
        overhead = (time.process_time() - own) / max(len(picked), 1)
        runs = read_runs(made)
        answers[engine] = {i: answer(runs.traces(i), overhead) for i in picked}
    return Case("nominal", workbench(made, "monolithic"), samples, picked, answers)


def chips(
    made: Build, samples: Samples, picked: list[int], engines: Sequence[str], count: int
) -> Iterator[Case]:
    """Simulate samples in chips whose transistors deviate."""
    population = MonteCarlo(Variation(1, mismatch=True, process=False), count)
    bench = workbench(made, "monolithic")
    answers: dict[str, dict[str, dict[int, Answer]]] = {}
    for engine in engines:
        choices = SimulationChoices(jobs=1, engine=engine)
        own = time.process_time()
        done: list[Run] = []
        for step in simulate_population(made, samples, picked, population, choices):
            if step.failure is not None:
                raise step.failure
            done.append(step.run)
        overhead = (time.process_time() - own) / max(len(done), 1)
        known = read_population(made, population.name)
        for run in done:
            traces = known.traces(run.variant, run.sample)
            assert traces is not None, f"{run.traces} is not of this run"
            found = answer(traces, overhead)
            answers.setdefault(run.variant, {}).setdefault(engine, {})[run.sample] = found
    networks = Networks.of(bench, made)
    for chip in population.variants:
        of_chip = answers.get(chip.name, {})
        yield Case(chip.name, chip.bench(bench, networks), samples, picked, of_chip)


def judge(cases: Iterator[Case] | Sequence[Case], keep: Path, tallies: dict[str, Tally]) -> None:
    """Compare every answer with the reference; name what is wrong."""
    for case in cases:
        model = case.bench.circuit.model
        for index in case.picked:
            x = case.samples.x[index]
            truth = reference(case.bench, x, keep, tighter=False)
            found = {engine: of[index] for engine, of in case.answers.items()}
            first = states(model, truth.frames)
            if any((states(model, each.frames) != first).any() for each in found.values()):
                cpu_s = truth.cpu_s
                truth = replace(reference(case.bench, x, keep, tighter=True), cpu_s=cpu_s)
            for engine, said in found.items():
                tallies.setdefault(engine, Tally()).add(model, x, said, truth)
                wrong = np.argwhere(states(model, said.frames) != states(model, truth.frames))
                for frame, unit in wrong.tolist():
                    print(f"  {engine}: {model.name}, {case.name}, sample {index}: frame {frame}, "
                          f"state {unit}", flush=True)  # fmt: skip


def networks(first: int, count: int) -> Iterator[tuple[Model, Samples]]:
    """Draw networks of four to eight units in one to three layers."""
    for seed in range(first, first + count):
        state, layers = 4 + seed % 5, 1 + seed % 3
        yield random_model(seed, state=state, layers=layers, classes=3, samples=1)


@click.command()
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.argument("samples", type=click.Path(path_type=Path), required=False)
@click.option("--samples", "picked", help="Which samples, such as 0:10.")
@click.option("--engines", default=AUTO, show_default=True, help="Separated by commas.")
@click.option("--chips", "count", type=int, default=0, help="Chips with mismatch.")
@click.option("--random", "drawn", type=int, default=0, help="Random networks, no MODEL.")
@click.option("--first", type=int, default=1, show_default=True, help="Seed of the first of them.")
@click.option("--pdk", help="The technology.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder of references.")
def main(
    model: Path | None,
    samples: Path | None,
    picked: str | None,
    engines: str,
    count: int,
    drawn: int,
    first: int,
    pdk: str | None,
    keep: Path | None,
) -> None:
    """Print how each engine's states compare with the reference."""
    kept = keep or cache_folder() / "reference"
    named = [name for name in engines.split(",") if name]
    if drawn:
        todo = list(networks(first, drawn))
    elif model and samples:
        read = load_model(model)
        todo = [(read, load_samples(samples, read))]
    else:
        raise click.UsageError("name MODEL and SAMPLES, or --random N")
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (network, inputs) in enumerate(todo):
            build(network, Path(scratch) / str(number), BuildOptions(pdk))
            made = read_build(Path(scratch) / str(number))
            indices = pick_indices(picked, len(inputs))
            if count:
                judge(chips(made, inputs, indices, named, count), kept, tallies)
            else:
                judge([nominal(made, inputs, indices, named)], kept, tallies)
    print(HEADER)
    for engine, tally in tallies.items():
        print(tally.line(engine))


if __name__ == "__main__":
    main()
