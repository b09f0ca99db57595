"""What noise does to blocks, cells and networks.

    python benchmarks/noise.py devices -o DIR             noise of each block, by ngspice's .noise
    python benchmarks/noise.py cells -o DIR [MODEL.json SAMPLES.npz]
                                                          noise injected into cells, and flips
    netgen noise MODEL.json SAMPLES.npz -o DIR            whole networks, by the software model

Each writes a table (Markdown) and plots into DIR. Simulations are kept in netgen's cache. With
MODEL.json the cells are those of its circuit, else one cell alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import matplotlib
import numpy as np
from injected import CalibratedCell, Injected, Injection, inject, rice_rate

from netgen.analysis.noise.devices import BlockNoise, measure_noise
from netgen.characterise import CellBench, CellTable
from netgen.circuit import Circuit
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.model import load_model, load_samples
from netgen.netlist.noise import BLOCKS, BlockUnderTest
from netgen.project import BuildOptions, design, resolve_options
from netgen.simulators import cache_folder, run_job
from netgen.technology import Geometry

matplotlib.use("Agg")
import matplotlib.pyplot as plt

UNIT = 1e-9
CURRENTS = (0.1e-9, 0.5e-9, 1e-9)
"""Of a mirror's or row's input, and of a cell's gain bias, A."""
CELL = (0.33e-9, 0.2e-9, 0.5e-9)
"""beta_hi, beta_hi - beta_lo and alpha of the cell alone, A."""
SHARES = (0.01, 0.03)
"""Injected noise, units rms."""
MARGINS = (100e-12, 60e-12, 40e-12, 30e-12)
"""Distances of the candidate from the threshold, A."""
FLIP_MARGINS = (1.0, 1.5, 2.0, 2.5, 3.0)
"""The same where flips are counted, in sigmas."""
FLIP_NOISE = ((1e3, 0.01, 1.0), (1e3, 0.03, 1.0), (100.0, 0.01, 5.0))
"""The noise where flips are counted: bandwidth, Hz, units rms, and how long, s."""
UNITS = {"gf180mcu": (2, 5), "sky130": (2,), "generic180": (2,)}
"""Technologies and unit mirrors (W = L, µm) whose blocks are tested."""

technology_option = click.option("--pdk", default="gf180mcu", show_default=True)
output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True
)


@click.group()
def main() -> None:
    """Measure noise."""


def blocks() -> list[BlockUnderTest]:
    """Return every block at every current; a cell's candidate stands in the middle of its band."""
    tested = []
    for current in CURRENTS:
        biases = SCHMITT9.biased(0.66 * current, 0.4 * current, current)
        for block in BLOCKS:
            cell = biases if block.startswith("cell") else None
            tested.append(BlockUnderTest(block, 0.46 * current if cell else current, cell))
    return tested


@main.command()
@output_option
def devices(output: Path) -> None:
    """Noise of mirror, row and cell in the installed technologies."""
    output.mkdir(parents=True, exist_ok=True)
    lines = [
        "| technology, unit | block | current, pA | output, pA rms | input-referred, pA rms |",
        "|---|---|---|---|---|",
    ]
    for name, sizes in UNITS.items():
        for size in sizes:
            options = BuildOptions(name, unit=Geometry(size * 1e-6, size * 1e-6))
            setup = CellBench(*resolve_options(options), UNIT, cache_folder(), run_job)
            measured = measure_noise(setup, blocks())
            for each in measured:
                lines.append(device_line(f"{name}, {size} × {size} µm", each))
            if (name, size) == ("gf180mcu", 2):
                spectra(measured, output / "noise-blocks.png")
    finish(output / "devices.md", lines)


def block_name(tested: BlockUnderTest) -> str:
    """Return a block's name for people."""
    if tested.cell is None:
        return tested.block.replace("_", " ")
    return tested.block.replace("_", ", ")


