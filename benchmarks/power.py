"""The power model against the simulation, by block, on networks of different size.

python benchmarks/power.py                        random networks with d = 2, 4, 8 and 16
python benchmarks/power.py --largest 8            up to that size
python benchmarks/power.py DIR …                  the simulated samples of build folders
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from netgen.model.random import random_model
from netgen.netlist import KINDS
from netgen.project import BuildOptions, SimulationChoices, build, design, read_build, simulate
from netgen.project.power import power
from netgen.project.runs import read_runs
from netgen.sizing import predict_power

FRAMES = {2: 20, 4: 20, 8: 10, 16: 6}
"""Frames by d."""


def against_simulation(folder: Path) -> None:
    """Print the measured and the modelled power of a folder's simulated samples."""
    made = read_build(folder)
    runs = read_runs(made)
    done = [i for i in runs.asked if made.folder.traces(i).is_file()]
    measured, _ = power(made)
    sized = design(made.model, made.options)
    at = sized.technology, sized.known.mirrors, sized.conditions.vdd
    model = predict_power(sized.circuit, *at, runs.samples.x[done])
    found = {kind: each.average_w for kind, each in measured.groups["block"].items()}
    print(f"{made.model.name}: {measured.samples} samples, {made.transistors} devices")
    for kind in (kind for kind in KINDS if kind in found or kind in model.by_kind):
        _row(kind, found.get(kind, 0.0), model.by_kind.get(kind, 0.0), measured.total.average_w)
    _row("total", measured.total.average_w, model.average_w, measured.total.average_w)


def _row(name: str, measured: float, model: float, total: float) -> None:
    print(
        f"  {name:8} {measured * 1e9:9.3f} nW {measured / total:7.1%}   model {model * 1e9:9.3f} nW"
        f"   off by {(model - measured) / total:+.2%} of the total",
        flush=True,
    )


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--largest", type=int, default=16, show_default=True)
def main(folders: tuple[Path, ...], largest: int) -> None:
    """Print the figures of docs/power.md."""
    for folder in folders:
        against_simulation(folder)
    if folders:
        return
    with tempfile.TemporaryDirectory() as scratch:
        for d, frames in FRAMES.items():
            if d > largest:
                continue
            model, samples = random_model(
                1, state=d, layers=2, classes=4, inputs=13, frames=frames, samples=1
            )
            folder = Path(scratch) / f"d{d}"
            build(model, folder, BuildOptions())
            for step in simulate(read_build(folder), samples, [0], SimulationChoices(1)):
                if step.failure is not None:
                    raise step.failure
            against_simulation(folder)


if __name__ == "__main__":
    main()
