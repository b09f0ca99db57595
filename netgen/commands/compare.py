"""``netgen compare``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netgen.commands.options import folder_argument, tolerance_options
from netgen.commands.steps import chosen_tolerances, compare_step


@click.command()
@folder_argument
@tolerance_options
def compare(folder: Path, limits: tuple[str, ...]) -> None:
    """Compare the simulated samples of DIR with software, sample by sample.

    Writes report.json, report.html, junit.xml and plots into DIR. Tolerances come from
    DIR/netgen.toml (or netgen.json) where there is one.
    """
    names = {"model": str(folder / "model.json"), "samples": str(folder / "sim" / "samples.npz")}
    sys.exit(compare_step(folder, chosen_tolerances(limits, folder), names))
