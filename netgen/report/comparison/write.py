"""Write a comparison's files: JSON, HTML, plots and JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from netgen.analysis import Check, Comparison, Verification
from netgen.analysis.comparison.baseline import BaselineComparison
from netgen.analysis.comparison.error_budget import ErrorBudget, NoErrorBudget
from netgen.files import write_whole
from netgen.model import Model
from netgen.report.comparison.document import report_document
from netgen.report.comparison.junit import to_junit
from netgen.report.comparison.page import comparison_page
from netgen.report.comparison.plots import error_budget_plot, plot_all
from netgen.report.comparison.provenance import Provenance
from netgen.report.index import write_page
from netgen.report.pictures import write_pictures
from netgen.report.plot import Plot
from netgen.simulation.traces import Traces

PLOTS = "plots"
FILES = ("report.json", "junit.xml", "report.html")
NOT_MADE = NoErrorBudget("it was not asked for")


def write_report(
    folder: Path,
    comparison: Comparison,
    model: Model,
    checks: Sequence[Check],
    provenance: Provenance,
    traces: Callable[[int], Traces],
    budget: ErrorBudget | NoErrorBudget = NOT_MADE,
    verification: Verification | None = None,
    baseline: BaselineComparison | None = None,
) -> None:
    """Write ``report.json``, ``report.html``, ``junit.xml`` and ``plots/*.png`` into ``folder``.

    Parameters
    ----------
    traces
        Gives the traces of a sample by its index in the samples file. It is called for the two
        samples at most whose waves are plotted, one after the other.
    budget
        How errors build up, see :func:`netgen.analysis.comparison.error_budget.error_budget`.
    verification
        What was measured of the netlist's mirrors and cells.
    baseline
        The figures against those of an earlier report.
    """
    what = comparison, model, checks, provenance, budget, verification, baseline
    document = report_document(*what)
    plots = plot_all(comparison, model, provenance.build, traces)
    if isinstance(budget, ErrorBudget):
        plots.append(error_budget_plot(budget))
    page = comparison_page(
        comparison, model, checks, provenance, plots, budget, verification, baseline
    )
    pictures = {plot.file: plot.png for plot in plots if isinstance(plot, Plot)}
    for name in FILES:  # a process that is killed leaves a part of this report, none of another
        (folder / name).unlink(missing_ok=True)
    write_pictures(folder / PLOTS, "compare", pictures)
    edited = provenance.build.edited
    text = json.dumps(document, indent=1, allow_nan=False)
    write_whole(folder / "report.json", f"{text}\n")
    write_whole(folder / "junit.xml", to_junit(comparison, model, checks, edited, baseline))
    write_page(folder / "report.html", page)
