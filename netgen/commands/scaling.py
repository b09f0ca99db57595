"""``netgen scaling``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from netgen._version import __version__
from netgen.analysis.power.scaling import PowerLaw, power_law
from netgen.commands import options as shared
from netgen.commands.output import followed
from netgen.errors import UsageError
from netgen.project.results import write_results
from netgen.project.studies.scaling import KIND, PARTS, ScalingChoices, Size, usual_sizes
from netgen.project.studies.scaling import scaling as study
from netgen.schema import head
from netgen.units import engineering


@click.command("scaling")
@shared.output_option
@shared.technology_options
@shared.simulation_options
@click.option("--sizes", metavar="D,…", help="State sizes.  [default: 4,8,16,…,128]")
@shared.integer_option("--layers", default=2, help="Recurrent layers.")
@shared.integer_option("--frames", least=2, default=60, help="Length of the input sequence.")
@shared.integer_option(
    "--confirm", least=0, default=16, metavar="D", help="Simulated up to this size."
)
def scaling_command(
    output: Path,
    sizes: str | None,
    layers: int,
    frames: int,
    confirm: int,
    simulation: shared.SimulationOptions,
    technology: shared.TechnologyOptions,
) -> None:
    """Predict how power, transistors and area grow with the state size, and fit exponents.

    Random reference networks of every size; the power model's figures, confirmed in ngspice for
    the small ones. Writes scaling.json and scaling.png into DIR.
    """
    if simulation.picked is not None:
        raise UsageError("--samples: random networks bring their own; leave it out")
    states = _sizes(sizes)
    choices = ScalingChoices(tuple(states), layers, frames, confirm)
    measured: list[Size] = []
    studied = study(choices, output, technology.build_options(), simulation.choices())
    for size in followed(studied, "sizing", len(states)):
        measured.append(size)
        click.echo(_line(size))
    laws = {name: power_law(states, [of(size) for size in measured]) for name, of in QUANTITIES}
    for name, law in laws.items():
        if law is not None:
            click.echo(f"{name:<12} d^{law.exponent:.3f}  (95 %: {law.low:.3f} … {law.high:.3f})")
    _write(output, measured, laws)
    click.echo(f"{output / 'scaling.json'}, {output / 'scaling.html'}")


Reading = Callable[[Size], float]


def _of(part: str) -> Reading:
    return lambda size: size.predicted_w[part]


QUANTITIES: tuple[tuple[str, Reading], ...] = (
    *((part, _of(part)) for part in PARTS if part != "input"),
    ("feedforward", lambda size: size.predicted_w["mirrors"] + size.predicted_w["lines"]),
    ("total", lambda size: sum(size.predicted_w.values())),
    ("transistors", lambda size: float(size.area.transistors)),
    ("area", lambda size: size.area.drawn_m2),
)
"""What is fitted; the input's power is that of its channels, whatever the size."""


def _sizes(text: str | None) -> Sequence[int]:
    try:
        sizes = [int(word) for word in text.split(",")] if text else usual_sizes(128)
    except ValueError:
        raise UsageError(f"--sizes {text}: write whole numbers, such as 4,8,16") from None
    if min(sizes) < 1 or len(set(sizes)) < len(sizes):
        raise UsageError(f"--sizes {text}: write different numbers above 0")
    return sorted(sizes)


def _line(size: Size) -> str:
    predicted = sum(size.predicted_w.values())
    measured = sum(size.measured_w.values())
    spice = f", ngspice {predicted / measured - 1:+.1%}" if size.measured_w else ""
    missing = f", {size.below_floor} weights left out" if size.below_floor else ""
    return (
        f"d = {size.state:<4} {size.area.transistors:>8} transistors  "
        f"{size.area.drawn_m2 * 1e6:9.4f} mm²  {engineering(predicted, 'W'):>9}  "
        f"{engineering(predicted * size.inference_s, 'J'):>9} an inference; recurrent "
        f"{size.predicted_w['recurrent'] / predicted:.0%}; wires "
        f"{engineering(size.footprint.wires_f, 'F')}, frames of {size.footprint.frame}"
        f"{spice}{missing}"
    )


def _write(output: Path, sizes: Sequence[Size], laws: dict[str, PowerLaw | None]) -> None:
    from netgen.report.index import write_index
    from netgen.report.studies.scaling import (  # matplotlib: not for a usage error
        Scaling,
        scaling_files,
    )

    record = {
        **head("scaling"),
        "netgen": __version__,
        "sizes": [asdict(size) for size in sizes],
        "exponents": {name: asdict(law) for name, law in laws.items() if law is not None},
    }
    states = [size.state for size in sizes]

    def scaling(label: str, predicted: Reading, measured: Reading) -> Scaling:
        watts = [measured(size) if size.measured_w else None for size in sizes]
        return Scaling(label, states, [predicted(size) for size in sizes], watts, laws.get(label))

    scalings = [scaling(part, _of(part), lambda s, part=part: s.measured_w[part]) for part in PARTS]  # type: ignore[misc]
    scalings.append(
        scaling(
            "total", lambda s: sum(s.predicted_w.values()), lambda s: sum(s.measured_w.values())
        )
    )
    circuits = [
        (
            f"{size.state}",
            f"{size.area.transistors}",
            f"{size.footprint.area_m2 * 1e6:.4g} mm²",
            engineering(size.footprint.wires_f, "F"),
            size.footprint.frame,
        )
        for size in sizes
    ]
    text = json.dumps(record, indent=1) + "\n"
    files: dict[str, str | bytes] = {"scaling.json": text}
    write_results(output, KIND, files | scaling_files(scalings, laws, circuits))
    write_index(output)
