"""What each command does, with what it prints; ``run`` is made of the same actions."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from netgen.analysis import (
    CAUSES,
    Check,
    Comparison,
    Tolerances,
    load_tolerances,
    override,
    verified,
)
from netgen.analysis.comparison.baseline import Against
from netgen.commands.baseline import say_baseline
from netgen.commands.options import SimulationOptions, cores, words
from netgen.commands.output import list_first, progress, warn
from netgen.commands.variants import Varied
from netgen.commands.watching import watch
from netgen.errors import SimulationError, UsageError
from netgen.model import Model, Samples
from netgen.progress import LOG
from netgen.project import (
    Build,
    BuildOptions,
    Design,
    build,
    chosen_engine,
    compare,
    engine_of_population,
    read_build,
    read_verification,
    simulate,
    simulate_population,
    verify,
)
from netgen.project.footprint import footprint_of
from netgen.project.limits import doubtful
from netgen.project.origin import replaced
from netgen.project.post_layout import post_layout
from netgen.report.comparison.provenance import scope
from netgen.units import counted, engineering

PLACES = 3
"""So many places that miss a limit are printed."""
ANALOG = {"row_error_max", "node_error_max", "logit_rmse_same_state_fs_max"}
"""Figures that depend on the currents which mirrors were sized for."""


def build_action(
    model: Model,
    output: Path,
    options: BuildOptions,
    calibration: Samples | None,
    tolerances: Tolerances,
    source: Path,
    replace: bool,
) -> Design:
    """Build and say what was built, and whether it replaces another circuit."""
    if replaced(output, model, source, replace):
        message = "the circuit of another model, or of an earlier state of this one, is replaced"
        click.secho(
            f"{output}: {message}; simulations and reports of it no longer count", fg="yellow"
        )
    warn_of_units(model)
    built = build(model, output, options, calibration, tolerances, source)
    counts = built.netlist.counts
    listed = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    click.echo(f"{output}: {sum(counts.values())} transistors ({listed})")
    models = built.technology.model_origin
    click.echo(f"{output}: models of {built.technology.name} from {models or 'its folder'}")
    if built.known.divider is not None:
        ratio = f"1 : {options.input_ratio:g}"
        click.echo(f"{output}: dividers of inputs: {ratio}, {built.known.divider}")
    if built.known.comparator is not None:
        click.echo(f"{output}: comparator, of the first class's current: {built.known.comparator}")
    for file in built.kept:
        click.secho(f"{output}: your edited file is now {file.name}", fg="yellow")
    click.echo(f"{output}: {expected_power(built, calibration is not None)}")
    click.echo(f"{output}: {footprint_of(built).summary}")
    say_below_floor(built)
    return built


def expected_power(design: Design, calibrated: bool) -> str:
    """Say what power to expect, over which inputs, and where it goes."""
    over = "the calibration samples" if calibrated else "netgen's own calibration inputs"
    shares = ", ".join(
        f"{kind} {watts / design.power.average_w:.0%}"
        for kind, watts in sorted(design.power.by_kind.items(), key=lambda item: -item[1])
        if watts >= 0.005 * design.power.average_w
    )
    watts = engineering(design.power.average_w, "W")
    return f"{watts} of supply power expected over {over} ({shares})"


def warn_of_units(model: Model) -> None:
    """Say which units of a model were never tried in a circuit."""
    for line in doubtful(model):
        warn(line)


def say_below_floor(design: Design) -> None:
    """List, loudly, the largest weights that the technology cannot draw."""
    listed = sorted(design.below_floor, key=lambda entry: -abs(entry.weight))
    if listed:
        warn(f"below the technology's floor and left out: {counted(len(listed), 'weights')}:")
        list_first(listed, "smaller ones; netgen build names all in build.json")


def open_action(folder: Path, edited: bool = False) -> Build:
    """Read a build folder and say which of its netlists were edited by hand."""
    opened = read_build(folder, edited)
    for name in opened.edited:
        click.secho(f"{folder}: {name} was edited by hand since it was built", fg="yellow")
    return opened


def simulate_action(
    output: Path,
    samples: Path,
    simulation: SimulationOptions,
    edited: bool = False,
    wires: bool = False,
) -> None:
    """Simulate, with the wires of its layout or without, and say how it went (:func:`.watch`)."""
    opened = open_action(output, edited)
    opened = post_layout(opened) if wires else opened
    loaded, indices = simulation.samples(samples, opened.model)
    choices = simulation.choices()
    engine = chosen_engine(opened, choices)
    how = f" ({choices.engine})" if engine != choices.engine else ""
    click.echo(f"{output}: engine {engine}{how}")
    watch(
        simulate(opened, loaded, indices, choices),
        len(indices),
        output,
        "samples",
        engine == "monolithic",
    )


def population_action(
    output: Path, samples: Path, simulation: SimulationOptions, varied: Varied, edited: bool = False
) -> None:
    """Simulate samples in many variants of a circuit and say how it went (:func:`.watch`)."""
    opened = open_action(output, edited)
    population = varied.population(opened)
    loaded, indices = simulation.samples(samples, opened.model)
    total, choices = len(population.variants) * len(indices), simulation.choices()
    engine = engine_of_population(opened, choices)
    click.echo(
        f"{opened.folder.population(population.name)}: "
        f"{counted(len(population.variants), 'variants')} × "
        f"{counted(len(indices), 'samples')}, engine {engine}"
    )
    runs = simulate_population(opened, loaded, indices, population, choices)
    try:
        watch(runs, total, output, "runs", engine == "monolithic")
    finally:
        click.echo(f"analyse them: netgen variability {output}")


def chosen_tolerances(
    limits: tuple[str, ...], folder: Path, base: Tolerances | None = None
) -> Tolerances:
    """Return the tolerances configured in a folder, with those of the command line over them."""
    return override(load_tolerances(folder, base), dict(map(_limit, limits)), "--tolerance", "")


def verify_action(
    output: Path, tolerances: Tolerances, jobs: int | None, edited: bool = False
) -> tuple[Check, ...]:
    """Measure the netlist's mirrors and cells, print the figures with their limits."""
    opened = open_action(output, edited)
    with progress("verifying", 1) as watched:

        def watch(done: int, total: int) -> None:
            watched.length = total
            watched.update(1)

        verification = verify(opened, jobs or cores(), watch)
    checks = verified(verification, tolerances)
    click.echo(
        f"{output}: {counted(len(verification.mirrors), 'weights')} and "
        f"{counted(len(verification.cells), 'cells')} of the netlist "
        f"measured in {verification.cpu_s:.1f} CPU s"
    )
    return checks


