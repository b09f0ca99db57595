"""The public interface: what the command line does, for scripts and notebooks.

Everything here is also reachable as ``netgen.NAME``. Times are in s, currents in A, lengths in m;
arrays are NumPy's. A ``progress`` is called with (done, total) after each finished run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from netgen.analysis import Check, Comparison, Tolerances, load_tolerances, override
from netgen.analysis.variability import PopulationFigures
from netgen.errors import SimulationError
from netgen.model import (
    Model,
    Samples,
    check_samples,
    decide,
    evaluate,
)
from netgen.model import load_model as read_model
from netgen.model import load_samples as read_samples
from netgen.project import (
    Bias,
    Build,
    BuildOptions,
    MonteCarlo,
    RunStep,
    SimulationChoices,
    Step,
    read_build,
    read_runs,
    read_verification,
    simulate_population,
)
from netgen.project import build as build_folder
from netgen.project import compare as compare_folder
from netgen.project import simulate as simulate_folder
from netgen.project import verify as verify_folder
from netgen.project.population_report import analyse_population
from netgen.project.twin import twin_decisions
from netgen.simulation.engines import AUTO
from netgen.technology import Geometry, Technology, Variation, load_technology

__all__ = [
    "Chips",
    "Circuit",
    "Model",
    "Predictions",
    "Result",
    "Samples",
    "Technology",
    "Tolerances",
    "build",
    "compare",
    "load_model",
    "load_samples",
    "load_technology",
    "make_samples",
    "monte_carlo",
    "open_build",
    "simulate",
    "twin",
]

Progress: TypeAlias = Callable[[int, int], object]
_Step = TypeVar("_Step", Step, RunStep)


def load_model(path: str | Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelError
        It cannot be read or violates the format; names every violation.
    """
    return read_model(Path(path))


def load_samples(path: str | Path, model: Model) -> Samples:
    """Read the samples of a model: ``.npz``, or one sample as ``.csv``.

    Raises
    ------
    SamplesError
        With every violation, each at its place.
    """
    return read_samples(Path(path), model)


def make_samples(
    x: NDArray[Any], y: NDArray[Any] | None, model: Model, ids: Sequence[str] | None = None
) -> Samples:
    """Return arrays as samples of a model.

    Parameters
    ----------
    x
        (samples, frames, channels), software units, 0 … ``model.input_max``.
    y
        Class indices, (samples,), or None.

    Raises
    ------
    SamplesError
        With every violation.
    """
    return check_samples(x, y, None if ids is None else tuple(ids), model)


@dataclass(frozen=True, eq=False)
class Circuit:
    """A built circuit: a folder with its netlist.

    Attributes
    ----------
    folder
        Where its files are.
    model
        What it computes.
    """

    folder: Path
    model: Model

    @property
    def netlist(self) -> str:
        """The netlist, as SPICE text."""
        return self.build.read(self.build.folder.netlist.name)

    @cached_property
    def build(self) -> Build:
        """The record of the build."""
        return read_build(self.folder)

    @property
    def transistors(self) -> int:
        """How many transistors the circuit has."""
        return int(self.build.record["devices"]["total"])

    def _repr_html_(self) -> str:
        record = self.build.record
        rows = {
            "model": self.model.name,
            "technology": f"{record['pdk']}, {record['corner']}",
            "transistors": str(self.transistors),
            "folder": str(self.folder),
        }
        return _table([rows])


