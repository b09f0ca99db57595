"""``netgen sim``."""

from __future__ import annotations

from pathlib import Path

import click

from netgen.commands import options as shared
from netgen.commands.actions import population_action, simulate_action
from netgen.commands.variants import Varied, variability_options
from netgen.errors import UsageError


@click.command("sim")
@shared.folder_argument
@shared.samples_argument
@shared.simulation_options
@variability_options
@click.option(
    "--post-layout", is_flag=True, help="With the wires of DIR/layout; traces lie in there."
)
@shared.edited_option
def sim_command(
    folder: Path,
    samples: Path,
    simulation: shared.SimulationOptions,
    varied: Varied,
    post_layout: bool,
    edited: bool,
) -> None:
    """Run SAMPLES through the transistors of the build in DIR.

    Only what is missing or changed is simulated; traces lie in DIR/sim. With --monte-carlo or
    --corners, every sample is run through many variants of the circuit instead; their results lie
    in DIR/variability.
    """
    if varied.asked:
        if post_layout:
            raise UsageError("--post-layout is of the nominal circuit; leave out chips and corners")
        population_action(folder, samples, simulation, varied, edited)
    else:
        simulate_action(folder, samples, simulation, edited, post_layout)