def device_line(where: str, noise: BlockNoise) -> str:
    """Return a row of the table; a cell's noise referred to its input says nothing."""
    tested = noise.tested
    current = tested.current if tested.cell is None else tested.cell.currents[-1]
    referred = f"{noise.input_rms * 1e12:.3g}" if tested.cell is None else "–"
    return (
        f"| {where} | {block_name(tested)} | {current * 1e12:.0f} "
        f"| {noise.output_rms * 1e12:.3g} | {referred} |"
    )


def spectra(measured: Sequence[BlockNoise], path: Path) -> None:
    """Plot densities over frequency at the largest current."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for each in measured[-len(BLOCKS) :]:
        label = f"{block_name(each.tested)}: {each.output_rms * 1e12:.2g} pA rms"
        axes.loglog(each.frequency, each.output * 1e15, label=label)
    axes.set(xlabel="frequency, Hz", ylabel="output current noise, fA/√Hz")
    axes.grid(True, which="both", alpha=0.2)
    axes.legend()
    axes.set_title("GF180MCU, unit 2 × 2 µm, output 1 nA")
    figure.savefig(path, dpi=100)


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@technology_option
@output_option
@click.option("--jobs", default=1, show_default=True)
@click.option("--duration", default=0.5, show_default=True, help="Of each transient, s.")
def cells(files: tuple[Path, ...], pdk: str, output: Path, jobs: int, duration: float) -> None:
    """Noise injected into cells: how much passes, and how often a state is lost."""
    output.mkdir(parents=True, exist_ok=True)
    options = BuildOptions(pdk)
    bench = CellBench(*resolve_options(options), UNIT, cache_folder(), run_job)

    def simulate(injections: Sequence[Injection]) -> list[Injected]:
        def one(injection: Injection) -> Injected:
            return inject(bench, injection)

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, injections))

    if files:
        model = load_model(files[0])
        made = design(model, options, load_samples(files[1], model).x)
        own = list(cells_of(made.circuit, made.known.cells))
        finish(output / "cells.md", passed_lines(simulate, in_band(own, duration)))
        return
    table = SCHMITT9.characterise(bench)
    wanted = np.array(CELL)[:, np.newaxis]
    cell = CalibratedCell.of("cell", SCHMITT9, table.biases(wanted)[:, 0], table)
    finish(output / "cell.md", passed_lines(simulate, list(by_margin(cell, duration))))
    counted = simulate(list(flipping(cell)))
    finish(output / "flips.md", flip_lines(counted))
    plot_flips(counted, output / "noise-flips.png")


def cells_of(circuit: Circuit, tables: Mapping[str, CellTable]) -> Iterator[CalibratedCell]:
    """Yield every rung of every cell of a circuit with its own biases."""
    for layer in circuit.cells:
        assert layer.bias is not None
        cell, table = layer.cell, tables[layer.node]
        for trigger in range(cell.triggers):
            unit, rung = divmod(trigger, cell.rungs)
            name = layer.node + cell.place(trigger)
            yield CalibratedCell.of(name, layer.block, layer.bias[:, unit], table, rung)


def in_band(cells: Sequence[CalibratedCell], duration: float) -> list[Injection]:
    """Return noise on candidates in the middle of their cell's band."""
    return [
        Injection(cell, high, (cell.rising - cell.falling) / 2, share * UNIT, duration=duration)
        for cell in cells
        for share in SHARES
        for high in (True, False)
    ]


def by_margin(cell: CalibratedCell, duration: float) -> Iterator[Injection]:
    """Yield noise on one cell's candidate at several distances from the threshold."""
    for high in (True, False):
        for share in SHARES:
            for margin in MARGINS:
                yield Injection(cell, high, margin, share * UNIT, duration=duration)