@dataclass(frozen=True, eq=False)
class Result:
    """A comparison of circuit and software.

    Attributes
    ----------
    comparison
        Every figure and array.
    checks
        Each tolerance with the figure it limits.
    """

    circuit: Circuit
    comparison: Comparison
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every tolerance holds."""
        return all(check.passed for check in self.checks)

    @property
    def logits(self) -> NDArray[np.float64]:
        """Readout of the circuit, (samples, frames, classes), software units."""
        return self.comparison.circuit[self.circuit.model.readout.node]

    @property
    def logits_software(self) -> NDArray[np.float64]:
        """Readout of the software, (samples, frames, classes)."""
        return self.comparison.software[self.circuit.model.readout.node]

    def rows(self) -> list[dict[str, Any]]:
        """Return one record a sample, as data-frame libraries take them."""
        classes = self.circuit.model.classes
        return [
            {
                "sample": entry.sample,
                "id": entry.id,
                "class_software": classes[entry.class_software],
                "class_circuit": classes[entry.class_circuit],
                "agrees": entry.agrees,
                "frame_agreement": entry.frame_agreement,
                "logit_rmse_same_state_fs": entry.logit_rmse_same_state_fs,
                "power_w": entry.power_w,
            }
            for entry in self.comparison.samples
        ]

    def plot(self, sample: int = 0) -> Any:
        """Return a Matplotlib figure: the readout currents of one compared sample over time.

        Parameters
        ----------
        sample
            Its position among the compared samples.
        """
        from netgen.report.sample_plots import SampleView, draw_logits

        entry = self.comparison.samples[sample]
        traces = read_runs(self.circuit.build).traces(entry.sample)
        return draw_logits(
            SampleView("Sample", sample, entry, self.comparison, self.circuit.model, traces)
        )

    def _repr_html_(self) -> str:
        verdict = "agree" if self.passed else "do not agree"
        checks = [
            {
                "figure": check.name,
                "value": "–" if check.value is None else f"{check.value:.6g}",
                "limit": f"{check.relation} {check.limit:g}",
                "holds": "yes" if check.passed else "no",
            }
            for check in self.checks
        ]
        return f"<p>circuit and software {verdict} (nominal, no mismatch)</p>{_table(checks)}"


@dataclass(frozen=True, eq=False)
class Chips:
    """Transistor-level runs of chips with random deviations.

    Attributes
    ----------
    figures
        Every figure, (chips, samples).
    """

    circuit: Circuit
    figures: PopulationFigures

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Which decisions are the software's, (chips, samples)."""
        found: NDArray[np.bool_] = self.figures.decision == self.figures.software
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Return one record for each chip and sample."""
        figures, classes = self.figures, self.circuit.model.classes
        return [
            {
                "chip": case,
                "sample": sample,
                "class_software": classes[figures.software[column]],
                "class_circuit": classes[figures.decision[row, column]],
                "state_agreement": float(figures.state_agreement[row, column]),
                "power_w": float(figures.power_w[row, column]),
            }
            for row, case in enumerate(figures.cases)
            for column, sample in enumerate(figures.samples)
            if figures.simulated[row, column]
        ]

    def _repr_html_(self) -> str:
        return _agreement(self.agrees, "chips in SPICE")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Decisions of chips as the behavioural twin predicts them.

    Attributes
    ----------
    classes
        (chips, samples).
    software
        What software decides, (samples,).
    """

    classes: NDArray[np.int64]
    software: NDArray[np.int64]

    @property
    def agrees(self) -> NDArray[np.bool_]:
        """Which decisions are the software's, (chips, samples)."""
        found: NDArray[np.bool_] = self.classes == self.software
        return found

    def _repr_html_(self) -> str:
        return _agreement(self.agrees, "chips by the twin")


def build(
    model: Model,
    folder: str | Path,
    *,
    technology: str | Path | None = None,
    corner: str | None = None,
    temperature: float | None = None,
    vdd: float | None = None,
    unit: tuple[float, float] | None = None,
    calibration: Samples | None = None,
) -> Circuit:
    """Size every device of a model's circuit and write its build folder.

    Parameters
    ----------
    technology
        Name of a PDK, or the folder of one; None: the first that is installed.
    temperature, vdd
        °C and V; None: those of the technology.
    unit
        Width and length of the unit mirror, m.
    calibration
        Samples that show at which currents the circuit works; None: synthetic ones.

    Raises
    ------
    UsageError
        The folder holds something else, or a value is out of its range.
    ToolMissingError
        libngspice or the PDK is missing.
    """
    geometry = None if unit is None else Geometry(*unit)
    options = BuildOptions(technology, corner, temperature, vdd, geometry)
    build_folder(model, Path(folder), options, calibration)
    return open_build(folder)


def open_build(folder: str | Path) -> Circuit:
    """Return the circuit of a build folder.

    Raises
    ------
    ConfigurationError
        It is no build folder, or not a whole one.
    """
    made = read_build(Path(folder))
    return Circuit(made.folder.path, made.model)


