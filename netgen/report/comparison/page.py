"""``report.html`` of a comparison, read from the verdict down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from netgen import __version__
from netgen.analysis import CAUSES, Check, Comparison, Verification
from netgen.analysis.comparison.baseline import BaselineComparison
from netgen.analysis.comparison.error_budget import ErrorBudget, NoErrorBudget
from netgen.model import Model
from netgen.report.comparison.error_budget_text import error_budget_rows
from netgen.report.comparison.parameters import signed
from netgen.report.comparison.provenance import BuildSummary, Provenance
from netgen.report.comparison.tables import (
    nodes_contents,
    parameters_contents,
    samples_contents,
    unexplained_contents,
)
from netgen.report.page import (
    Content,
    Lines,
    Page,
    Section,
    Table,
    TableRow,
    Text,
    Waves,
    plain_rows,
    provenance,
)
from netgen.report.plot import Plot
from netgen.report.power.text import block_rows, power_tables
from netgen.report.text import (
    CAUSE_MEANINGS,
    MEANINGS,
    limit,
    measured,
    percent,
    printable,
    source,
    window,
)
from netgen.units import counted, engineering

_UNSET = ("None", "{}", "[]", "()", "")
"""Options that nobody has set."""
_TOOLS = {"pdk_sha256": "SHA-256 of the technology's files"}
PLACES = 5
"""So many places of a figure are told on the page."""


def comparison_page(
    comparison: Comparison,
    model: Model,
    checks: Sequence[Check],
    origin: Provenance,
    plots: Sequence[Plot | Waves],
    budget: ErrorBudget | NoErrorBudget,
    verification: Verification | None = None,
    baseline: BaselineComparison | None = None,
) -> Page:
    """Return the page of a comparison; ``plots`` of a sample come in their order."""
    build = origin.build
    groups: dict[str, list[Content]] = {}
    for plot in plots:
        group = "sample" if isinstance(plot, Waves) else plot.group
        groups.setdefault(group, []).append(plot)
    passed = all(check.passed for check in checks)
    nothing = [Text("No sample was simulated.", "note")]
    sections = [
        Section("tolerances", "Numbers against tolerances", [_tolerances(checks, comparison)],
                "Tolerances"),
        *([] if baseline is None else [_against(baseline)]),
        Section("divergence", "Where circuit and software part, and why",
                _divergence(comparison, model), "Divergence"),
        Section("samples", "Samples", samples_contents(comparison, model)),
        Section("time", "Over time", groups.get("sample", nothing)),
        Section("nodes", "Errors by node",
                [*groups.get("errors", []), *nodes_contents(comparison, model)], "Nodes"),
        Section("parameters", "The learned parameters",
                parameters_contents(comparison, verification), "Parameters"),
        Section("budget", "Where the error comes from", _budget(budget, groups), "Error budget"),
        *_power(comparison, build, groups),
        Section("circuit", "The circuit", _circuit(build, groups), "Circuit"),
        provenance(_sources(model, origin, comparison), origin.rerun),
    ]  # fmt: skip
    return Page(
        model.name,
        "circuit against software",
        _summary(comparison, checks, model) + _edited(build) + _regressed(baseline),
        sections,
        _facts(comparison),
        "The circuit agrees" if passed else "The circuit does not agree",
        passed,
        build.scope,
    )


def _summary(comparison: Comparison, checks: Sequence[Check], model: Model) -> str:
    """The verdict in one or two sentences."""
    count, failed = len(comparison.samples), len(comparison.failures)
    if not count:
        return f"No sample could be simulated ({failed} failed)."
    agreeing, decided = sum(e.agrees for e in comparison.decided), len(comparison.decided)
    text = f"The circuit decides {agreeing} of {counted(decided, 'samples')} as software does"
    if decided < count:
        text += f" ({count - decided} more are ties of software's own)"
    if comparison.state_agreement is not None:
        text += f", {percent(comparison.state_agreement)} of its states are the same"
    text += (
        f", and its analog error is {percent(comparison.logit_rmse_same_state_fs)} of full scale."
    )
    never = printable(comparison.never_decided(model.classes))
    if never:
        text += f" {never[0].upper()}{never[1:]}: nothing is said of what decides for them."
    if failed:
        text += f" The simulation of {failed} more failed."
    missed = [check.name for check in checks if not check.passed]
    looser = [check.name for check in checks if check.looser]
    if looser:
        text += f" Tolerances are looser than the defaults: {', '.join(looser)}."
    return text + (f" Out of tolerance: {', '.join(missed)}." if missed else "")


def _edited(build: BuildSummary) -> str:
    if not build.edited:
        return ""
    return f" Edited by hand since the circuit was built: {', '.join(build.edited)}."


def _regressed(baseline: BaselineComparison | None) -> str:
    names = [] if baseline is None else [change.name for change in baseline.regressed]
    return f" Worse than in the baseline: {', '.join(names)}." if names else ""


def _against(baseline: BaselineComparison) -> Section:
    """Every figure beside that of an earlier report."""
    of = f"Earlier figures are those of `{printable(baseline.source)}`"
    of += "." if baseline.same_model else ", which is of another model."
    of += "" if baseline.same_samples else " It compares another number of samples."
    rows = [
        TableRow(
            (
                "✗ worse" if not change.passed else "✓ holds" if change.allowed is not None else "",
                f"`{change.name}`",
                *("–" if each is None else f"{each:.6g}" for each in (change.before, change.now)),
                "" if change.allowed is None else f"{change.allowed:.3g}",
            ),
            not change.passed,
        )
        for change in baseline.changes
    ]
    columns = ("result", "figure", ">earlier", ">now", ">may become worse by")
    contents: list[Content] = [Text(of), Table("Figures against an earlier report", columns, rows)]
    return Section("baseline", "Against the baseline", contents, "Baseline")


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    """The headline numbers: (label, value)."""
    cost, count = comparison.cost, len(comparison.samples)
    facts = [("samples", f"{count}"), ("frames each", f"{comparison.frames}")]
    facts += [("cells", f"{comparison.units}")] if comparison.units else []
    if comparison.accuracy_software is not None:
        facts.append(("accuracy, software", percent(comparison.accuracy_software)))
        facts.append(("accuracy, circuit", percent(comparison.accuracy_circuit)))
    if comparison.power_w is not None and comparison.energy_j is not None:
        facts.append(("supply power", engineering(comparison.power_w, "W")))
        facts.append(("energy a sample", engineering(comparison.energy_j, "J")))
        facts.append(("simulation, CPU a sample", engineering(cost.cpu_s / count, "s")))
    return facts


def _tolerances(checks: Sequence[Check], comparison: Comparison) -> Table:
    rows = []
    for check in checks:
        meaning = MEANINGS[check.name]
        if check.name == "frame_agreement":
            meaning += f" (frames {window(comparison)})"
        places = [f"`{place.what}: {signed(place.error)}`" for place in check.places]
        if len(places) > PLACES:
            places[PLACES:] = [f"and {len(places) - PLACES} more in `report.json`"]
        where = source(check)
        rows.append(
            TableRow(
                (
                    "– not judged" if check.unjudged else "✓ holds" if check.passed else "✗ missed",
                    f"`{check.name}`",
                    measured(check),
                    limit(check) + (f"\n{where}" if where else ""),
                    "\n".join([meaning, *places]),
                ),
                not check.passed,
            )
        )
    columns = ("result", "figure", ">measured", ">wanted", "what it says")
    return Table("Numbers against tolerances", columns, rows)


def _divergence(comparison: Comparison, model: Model) -> list[Content]:
    contents: list[Content] = []
    failures = Counter(comparison.failures.values())
    if failures:
        listed = ", ".join(f"{count} × {kind}" for kind, count in failures.items())
        text = f"Simulations that failed: {listed}. They are in the table of samples."
        contents.append(Text(text, "no"))
    unsettled = comparison.settling.summary()
    if unsettled:
        contents.append(Text(f"{unsettled[0].upper()}{unsettled[1:]}.", "no"))
    ties = comparison.tie_note()
    contents += [Text(ties)] if ties else []
    contents += _states(comparison) if model.cells else []
    first = Counter(
        entry.first_divergence.cause
        for entry in comparison.samples
        if entry.first_divergence is not None
    )
    rows = [
        (
            f"`{cause}`",
            str(sum(entry.flips[cause] for entry in comparison.samples)),
            str(first[cause]),
            CAUSE_MEANINGS[cause],
        )
        for cause in CAUSES
    ]
    columns = ("cause", ">differing states", ">samples it came first in", "meaning")
    contents.append(Table("Causes of differences", columns, plain_rows(rows)))
    return contents + unexplained_contents(comparison)


def _states(comparison: Comparison) -> list[Content]:
    differences = sum(sum(entry.flips.values()) for entry in comparison.samples)
    forecast = sum(entry.race_forecast for entry in comparison.samples)
    slow = sum(entry.slow_forecast for entry in comparison.samples)
    contents: list[Content] = [
        Text(
            f"Over all samples {counted(differences, 'different states')}: "
            f"{comparison.differences_primary} for a cause of their own, "
            f"{comparison.differences_propagated} because an earlier or "
            f"lower one does. Software changes a state {comparison.changes_software} times, the "
            f"circuit {comparison.changes_circuit} times. {percent(comparison.state_clear_share)} "
            "of all states are clear (none of the causes below could decide them) and must be what "
            f"software expects. From software alone the predictor expected {forecast} possible "
            f"races and {counted(slow, 'states')} that take longer than their frame."
        )
    ]
    if comparison.cost.unseen:
        contents.append(
            Text(
                f"The staged engine simulated {counted(comparison.cost.unseen, 'samples')}: it "
                "goes "
                "from one settled frame to the next and shows no transients. In "
                f"{comparison.cost.unseen_states} of their states a transient could decide: these "
                "were not looked at, and the circuit may part from what is shown of them and of "
                "what follows. `--engine monolithic` shows what it does."
            )
        )
    return contents


def _budget(
    budget: ErrorBudget | NoErrorBudget, groups: Mapping[str, Sequence[Content]]
) -> list[Content]:
    if isinstance(budget, NoErrorBudget):
        return [Text(f"Not made: {budget.reason}.", "note")]
    columns = ("step", "what it says", ">RMSE of logits", ">the step's own part", "over",
               ">states differing", ">decisions differing")  # fmt: skip
    return [
        Text(
            "From software to transistors, one kind of error after the other, over "
            f"{counted(budget.samples, 'samples')}. All but the last step are computed by the "
            "behavioural "
            f"twin; mismatch by {budget.chips} of its chips (seed {budget.seed}), of which the "
            "circuit simulated here is none: its step is compared with the systematic one."
        ),
        Table("Error budget", columns, plain_rows(error_budget_rows(budget))),
        Text(
            "RMSE as a share of the logits' full scale, all steps running freely: a state that "
            "flips counts with all that follows from it. A step's own part is the root of the "
            "difference of the squares; it is negative where the step takes errors away.",
            "note",
        ),
        *groups.get("budget", []),
    ]


def _power(
    comparison: Comparison, build: BuildSummary, groups: Mapping[str, Sequence[Content]]
) -> list[Section]:
    if comparison.power is None:
        return []
    text = (
        "A current counts at the device that takes it from the supply. Kinds of block add up to "
        "the total, and so do layers"
    )
    if build.predicted_power_w is not None:
        predicted = engineering(build.predicted_power_w, "W")
        text += f". The build predicted {predicted} over the inputs it was sized for"
    contents = [Text(f"{text}."), *power_tables(comparison.power), *groups.get("power", [])]
    return [Section("power", "Where the power goes", contents, "Power")]


def _circuit(build: BuildSummary, groups: Mapping[str, Sequence[Content]]) -> list[Content]:
    columns = ("block", ">transistors", ">gate area, µm²", ">drawn area, µm²")
    contents: list[Content] = [
        Text(f"{build.devices} transistors."),
        Table("Transistors by kind of block", columns, plain_rows(block_rows(build))),
    ]
    if build.area_assumption:
        text = f"Drawn area is an estimate: {build.area_assumption}."
        contents.append(Text(text, "note"))
    contents += [*groups.get("cell", []), Text("Weights below the floor", "h3")]
    if not build.below_floor:
        return [*contents, Text("None: the technology can realise every weight.")]
    text = f"Smaller than this technology can realise ({len(build.below_floor)} in all):"
    return [*contents, Text(text), Lines(build.below_floor)]


def _local(file: str) -> str:
    """Return a file as it was named; of an absolute path the last part: pages are sent around."""
    return Path(file).name if Path(file).is_absolute() else file


def _sources(model: Model, origin: Provenance, comparison: Comparison) -> list[tuple[str, str]]:
    """Provenance as (label, value)."""
    build, cost = origin.build, comparison.cost
    attempts = ", ".join(f"{label}: {n}" for label, n in cost.attempts.items())
    return [
        ("model", f"{_local(origin.model_file)} (SHA-256 {model.digest[:16]}…)"),
        ("samples", _local(origin.samples_file)),
        ("technology", f"{build.pdk}, corner {build.corner}"),
        ("netgen", __version__),
        ("simulator", ", ".join(cost.simulators) or "–"),
        ("engine", ", ".join(cost.engines) or "–"),
        ("input edge", ", ".join(engineering(e, "s") for e in cost.input_edges) or "–"),
        ("pads of inputs", origin.pads or "–"),
        ("simulation attempts", attempts or "–"),
        ("CPU time", f"{cost.cpu_s:.1f} s, {cost.timepoints} time points"),
        ("compared", origin.created),
        *(
            (f"option {name}", value)
            for name, value in build.options.items()
            if value not in _UNSET
        ),
        *((_TOOLS.get(name, f"version of {name}"), value) for name, value in build.tools.items()),
        *((f"file {_local(path)}", f"SHA-256 {digest[:16]}…") for path, digest in build.models),
    ]
