"""``netgen compare``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netgen.analysis import kept_tolerances
from netgen.commands.baseline import asked_baseline, baseline_options
from netgen.commands.options import (
    edited_option,
    folder_argument,
    tolerance_options,
)
from netgen.commands.steps import chosen_tolerances, compare_step
from netgen.project import Folder


@click.command()
@folder_argument
@tolerance_options
@baseline_options
@edited_option
def compare(
    folder: Path,
    limits: tuple[str, ...],
    baseline: Path | None,
    regressions: tuple[str, ...],
    edited: bool,
) -> None:
    """Compare the simulated samples of DIR with software, sample by sample.

    Writes report.json, report.html, junit.xml and plots into DIR. Tolerances are those that
    the build or run found, with those of DIR/netgen.toml (or netgen.json) over them.
    """
    names = {"model": str(folder / "model.json"), "samples": str(folder / "sim" / "samples.npz")}
    tolerances = chosen_tolerances(limits, folder, kept_tolerances(Folder(folder).tolerances))
    against = asked_baseline(baseline, regressions)
    sys.exit(compare_step(folder, tolerances, names, edited, against))
