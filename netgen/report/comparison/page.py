"""``report.html``: one self-contained page, read from the verdict down."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2

from netgen import __version__
from netgen.analysis import (
    CAUSES,
    SCOPE,
    Check,
    Comparison,
    NodeComparison,
    SampleComparison,
    UnexplainedState,
    Verification,
)
from netgen.analysis.comparison.error_budget import ErrorBudget, NoErrorBudget
from netgen.model import Model
from netgen.report.comparison.error_budget_text import error_budget_rows
from netgen.report.comparison.parameters import parameters, signed
from netgen.report.comparison.plots import Plot
from netgen.report.comparison.provenance import BuildSummary, Provenance
from netgen.report.power.text import block_rows, power_rows
from netgen.report.text import (
    CAUSE_MEANINGS,
    MEANINGS,
    class_name,
    limit,
    measured,
    percent,
    printable,
    source,
    window,
    worst,
)
from netgen.resources import templates
from netgen.units import engineering

TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class CheckRow:
    """One tolerance, as text."""

    name: str
    meaning: str
    value: str
    limit: str
    passed: bool
    source: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class CauseRow:
    """How often a cause was found: differing states, and samples it was the first in."""

    name: str
    meaning: str
    states: int
    first: int


@dataclass(frozen=True)
class StateRow:
    """One unexplained state, as text."""

    sample: int
    frame: int
    cell: str
    candidate: str
    band: str
    before: str
    circuit: str


@dataclass(frozen=True)
class SampleRow:
    """One sample, as text: either its ``failure`` or everything else."""

    sample: int
    failure: str = ""
    id: str = ""
    label: str = ""
    software: str = ""
    circuit: str = ""
    agrees: bool = False
    margin: str = ""
    frames: str = ""
    flips: str = ""
    unexplained: str = ""
    error: str = ""
    error_same: str = ""
    divergence: str = ""
    cause: str = ""
    energy: str = ""


@dataclass(frozen=True)
class NodeRow:
    """One node, as text."""

    node: str
    op: str
    units: int
    observed: str
    rmse: str
    max_error: str
    rmse_same: str
    max_error_same: str
    correlation: str
    own: str
    flips: str
    races: str
    transients: str


@dataclass(frozen=True)
class Picture:
    """A plot with its data inside."""

    title: str
    caption: str
    file: str
    source: str


def to_html(
    comparison: Comparison,
    model: Model,
    checks: Sequence[Check],
    provenance: Provenance,
    plots: Sequence[Plot],
    budget: ErrorBudget | NoErrorBudget,
    verification: Verification | None = None,
) -> str:
    """Return the page. It refers to nothing outside itself, and escapes every name."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.from_string(templates().joinpath(TEMPLATE).read_text("utf-8"))
    build = provenance.build
    page = template.render(
        name=model.name,
        passed=all(check.passed for check in checks),
        summary=_summary(comparison, checks) + _edited(build),
        facts=_facts(comparison),
        checks=[_check_row(check) for check in checks],
        scope=SCOPE,
        window=window(comparison),
        parameters=parameters(comparison, verification),
        ties=comparison.tie_note(),
        primary=comparison.differences_primary,
        propagated=comparison.differences_propagated,
        changes=(comparison.changes_software, comparison.changes_circuit),
        ranges=_ranges(comparison),
        causes=_cause_rows(comparison),
        differences=sum(sum(entry.flips.values()) for entry in comparison.samples),
        unexplained=[_state_row(entry) for entry in comparison.unexplained],
        unexplained_count=sum(entry.unexplained for entry in comparison.samples),
        forecast=sum(entry.race_forecast for entry in comparison.samples),
        slow_forecast=sum(entry.slow_forecast for entry in comparison.samples),
        unseen=comparison.cost.unseen,
        unseen_states=comparison.cost.unseen_states,
        clear_share=percent(comparison.state_clear_share),
        unsettled=comparison.settling.said(),
        has_cells=bool(model.cells),
        failures=dict(Counter(comparison.failures.values())),
        worst=worst(comparison.samples) if comparison.samples else None,
        samples=_sample_rows(comparison, model),
        margin_unit="votes" if model.readout.rule == "majority_vote" else "units",
        nodes=[_node_row(entry, comparison) for entry in comparison.nodes],
        unit=engineering(model.unit_current, "A"),
        pictures=_pictures(plots),
        rungs=error_budget_rows(budget),
        budget=budget,
        build=build,
        blocks=block_rows(build),
        power=power_rows(comparison),
        predicted=engineering(build.predicted_power_w or 0.0, "W"),
        sources=_sources(model, provenance, comparison),
        rerun=provenance.rerun,
    )
    return printable(page)


def _summary(comparison: Comparison, checks: Sequence[Check]) -> str:
    """The verdict in one or two sentences."""
    count, failed = len(comparison.samples), len(comparison.failures)
    if not count:
        return f"No sample could be simulated ({failed} failed)."
    agreeing, decided = sum(e.agrees for e in comparison.decided), len(comparison.decided)
    text = f"The circuit decides {agreeing} of {decided} samples as software does"
    if decided < count:
        text += f" ({count - decided} more are ties of software's own)"
    if comparison.state_agreement is not None:
        text += f", {percent(comparison.state_agreement)} of its states are the same"
    text += (
        f", and its analog error is {percent(comparison.logit_rmse_same_state_fs)} of full scale."
    )
    if failed:
        text += f" The simulation of {failed} more failed."
    missed = [check.name for check in checks if not check.passed]
    looser = [check.name for check in checks if check.looser]
    if looser:
        text += f" Tolerances are looser than the defaults: {', '.join(looser)}."
    return text + (f" Out of tolerance: {', '.join(missed)}." if missed else "")


