"""The plots of a comparison. Drawn with figures of their own: no global pyplot state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from netgen.analysis import Comparison, PowerFigures
from netgen.analysis.comparison.error_budget import ErrorBudget
from netgen.arrays import Floats
from netgen.model import Model
from netgen.report.comparison.error_budget_plot import plot_error_budget
from netgen.report.comparison.error_budget_text import NAMES
from netgen.report.comparison.error_plots import plot_histograms, plot_node_errors
from netgen.report.comparison.hysteresis_plot import plot_hysteresis
from netgen.report.comparison.provenance import BuildSummary
from netgen.report.comparison.sample_plots import (
    SampleView,
    candidates_alt,
    logits_alt,
    plot_candidates,
    plot_logits,
    plot_states,
    states_alt,
)
from netgen.report.comparison.waves import waves_of
from netgen.report.page import Waves
from netgen.report.plot import Plot, render
from netgen.report.power.document import plot_by_block, plot_over_time
from netgen.report.text import percent, telling
from netgen.simulation.traces import Traces
from netgen.units import engineering


def plot_all(
    comparison: Comparison, model: Model, build: BuildSummary, traces: Callable[[int], Traces]
) -> list[Plot | Waves]:
    """Draw every plot: the two most telling samples over time, errors by node, a cell."""
    plots: list[Plot | Waves] = []
    for view in _views(comparison, model, traces):
        plots += _sample_plots(view)
    if comparison.samples:
        plots += _error_plots(comparison, model)
    if comparison.power is not None:
        plots += power_plots(comparison.power, traces(comparison.samples[0].sample))
    if build.hysteresis is not None:
        curve = build.hysteresis
        plots.append(
            render(
                "hysteresis.png",
                "cell",
                f"Hysteresis of {curve.label}",
                "Simulated ramp of one cell against what was set.",
                f"Output of {curve.label} over its candidate, rising and falling: set to switch on "
                f"at {_listed(curve.rising)} and off at {_listed(curve.falling)} units, with an "
                f"output of {_listed(curve.levels)}.",
                partial(plot_hysteresis, curve, model),
            )
        )
    return plots


def _listed(values: Floats) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


def _error_plots(comparison: Comparison, model: Model) -> Iterator[Plot]:
    worst = max(comparison.nodes, key=lambda node: node.free_running.rmse)
    analog = max(comparison.nodes, key=lambda node: node.same_state.rmse)
    summary = (
        f"{worst.node} has the largest error, {worst.free_running.rmse:.3g} units root mean "
        f"square; with the same states it is {analog.node}, {analog.same_state.rmse:.3g}."
    )
    yield render(
        "node-errors.png",
        "errors",
        "Error by node",
        "Root mean square over all samples, frames and units. Free-running errors contain "
        "state flips and all that follows from them; same-state errors are analog only.",
        f"Bars of {len(comparison.nodes)} nodes. {summary}",
        partial(plot_node_errors, comparison, model),
    )
    yield render(
        "error-histograms.png",
        "errors",
        "Distribution of errors",
        "Circuit minus software for every node that flows as a current.",
        f"Histograms of circuit minus software, one a node, around zero. {summary}",
        partial(plot_histograms, comparison, model),
    )


def error_budget_plot(budget: ErrorBudget) -> Plot:
    """Draw the error budget."""
    most = max(budget.entries, key=lambda entry: entry.attributed_fs)
    return render(
        "error-budget.png",
        "budget",
        "Error budget",
        "Root mean square error of the logits after each step, and what the step itself adds.",
        f"{len(budget.entries)} steps from software to transistors: “{NAMES[most.step]}” adds "
        f"most, {percent(most.attributed_fs)} of full scale; the last ends at "
        f"{percent(budget.entries[-1].logit_rmse_fs)}.",
        partial(plot_error_budget, budget),
    )


def power_plots(figures: PowerFigures, traces: Traces) -> Iterator[Plot]:
    """Draw where the supply power goes: by block and by node, and of one sample over time."""
    kinds = figures.groups["block"]
    most = max(kinds, key=lambda kind: kinds[kind].average_w)
    share = percent(kinds[most].average_w / figures.total.average_w)
    yield render(
        "power-blocks.png",
        "power",
        f"Supply power by block and by node, mean of {figures.samples} samples",
        "Each bar is split into kinds of block; a current counts where it leaves the supply.",
        f"Bars by kind of block and by node: of {engineering(figures.total.average_w, 'W')} in "
        f"all, {most} takes most, {share}.",
        partial(plot_by_block, figures),
    )
    total = traces.power.wave_w.sum(axis=1)
    yield render(
        "power-time.png",
        "power",
        f"Supply power over time, sample {traces.sample}",
        "Stacked by kind of block.",
        f"Supply power between {engineering(float(total.min()), 'W')} and "
        f"{engineering(float(total.max()), 'W')} over the sample, by kind of block; {most} takes "
        "most.",
        partial(plot_over_time, traces),
    )


def _views(
    comparison: Comparison, model: Model, traces: Callable[[int], Traces]
) -> Iterator[SampleView]:
    """The sample of worst margin and that of the largest error; one's waves are held at a time."""
    if not comparison.samples:
        return
    first = telling(comparison.samples)[0]
    second = max(comparison.samples, key=lambda entry: entry.logit_rmse_fs)
    chosen = {first.sample: "Sample of the worst margin"}
    chosen.setdefault(second.sample, "Sample of the largest error")
    places = {entry.sample: at for at, entry in enumerate(comparison.samples)}
    for sample, role in chosen.items():
        at = places[sample]
        yield SampleView(role, at, comparison.samples[at], comparison, model, traces(sample))


def _sample_plots(view: SampleView) -> Iterator[Plot | Waves]:
    number = view.entry.sample
    yield render(
        f"sample-{number}-logits.png",
        "sample",
        f"{view.heading}: logits",
        "Readout currents of the circuit over time, and software frame by frame. "
        "The readout rule looks at the shaded frames. The first frame begins with the start-up: "
        "cells are held in their initial states and released layer by layer, which software "
        "does not show.",
        logits_alt(view),
        partial(plot_logits, view),
    )
    closer = waves_of(view)
    if closer is not None:
        yield closer
    if view.model.cells:
        yield render(
            f"sample-{number}-states.png",
            "sample",
            f"{view.heading}: states",
            "Each row is a cell; differences between circuit and software are marked.",
            states_alt(view),
            partial(plot_states, view),
        )
    for cell in view.model.cells:
        yield render(
            f"sample-{number}-candidates-{cell.name}.png",
            "sample",
            f"{view.heading}: candidates of {cell.name}",
            "A cell switches above the band and falls below it; inside it remembers.",
            candidates_alt(view, cell),
            partial(plot_candidates, view, cell),
        )