def compare_action(
    output: Path,
    tolerances: Tolerances,
    names: dict[str, str],
    edited: bool = False,
    against: Against | None = None,
) -> int:
    """Compare, print the verdict and return the exit status.

    A netlist whose mirrors and cells were not measured since it was written is measured first.

    Raises
    ------
    SimulationError
        Simulations failed, and the others agree: there is nothing that disagrees.
    """
    opened = open_action(output, edited)
    if read_verification(opened) is None:
        verify_action(output, tolerances, None, edited)
    calibration = names.get("calibration")
    typical = [] if calibration is None else ["--calibration", calibration]
    rerun = (
        shlex.join(
            ["netgen", "build", names["model"], "-o", str(output), *typical, *words(opened.options)]
        ),
        shlex.join(["netgen", "sim", str(output), names["samples"]]),
        shlex.join(["netgen", "compare", str(output)]),
    )
    comparison, checks = compare(opened, tolerances, names, rerun, against)
    say_comparison(comparison, checks, opened.options.bias, opened.model.classes)
    missed = {check.name for check in checks if not check.passed}
    if missed & ANALOG and not opened.folder.calibration.is_file():
        click.echo("mirrors were sized for inputs that netgen made up; --calibration SAMPLES of "
                   "build and run sizes them for yours")  # fmt: skip
    for check in checks:
        mark, value = _mark_and_value(check)
        LOG.info("%s %s: %s (%s %g)", mark, check.name, value, check.relation, check.limit)
    regressed = False
    if against is not None:
        earlier = against.of(comparison, checks, opened.model.digest)
        say_baseline(earlier)
        regressed = bool(earlier.regressed)
    click.echo(f"report: {output / 'report.html'}")
    wrong = {check.name for check in checks if not check.passed}
    if comparison.failures and (not comparison.samples or wrong == {"failures"}):
        kinds = ", ".join(sorted(set(comparison.failures.values())))
        problem = (
            f"no result of {counted(len(comparison.failures), 'samples')} ({kinds}); "
            "run netgen sim again"
        )
        raise SimulationError(kinds, f"{output}: {problem}")
    return 1 if wrong or regressed else 0


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise UsageError(f"--tolerance {text}: write NAME=VALUE, such as "
                         "decision_agreement_min=0.95") from None  # fmt: skip


