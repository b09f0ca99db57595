"""Write a comparison's files: JSON, HTML, plots and JUnit XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from netgen.analysis import Check, Comparison, Verification
from netgen.analysis.ladder import ErrorLadder, NoLadder
from netgen.files import write_whole
from netgen.model import Model
from netgen.report.document import to_document
from netgen.report.junit import to_junit
from netgen.report.page import to_html
from netgen.report.pictures import write_pictures
from netgen.report.plots import draw_all, ladder_plot
from netgen.report.provenance import Provenance
from netgen.simulation.traces import Traces

PLOTS = "plots"
NOT_MADE = NoLadder("it was not asked for")


def write_report(
    folder: Path,
    comparison: Comparison,
    model: Model,
    checks: Sequence[Check],
    provenance: Provenance,
    traces: Callable[[int], Traces],
    ladder: ErrorLadder | NoLadder = NOT_MADE,
    verification: Verification | None = None,
) -> None:
    """Write ``report.json``, ``report.html``, ``junit.xml`` and ``plots/*.png`` into ``folder``.

    Parameters
    ----------
    traces
        Gives the traces of a sample by its index in the samples file. It is called for the two
        samples at most whose waves are plotted, one after the other.
    ladder
        How errors build up, see :func:`netgen.analysis.ladder.error_ladder`.
    verification
        What was measured of the netlist's mirrors and cells.
    """
    document = to_document(comparison, model, checks, provenance, ladder, verification)
    plots = draw_all(comparison, model, provenance.build, traces)
    if isinstance(ladder, ErrorLadder):
        plots.append(ladder_plot(ladder))
    page = to_html(comparison, model, checks, provenance, plots, ladder, verification)
    write_pictures(folder / PLOTS, "compare", {plot.file: plot.png for plot in plots})
    text = json.dumps(document, indent=1, allow_nan=False)
    write_whole(folder / "report.json", f"{text}\n")
    write_whole(folder / "junit.xml", to_junit(comparison, model, checks, provenance.build.edited))
    write_whole(folder / "report.html", page)
