"""Simulations as they end: a bar on the terminal, a line in the log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from netgen.commands.output import progress_hidden
from netgen.errors import SimulationError
from netgen.progress import LOG
from netgen.project import Finished
from netgen.project.population.simulate import Run

#: The way out where ngspice's time step became too small in a circuit as a whole.
PARTS = "; --engine staged solves the circuit in parts"


def watch(
    simulations: Iterator[Finished[int] | Finished[Run]],
    total: int,
    output: Path,
    what: str,
    whole: bool,
) -> None:
    """Show the progress of simulations, of a circuit as a ``whole`` or not, and how they went.

    Raises
    ------
    SimulationError
        At least one failed; the others are there.
    """
    started = time.monotonic()
    failures: list[SimulationError] = []
    fresh = 0
    with click.progressbar(
        simulations,
        length=total,
        label="simulating",
        file=sys.stderr,
        show_pos=True,
        item_show_func=lambda _: f"{len(failures)} failed",
        hidden=progress_hidden(),
    ) as watched:
        finished: Finished[int] | Finished[Run]
        for finished in watched:
            _log(finished)
            fresh += finished.fresh
            if finished.failure is not None:
                failures.append(finished.failure)
    took = time.monotonic() - started
    taken = f", {total - fresh} taken over" if fresh < total else ""
    click.echo(f"{output}: {fresh - len(failures)} {what} simulated in {took:.1f} s{taken}")
    if failures:
        kinds = ", ".join(sorted({failure.kind for failure in failures}))
        problem = f"{len(failures)} of {total} {what} failed ({kinds}); first: {failures[0]}"
        raise SimulationError(kinds, f"{problem}{PARTS if whole and 'timestep' in kinds else ''}")


def _log(finished: Finished[int] | Finished[Run]) -> None:
    run = finished.run.traces if isinstance(finished.run, Run) else f"sample {finished.run}"
    if finished.failure is not None:
        LOG.warning("%s failed: %s", run, finished.failure)
    else:
        LOG.info("%s %s", run, "simulated" if finished.fresh else "taken over")
