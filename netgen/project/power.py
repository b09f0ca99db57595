"""Where the supply power of a build folder's simulated samples went: figures, plots, JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from netgen.analysis import PowerFigures, PowerTally
from netgen.document import table_at, text_at
from netgen.errors import ConfigurationError
from netgen.files import write_whole
from netgen.project.footprint import Footprint, footprint_of_build
from netgen.project.reading import Build, held
from netgen.project.runs import read_runs
from netgen.schema import head


def power(build: Build) -> tuple[PowerFigures, Footprint | None]:
    """Add up the power of every simulated sample; write power.json, power.html and plots.

    What the circuit takes of a chip comes with it, see
    :func:`~netgen.project.footprint.footprint_of_build`.

    Raises
    ------
    ConfigurationError
        Nothing was simulated.
    """
    # matplotlib: a build needs none
    from netgen.report.comparison.plots import power_plots
    from netgen.report.index import write_page
    from netgen.report.pictures import write_pictures
    from netgen.report.power.document import power_document
    from netgen.report.power.page import power_page

    folder = build.folder
    runs = read_runs(build)
    done = [i for i in runs.asked if i not in runs.failures and runs.holds(i)]
    tally = PowerTally(build.model)
    for sample in done:
        tally.add(runs.traces(sample))
    figures = tally.figures()
    if figures is None:
        problem = "no sample was simulated; run netgen sim again"
        raise ConfigurationError(str(folder.runs), [problem])
    footprint = footprint_of_build(build)
    document = {
        **head("power"),
        "model": {name: text_at(build.record, "model", name) for name in ("name", "sha256")},
        "edited": list(build.edited),
        **power_document(figures),
        "area": build.record.get("area"),
        "layout": None if footprint is None else asdict(footprint),
        "predicted": build.record.get("predicted_power"),
    }
    with held(build):
        plots = list(power_plots(figures, runs.traces(done[0])))
        for name in ("power.json", "power.html"):  # never beside pictures of another
            (folder.path / name).unlink(missing_ok=True)
        write_pictures(folder.path / "plots", "power", {plot.file: plot.png for plot in plots})
        write_whole(folder.path / "power.json", json.dumps(document, indent=1) + "\n")
        records = [
            table_at({name: {}, **build.record}, name) for name in ("area", "predicted_power")
        ]
        laid = footprint.facts if footprint else ()
        page = power_page(build.model.name, figures, plots, records[0], records[1], laid)
        write_page(folder.path / "power.html", page)
    return figures, footprint
