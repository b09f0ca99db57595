"""One model in several builds: what unit current, supply and frame period cost and allow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from netgen._version import __version__
from netgen.analysis import compare
from netgen.analysis.comparison.limits import CircuitLimits, circuit_limits
from netgen.errors import ModelError, SimulationError, UsageError
from netgen.model import Model, Samples
from netgen.project.build import build
from netgen.project.footprint import Footprint, footprint_of
from netgen.project.options import BuildOptions
from netgen.project.reading import read_build
from netgen.project.results import results, write_results
from netgen.project.runs import read_runs
from netgen.project.simulate import SimulationChoices, simulate
from netgen.schema import head

Quantity: TypeAlias = Literal["unit_current", "vdd", "frame_period"]
KIND = "sweep"
UNITS: Mapping[Quantity, str] = {"unit_current": "A", "vdd": "V", "frame_period": "s"}


@dataclass(frozen=True)
class SweepPoint:
    """One value of one quantity; the others are the model's and the technology's own."""

    quantity: Quantity
    value: float

    @property
    def name(self) -> str:
        """Of its build folder."""
        return f"{self.quantity}_{self.value:g}{UNITS[self.quantity]}"


@dataclass(frozen=True)
class PointResult:
    """What became of a point."""

    point: SweepPoint
    #: ``samples``, ``agreeing``: how many were asked for, and how many of them the circuit decides
    #: like software; one that failed does not.
    samples: int
    agreeing: int
    failed: int = 0  #: Simulations that gave no result.
    #: ``frame_agreement``, ``state_agreement``, ``logit_rmse_same_state_fs``: as in
    #: ``report.json``; None where nothing was simulated.
    frame_agreement: float | None = None
    state_agreement: float | None = None
    logit_rmse_same_state_fs: float | None = None
    #: ``power_w``, ``energy_j``: mean over samples: average supply power, energy per sample.
    power_w: float | None = None
    energy_j: float | None = None
    symptoms: CircuitLimits | None = None  #: What limits the circuit.
    problem: str = ""  #: Why it could not be built; empty where it could.
    #: What to expect of a layout; None where it could not be built.
    footprint: Footprint | None = None

    @property
    def summary(self) -> str:
        """What limits it, in a few words; empty where nothing does."""
        if self.problem:
            return self.problem
        return "; ".join(self.symptoms.exceeded()) if self.symptoms else ""


def sweep(
    model: Model,
    samples: Samples,
    picked: Sequence[int],
    output: Path,
    points: Sequence[SweepPoint],
    options: BuildOptions,
    choices: SimulationChoices,
    replace: bool = False,
) -> Iterator[PointResult | None]:
    """Build, simulate and compare every point; yield None for each sample, then the result.

    Points lie in folders of their own below ``output``, whole builds: what is there is not
    simulated again.

    Parameters
    ----------
    replace
        Whether to replace the sweep of another model.

    Raises
    ------
    UsageError
        A folder cannot be used.
    """
    done: list[PointResult] = []
    with results(output, KIND, model.name, replace):
        for point in points:
            result = None
            for result in _point(model, samples, list(picked), output, point, options, choices):
                if result is None:
                    yield None
            assert result is not None
            done.append(result)
            write_results(output, KIND, {"sweep.json": sweep_text(model, done)}, whole=False)
            yield result


def sweep_text(model: Model, done: Sequence[PointResult]) -> str:
    """Return points of a model as JSON."""
    records = [asdict(entry) | {"said": entry.summary} for entry in done]
    about = {"netgen": __version__, "model": {"name": model.name, "sha256": model.digest}}
    return json.dumps(head("sweep") | about | {"points": records}, indent=1) + "\n"


def _point(
    model: Model,
    samples: Samples,
    picked: list[int],
    output: Path,
    point: SweepPoint,
    options: BuildOptions,
    choices: SimulationChoices,
) -> Iterator[PointResult | None]:
    varied, chosen = _at(model, options, point)
    folder = output / point.name
    try:
        footprint = footprint_of(build(varied, folder, chosen))
    except (ModelError, SimulationError) as error:
        yield PointResult(point, len(picked), 0, problem=str(error).splitlines()[0])
        return
    opened = read_build(folder)
    failures: dict[int, str] = {}
    for finished in simulate(opened, samples, picked, choices):
        if finished.failure is not None:
            failures[finished.run] = finished.failure.kind
        yield None
    done = [sample for sample in picked if sample not in failures]
    if not done:
        problem = f"no simulation gave a result ({', '.join(sorted(set(failures.values())))})"
        yield PointResult(
            point, len(picked), 0, len(failures), problem=problem, footprint=footprint
        )
        return
    runs = read_runs(opened)
    comparison = compare(varied, samples.pick(done), map(runs.traces, done), failures)
    yield PointResult(
        point=point,
        samples=len(picked),
        agreeing=sum(entry.agrees for entry in comparison.samples),
        failed=len(failures),
        frame_agreement=comparison.frame_agreement,
        state_agreement=comparison.state_agreement,
        logit_rmse_same_state_fs=comparison.logit_rmse_same_state_fs,
        power_w=comparison.power_w,
        energy_j=comparison.energy_j,
        symptoms=circuit_limits(varied, map(runs.traces, done)),
        footprint=footprint,
    )


def _at(model: Model, options: BuildOptions, point: SweepPoint) -> tuple[Model, BuildOptions]:
    """Return model and options at a point."""
    if not point.value > 0:
        raise UsageError(f"{point.quantity} = {point.value:g}: must be above 0")
    if point.quantity == "vdd":
        return model, replace(options, vdd=point.value)
    if point.quantity == "unit_current":
        return replace(model, unit_current=point.value), options
    return replace(model, frame_period=point.value), options
