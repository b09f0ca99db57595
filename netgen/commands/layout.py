"""``netgen layout``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from netgen.commands.options import edited_option, folder_argument, integer_option
from netgen.commands.output import progress
from netgen.commands.steps import open_step
from netgen.layout.assemble import Choices
from netgen.layout.checks import rule_count
from netgen.layout.deck import DeckResult, run_deck
from netgen.layout.make import Laid, Verdict
from netgen.layout.process import Process
from netgen.project.layout import check_layout, layout_folder
from netgen.project.layout import layout as lay_out

_SHARES = {"placing": (0, 70), "wiring": (70, 2), "checking": (72, 14), "comparing": (86, 8),
           "wires": (94, 2), "simulating": (96, 2), "writing": (98, 2)}  # fmt: skip
"""Where each step begins, and how much of the whole it is, in percent."""


@click.command("layout")
@folder_argument
@integer_option("--rows", most=1000, help="Rows of transistors.  [default: about as wide as high]")
@click.option(
    "--effort",
    type=click.FloatRange(0, 1000),
    default=1.0,
    show_default=True,
    metavar="S",
    help="How long to look for better places; 0 takes the first.",
)
@integer_option(
    "--seed", least=0, default=0, metavar="S", help="Of that search: the same gives the same bytes."
)
@click.option(
    "--clear-gates", is_flag=True, help="No wire over a gate, for matching; takes more area."
)
@click.option(
    "--check",
    "checked",
    metavar="GDS",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only check this layout of the circuit.",
)
@click.option(
    "--deck",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Also run the foundry's KLayout rules on it, with the program klayout.",
)
@edited_option
def layout_command(
    folder: Path,
    rows: int | None,
    effort: float,
    seed: int,
    clear_gates: bool,
    checked: Path | None,
    deck: Path | None,
    edited: bool,
) -> None:
    """Draw the circuit of DIR: placed, wired, checked against design rules and its netlist.

    The circuit is the build's with biases mirrored from one reference. Writes DIR/layout: GDS, LEF,
    Verilog stub, the flat netlist of what was drawn, a picture, and layout.json.
    """  # fmt: skip
    made = open_step(folder, edited)
    if checked is not None:
        with layout_progress("checking") as told:
            verdict, process, cell = check_layout(made, checked, told)
        file = checked
    else:
        with layout_progress("drawing") as told:
            laid, kept = lay_out(made, Choices(rows, effort, seed, clear_gates), told)
        where = layout_folder(made)
        for each in kept:
            click.secho(f"{where}: your edited file is now {each.name}", fg="yellow")
        _say(where, laid)
        verdict, process, cell = laid.verdict, laid.process, laid.task.name
        file = where / f"{cell}.gds"
    _say_verdict(str(file), verdict, process)
    clean = verdict.clean
    if deck is not None:
        clean = _say_deck(file, run_deck(file, cell, deck, process)) and clean
    sys.exit(0 if clean else 1)


def _say_deck(file: Path, found: DeckResult) -> bool:
    """Say what the foundry's deck found; tell whether it is clean."""
    click.echo(f"{file}: {found.total} errors in {found.categories} rules of the foundry's deck")
    for name, count in sorted(found.errors.items(), key=lambda item: -item[1])[:10]:
        click.echo(f"  {name}: {count}")
    return found.total == 0


@contextmanager
def layout_progress(label: str) -> Iterator[Callable[[str, float], None]]:
    """Show how far a layout is; gives what hears of it."""
    with progress(label, 100) as bar:

        def told(step: str, share: float) -> None:
            start, width = _SHARES[step]
            bar.update(max(0, round(start + width * share) - bar.pos))

        yield told


def _say(where: Path, laid: Laid) -> None:
    width, height = (side / 1000 for side in laid.size)
    gates = laid.task.gate_area * 1e-6
    ratio = laid.area / laid.task.gate_area
    click.echo(
        f"{where}: {len(laid.task.fingers)} gates in {len(laid.assembly.floor.rows)} rows, "
        f"{width:.2f} × {height:.2f} µm = {width * height:.0f} µm², "
        f"{ratio:.1f} times the gates' {gates:.0f} µm²"
    )


def _say_verdict(name: str, verdict: Verdict, process: Process) -> None:
    rules = rule_count(process)
    if verdict.violations:
        click.echo(f"{name}: {len(verdict.violations)} of {rules} design rules broken:")
        for each in verdict.violations[:10]:
            click.echo(f"  {each}")
    else:
        click.echo(f"{name}: {rules} design rules, 0 violations")
    compared = verdict.comparison
    if compared.match:
        matched = f"{compared.devices} transistors and {compared.nets} nets match the netlist"
        click.echo(f"{name}: {matched}")
        return
    click.echo(f"{name}: the layout is NOT the netlist:")
    for line in compared.differences:
        click.echo(f"  {line}")
