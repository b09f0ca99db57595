"""Analyse what a build folder holds of a population, and write its page."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netgen._version import __version__
from netgen.analysis.variability.contributions import Contributions
from netgen.analysis.variability.population import (
    CornerPoint,
    PopulationFigures,
    RunResult,
    measure,
)
from netgen.analysis.variability.sensitivity import Deviation, Sensitivity, sensitivity
from netgen.circuit.netlist import Device
from netgen.document import table_at
from netgen.errors import ConfigurationError, NetgenError, cannot_write
from netgen.project.design import read_netlist
from netgen.project.grouped import contributions_of
from netgen.project.options import bias_named
from netgen.project.population.simulate import RECORD, PopulationRuns, read_population
from netgen.project.reading import Build, held, prepared, variation_of
from netgen.project.record import POPULATION, read_record
from netgen.technology import sample_deviations

PAGE = "report.html"
AREA = "area.png"
_CORNER = re.compile(r"(?P<corner>.+)_(?P<vdd>[^_]+)V_(?P<temperature>[^_]+)C_(?P<bias>[^_]+)")
_COMMON = "(process)"
"""The node of deviations that all devices of a polarity share."""


@dataclass(frozen=True, eq=False)
class PopulationAnalysis:
    """A population of a build and what is known of it.

    ``sensitivity`` needs enough chips; ``contributions`` those with mismatch and without
    codes, where their circuit is characterised or can be.
    """

    name: str
    runs: PopulationRuns
    figures: PopulationFigures
    sensitivity: Sensitivity | None
    contributions: Contributions | None = None

    @property
    def is_chips(self) -> bool:
        """Whether its variants are random chips: only then shares of them estimate a yield."""
        return self.runs.described.get("kind") == "monte-carlo"

    @property
    def what(self) -> str:
        """What its variants are called."""
        return "chips" if self.is_chips else "corners"


def analyse_population(build: Build, name: str) -> PopulationAnalysis:
    """Compare all runs of a population that are there with software.

    Raises
    ------
    ConfigurationError
        There are none, or of another circuit, or they do not fit the model.
    """
    runs = read_population(build, name)
    picked = runs.samples.pick(list(runs.picked))
    figures = measure(build.model, picked, runs.picked, runs.variants, _results(runs))
    if not figures.done.any():
        problem = "holds no runs that this version of netgen made; run netgen sim again"
        raise ConfigurationError(str(runs.folder), [problem])
    chips = runs.described.get("kind") == "monte-carlo"
    correlations = sensitivity(figures, deviations(build, runs)) if chips else None
    groups = None
    if chips and runs.described.get("mismatch") and not runs.described.get("trimmed"):
        with suppress(NetgenError):  # a page needs no simulator
            groups = contributions_of(build, picked.x, variation_of(runs.described).seed)
    return PopulationAnalysis(name, runs, figures, correlations, groups)


def _results(runs: PopulationRuns) -> Iterator[list[RunResult]]:
    for variant in runs.variants:
        yield [_result(runs, variant, sample) for sample in runs.picked]


def _result(runs: PopulationRuns, variant: str, sample: int) -> RunResult:
    try:
        return runs.failures.get((variant, sample)) or runs.traces(variant, sample)
    except ConfigurationError:  # of another version of netgen: netgen sim makes it again
        return None


def deviations(build: Build, runs: PopulationRuns) -> tuple[Deviation, ...]:
    """Return the threshold shifts of every device in every chip of a population, as simulated.

    Raises
    ------
    ConfigurationError
        The folder's files are damaged.
    """
    description = runs.described
    variation = variation_of(description)
    technology, _, _ = prepared(build)
    netlist = read_netlist(build, technology, bias_named(description.get("bias")))
    count = len(runs.variants)
    deviations: list[Deviation] = []
    transistors = netlist.transistors
    if variation.mismatch:
        shifts = sample_deviations(
            technology, replace(variation, process=False), transistors, 0, count
        )
        deviations += [
            Deviation(name, _group(device), device.node, shifts[name][:, 0])
            for name, device in netlist.transistors.items()
        ]
    if variation.process:
        # apart from mismatch: a shift that all devices share is none's own fault
        kinds = {f"{each.polarity} process": each for each in transistors.values()}
        shifts = sample_deviations(technology, replace(variation, mismatch=False), kinds, 0, count)
        deviations += [Deviation(name, _COMMON, _COMMON, shifts[name][:, 0]) for name in kinds]
    return tuple(deviations)


def _group(device: Device) -> str:
    """Return the learned parameter that a device stands for; else its unit and its part there."""
    if device.parameter is not None:
        return device.parameter
    part = {"start": "start-up", "cell": "cell"}.get(device.role, "lines")
    return f"{device.node}[{device.unit}] {part}"


def write_population_report(build: Build, analysis: PopulationAnalysis) -> Path:
    """Write the page of a population beside its runs and return where it is.

    Raises
    ------
    ConfigurationError
        A variant's name does not say which corner it is.
    UsageError
        The folder cannot be written.
    """
    from netgen.report.variability.population import PopulationReport
    from netgen.report.variability.write import write_population  # matplotlib

    report = PopulationReport(
        name=analysis.name,
        what=analysis.what,
        model=build.model,
        figures=analysis.figures,
        sensitivity=analysis.sensitivity,
        contributions=analysis.contributions,
        corners=() if analysis.is_chips else _corner_points(analysis.runs),
        facts=_facts(build, analysis),
        rerun=(f"netgen sim {build.folder.path} SAMPLES.npz {_asked(analysis.runs)}",
               f"netgen variability {build.folder.path}"),
    )  # fmt: skip
    try:
        with held(build):
            if dict(analysis.runs.described) != read_record(
                analysis.runs.folder / RECORD, POPULATION
            ):
                problem = "was simulated anew since this command began; run it again"
                raise ConfigurationError(str(analysis.runs.folder), [problem])
            write_population(analysis.runs.folder, report)
    except OSError as error:
        raise cannot_write(analysis.runs.folder, error) from None
    return analysis.runs.folder / PAGE


def _facts(build: Build, analysis: PopulationAnalysis) -> tuple[tuple[str, str], ...]:
    """Return where a population comes from, as (label, value)."""
    description, unit = analysis.runs.described, build.options.unit
    facts = [("model", f"{build.model.name} (SHA-256 {build.model.digest[:16]}…)")]
    facts += [("technology", f"{build.record['pdk']}, sized for corner {build.options.corner}")]
    if unit is not None:
        facts.append(("unit mirror", f"{unit.width * 1e6:g} × {unit.length * 1e6:g} µm"))
    if analysis.is_chips:
        kinds = [kind for kind in ("mismatch", "process") if description.get(kind)]
        facts.append(("varied", " and ".join(kinds)))
        facts.append(("seed", str(description.get("seed"))))
        facts.append(("bias", str(description.get("bias"))))
    else:
        biases = table_at(description, "bias")
        facts += [(f"bias “{name}”", str(meaning)) for name, meaning in biases.items()]
    facts.append(("engine", str(description.get("engine"))))
    unseen = int(np.nansum(analysis.figures.unseen))
    if unseen:
        facts.append(("states that a transient could decide, not looked at", str(unseen)))
    facts += [("edited by hand", ", ".join(build.edited))] if build.edited else []
    facts.append(("netgen", __version__))
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return (*facts, ("analysed", now))


def _asked(runs: PopulationRuns) -> str:
    """Return the options of ``netgen sim`` that ask for a population."""
    description = runs.described
    words = [f"--samples {','.join(map(str, runs.picked))}"]
    if description.get("kind") != "monte-carlo":
        biases = list(table_at(description, "bias"))
        bias = biases[0] if len(biases) == 1 else "both"
        points = dict.fromkeys(
            f"{p.corner}/{p.vdd:g}/{p.temperature:g}" for p in _corner_points(runs)
        )
        return " ".join([*words, f"--bias {bias}", f"--corners={','.join(points)}"])
    words += [f"--monte-carlo {len(runs.variants)}", f"--seed {description.get('seed')}"]
    words += ["--process"] if description.get("process") else []
    words += [] if description.get("mismatch") else ["--no-mismatch"]
    bias = bias_named(description.get("bias"))
    words += [] if bias == "ideal" else [f"--bias {bias}"]
    return " ".join(words)


def write_trade_off(analyses: Sequence[tuple[Build, PopulationAnalysis]]) -> Path:
    """Draw agreement against the area of the unit mirror over several builds' populations.

    Only samples that all of them were asked for are counted. The plot lies beside the first one's
    page.

    Raises
    ------
    ConfigurationError
        They have no sample in common.
    """
    from netgen.report.variability.studies import AreaPoint
    from netgen.report.variability.write import write_area  # matplotlib

    first, *others = (analysis.figures.samples for _, analysis in analyses)
    common = [sample for sample in first if all(sample in other for other in others)]
    name = analyses[0][1].name
    if not common:
        raise ConfigurationError(name, ["the builds have no sample in common; simulate the same"])
    points = []
    for build, analysis in analyses:
        unit = build.options.unit
        assert unit is not None  # a build record has one
        points.append(AreaPoint(unit.width, unit.length, analysis.figures.pick(common)))
    path = analyses[0][1].runs.folder / AREA
    write_area(path, points)
    return path


def _corner_points(runs: PopulationRuns) -> tuple[CornerPoint, ...]:
    points = []
    for variant in runs.variants:
        match = _CORNER.fullmatch(variant)
        if not match:
            raise ConfigurationError(str(runs.folder), [f"{variant} is no corner; run netgen sim"])
        vdd, temperature = float(match["vdd"]), float(match["temperature"])
        points.append(CornerPoint(match["corner"], vdd, temperature, match["bias"]))
    return tuple(points)
