"""The functions of the public interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netgen.analysis import load_tolerances, override
from netgen.api.records import Chips, Circuit, Predictions, Result
from netgen.circuit import Readout
from netgen.errors import SimulationError, UsageError
from netgen.model import Model, Samples, check_samples, decide, evaluate
from netgen.model import load_model as read_model
from netgen.model import load_samples as read_samples
from netgen.project import (
    Bias,
    BuildOptions,
    Finished,
    MonteCarlo,
    SimulationChoices,
    read_build,
    read_verification,
    simulate_population,
)
from netgen.project import build as build_folder
from netgen.project import compare as compare_folder
from netgen.project import simulate as simulate_folder
from netgen.project import verify as verify_folder
from netgen.project.options import codes_of
from netgen.project.origin import replaced
from netgen.project.population.report import analyse_population
from netgen.project.twin import twin_decisions
from netgen.simulation.engines import AUTO
from netgen.technology import Geometry, Variation

Progress: TypeAlias = Callable[[int, int], object]
_Run = TypeVar("_Run")


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
    x: ArrayLike, y: ArrayLike | None, model: Model, ids: Sequence[str] | None = None
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
    labels = None if y is None else np.asarray(y)
    return check_samples(np.asarray(x), labels, None if ids is None else tuple(ids), model)


def build(
    model: Model,
    folder: str | Path,
    *,
    technology: str | Path | None = None,
    corner: str | None = None,
    temperature: float | None = None,
    vdd: float | None = None,
    unit: tuple[float, float] | None = None,
    bias: Bias = "ideal",
    bias_bits: int | None = None,
    bias_range: tuple[float, float] | None = None,
    readout: Readout = "currents",
    sizes: Mapping[str, float] | None = None,
    input_ratio: float = 1.0,
    calibration: Samples | None = None,
    replace: bool = False,
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
    bias
        Where the bias currents of cells come from: ``"ideal"`` sources, ``"mirrored"`` from one
        reference, or ``"programmable"``, made of it by DACs.
    bias_bits, bias_range
        Of a DAC's code, and its current over the nominal one at both ends; None: 6, and 0.55 and
        1.8.
    readout
        What leaves the circuit: ``"currents"``, ``"wta"``, also the decision of a
        winner-take-all in every frame, ``"comparator"``, that of a comparator of two classes, or
        with ``"-only"`` that alone. The circuit's model then has one constant more a class.
    sizes
        By group of devices: what W and L are multiplied by.
    input_ratio
        The current at a pin over that of its input inside, 50 … 10,000: each input gets a divider.
        1: none.
    calibration
        Samples that show at which currents the circuit works; None: synthetic ones.
    replace
        Whether to replace the build of a model of another name, with its results.

    Raises
    ------
    UsageError
        The folder holds something else or another model, a value is out of its range, or there are
        codes of biases that have none.
    ToolMissingError
        The simulator or the PDK is missing.
    """
    _wanted(model, Model, "model", "netgen.load_model")
    _wanted(calibration, Samples, "calibration", "netgen.make_samples")
    geometry = None if unit is None else Geometry(*unit)
    codes = codes_of(bias, bias_bits, bias_range)
    options = BuildOptions(
        technology,
        corner,
        temperature,
        vdd,
        geometry,
        bias,
        readout,
        sizes or {},
        codes,
        input_ratio,
    )
    replaced(Path(folder), model, None, replace)
    build_folder(model, Path(folder), options, calibration)
    return open_build(folder)


def _wanted(value: object, kind: type, name: str, maker: str) -> None:
    """Refuse what is no such record, such as a path or an array, and say what makes one."""
    if value is not None and not isinstance(value, kind):
        problem = f"{name} is a {type(value).__name__}, not a {kind.__name__}"
        raise UsageError(f"{problem}: {maker}(…) makes one")


def open_build(folder: str | Path) -> Circuit:
    """Return the circuit of a build folder.

    Raises
    ------
    ConfigurationError
        It is no build folder, or not a whole one.
    """
    build = read_build(Path(folder))
    return Circuit(build.folder.path, build.model)


def simulate(
    circuit: Circuit,
    samples: Samples,
    *,
    jobs: int = 1,
    engine: str = AUTO,
    timeout: float | None = None,
    scheduler: str | None = None,
    input_edge: float | None = None,
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
    input_edge
        Rise time of an input step, s; None: 1 % of the frame.

    Returns
    -------
    int
        How many samples were simulated now.

    Raises
    ------
    SimulationError
        At least one sample failed; the others are there.
    """
    _wanted(circuit, Circuit, "circuit", "netgen.open_build")
    _wanted(samples, Samples, "samples", "netgen.make_samples")
    choices = SimulationChoices(
        jobs, timeout, engine=engine, scheduler=scheduler, input_edge=input_edge
    )
    simulations = simulate_folder(circuit.build, samples, list(range(len(samples))), choices)
    done = list(_watched(simulations, len(samples), progress))
    return sum(each.fresh for each in done)


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
    _wanted(circuit, Circuit, "circuit", "netgen.open_build")
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
    bias: Bias | None = None,
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
    bias
        Of those that the build has; None: its own.

    Raises
    ------
    SimulationError
        At least one run failed; the others are there.
    """
    _wanted(circuit, Circuit, "circuit", "netgen.open_build")
    _wanted(samples, Samples, "samples", "netgen.make_samples")
    chosen_bias = circuit.build.options.bias if bias is None else bias
    population = MonteCarlo(Variation(seed, mismatch=True, process=process), chips, chosen_bias)
    choices = SimulationChoices(jobs)
    picked = list(range(len(samples)))
    simulations = simulate_population(circuit.build, samples, picked, population, choices)
    for _ in _watched(simulations, chips * len(samples), progress):
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
    _wanted(circuit, Circuit, "circuit", "netgen.open_build")
    _wanted(samples, Samples, "samples", "netgen.make_samples")
    variation = Variation(seed, mismatch=True, process=process)
    classes: list[NDArray[np.int64]] = []
    done = 0
    for batch in twin_decisions(circuit.build, samples.x, variation, chips):
        classes.append(batch)
        done += len(batch)
        if progress is not None:
            progress(done, chips)
    readout = circuit.model.readout
    software = decide(readout, evaluate(circuit.model, samples.x)[readout.node])
    return Predictions(np.concatenate(classes), software)


def _watched(
    simulations: Iterator[Finished[_Run]], total: int, progress: Progress | None
) -> Iterator[Finished[_Run]]:
    """Pass simulations on and report progress; a failed one is raised once all are done."""
    failures = []
    for done, finished in enumerate(simulations, start=1):
        if progress is not None:
            progress(done, total)
        if finished.failure is not None:
            failures.append(finished.failure)
        yield finished
    if failures:
        first = failures[0]
        raise SimulationError(first.kind, f"{len(failures)} of {total} failed; first: {first}")
