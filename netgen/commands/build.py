"""``netgen build``."""

from __future__ import annotations

from pathlib import Path

import click

from netgen.analysis import load_tolerances
from netgen.commands.export import export_step
from netgen.commands.options import (
    TechnologyOptions,
    UnitOptions,
    calibration_option,
    model_argument,
    output_option,
    replace_option,
    technology_options,
    unit_options,
)
from netgen.commands.steps import build_step
from netgen.model import load_model, load_samples
from netgen.project import FORMATS, Target, occupied, read_build
from netgen.simulators.dialects import DIALECTS


@click.command("build")
@model_argument
@output_option
@technology_options
@unit_options
@click.option(
    "--dialect",
    "dialects",
    type=click.Choice(list(DIALECTS)),
    multiple=True,
    help="Also write a deck for this simulator, as netgen export; repeatable.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    help="Also write the circuit in this format, as netgen export; repeatable.",
)
@calibration_option
@replace_option
def build_command(
    model: Path,
    output: Path,
    dialects: tuple[Target, ...],
    formats: tuple[Target, ...],
    calibration: Path | None,
    replace: bool,
    units: UnitOptions,
    technology: TechnologyOptions,
) -> None:
    """Size every device of MODEL.json and write netlist, mapping and build record into DIR.

    Tolerances of a netgen.toml (or netgen.json) beside the model are kept for netgen compare.
    """
    loaded = units.of(load_model(model))
    samples = None if calibration is None else load_samples(calibration, loaded)
    tolerances = load_tolerances(model.parent)
    with occupied(output):
        options = technology.build_options()
        build_step(loaded, output, options, samples, tolerances, model, replace)
        if dialects or formats:
            export_step(read_build(output), (*dialects, *formats))
