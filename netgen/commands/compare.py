"""``netgen compare``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netgen.analysis import kept_tolerances
from netgen.commands import options as shared
from netgen.commands.actions import chosen_tolerances, compare_action, open_action
from netgen.commands.baseline import BaselineOptions, baseline_options
from netgen.commands.post_layout import say_side_by_side
from netgen.project import Folder
from netgen.project.post_layout import side_by_side


@click.command("compare")
@shared.folder_argument
@shared.tolerance_options
@baseline_options
@click.option(
    "--post-layout",
    "wires",
    is_flag=True,
    help="Set the circuit without and with the wires of DIR/layout side by side.",
)
@shared.edited_option
def compare_command(
    folder: Path, limits: tuple[str, ...], earlier: BaselineOptions, wires: bool, edited: bool
) -> None:
    """Compare the simulated samples of DIR with software, sample by sample.

    Writes report.json, report.html, junit.xml and plots into DIR. Tolerances are those that
    the build or run found, with those of DIR/netgen.toml (or netgen.json) over them.
    """
    if wires:
        say_side_by_side(side_by_side(open_action(folder, edited)))
        return
    names = {"model": str(folder / "model.json"), "samples": str(folder / "sim" / "samples.npz")}
    tolerances = chosen_tolerances(limits, folder, kept_tolerances(Folder(folder).tolerances))
    against = earlier.against()
    sys.exit(compare_action(folder, tolerances, names, edited, against))
