"""``netgen verify``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netgen.commands.actions import chosen_tolerances, say_checks, verify_action
from netgen.commands.options import edited_option, folder_argument, tolerance_options
from netgen.commands.output import give_document
from netgen.report.comparison.document import checks_document


@click.command("verify")
@folder_argument
@tolerance_options
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Simulations at a time.  [default: cores]",
)
@edited_option
def verify_command(folder: Path, limits: tuple[str, ...], jobs: int | None, edited: bool) -> None:
    """Measure the mirrors and cells of DIR/netlist.cir against the learned parameters.

    Needs no samples: small operating points of the netlist's own devices, layer by layer, give the
    gain of each mirror and threshold, width and output of each cell. Writes DIR/verify.json, which
    netgen compare takes into its verdict.
    """
    checks = verify_action(folder, chosen_tolerances(limits, folder), jobs, edited)
    say_checks(checks)
    passed = all(check.passed for check in checks)
    give_document(checks_document(checks))
    click.echo(f"the netlist {'has' if passed else 'DOES NOT HAVE'} the learned parameters")
    sys.exit(0 if passed else 1)
