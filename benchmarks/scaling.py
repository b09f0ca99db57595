"""What engines cost and how far they agree, by the size of the network.

    python benchmarks/scaling.py                      every engine at d ≤ 16, then staged alone
    python benchmarks/scaling.py --largest 64         up to that size
    python benchmarks/scaling.py --workers            two workers against one

CPU seconds are those of all processes of this machine in this run: compare them with each other
only. Networks are random (weights scaled by 1/√d) and never tuned for.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from netgen.analysis import compare
from netgen.model import Model, Samples
from netgen.model.random import random_model
from netgen.project import BuildOptions, SimulationChoices, build, read_build, read_runs, simulate
from netgen.simulation import Traces
from netgen.simulation.engines import ENGINES

PROOF = {4: 40, 8: 20, 16: 10}
"""Frames by d at which every engine runs."""
SCALING = {8: 101, 16: 101, 32: 101, 64: 101, 128: 10}
"""Frames by d at which the staged engine runs alone."""


def network(d: int, frames: int, samples: int = 1) -> tuple[Model, Samples]:
    """Draw a network of two layers."""
    return random_model(1, state=d, layers=2, classes=4, inputs=13, frames=frames, samples=samples)


def simulated(
    folder: Path, model: Model, samples: Samples, engine: str, jobs: int = 1
) -> tuple[list[Traces], float, float]:
    """Build, simulate, and return traces, CPU seconds with all overhead, and wall seconds."""
    build(model, folder, BuildOptions())
    made = read_build(folder)
    choices = SimulationChoices(jobs, engine=engine)
    own, wall = time.process_time(), time.monotonic()
    for step in simulate(made, samples, list(range(len(samples))), choices):
        if step.failure is not None:
            raise step.failure
    own, wall = time.process_time() - own, time.monotonic() - wall
    traces = list(map(read_runs(made).traces, range(len(samples))))
    return traces, own + sum(each.cpu_s for each in traces), wall


def proof(folder: Path, largest: int) -> None:
    """Compare every engine with the monolithic one."""
    print("d, frames, engine: CPU s a frame; states that differ from monolithic; largest logit")
    print("error in frames of equal states, % of range; power")
    for d, frames in PROOF.items():
        if d > largest:
            continue
        model, samples = network(d, frames)
        whole: Traces | None = None
        for engine in ENGINES:
            (traces,), cpu, _ = simulated(folder / f"{engine}-{d}", model, samples, engine)
            whole = whole or traces
            differ = np.concatenate(
                [
                    (traces.frames[c.name] > c.level / 2) != (whole.frames[c.name] > c.level / 2)
                    for c in model.cells
                ],
                axis=1,
            )
            logits = whole.frames[model.readout.node]
            error = np.abs(traces.frames[model.readout.node] - logits)[~differ.any(axis=1)]
            races = compare(model, samples, [traces]).samples[0].race_forecast
            print(
                f"{d:4} {frames:4} {engine:15} {cpu / frames:7.3f}  {differ.sum():3} of "
                f"{differ.size} ({races} races expected)  {100 * error.max() / np.ptp(logits):.4f}"
                f"  {traces.power_w * 1e9:.1f} nW",
                flush=True,
            )


def scaling(folder: Path, largest: int) -> None:
    """Run the staged engine alone, and compare with software."""
    print("d, frames: build CPU s, CPU s a frame, whole; states, clear states, same-state RMSE")
    costs = {}
    for d, frames in SCALING.items():
        if d > largest:
            continue
        model, samples = network(d, frames)
        started = time.process_time()
        build(model, folder / f"built-{d}", BuildOptions())
        built = time.process_time() - started
        traces, cpu, _ = simulated(folder / f"scaling-{d}", model, samples, "staged")
        found = compare(model, samples, traces)
        costs[d] = cpu / frames
        memory = max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        print(
            f"{d:4} {frames:4}  {built:6.2f}  {cpu / frames:7.3f}  {cpu:7.1f}  "
            f"{found.state_agreement:.4f} {found.state_agreement_clear:.4f} "
            f"{found.logit_rmse_same_state_fs:.4f}  largest process so far {memory / 1024:.0f} MB",
            flush=True,
        )
    if len(costs) > 1:
        exponent, _ = np.polyfit(np.log(list(costs)), np.log(list(costs.values())), 1)
        print(f"cost a frame grows as d^{exponent:.2f}")


def workers(folder: Path) -> None:
    """Run eight samples with one worker and with two."""
    model, samples = network(8, 20, samples=8)
    took = [
        simulated(folder / f"workers-{jobs}", model, samples, "staged", jobs)[2] for jobs in (1, 2)
    ]
    print(f"one worker {took[0]:.1f} s, two {took[1]:.1f} s: {took[0] / took[1]:.2f} times")


@click.command()
@click.option("--largest", type=int, default=128, show_default=True)
@click.option("--workers", "only_workers", is_flag=True, help="Only two workers against one.")
def main(largest: int, only_workers: bool) -> None:
    """Print the figures of docs/scaling.md."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if not only_workers:
            proof(folder, largest)
            scaling(folder, largest)
        workers(folder)


if __name__ == "__main__":
    main()
