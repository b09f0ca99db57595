"""``netgen layout``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from netgen.commands.actions import open_action
from netgen.commands.options import deck_option, edited_option, folder_argument, integer_option
from netgen.commands.output import progress
from netgen.errors import ToolMissingError
from netgen.layout.assemble import Choices
from netgen.layout.deck import Opinion
from netgen.layout.make import Laid, LayoutChecks
from netgen.project.layout import check_layout, layout_folder
from netgen.project.layout import layout as lay_out
from netgen.units import counted

_SHARES = {"placing": (0, 70), "wiring": (70, 2), "checking": (72, 14), "comparing": (86, 8),
           "wires": (94, 2), "simulating": (96, 2), "writing": (98, 2)}  # fmt: skip
"""Where each phase begins, and how much of the whole it is, in percent."""


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
@deck_option
@edited_option
def layout_command(
    folder: Path,
    rows: int | None,
    effort: float,
    seed: int,
    clear_gates: bool,
    checked: Path | None,
    decks: tuple[str, ...],
    edited: bool,
) -> None:
    """Draw the circuit of DIR: placed, wired, checked against design rules and its netlist.

    The circuit is the build's with biases mirrored from one reference. Writes DIR/layout: GDS, LEF,
    Verilog stub, the flat netlist of what was drawn, a picture, and layout.json.
    """  # fmt: skip
    build = open_action(folder, edited)
    if checked is not None:
        with layout_progress("checking", decks) as progress:
            checked_layout = check_layout(build, checked, progress, decks)
        file = checked
    else:
        with layout_progress("drawing", decks) as progress:
            laid, checked_layout, kept = lay_out(
                build, Choices(rows, effort, seed, clear_gates), progress, decks
            )
        where = layout_folder(build)
        for each in kept:
            click.secho(f"{where}: your edited file is now {each.name}", fg="yellow")
        _say(where, laid)
        file = where / f"{checked_layout.cell}.gds"
    _say_checks(str(file), checked_layout.checks, checked_layout.rules)
    say_opinions(str(file), checked_layout.opinions)
    sys.exit(0 if checked_layout.clean else 1)


def say_opinions(name: str, opinions: Sequence[Opinion]) -> None:
    """Say what a foundry's decks found.

    Raises
    ------
    ToolMissingError
        One of them failed, and none speaks against the layout.
    """
    for opinion in opinions:
        click.echo(f"{name}: foundry's deck, {opinion}")
        for rule, count in sorted(opinion.errors.items(), key=lambda item: -item[1])[:10]:
            click.echo(f"  {rule}: {count}")
    failed = [each for each in opinions if each.problem]
    if failed and not any(each.adverse for each in opinions):
        raise ToolMissingError(f"{failed[0]}")


@contextmanager
def layout_progress(
    label: str, decks: Sequence[str] = ()
) -> Iterator[Callable[[str, float], None]]:
    """Show how far a layout is; gives what hears of it. Decks take most of the time."""
    percent_of_layout = 20 if decks else 100
    with progress(label, 100) as bar:

        def report(phase: str, share: float) -> None:
            start, width = (percent_of_layout, 100 - percent_of_layout) if phase == "decks" else (
                each * percent_of_layout / 100 for each in _SHARES[phase]
            )  # fmt: skip
            bar.update(max(0, round(start + width * share) - bar.pos))

        yield report


def _say(where: Path, laid: Laid) -> None:
    width, height = (side / 1000 for side in laid.size)
    gates = laid.task.gate_area * 1e-6
    ratio = laid.area / laid.task.gate_area
    click.echo(
        f"{where}: {len(laid.task.fingers)} gates in "
        f"{counted(len(laid.assembly.floor.rows), 'rows')}, "
        f"{width:.2f} × {height:.2f} µm = {width * height:.0f} µm², "
        f"{ratio:.1f} times the gates' {gates:.0f} µm²"
    )


def _say_checks(name: str, checks: LayoutChecks, rules: int) -> None:
    if checks.violations:
        click.echo(f"{name}: {len(checks.violations)} of {counted(rules, 'design rules')} broken:")
        for each in checks.violations[:10]:
            click.echo(f"  {each}")
    else:
        click.echo(f"{name}: {counted(rules, 'design rules')}, 0 violations")
    compared = checks.comparison
    if compared.match:
        matched = f"{compared.devices} transistors and {compared.nets} nets match the netlist"
        click.echo(f"{name}: {matched}")
        return
    click.echo(f"{name}: the layout is NOT the netlist:")
    for line in compared.differences:
        click.echo(f"  {line}")
