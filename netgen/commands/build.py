"""``netgen build``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netgen.commands.options import PATH, model_argument, output_option, technology_options
from netgen.commands.steps import build_options, build_step
from netgen.model import load_model, load_samples


@click.command()
@model_argument
@output_option
@technology_options
@click.option(
    "--calibration",
    type=PATH,
    metavar="SAMPLES.npz",
    help="Samples that show at which currents the circuit works.  [default: synthetic]",
)
def build(
    model: Path,
    output: Path,
    calibration: Path | None,
    **chosen: Any,
) -> None:
    """Size every device of MODEL.json and write netlist, mapping and build record into DIR."""
    loaded = load_model(model)
    samples = None if calibration is None else load_samples(calibration, loaded)
    build_step(loaded, output, build_options(**chosen), samples)
