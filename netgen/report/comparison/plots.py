"""The plots of a comparison, as PNG. Drawn with figures of their own: no global pyplot state."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from netgen.analysis import Comparison, PowerFigures
from netgen.analysis.comparison.error_budget import ErrorBudget
from netgen.model import Model
from netgen.report.comparison.error_budget_plot import draw_error_budget
from netgen.report.comparison.error_plots import draw_histograms, draw_node_errors
from netgen.report.comparison.hysteresis_plot import draw_hysteresis
from netgen.report.comparison.provenance import BuildSummary
from netgen.report.comparison.sample_plots import (
    SampleView,
    draw_candidates,
    draw_logits,
    draw_states,
)
from netgen.report.power.document import draw_by_block, draw_over_time
from netgen.report.text import worst
from netgen.simulation.traces import Traces

DPI = 130


@dataclass(frozen=True)
class Plot:
    """One rendered plot.

    Attributes
    ----------
    file
        Its name, made of indices and node names only.
    group
        ``"sample"``, ``"errors"``, ``"ladder"``, ``"power"`` or ``"cell"``: where on the page it
        belongs.
    title, caption
        For the page; the title is the image's alternative text as well.
    """

    file: str
    group: str
    title: str
    caption: str
    png: bytes


def draw_all(
    comparison: Comparison,
    model: Model,
    build: BuildSummary,
    traces: Callable[[int], Traces],
) -> list[Plot]:
    """Draw every plot: the first and the worst sample over time, errors by node, a cell."""
    plots: list[Plot] = []
    for view in _views(comparison, model, traces):
        plots += _sample_plots(view)
    if comparison.samples:
        plots.append(
            render(
                "node-errors.png",
                "errors",
                "Error by node",
                "Root mean square over all samples, frames and units. Free-running errors contain "
                "state flips and all that follows from them; same-state errors are analog only.",
                draw_node_errors(comparison, model),
            )
        )
        plots.append(
            render(
                "error-histograms.png",
                "errors",
                "Distribution of errors",
                "Circuit minus software for every node that flows as a current.",
                draw_histograms(comparison, model),
            )
        )
    if comparison.power is not None:
        plots += power_plots(comparison.power, traces(comparison.samples[0].sample), model)
    if build.hysteresis is not None:
        plots.append(
            render(
                "hysteresis.png",
                "cell",
                f"Hysteresis of {build.hysteresis.label}",
                "Simulated ramp of one cell against what was set.",
                draw_hysteresis(build.hysteresis, model),
            )
        )
    return plots


def error_budget_plot(budget: ErrorBudget) -> Plot:
    """Draw the error budget."""
    return render(
        "error-ladder.png",
        "ladder",
        "Error budget",
        "Root mean square error of the logits after each step, and what the step itself adds.",
        draw_error_budget(budget),
    )


def power_plots(figures: PowerFigures, traces: Traces, model: Model) -> Iterator[Plot]:
    """Draw where the supply power goes: by block and by node, and of one sample over time."""
    yield render(
        "power-blocks.png",
        "power",
        f"Supply power by block and by node, mean of {figures.samples} samples",
        "Each bar is split into kinds of block; a current counts where it leaves the supply.",
        draw_by_block(figures),
    )
    yield render(
        "power-time.png",
        "power",
        f"Supply power over time, sample {traces.sample}",
        "Stacked by kind of block.",
        draw_over_time(traces, model),
    )


def _views(
    comparison: Comparison, model: Model, traces: Callable[[int], Traces]
) -> Iterator[SampleView]:
    """The first sample and, if it is another, the worst; only one's waves are held at a time."""
    if not comparison.samples:
        return
    chosen = {comparison.samples[0].sample: "First sample"}
    hardest = worst(comparison.samples).sample
    chosen[hardest] = "First and worst sample" if hardest in chosen else "Worst sample"
    for at, entry in enumerate(comparison.samples):
        if entry.sample in chosen:
            yield SampleView(
                chosen[entry.sample], at, entry, comparison, model, traces(entry.sample)
            )


def _sample_plots(view: SampleView) -> Iterator[Plot]:
    number = view.entry.sample
    yield render(
        f"sample-{number}-logits.png",
        "sample",
        f"{view.heading}: logits",
        "Readout currents of the circuit over time, and software frame by frame. "
        "The readout rule looks at the shaded frames.",
        draw_logits(view),
    )
    if view.model.cells:
        yield render(
            f"sample-{number}-states.png",
            "sample",
            f"{view.heading}: states",
            "Each row is a cell; differences between circuit and software are marked.",
            draw_states(view),
        )
    for cell in view.model.cells:
        yield render(
            f"sample-{number}-candidates-{cell.name}.png",
            "sample",
            f"{view.heading}: candidates of {cell.name}",
            "A cell switches above the band and falls below it; inside it remembers.",
            draw_candidates(view, cell),
        )


def render(file: str, group: str, title: str, caption: str, figure: Figure) -> Plot:
    """Render a figure as a plot."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        # A name may hold letters that the font lacks; a box in the plot is good enough.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return Plot(file, group, title, caption, buffer.getvalue())
