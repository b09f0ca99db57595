"""The figures of the README: characterisation, build, agreement and cost.

    python benchmarks/spine.py MODEL.json SAMPLES.npz    a model of yours, all its samples
    python benchmarks/spine.py                           random networks, never tuned for

Times are CPU seconds of this machine in this run; compare them with each other only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from netgen.analysis import Tolerances
from netgen.commands.options import cores
from netgen.model import Model, Samples, load_model, load_samples
from netgen.model.random import random_model
from netgen.project import BuildOptions, SimulationChoices, build, compare, read_build, simulate

RANDOM = ((4, 1, 2, 4), (5, 2, 3, 8), (6, 3, 4, 13), (7, 1, 3, 6), (8, 2, 2, 13), (8, 3, 4, 10))
"""State units, recurrent layers, classes and inputs."""
SEEDS = 2
FRAMES = 60


def cpu() -> float:
    """CPU seconds of this process and its finished children so far."""
    return sum(os.times()[:4])


def characterisation(model: Model, folder: Path) -> None:
    """Time a cold and a warm build."""
    os.environ["NETGEN_CACHE"] = str(folder / "cache")
    for label in ("cold", "warm"):
        started, wall = cpu(), time.monotonic()
        build(model, folder / label, BuildOptions())
        took = time.monotonic() - wall
        print(
            f"build, characterisation {label}: {cpu() - started:.2f} CPU s here, {took:.1f} s wall"
        )


def start_up() -> None:
    """Time the import and the help page, each in a process of its own."""
    for words in (["-c", "import netgen"], ["-m", "netgen", "--help"]):
        started = cpu()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        print(f"python {' '.join(words)}: {cpu() - started:.2f} CPU s")


def agreement(model: Model, samples: Samples, folder: Path) -> None:
    """Build, simulate and compare; print the figures of the report."""
    made = build(model, folder, BuildOptions())
    steps = simulate(
        read_build(folder), samples, list(range(len(samples))), SimulationChoices(cores())
    )
    lost = sum(step.failure is not None for step in steps)
    names = {"model": model.name, "samples": "-"}
    found, _ = compare(read_build(folder), Tolerances(), names, ())
    power = "unknown" if found.power_w is None else f"{found.power_w * 1e9:.1f} nW"
    agreed = sum(sample.agrees for sample in found.samples)
    print(
        f"{model.name}: decisions {agreed}/{len(samples)}, frames {found.frame_agreement:.4f}, "
        f"states {found.state_agreement:.4f}, clear {found.state_agreement_clear:.6f}, "
        f"same-state RMSE {found.logit_rmse_same_state_fs:.4f} "
        f"(worst {found.logit_rmse_same_state_fs_max:.4f}), "
        f"{found.cost.cpu_s / len(samples):.2f} CPU s a sample, lost {lost}, "
        f"{power}, {len(made.below_floor)} weights below the floor",
        flush=True,
    )


@click.command()
@click.argument("files", type=(Path, Path), required=False, metavar="[MODEL SAMPLES]")
def main(files: tuple[Path, Path] | None) -> None:
    """Print the figures for a model, or for random networks."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        start_up()
        if files is not None:
            loaded = load_model(files[0])
            characterisation(loaded, folder)
            agreement(loaded, load_samples(files[1], loaded), folder / "out")
            return
        for seed in range(SEEDS):
            for d, n, k, i in RANDOM:
                drawn = random_model(seed, state=d, layers=n, classes=k, inputs=i, frames=FRAMES)
                agreement(*drawn, folder / drawn[0].name)


if __name__ == "__main__":
    main()