def _say_causes(comparison: Comparison) -> None:
    """Count the states that differ, by cause."""
    counts = {cause: sum(sample.flips[cause] for sample in comparison.samples) for cause in CAUSES}
    if any(counts.values()):
        listed = ", ".join(f"{count} {cause}" for cause, count in counts.items() if count)
        click.echo(f"       {'states that differ':<30} {sum(counts.values()):>12}  ({listed})")


def say_comparison(
    comparison: Comparison, checks: tuple[Check, ...], bias: str, classes: Sequence[str]
) -> None:
    """Print the figures with their limits, and the verdict on a circuit with that kind of bias."""
    say_checks(checks)
    if comparison.power_w is not None:
        click.echo(f"       {'supply power':<30} {engineering(comparison.power_w, 'W'):>12}")
    unsettled = comparison.settling.summary()
    if unsettled is not None:
        warn(unsettled)
    _say_causes(comparison)
    if comparison.cost.unseen_states:
        warn(
            f"not looked at: {counted(comparison.cost.unseen_states, 'states')} that a transient "
            "could decide: the staged engine shows no transients; --engine monolithic does"
        )
    note = comparison.tie_note()
    for line in filter(None, (note, comparison.never_decided(classes))):
        click.echo(f"       {line}")
    if comparison.unexercised:
        unused = sum(len(entry.parameters) for entry in comparison.unexercised)
        click.echo(f"       {'parameters never used':<30} {unused:>12}  (listed in the report)")
    agreed = sum(sample.agrees for sample in comparison.decided)
    tied = len(comparison.samples) - len(comparison.decided)
    ties = f", {counted(tied, 'ties')}" if tied else ""
    verdict = "agree" if all(check.passed for check in checks) else "DO NOT AGREE"
    if any(check.looser for check in checks):
        verdict += " by looser tolerances than the defaults"
    click.echo(
        f"circuit and software {verdict}: {agreed} of {len(comparison.decided)} decisions equal"
        f"{ties} "
        f"({scope(bias)})"
    )


def say_checks(checks: tuple[Check, ...]) -> None:
    """Print figures with their limits, and the worst places of those that miss them."""
    for check in checks:
        mark, value = _mark_and_value(check)
        limit = f"({check.relation} {check.limit:g}){from_source(check)}"
        click.echo(f"  {mark:<4} {check.name:<30} {value:>12}  {limit}")
        for place in check.places[:PLACES]:
            click.echo(f"         {place.what}: {place.error:+.3g}")
        if len(check.places) > PLACES:
            click.echo(f"         and {len(check.places) - PLACES} more in the report")


def _mark_and_value(check: Check) -> tuple[str, str]:
    """Return a figure's mark and value: what there is nothing of neither holds nor misses."""
    mark = "–" if check.unjudged else "ok" if check.passed else "FAIL"
    return mark, "not judged" if check.value is None else f"{check.value:.6g}"


def from_source(check: Check) -> str:
    """Say where a limit comes from that is no default, and whether it is looser."""
    if not check.source:
        return ""
    looser = f" looser than the default {check.default:g}," if check.looser else ""
    return f"{looser} from {check.source}"
