"""``netgen run``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netgen.commands import options as shared
from netgen.commands.actions import build_action, chosen_tolerances, compare_action, simulate_action
from netgen.commands.baseline import BaselineOptions, baseline_options
from netgen.errors import NetgenError, SimulationError
from netgen.model import load_model, load_samples
from netgen.project import occupied


@click.command("run")
@shared.model_argument
@shared.samples_argument
@shared.output_option
@shared.technology_options
@shared.unit_options
@shared.simulation_options
@shared.tolerance_options
@baseline_options
@shared.calibration_option
@shared.replace_option
def run_command(
    model: Path,
    samples: Path,
    output: Path,
    simulation: shared.SimulationOptions,
    limits: tuple[str, ...],
    earlier: BaselineOptions,
    calibration: Path | None,
    replace: bool,
    units: shared.UnitOptions,
    technology: shared.TechnologyOptions,
) -> None:
    """Build MODEL.json, run SAMPLES through it and compare circuit with software.

    Tolerances come from netgen.toml (or netgen.json) beside the model where there is one; DIR
    keeps them for netgen compare.
    """
    loaded = units.of(load_model(model))
    # before anything is built: what is wrong with these should not cost a build or a simulation
    simulation.samples(samples, loaded)
    typical = None if calibration is None else load_samples(calibration, loaded)
    tolerances = chosen_tolerances(limits, model.parent)
    simulation.choices()
    against = earlier.against()
    failed: SimulationError | None = None
    with occupied(output):
        options = technology.build_options()
        build_action(loaded, output, options, typical, tolerances, model, replace)
        try:
            simulate_action(output, samples, simulation)
        except SimulationError as error:  # the others are still worth a report
            failed = error
        names = {"model": str(model), "samples": str(samples)}
        if calibration is not None:
            names["calibration"] = str(calibration)
        try:
            status = compare_action(output, tolerances, names, against=against)
        except NetgenError:
            if failed is not None:  # what failed first is the reason
                raise failed from None
            raise
    if failed is not None:
        raise failed
    sys.exit(status)
