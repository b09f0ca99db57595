"""One model in every installed technology: agreement, power, area, speed, corners of the cell.

    python benchmarks/technologies.py MODEL.json SAMPLES.npz -o DIR

writes DIR/technologies.md and DIR/technologies.png. What DIR/<technology> already holds is not
simulated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import matplotlib
import numpy as np
from numpy.typing import NDArray

from netgen.analysis import Comparison, Tolerances
from netgen.characterise import CellBench, CellTable
from netgen.circuit import Circuit
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.circuit.blocks.schmitt9 import read_thresholds
from netgen.errors import ToolMissingError
from netgen.model import Model, Samples, load_model, load_samples, pick_indices
from netgen.netlist import Conditions
from netgen.project import (
    BuildOptions,
    Design,
    SimulationChoices,
    build,
    compare,
    read_build,
    simulate,
)
from netgen.simulation.engines import AUTO, ENGINES
from netgen.simulators import run_job
from netgen.technology import load_technology, technologies

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CELLS = 150
"""Random cells for the accuracy after calibration: 20 pA … 2 nA, width 10 … 95 % of beta_hi."""
PERIODS = (10e-3, 3e-3, 1e-3)
"""Frame periods at which the speed is judged, s."""
CORNER_CELL = (0.33e-9, 0.2e-9, 0.5e-9)
"""Threshold, width and gain of the cell that is taken through the corners, A."""
TEMPERATURES = (-20.0, 27.0, 85.0)


@dataclass(frozen=True, eq=False)
class Row:
    """What was measured in one technology."""

    name: str
    made: Design
    found: Comparison
    cell_error: NDArray[np.float64]
    corners: dict[tuple[str, float], NDArray[np.float64]]
    speed: dict[float, Comparison]


def agreement(
    model: Model,
    samples: Samples,
    picked: Sequence[int],
    folder: Path,
    name: str,
    choices: SimulationChoices,
) -> tuple[Design, Comparison]:
    """Build, simulate and compare."""
    made = build(model, folder, BuildOptions(name))
    for step in simulate(read_build(folder), samples, list(picked), choices):
        if step.failure is not None:
            raise step.failure
    names = {"model": model.name, "samples": "-"}
    return made, compare(read_build(folder), Tolerances(), names, ())[0]


def _table(made: Design) -> CellTable:
    return made.known.cells[made.circuit.cells[0].node]


def cell_error(made: Design) -> NDArray[np.float64]:
    """Return the largest errors of threshold, width and gain of calibrated cells, (3,)."""
    random = np.random.default_rng(1)
    threshold, gain = np.exp(random.uniform(np.log(20e-12), np.log(2e-9), (2, CELLS)))
    width = threshold * random.uniform(0.1, 0.95, CELLS)
    biases = _table(made).biases(np.array([threshold, width, gain]))
    rising, falling, output = _measured(made, made.conditions, biases).T
    errors = np.array([rising / threshold - 1, (rising - falling) / width - 1, output / gain - 1])
    return np.asarray(np.abs(errors).max(axis=1))


def corners(made: Design) -> dict[tuple[str, float], NDArray[np.float64]]:
    """Return threshold, width and gain of one cell at every corner, its biases kept, A."""
    biases = _table(made).biases(np.array(CORNER_CELL)[:, np.newaxis])
    found = {}
    for corner in made.technology.corners:
        for temperature in TEMPERATURES:
            at = replace(made.conditions, corner=corner, temperature=temperature)
            rising, falling, output = _measured(made, at, biases)[0]
            found[corner, temperature] = np.array([rising, rising - falling, output])
    return found


def _measured(made: Design, at: Conditions, biases: NDArray[np.float64]) -> NDArray[np.float64]:
    where = (made.technology, at, made.circuit.unit, made.circuit.model.unit_current)
    cells = [SCHMITT9.biased(*bias) for bias in biases.T]
    return read_thresholds(CellBench(*where, None, run_job).held(cells))


def gate_area(circuit: Circuit) -> float:
    """Return W·L of all mirror outputs and of the unit-sized devices around them, m²."""
    unit = circuit.unit.width * circuit.unit.length
    devices = sum(9 + 3 for cell in circuit.cells for _ in range(cell.size))
    devices += sum(2 * int(used.sum()) for used in circuit.gate_nets.values())
    area = devices * unit
    for layer in circuit.summing_layers:
        for mirrors in layer.mirrors:
            assert mirrors.geometry is not None
            area += float((mirrors.geometry.width * mirrors.geometry.length
                           * mirrors.geometry.multiplicity).sum())  # fmt: skip
    return area


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| | " + " | ".join(row.name for row in rows) + " |"
    yield "|---|" + "---|" * len(rows)
    for label, cells in _lines(rows):
        yield f"| {label} | " + " | ".join(cells) + " |"


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    def each(write: Callable[[Row], str]) -> list[str]:
        return [write(row) for row in rows]

    def agreed(row: Row) -> int:
        return sum(sample.agrees for sample in row.found.samples)

    def supply_power(row: Row) -> str:
        watts = row.found.power_w
        return "—" if watts is None else f"{watts * 1e9:.0f} nW"

    yield "decisions equal", each(lambda r: f"{agreed(r)} of {len(r.found.samples)}")
    yield (
        "states equal, clear ones",
        each(lambda r: f"{r.found.state_agreement:.2%}, {r.found.state_agreement_clear:.2%}"),
    )
    yield (
        "same-state RMSE, mean (worst sample)",
        each(
            lambda r: (
                f"{r.found.logit_rmse_same_state_fs:.2%} "
                f"({r.found.logit_rmse_same_state_fs_max:.2%})"
            )
        ),
    )
    for index, name in enumerate(("threshold", "width", "gain")):
        yield (
            f"calibrated cells, worst {name} error",
            [f"{row.cell_error[index]:.3%}" for row in rows],
        )
    yield "supply power", each(supply_power)
    yield "weights below the floor", each(lambda r: f"{len(r.made.below_floor)}")
    yield (
        "unit mirror",
        each(
            lambda r: (
                f"{r.made.circuit.unit.width * 1e6:g} × {r.made.circuit.unit.length * 1e6:g} µm"
            )
        ),
    )
    yield "gate area", each(lambda r: f"{gate_area(r.made.circuit) * 1e12:.0f} µm²")
    yield "σ(Vth) of a unit NMOS, PMOS", each(lambda r: ", ".join(
        f"{r.made.technology.mismatch[p].sigma(r.made.circuit.unit)[0] * 1e3:.1f} mV"
        for p in ("nmos", "pmos")))  # fmt: skip
    for period in PERIODS:
        yield (
            f"same-state RMSE, clear states at {period * 1e3:g} ms a frame",
            [
                f"{row.speed[period].logit_rmse_same_state_fs:.2%}, "
                f"{row.speed[period].state_agreement_clear:.2%}"
                for row in rows
            ],
        )
    for index, name in enumerate(("threshold", "width", "gain")):
        for temperature in TEMPERATURES:
            wanted = CORNER_CELL[index] * 1e12
            yield (
                f"{name} over corners at {temperature:g} °C, set to {wanted:.0f} pA",
                [
                    _span([v[index] for (_, t), v in row.corners.items() if t == temperature])
                    for row in rows
                ],
            )


def _span(values: Sequence[float]) -> str:
    if np.isnan(values).any():
        return "no hysteresis somewhere"
    return f"{min(values) * 1e12:.0f} … {max(values) * 1e12:.0f} pA"


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw agreement, speed and corners."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4))
    for place, row in enumerate(rows):
        errors = [row.speed[p].logit_rmse_same_state_fs for p in PERIODS]
        worst = [s.logit_rmse_same_state_fs * 100 for s in row.found.samples]
        left.plot(np.full(len(worst), place), worst, "o", alpha=0.4)
        middle.plot([p * 1e3 for p in PERIODS],
                    [np.nan if error is None else error * 100 for error in errors],
                    "o-", label=row.name)  # fmt: skip
        values = np.array(list(row.corners.values())) * 1e12
        right.plot(values[:, 0], values[:, 1], "o", alpha=0.6, label=row.name)
    left.set(xticks=range(len(rows)), xticklabels=[row.name for row in rows],
             ylabel="same-state RMSE of a sample, %", title="agreement")  # fmt: skip
    left.axhline(0.5, color="grey", lw=0.8)
    middle.set(xlabel="frame, ms", ylabel="same-state RMSE, %", title="speed",
               xscale="log", yscale="log")  # fmt: skip
    right.plot([CORNER_CELL[0] * 1e12], [CORNER_CELL[1] * 1e12], "k+", ms=12, label="wanted")
    right.set(xlabel="threshold, pA", ylabel="width, pA", title="one cell at 15 corners")
    middle.legend()
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("samples", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--samples", "picked", metavar="A:B", help="Which samples.  [default: all]")
@click.option("--engine", type=click.Choice([AUTO, *ENGINES]), default=AUTO, show_default=True)
@click.option("--jobs", type=int, default=1, show_default=True)
def main(
    model: Path, samples: Path, output: Path, picked: str | None, engine: str, jobs: int
) -> None:
    """Compare the installed technologies on MODEL.json."""
    loaded = load_model(model)
    data = load_samples(samples, loaded)
    indices = pick_indices(picked, len(data))
    choices = SimulationChoices(jobs, engine=engine)
    whole = replace(choices, engine="monolithic")  # settling shows only with all transients
    rows = []
    for name in technologies():
        try:
            load_technology(name)
        except ToolMissingError as error:
            click.echo(f"{name} is left out: {error}", err=True)
            continue
        made, found = agreement(loaded, data, indices, output / name, name, choices)
        speed = {}
        for period in PERIODS:
            faster = replace(loaded, frame_period=period)
            folder = output / f"{name}_{period * 1e3:g}ms"
            speed[period] = agreement(faster, data, indices[:2], folder, name, whole)[1]
        rows.append(Row(name, made, found, cell_error(made), corners(made), speed))
        click.echo(f"{name} is done", err=True)
    table = "\n".join(markdown(rows)) + "\n"
    (output / "technologies.md").write_text(table, encoding="utf-8")
    plot(rows, output / "technologies.png")
    click.echo(table)


if __name__ == "__main__":
    main()