def _ranges(comparison: Comparison) -> str:
    """Say what errors are shares of."""
    text = (
        f"Full scale is {comparison.logit_full_scale:.4g} units: the range of software's logits "
        f"over all {len(comparison.samples)} samples."
    )
    own, worst_own = comparison.logit_rmse_same_state_own, comparison.logit_rmse_same_state_own_max
    if own is not None:
        text += (
            f" Over each sample's own range the error with the same states is {percent(own)} "
            f"(mean) and {percent(worst_own)} (worst)."
        )
    return text


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


def _check_row(check: Check) -> CheckRow:
    places = tuple(f"{place.what}: {signed(place.error)}" for place in check.places)
    return CheckRow(
        name=check.name,
        meaning=MEANINGS[check.name],
        value=measured(check),
        limit=limit(check),
        passed=check.passed,
        source=source(check),
        places=places,
    )


def _cause_rows(comparison: Comparison) -> list[CauseRow]:
    first = Counter(
        entry.first_divergence.cause
        for entry in comparison.samples
        if entry.first_divergence is not None
    )
    return [
        CauseRow(
            cause,
            CAUSE_MEANINGS[cause],
            sum(entry.flips[cause] for entry in comparison.samples),
            first[cause],
        )
        for cause in CAUSES
    ]


def _state_row(entry: UnexplainedState) -> StateRow:
    return StateRow(
        sample=entry.sample,
        frame=entry.frame,
        cell=f"{entry.node}[{entry.unit}]",
        candidate=f"{entry.candidate:.4g}",
        band=f"{entry.falling:.4g} … {entry.rising:.4g}",
        before="high" if entry.was_high else "low",
        circuit="high" if entry.high else "low",
    )


def _sample_rows(comparison: Comparison, model: Model) -> list[SampleRow]:
    rows = [_sample_row(entry, model) for entry in comparison.samples]
    rows += [SampleRow(sample, kind) for sample, kind in comparison.failures.items()]
    return sorted(rows, key=lambda row: row.sample)


def _sample_row(entry: SampleComparison, model: Model) -> SampleRow:
    first = entry.first_divergence
    votes = model.readout.rule == "majority_vote"
    return SampleRow(
        sample=entry.sample,
        id=entry.id,
        label="" if entry.label is None else class_name(model, entry.label),
        software=" or ".join(
            class_name(model, index) for index in entry.tie or (entry.class_software,)
        ),
        circuit=class_name(model, entry.class_circuit),
        agrees=entry.agrees,
        margin=percent(entry.margin_software) if votes else f"{entry.margin_software:.3g}",
        frames=percent(entry.frame_agreement),
        flips=str(sum(entry.flips.values())),
        unexplained=str(entry.unexplained),
        error=percent(entry.logit_rmse_fs),
        error_same=percent(entry.logit_rmse_same_state_fs),
        divergence="" if first is None else f"frame {first.frame}, {first.node}[{first.unit}]",
        cause="" if first is None else first.cause,
        energy=engineering(entry.energy_j, "J"),
    )


def _node_row(entry: NodeComparison, comparison: Comparison) -> NodeRow:
    free, same = entry.free_running, entry.same_state
    own = [each for each in comparison.unit_errors if each.node == entry.node]
    worst_unit = max(own, key=lambda each: each.error, default=None)
    return NodeRow(
        node=entry.node,
        op=entry.op,
        units=entry.units,
        observed=entry.observed,
        rmse=f"{free.rmse:.3g}",
        max_error=f"{free.max_error:.3g}",
        rmse_same=f"{same.rmse:.3g}",
        max_error_same=f"{same.max_error:.3g}",
        correlation="–" if free.correlation is None else f"{free.correlation:.5f}",
        own="" if worst_unit is None else f"{percent(worst_unit.error)} [{worst_unit.unit}]",
        flips="" if entry.flips is None else str(sum(entry.flips.values())),
        races="" if entry.races is None else str(entry.races),
        transients="" if entry.transients is None else str(entry.transients),
    )


def _pictures(plots: Sequence[Plot]) -> Mapping[str, list[Picture]]:
    groups: dict[str, list[Picture]] = {
        group: [] for group in ("sample", "errors", "ladder", "power", "cell")
    }
    for plot in plots:
        data = base64.b64encode(plot.png).decode("ascii")
        source = f"data:image/png;base64,{data}"
        groups[plot.group].append(Picture(plot.title, plot.caption, plot.file, source))
    return groups


def _edited(build: BuildSummary) -> str:
    if not build.edited:
        return ""
    return f" Edited by hand since the circuit was built: {', '.join(build.edited)}."


def _sources(model: Model, provenance: Provenance, comparison: Comparison) -> list[tuple[str, str]]:
    """Provenance as (label, value)."""
    build = provenance.build
    attempts = ", ".join(f"{label}: {n}" for label, n in comparison.cost.attempts.items())
    return [
        ("model", f"{provenance.model_file} (SHA-256 {model.digest[:16]}…)"),
        ("samples", provenance.samples_file),
        ("technology", f"{build.pdk}, corner {build.corner}"),
        ("netgen", __version__),
        ("simulator", ", ".join(comparison.cost.simulators) or "–"),
        ("engine", ", ".join(comparison.cost.engines) or "–"),
        ("input edge", ", ".join(engineering(e, "s") for e in comparison.cost.input_edges) or "–"),
        ("simulation attempts", attempts or "–"),
        ("CPU time", f"{comparison.cost.cpu_s:.1f} s, {comparison.cost.timepoints} time points"),
        ("compared", provenance.created),
        *((f"option {name}", value) for name, value in build.options.items()),
        *((f"version of {name}", value) for name, value in build.tools.items()),
        *((f"file {path}", f"SHA-256 {digest[:16]}…") for path, digest in build.models),
    ]