def simulate(
    circuit: Circuit,
    samples: Samples,
    *,
    jobs: int = 1,
    engine: str = AUTO,
    timeout: float | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> int:
    """Run samples through the transistors; what is there already is not run again.

    Parameters
    ----------
    jobs
        Simulations at a time.
    timeout
        Wall seconds for each attempt; None: by the number of frames.
    scheduler
        Address of a Dask cluster.

    Returns
    -------
    int
        How many samples were simulated now.

    Raises
    ------
    SimulationError
        At least one sample failed; the others are there.
    """
    choices = SimulationChoices(jobs, timeout, engine=engine, scheduler=scheduler)
    steps = simulate_folder(circuit.build, samples, list(range(len(samples))), choices)
    done = list(_watched(steps, len(samples), progress))
    return sum(step.fresh for step in done)


def compare(circuit: Circuit, tolerances: Mapping[str, float] | None = None) -> Result:
    """Compare the simulated samples with software, and write the report into the folder.

    Parameters
    ----------
    tolerances
        Limits by name, over those of a ``netgen.toml`` in the folder.

    Raises
    ------
    ConfigurationError
        Nothing was simulated, or the folder is of another circuit.
    """
    limits = override(load_tolerances(circuit.folder), tolerances or {}, "tolerances", "")
    names = {"model": circuit.model.name, "samples": "samples"}
    if read_verification(circuit.build) is None:
        verify_folder(circuit.build, 1, lambda done, total: None)
    comparison, checks = compare_folder(circuit.build, limits, names, ())
    return Result(circuit, comparison, checks)


def monte_carlo(
    circuit: Circuit,
    samples: Samples,
    *,
    chips: int,
    seed: int = 1,
    process: bool = False,
    bias: Bias = "ideal",
    jobs: int = 1,
    progress: Progress | None = None,
) -> Chips:
    """Run samples through chips whose transistors deviate at random.

    Parameters
    ----------
    seed
        The same seed gives the same chips anywhere.
    process
        Vary the process from chip to chip too.

    Raises
    ------
    SimulationError
        At least one run failed; the others are there.
    """
    population = MonteCarlo(Variation(seed, mismatch=True, process=process), chips, bias)
    choices = SimulationChoices(jobs)
    picked = list(range(len(samples)))
    steps = simulate_population(circuit.build, samples, picked, population, choices)
    for _ in _watched(steps, chips * len(samples), progress):
        pass
    return Chips(circuit, analyse_population(circuit.build, population.name).figures)


def twin(
    circuit: Circuit,
    samples: Samples,
    *,
    chips: int = 1000,
    seed: int = 1,
    process: bool = False,
    progress: Progress | None = None,
) -> Predictions:
    """Predict by the behavioural twin what chips decide; the chips are those of monte_carlo."""
    variation = Variation(seed, mismatch=True, process=process)
    found: list[NDArray[np.int64]] = []
    done = 0
    for batch in twin_decisions(circuit.build, samples.x, variation, chips):
        found.append(batch)
        done += len(batch)
        if progress is not None:
            progress(done, chips)
    readout = circuit.model.readout
    software = decide(readout, evaluate(circuit.model, samples.x)[readout.node])
    return Predictions(np.concatenate(found), software)


def _watched(steps: Iterator[_Step], total: int, progress: Progress | None) -> Iterator[_Step]:
    """Pass steps on and report progress; a failed one is raised once all are done."""
    failures = []
    for done, step in enumerate(steps, start=1):
        if progress is not None:
            progress(done, total)
        if step.failure is not None:
            failures.append(step.failure)
        yield step
    if failures:
        first = failures[0]
        raise SimulationError(first.kind, f"{len(failures)} of {total} failed; first: {first}")


def _agreement(agrees: NDArray[np.bool_], what: str) -> str:
    row = {
        what: str(len(agrees)),
        "samples": str(agrees.shape[1]),
        "decisions as software": f"{agrees.mean():.1%}",
        "all as software": f"{agrees.all(axis=1).mean():.1%}",
    }
    return _table([row])


def _table(rows: Iterable[Mapping[str, str]]) -> str:
    listed = list(rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in (listed[0] if listed else {}))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in row.values()) + "</tr>"
        for row in listed
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
