"""``netgen build``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import click

from netgen.analysis import load_tolerances
from netgen.commands import options as shared
from netgen.commands.actions import build_action
from netgen.commands.export import export_action
from netgen.commands.records import taking
from netgen.errors import UsageError
from netgen.model import Model, Samples, load_model, load_samples
from netgen.project import FORMATS, BuildOptions, Target, occupied, read_build
from netgen.project.area import BUDGETS, area_by_group
from netgen.simulators.dialects import DIALECTS


@dataclass(frozen=True)
class GoalOptions:
    """What sizes of groups of devices are chosen for."""

    optimise: str | None
    area: float | None
    target: float | None
    trimmed: bool
    inputs: bool
    sizes_by: str

    def check(self, samples: Samples | None) -> None:
        """See that the options belong together.

        Raises
        ------
        UsageError
            They do not.
        """
        wanted = {"yield": ("--area BUDGET", self.area), "area": ("--yield SHARE", self.target)}
        for goal, (name, value) in wanted.items():
            if (self.optimise == goal) != (value is not None):
                raise UsageError(f"--optimise {goal} and {name} belong together; give both")
        if self.optimise is None and self.trimmed:
            raise UsageError("--trimmed says what --optimise is for; add it")
        if self.inputs and not self.trimmed:
            raise UsageError("--inputs says how chips are trimmed; add --trimmed")
        if self.optimise is not None and samples is None:
            raise UsageError("--optimise needs labelled samples: add --calibration SAMPLES.npz")


def sizes_action(
    model: Model, options: BuildOptions, samples: Samples, goal: GoalOptions, folder: Path
) -> BuildOptions:
    """Choose the sizes of groups of devices and say what to expect of them."""
    best, same = area_by_group(
        model,
        options,
        samples,
        budget=goal.area,
        target=goal.target,
        trimmed=goal.trimmed,
        inputs=goal.inputs,
        by_node=goal.sizes_by == "node",
        models=folder,
    )
    listed = ", ".join(f"{group} {factor:g}" for group, factor in best.factors.items())
    click.echo(f"W and L over the unit mirror's: {listed}")
    for what, sized in (("these sizes", best), ("one size for all", same)):
        mean, low = sized.accuracy.mean, sized.accuracy.low
        click.echo(
            f"{what}: {sized.area:.2f} × the area, balanced accuracy {mean:.1%} (5 % quantile "
            f"{low:.1%}), {sized.kept:.1%} of chips within five points of software (fast model, "
            "calibration samples)"
        )
    return dataclasses.replace(options, sizes=best.factors)


@click.command("build")
@shared.model_argument
@shared.output_option
@shared.technology_options
@shared.unit_options
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
@shared.calibration_option
@shared.replace_option
@taking(
    "goal",
    GoalOptions,
    click.option(
        "--optimise",
        type=click.Choice(("yield", "area")),
        help="Choose the sizes of groups of devices by what their mismatch does to the labelled "
        "samples of --calibration (validation, not test): the most chips that decide right within "
        "--area, or the least area for --yield.",
    ),
    click.option(
        "--area",
        type=click.FloatRange(*BUDGETS),
        metavar="BUDGET",
        help="Drawn area over that of one size for all.",
    ),
    click.option(
        "--yield",
        "target",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        help="Of chips that lose at most five points of balanced accuracy.",
    ),
    click.option("--trimmed", is_flag=True, help="For chips that netgen trim corrects."),
    click.option("--inputs", is_flag=True, help="The trim sets input gains too."),
    click.option(
        "--sizes-by",
        type=click.Choice(("node", "group")),
        default="node",
        show_default=True,
        help="Whether a group of devices has a size at each node of the model, or one in all.",
    ),
)
def build_command(
    model: Path,
    output: Path,
    dialects: tuple[Target, ...],
    formats: tuple[Target, ...],
    calibration: Path | None,
    replace: bool,
    units: shared.UnitOptions,
    technology: shared.TechnologyOptions,
    goal: GoalOptions,
) -> None:
    """Size every device of MODEL.json and write netlist, mapping and build record into DIR.

    Tolerances of a netgen.toml (or netgen.json) beside the model are kept for netgen compare.
    """
    loaded = units.of(load_model(model))
    samples = None if calibration is None else load_samples(calibration, loaded)
    tolerances = load_tolerances(model.parent)
    goal.check(samples)
    with occupied(output) as folder:
        options = technology.build_options()
        if goal.optimise is not None:
            assert samples is not None
            options = sizes_action(loaded, options, samples, goal, folder.path)
        build_action(loaded, output, options, samples, tolerances, model, replace)
        if dialects or formats:
            export_action(read_build(output), (*dialects, *formats))
