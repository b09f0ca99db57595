"""``netgen variability``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from netgen._version import __version__
from netgen.analysis.variability.proportions import spread
from netgen.commands.actions import open_action
from netgen.commands.options import PATH, edited_option
from netgen.commands.output import give_document
from netgen.document import Json
from netgen.errors import ConfigurationError
from netgen.project import Build, populations
from netgen.project.population.report import (
    PopulationAnalysis,
    analyse_population,
    write_population_report,
    write_trade_off,
)
from netgen.report.variability.accuracy import accuracy_lines
from netgen.report.variability.contributions import contribution_lines
from netgen.schema import head
from netgen.units import engineering

HEADER = (
    *("population", "runs", "failed", "missing", "decisions", "yield", "95 % (Wilson)"),
    *("states", "RMSE", "power"),
)
ROW = "{:<28} {:>7} {:>7} {:>8} {:>10} {:>10} {:>16} {:>9} {:>8} {:>9}"


@click.command("variability")
@click.argument("folders", type=PATH, metavar="DIR [OTHER_DIR]...", nargs=-1, required=True)
@edited_option
def variability_command(folders: tuple[Path, ...], edited: bool) -> None:
    """Analyse the chips and corners that netgen sim simulated of the build in DIR.

    Writes report.html, report.json and plots into the folder of each population in
    DIR/variability; with several builds also how agreement depends on the area of the unit mirror,
    into that of the first. Runs that are not simulated yet are counted as missing.
    """
    analyse_action([open_action(folder, edited) for folder in dict.fromkeys(folders)])


def analyse_action(builds: Sequence[Build]) -> None:
    """Analyse every population of some builds, write their pages and print a table.

    Raises
    ------
    ConfigurationError
        None of the builds holds a population that can be read.
    """
    analyses: dict[str, list[tuple[Build, PopulationAnalysis]]] = {}
    problems: list[ConfigurationError] = []
    pages: list[Path] = []
    for build in builds:
        names = populations(build)
        if not names:
            hint = "has no chips or corners; run netgen sim with --monte-carlo or --corners"
            problems.append(ConfigurationError(str(build.folder.path), [hint]))
        for name in names:
            try:
                analysis = analyse_population(build, name)
            except ConfigurationError as error:
                problems.append(error)
                continue
            pages.append(write_population_report(build, analysis))
            analyses.setdefault(name, []).append((build, analysis))
    for problem in problems[0 if analyses else 1 :]:
        click.echo(f"netgen: {problem}", err=True)
    if not analyses:
        raise problems[0]
    for build in builds:
        of_build = [each for entries in analyses.values() for at, each in entries if at is build]
        if of_build:
            click.echo(f"{build.folder.path}:")
            say_populations(of_build)
    for page in pages:
        click.echo(f"report: {page}")
    give_document(
        head("populations")
        | {"netgen": __version__, "reports": [_report(page.parent) for page in pages]}
    )
    for entries in analyses.values():
        if len(entries) > 1:
            path = write_trade_off(entries)
            click.echo(f"agreement against unit area: {path}")


def _report(folder: Path) -> dict[str, Json]:
    report: Json = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {"folder": str(folder), "report": report}


def say_populations(analyses: Sequence[PopulationAnalysis]) -> None:
    """Print a line for each population: medians over its runs, and shares of them."""
    click.echo("  SPICE; decisions and yield as software; medians of states, RMSE and power")
    click.echo("  " + ROW.format(*HEADER))
    for analysis in analyses:
        click.echo("  " + ROW.format(*_cells(analysis)))
        balanced = analysis.figures.balanced()
        if balanced is not None:
            what = "chips" if analysis.is_chips else "corners"
            for line in accuracy_lines(balanced, what):
                click.echo(f"    {line}")
        groups = analysis.contributions
        for line in () if groups is None else contribution_lines(groups):
            click.echo(f"    {line}")
        tied = int(analysis.figures.ties.sum())
        if tied:
            click.echo(
                f"    {tied} of {len(analysis.figures.samples)} samples are ties of software's; "
                "they count neither for nor against"
            )


def _cells(analysis: PopulationAnalysis) -> tuple[str, ...]:
    figures = analysis.figures
    ends = figures.yielded.wilson if analysis.is_chips else None
    states, rmse, power = (
        spread(values)
        for values in (figures.state_agreement, figures.logit_rmse_fs, figures.power_w)
    )
    return (
        analysis.name,
        str(int(figures.done.sum())),
        str(int(figures.failed.sum())),
        str(int((~figures.done).sum())),
        _share(figures.agreement.share),
        f"{figures.yielded.hits}/{figures.yielded.trials}",
        "–" if ends is None else f"{100 * ends[0]:.1f}–{100 * ends[1]:.1f} %",
        _share(None if states is None else states.median),
        _share(None if rmse is None else rmse.median),
        "–" if power is None else engineering(power.median, "W"),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f} %"