def flipping(cell: CalibratedCell) -> Iterator[Injection]:
    """Yield noise that comes so close to the threshold that states are lost."""
    for bandwidth, share, duration in FLIP_NOISE:
        sigma = share * UNIT
        for high in (True, False):
            for times in FLIP_MARGINS:
                yield Injection(
                    cell, high, times * sigma, sigma, 1, bandwidth, duration, trials=True
                )


def passed_lines(
    simulate: Callable[[Sequence[Injection]], list[Injected]], injections: Sequence[Injection]
) -> list[str]:
    """Return the table of what passes."""
    lines = [
        "| cell | state | β_lo … β_hi, pA | margin, pA | σ_in, pA | σ_out, pA "
        "| σ_in/σ_out (95 %) | independent | flips |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in simulate(injections):
        injection, ratio = each.injection, each.ratio
        cell = injection.cell
        lines.append(
            f"| {cell.name} | {'high' if injection.high else 'low'} "
            f"| {cell.falling * 1e12:.0f} … {cell.rising * 1e12:.0f} "
            f"| {injection.margin * 1e12:.0f} | {each.sigma_in * 1e12:.3g} "
            f"| {each.sigma_out * 1e12:.2g} | {ratio.value:.3g} ({ratio.low:.3g}–{ratio.high:.3g})"
            f" | {each.independent:.0f} | {each.flips} |"
        )
    return lines


def flip_lines(counted: Sequence[Injected]) -> list[str]:
    """Return the table of flips."""
    lines = [
        "| bandwidth, Hz | σ, pA | state | margin/σ | flips | in, s | a second (95 %) | Rice |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in counted:
        injection, rate = each.injection, each.rate
        rice = rice_rate(injection.margin, injection.sigma, injection.bandwidth)
        lines.append(
            f"| {injection.bandwidth:g} | {injection.sigma * 1e12:.0f} "
            f"| {'high' if injection.high else 'low'} "
            f"| {injection.margin / injection.sigma:.2g} | {each.flips} | {each.at_risk:.3g} "
            f"| {rate.value:.3g} ({rate.low:.2g}–{rate.high:.3g}) | {rice:.3g} |"
        )
    return lines


def plot_flips(counted: Sequence[Injected], path: Path) -> None:
    """Plot flips a second over the margin, beside Rice's formula."""
    figure, panels = plt.subplots(
        1, len(FLIP_NOISE), figsize=(10, 3.6), sharey=True, layout="constrained"
    )
    for axes, (bandwidth, share, _) in zip(panels, FLIP_NOISE, strict=True):
        margin = np.linspace(0.8, 3.2, 50)
        rice = [rice_rate(m, 1.0, bandwidth) for m in margin]
        axes.semilogy(margin, rice, color="black", label="Rice")
        for high, colour in ((True, "#0072b2"), (False, "#d55e00")):
            chosen = [
                each
                for each in counted
                if (each.injection.high, each.injection.bandwidth) == (high, bandwidth)
                and each.injection.sigma == share * UNIT
            ]
            x = [each.injection.margin / each.injection.sigma for each in chosen]
            rates = [each.rate for each in chosen]
            # none seen: only the upper limit is known
            limits = [not rate.value for rate in rates]
            y = [rate.value or rate.high for rate in rates]
            below = [rate.value - rate.low if rate.value else rate.high / 2 for rate in rates]
            above = [rate.high - rate.value if rate.value else 0.0 for rate in rates]
            label = f"{'high' if high else 'low'} state"
            axes.errorbar(x, y, [below, above], fmt="o", color=colour, uplims=limits, label=label)
        axes.set(xlabel="margin / σ", title=f"{100 * share:g} % of a unit, up to {bandwidth:g} Hz")
        axes.grid(True, which="both", alpha=0.2)
        axes.legend()
    panels[0].set_ylabel("flips a second")
    figure.savefig(path, dpi=100)


def finish(path: Path, lines: Sequence[str]) -> None:
    """Write a table and show it."""
    text = "\n".join(lines)
    path.write_text(text + "\n", encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
