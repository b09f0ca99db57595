"""One cell in corners, its bias currents ideal or mirrored: a table of docs/circuit.md.

    python benchmarks/cell_corners.py [--pdk NAME] [--steering W L]

The cell is set to 330 / 200 / 500 pA (threshold, width, output) at nominal conditions. Then come
five process corners, three supplies and three temperatures. ``--steering`` draws M3 and M6 with
another W and L, µm. Low states are read at no candidate and just below the threshold.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import click
import numpy as np
from numpy.typing import NDArray

from netgen.characterise import CellBench, characterise
from netgen.circuit import CellLayer, Circuit, build_circuit
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.circuit.blocks.schmitt9 import Bmru, read_thresholds
from netgen.model import Linear, Model, Readout, Relu
from netgen.netlist import Conditions
from netgen.netlist.write import transistors
from netgen.project import BuildOptions, resolve_options
from netgen.simulators import Job, Waveforms, cache_folder, run_job
from netgen.sizing import calibration_inputs, measure_activity, size_circuit
from netgen.technology import Geometry, Technology, load_technology, technologies, with_bins

UNIT = 1e-9
THRESHOLD, WIDTH, OUTPUT = 0.33, 0.2, 0.5
TEMPERATURES = (-20.0, 27.0, 85.0)
SUPPLIES = (0.9, 1.0, 1.1)
"""Shares of the nominal supply."""


def one_cell() -> Model:
    """Return a model of one cell."""
    one, none = np.ones((1, 1)), np.zeros(1)
    band = np.array([THRESHOLD - WIDTH]), np.array([THRESHOLD])
    nodes = (
        Linear("row", "x", one, none),
        Relu("candidate", "row"),
        Bmru("state", "candidate", np.array([OUTPUT]), *band, initial_state=np.array([False])),
        Linear("out", "state", one, none),
    )
    return Model(
        name="one cell",
        unit_current=UNIT,
        frame_period=0.01,
        input_size=1,
        input_max=1.0,
        nodes=nodes,
        readout=Readout("out", "last", 0, 1),
        classes=("high",),
    )


def sized(technology: Technology, at: Conditions, unit: Geometry) -> CellLayer:
    """Return the cell with its biases and the mirrors that copy them."""
    circuit: Circuit = build_circuit(one_cell(), unit)
    bench = CellBench(technology, at, unit, UNIT, cache_folder(), run_job)
    known = characterise(bench, circuit)
    inputs = calibration_inputs(circuit.model)
    activity = measure_activity(circuit, inputs)
    return size_circuit(circuit, technology, known, activity, at.vdd)[0].cells[0]


def mirrored(technology: Technology, unit: Geometry, cell: CellLayer, job: Job) -> Job:
    """Return a job whose deck has copies of a reference in place of its ideal bias currents."""
    assert cell.bias_geometry is not None
    nmos, pmos = transistors(technology).values()
    lines = [
        f"Iref vdd ref_n {UNIT}",
        nmos("refd", "ref_n", "ref_n", "vss", unit),
        nmos("refc", "ref_p", "ref_n", "vss", unit),
        pmos("refp", "ref_p", "ref_p", "vdd", pmos.unit(unit)),
    ]
    biases = [f"{bias.name}0" for bias in SCHMITT9.biases]
    for row, net in enumerate(biases):
        geometry = cell.bias_geometry.at(row, 0)
        lines.append(pmos(f"copy{net}", net, "ref_p", "vdd", geometry))
    attempts = []
    for attempt in job.attempts:
        ideal = tuple(f"I{net} " for net in biases)
        kept = [line for line in attempt.netlist.splitlines() if not line.startswith(ideal)]
        place = kept.index("Vvss vss 0 0")
        deck = "\n".join([*kept[:place], *lines, *kept[place:]]) + "\n"
        attempts.append(replace(attempt, netlist=deck))
    return replace(job, attempts=tuple(attempts))


def measured(
    technology: Technology, at: Conditions, unit: Geometry, cell: CellLayer, mirrors: bool
) -> NDArray[np.float64]:
    """Return threshold, width, output, low output and that just below the threshold, pA."""
    assert cell.bias is not None

    def simulate(job: Job) -> Waveforms:
        is_cell = job.name == "cell characterisation"
        return run_job(mirrored(technology, unit, cell, job) if mirrors and is_cell else job)

    bench = CellBench(technology, at, unit, UNIT, None, simulate)
    sweep = bench.held([SCHMITT9.biased(*cell.bias[:, 0])])
    ((rising, falling, output),) = read_thresholds(sweep)
    candidate, current = sweep.candidate[0], sweep.output[0]
    below = current[: int(np.argmax(candidate >= 0.999 * rising)) + 1].max()
    return np.array([rising, rising - falling, output, current[0], below]) * 1e12


@click.command()
@click.option("--pdk", type=click.Choice(technologies()), default="gf180mcu")
@click.option("--steering", type=(float, float), help="W and L of M3 and M6, µm.")
def main(pdk: str, steering: tuple[float, float] | None) -> None:
    """Print the table."""
    technology = load_technology(pdk)
    if steering:
        width, length = steering
        technology = replace(technology, steering=Geometry(width * 1e-6, length * 1e-6))
    _, at, unit = resolve_options(BuildOptions(pdk))
    technology = with_bins(technology, unit, cache_folder() / "models")
    cell = sized(technology, at, unit)
    click.echo("bias, °C: threshold, width, output, low, just below the threshold; pA")
    for mirrors in (False, True):
        name = "mirrored" if mirrors else "ideal"
        here = measured(technology, at, unit, cell, mirrors)
        click.echo(f"{name}, nominal: " + ", ".join(f"{value:.4g}" for value in here))
        for temperature in TEMPERATURES:
            places = [
                Conditions(corner, temperature, share * technology.vdd)
                for corner, share in product(technology.corners, SUPPLIES)
            ]
            found = np.array([measured(technology, p, unit, cell, mirrors) for p in places])
            spans = [
                f"{low:.4g}–{high:.4g}"
                for low, high in zip(found.min(axis=0), found.max(axis=0), strict=True)
            ]
            click.echo(f"{name}, {temperature:g} °C: {', '.join(spans)}")


if __name__ == "__main__":
    main()
