"""Compare what a build folder simulated with the software model, and report."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from netgen.analysis import Check, Comparison, Tolerances, verdict
from netgen.analysis import compare as compare_samples
from netgen.analysis.comparison.baseline import Against
from netgen.document import number_at, table_at, text_at, texts_at, whole_at
from netgen.errors import ConfigurationError, ToolMissingError
from netgen.project.power_documents import areas_of
from netgen.project.reading import Build, held, prepared, recorded_models
from netgen.project.runs import read_runs
from netgen.project.studies.times import speeds_of_build
from netgen.project.twin import error_budget_of
from netgen.project.verify import read_verification

if TYPE_CHECKING:
    from netgen.report import BuildSummary, HysteresisCurve


def compare(
    build: Build,
    tolerances: Tolerances,
    names: Mapping[str, str],
    rerun: Sequence[str],
    against: Against | None = None,
) -> tuple[Comparison, tuple[Check, ...]]:
    """Compare every simulated sample and write report.json, report.html, JUnit XML and plots.

    The verdict includes what :func:`netgen.project.verify` measured of the same netlist.

    Parameters
    ----------
    names
        ``model`` and ``samples`` as the user called them, for the report.
    rerun
        The commands that repeat it.
    against
        An earlier report to compare the figures with.

    Raises
    ------
    ConfigurationError
        Nothing was simulated, or traces are missing.
    """
    with held(build):
        return _compare(build, tolerances, names, rerun, against)


def _compare(
    build: Build,
    tolerances: Tolerances,
    names: Mapping[str, str],
    rerun: Sequence[str],
    against: Against | None,
) -> tuple[Comparison, tuple[Check, ...]]:
    from netgen.report import Provenance, write_report  # matplotlib: a build needs none

    folder = build.folder
    with suppress(ToolMissingError):  # a PDK that is not there is not another one
        prepared(build)
    runs = read_runs(build)
    done = [i for i in runs.asked if i not in runs.failures]
    absent = [i for i in done if not runs.holds(i)]
    if absent:
        listed = ", ".join(map(str, absent[:10])) + (" …" if len(absent) > 10 else "")
        problem = f"samples {listed} are not simulated yet; run netgen sim again"
        raise ConfigurationError(str(folder.runs), [problem])

    comparison = compare_samples(
        build.model,
        runs.samples.pick(done),
        map(runs.traces, done),
        runs.failures,
        speeds_of_build(build),
    )
    verification = read_verification(build)
    checks = verdict(comparison, tolerances, verification)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    whole = names["model"], names["samples"], now, tuple(rerun), _summary(build), runs.pads
    provenance = Provenance(*whole)
    budget = error_budget_of(build, runs.samples.pick(done).x, comparison)
    earlier = None if against is None else against.of(comparison, checks, build.model.digest)
    what = comparison, build.model, checks, provenance, runs.traces, budget, verification, earlier
    write_report(folder.path, *what)
    return comparison, checks


def _summary(build: Build) -> BuildSummary:
    from netgen.report import BuildSummary

    record = build.record
    area, devices = table_at(record, "area"), table_at(record, "devices", "by_block")
    try:
        return BuildSummary(
            pdk=str(record["pdk"]),
            corner=str(record["corner"]),
            options={name: str(value) for name, value in table_at(record, "options").items()},
            tools={name: str(value) for name, value in table_at(record, "tools").items()},
            devices=build.transistors,
            devices_by_block={kind: whole_at(devices, kind) for kind in devices},
            below_floor=texts_at(record, "below_floor"),
            hysteresis=_hysteresis(build),
            area_by_block=areas_of(area),
            area_assumption=text_at(area, "assumption"),
            predicted_power_w=number_at(record, "predicted_power", "average_w"),
            models=tuple((str(path), digest) for path, digest in recorded_models(record)),
            edited=build.edited,
        )
    except (KeyError, ValueError):
        raise ConfigurationError(str(build.folder.build), ["is damaged; build again"]) from None


def _hysteresis(build: Build) -> HysteresisCurve | None:
    from netgen.report import HysteresisCurve

    name = build.folder.hysteresis.name
    if not build.model.cells or name not in build.digests:
        return None
    rows = list(csv.reader(build.read(name).splitlines()))[1:]
    candidate, output = np.array(rows, dtype=np.float64).T
    cell = build.model.cells[0]
    low, high = (cell.together(each)[0] for each in (cell.falling, cell.rising))
    return HysteresisCurve(f"{cell.name}[0]", candidate, output, low, high, cell.levels[:, 0])
