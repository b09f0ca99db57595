"""``netgen sim``."""

from __future__ import annotations

from pathlib import Path

import click

from netgen.commands.options import folder_argument, samples_argument, simulation_options
from netgen.commands.steps import simulate_step, simulation_choices


@click.command()
@folder_argument
@samples_argument
@simulation_options
def sim(
    folder: Path,
    samples: Path,
    picked: str | None,
    jobs: int | None,
    timeout: float | None,
    engine: str,
    scheduler: str | None,
    raw: bool,
) -> None:
    """Run SAMPLES through the transistors of the build in DIR.

    Only what is missing or changed is simulated; traces lie in DIR/sim.
    """
    simulate_step(
        folder, samples, picked, simulation_choices(jobs, timeout, raw, engine, scheduler)
    )
