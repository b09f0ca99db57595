"""``netgen sweep``."""

from __future__ import annotations

from pathlib import Path

import click

from netgen.commands import options as shared
from netgen.commands.output import followed
from netgen.errors import UsageError
from netgen.model import Model, load_model
from netgen.project.results import write_results
from netgen.project.studies.sweep import KIND, PointResult, Quantity, SweepPoint, sweep_text
from netgen.project.studies.sweep import sweep as run_sweep
from netgen.units import engineering

SCALES: dict[Quantity, tuple[str, float, tuple[float, ...]]] = {
    "unit_current": ("nA", 1e-9, (0.1, 0.2, 0.5, 1, 2, 5, 10)),
    "vdd": ("V", 1.0, (1.2, 1.5, 1.8, 2.5, 3.3)),
    "frame_period": ("ms", 1e-3, (1, 2, 5, 10, 20)),
}
"""Of each quantity: the command line's unit, what it is in SI, and values to try."""


@click.command("sweep")
@shared.model_argument
@shared.samples_argument
@shared.output_option
@shared.replace_option
@shared.technology_options
@shared.simulation_options
@click.option("--unit-currents", metavar="nA,…", help="Unit currents to try.")
@click.option("--supplies", metavar="V,…", help="Supply voltages to try.")
@click.option("--frame-periods", metavar="ms,…", help="Frame periods to try.")
def sweep_command(
    model: Path,
    samples: Path,
    output: Path,
    replace: bool,
    simulation: shared.SimulationOptions,
    unit_currents: str | None,
    supplies: str | None,
    frame_periods: str | None,
    technology: shared.TechnologyOptions,
) -> None:
    """Try unit currents, supplies and frame periods: agreement against power.

    One quantity at a time, each value a build of its own below DIR. Without a list of values,
    usual ones of all three. Settling shows only where the network is simulated with its
    transients: take --engine monolithic for small unit currents and short frames.
    """
    loaded = load_model(model)
    known, indices = simulation.samples(samples, loaded)
    wanted: dict[Quantity, str | None] = {
        "unit_current": unit_currents,
        "vdd": supplies,
        "frame_period": frame_periods,
    }
    points = _points(wanted)
    choices = simulation.choices()
    results: list[PointResult] = []
    points_done = run_sweep(
        loaded, known, indices, output, points, technology.build_options(), choices, replace
    )
    for result in followed(points_done, "sweeping", len(points) * (len(indices) + 1)):
        if result is not None:
            results.append(result)
            click.echo(_line(result))
    _draw(output, loaded, results)
    click.echo(f"{output / 'sweep.json'}, {output / 'sweep.html'}")


def _points(wanted: dict[Quantity, str | None]) -> list[SweepPoint]:
    every = all(text is None for text in wanted.values())
    points = []
    for quantity, text in wanted.items():
        unit, si, usual = SCALES[quantity]
        try:
            values = [float(word) for word in text.split(",")] if text else list(usual)
        except ValueError:
            raise UsageError(f"{quantity} {text!r}: write numbers in {unit}, such as 1,2") from None
        if every or text is not None:
            points += [SweepPoint(quantity, value * si) for value in values]
    return points


def _line(result: PointResult) -> str:
    point = result.point
    unit, si, _ = SCALES[point.quantity]
    power = "" if result.power_w is None else engineering(result.power_w, "W")
    frame = f"frames of {result.footprint.frame}  " if result.footprint else ""
    states = "" if result.state_agreement is None else f"states {result.state_agreement:.4f}"
    return (
        f"{point.quantity:<13} {point.value / si:>6g} {unit:<3} "
        f"{result.agreeing:>3} of {result.samples} decisions  {states:<14} {power:>9}  "
        f"{frame}{result.summary}".rstrip()
    )


def _draw(output: Path, model: Model, results: list[PointResult]) -> None:
    from netgen.report.index import write_index
    from netgen.report.studies.sweep import (  # matplotlib: not for a usage error
        SweepCurve,
        sweep_files,
    )

    curves = []
    for quantity, (unit, si, _) in SCALES.items():
        selected = [r for r in results if r.point.quantity == quantity]
        selected.sort(key=lambda result: result.point.value)
        if selected:
            curves.append(
                SweepCurve(
                    f"{quantity.replace('_', ' ')} ({unit})",
                    quantity != "vdd",
                    [r.point.value / si for r in selected],
                    [r.agreeing / r.samples for r in selected],
                    [r.state_agreement for r in selected],
                    [r.power_w for r in selected],
                    [r.footprint.frame if r.footprint else "" for r in selected],
                    [r.summary for r in selected],
                )
            )
    files: dict[str, str | bytes] = {"sweep.json": sweep_text(model, results)}
    write_results(output, KIND, files | sweep_files(model.name, curves))
    write_index(output)
