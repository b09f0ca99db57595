"""The behavioural twin against SPICE, chip by chip, and what it costs.

    python benchmarks/twin.py MODEL.json SAMPLES.npz     a model of yours
    python benchmarks/twin.py                            a random network

Every chip takes a few of the samples, so that all samples have their turn. Times are CPU seconds
of this machine in this run; compare them with each other only.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from netgen.analysis.comparison.metrics import correlation, rms
from netgen.commands.options import cores
from netgen.model import Model, Samples, decide, evaluate, load_model, load_samples
from netgen.model.random import random_model
from netgen.project import BuildOptions, SimulationChoices, build, read_build
from netgen.project.population.variants import Chip, Networks
from netgen.project.simulate import plain_engine, pool, workbench
from netgen.project.twin import twin_of_build
from netgen.simulation import Traces
from netgen.simulation.engines import Task, run_tasks
from netgen.technology import Variation, sample_deviations

ENGINE = "staged"
NOMINAL = -1
"""The chip without deviations."""


def spice(
    folder: Path, samples: Samples, variation: Variation, pairs: list[tuple[int, int]]
) -> dict[tuple[int, int], Traces]:
    """Simulate (chip, sample) pairs."""
    made = read_build(folder)
    choices = SimulationChoices(cores(), engine=ENGINE).scaled(made.model)
    nominal = workbench(made, ENGINE)

    def tasks() -> Iterator[tuple[tuple[int, int], Task]]:
        networks = Networks.of(nominal, made)
        for chip, sample in pairs:
            case = Chip(chip, variation)
            bench = nominal if chip == NOMINAL else case.bench(nominal, networks)
            engine = plain_engine(ENGINE, bench, choices, samples.x.shape[1])
            yield (chip, sample), engine.task(samples.x[sample], sample)

    found = run_tasks(tasks(), pool(choices, nominal.technology))
    return {pair: result for pair, result in found if isinstance(result, Traces)}


def figures(
    label: str,
    model: Model,
    runs: dict[tuple[int, int], Traces],
    logits: NDArray[np.float64],
    states: dict[str, NDArray[np.bool_]],
    software: dict[str, NDArray[np.float64]],
) -> None:
    """Print how runs agree with the twin's (chips, samples, …) answers."""
    name = model.readout.node
    pairs = sorted(runs)
    own = np.array([logits[pair] for pair in pairs])
    true = np.array([runs[pair].frames[name] for pair in pairs])
    ideal = np.array([software[name][sample] for _, sample in pairs])
    full = np.ptp(software[name])
    same = decide(model.readout, own) == decide(model.readout, true)
    each = [rms(a - b) / full for a, b in zip(own, true, strict=True)]
    agree = [
        (states[cell.name][pair] == (runs[pair].frames[cell.name] > cell.level / 2)).mean()
        for cell in model.cells
        for pair in pairs
    ]
    print(
        f"{label}: {len(pairs)} runs, decisions {same.mean():.4f}, "
        f"logit correlation {correlation(own, true):.5f}, states {np.mean(agree):.5f}; "
        f"RMSE twin to SPICE {rms(own - true) / full:.3%} (median of runs {np.median(each):.3%}), "
        f"SPICE to software {rms(true - ideal) / full:.3%}",
        flush=True,
    )


@click.command()
@click.argument("files", type=(Path, Path), required=False, metavar="[MODEL SAMPLES]")
@click.option("--chips", default=100, show_default=True)
@click.option("--each", default=2, show_default=True, help="Samples of each chip in SPICE.")
@click.option("--seed", default=1, show_default=True)
@click.option("--pdk", default=None, help="Technology.")
def main(
    files: tuple[Path, Path] | None, chips: int, each: int, seed: int, pdk: str | None
) -> None:
    """Print how the twin agrees with SPICE over chips with mismatch."""
    if files is not None:
        loaded = load_model(files[0])
        data = load_samples(files[1], loaded)
    else:
        loaded, data = random_model(seed, frames=60, samples=20)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "build"
        build(loaded, folder, BuildOptions(pdk), data)
        twin = twin_of_build(read_build(folder))
        count = len(data)
        pairs = [(chip, (chip * each + k) % count) for chip in range(chips) for k in range(each)]
        variation = Variation(seed)
        started = time.process_time()
        names = twin.netlist.transistors
        shifts = sample_deviations(twin.technology, variation, names, 0, chips)
        drawn = time.process_time()
        found = twin.run(shifts, data.x)
        took = time.process_time() - drawn
        print(
            f"{loaded.name}: {len(names)} transistors; twin {took / chips / count * 1e3:.2f} "
            f"CPU ms a sample of {data.x.shape[1]} frames, {took / chips * 1e3:.0f} ms a chip of "
            f"{count} samples, drawing {(drawn - started) / chips * 1e3:.1f} ms a chip",
            flush=True,
        )
        software = evaluate(loaded, data.x)
        still = twin.run({}, data.x)
        nominal = spice(folder, data, variation, [(NOMINAL, s) for s in range(min(count, 20))])
        figures("nominal", loaded, nominal, still.logits, dict(still.states), software)
        runs = spice(folder, data, variation, pairs)
        figures("mismatch", loaded, runs, found.logits, dict(found.states), software)
        cost = sum(traces.cpu_s for traces in runs.values()) / len(runs)
        print(f"SPICE ({ENGINE}): {cost:.2f} CPU s a sample")


if __name__ == "__main__":
    main()
