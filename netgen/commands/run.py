"""``netgen run``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from netgen.commands.baseline import asked_baseline, baseline_options
from netgen.commands.options import (
    calibration_option,
    model_argument,
    output_option,
    replace_option,
    samples_argument,
    simulation_options,
    technology_options,
    tolerance_options,
    unit_options,
)
from netgen.commands.steps import (
    build_options,
    build_step,
    chosen_tolerances,
    compare_step,
    simulate_step,
    simulation_choices,
    with_units,
)
from netgen.errors import NetgenError, SimulationError
from netgen.model import load_model, load_samples, pick_indices
from netgen.project import occupied


@click.command()
@model_argument
@samples_argument
@output_option
@technology_options
@unit_options
@simulation_options
@tolerance_options
@baseline_options
@calibration_option
@replace_option
def run(
    model: Path,
    samples: Path,
    output: Path,
    picked: str | None,
    jobs: int | None,
    timeout: float | None,
    engine: str,
    scheduler: str | None,
    input_edge: float | None,
    raw: bool,
    limits: tuple[str, ...],
    baseline: Path | None,
    regressions: tuple[str, ...],
    calibration: Path | None,
    replace: bool,
    unit_current: float | None,
    frame_period: float | None,
    **chosen: Any,
) -> None:
    """Build MODEL.json, run SAMPLES through it and compare circuit with software.

    Tolerances come from netgen.toml (or netgen.json) beside the model where there is one; DIR
    keeps them for netgen compare.
    """
    loaded = with_units(load_model(model), unit_current, frame_period)
    # before anything is built: what is wrong with these should not cost a build or a simulation
    pick_indices(picked, len(load_samples(samples, loaded)))
    typical = None if calibration is None else load_samples(calibration, loaded)
    tolerances = chosen_tolerances(limits, model.parent)
    choices = simulation_choices(jobs, timeout, raw, engine, scheduler, input_edge)
    against = asked_baseline(baseline, regressions)
    failed: SimulationError | None = None
    with occupied(output):
        options = build_options(**chosen)
        build_step(loaded, output, options, typical, tolerances, model, replace)
        try:
            simulate_step(output, samples, picked, choices)
        except SimulationError as error:  # the others are still worth a report
            failed = error
        names = {"model": str(model), "samples": str(samples)}
        if calibration is not None:
            names["calibration"] = str(calibration)
        try:
            status = compare_step(output, tolerances, names, against=against)
        except NetgenError:
            if failed is not None:  # what failed first is the reason
                raise failed from None
            raise
    if failed is not None:
        raise failed
    sys.exit(status)
