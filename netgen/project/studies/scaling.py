"""How a network's power, transistors and area grow with its state size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from netgen.errors import SimulationError
from netgen.model import Cell, Model, Samples, random_model
from netgen.netlist import SupplyBranch
from netgen.netlist.area import Area, areas
from netgen.project.build import Design, build, design
from netgen.project.footprint import Footprint, footprint_of
from netgen.project.options import BuildOptions
from netgen.project.reading import read_build
from netgen.project.results import results
from netgen.project.runs import read_runs
from netgen.project.simulate import SimulationChoices, simulate
from netgen.sizing import predict_power

KIND = "scaling"
SEED = 7
PARTS = ("recurrent", "mirrors", "lines", "input")
"""Cells with their bias currents; mirrors of weights, and the readout they end in; what every
signal and row has one of; the inputs. Mirrors and lines are the feedforward layers."""
_LOOKED_AT = 40
"""Frames that the model looks at, at least."""


@dataclass(frozen=True)
class ScalingChoices:
    """What to study."""

    sizes: tuple[int, ...]  #: State sizes d.
    layers: int = 2  #: Recurrent layers.
    frames: int = 60  #: Length of the input sequence.
    confirmed: int = 16  #: Networks up to this size are simulated, too.


@dataclass(frozen=True)
class Size:
    """A network of one size."""

    state: int
    area: Area
    footprint: Footprint  #: What to expect of a layout.
    below_floor: int  #: Weights too small to be drawn.
    #: ``predicted_w``, ``measured_w``: mean supply power by part, W: by the power model, and in
    #: ngspice (empty where it was not simulated).
    predicted_w: Mapping[str, float]
    measured_w: Mapping[str, float]
    inference_s: float  #: How long the input sequence lasts.


def network(state: int, choices: ScalingChoices) -> tuple[Model, Samples]:
    """Return the random reference network of a size, and one input sequence.

    Its weights are scaled so that the currents of every row stay within the same range at any
    size; none is set to zero.
    """
    kind = {"layers": choices.layers, "frames": choices.frames}
    return random_model(SEED, state=state, samples=1, dead_zone=0.0, **kind)


def scaling(
    choices: ScalingChoices, output: Path, options: BuildOptions, simulation: SimulationChoices
) -> Iterator[Size]:
    """Size a random reference network of each size, predict its power, and yield it.

    Small ones are built below ``output`` and simulated.

    Raises
    ------
    UsageError
        A folder cannot be used.
    SimulationError
        A simulation failed.
    """
    with results(output, KIND):
        for state in choices.sizes:
            model, samples = network(state, choices)
            measured: Mapping[SupplyBranch, float] = {}
            if state <= choices.confirmed:
                folder = output / f"d{state}"
                built = build(model, folder, options, samples)
                measured = _measured(folder, samples, simulation)
            else:
                built = design(model, options, samples.x)
            yield _size(built, samples, state, measured)


def _measured(
    folder: Path, samples: Samples, simulation: SimulationChoices
) -> dict[SupplyBranch, float]:
    build = read_build(folder)
    for finished in simulate(build, samples, [0], simulation):
        if finished.failure is not None:
            raise finished.failure
    power = read_runs(build).traces(0).power
    if not power.branches:
        raise SimulationError("no_result", f"{folder}: the simulation has no ammeters")
    return dict(zip(power.branches, power.average_w.tolist(), strict=True))


def _size(
    design: Design, samples: Samples, state: int, measured: Mapping[SupplyBranch, float]
) -> Size:
    circuit, model = design.circuit, design.circuit.model
    stride = max(1, samples.x.shape[1] // _LOOKED_AT)
    predicted = predict_power(
        circuit, design.technology, design.known.mirrors, design.conditions.vdd, samples.x, stride
    )
    watts = {branch: float(each.mean()) for branch, each in predicted.watts.items()}
    return Size(
        state=state,
        area=sum(areas(design.netlist, design.technology).values(), Area()),
        footprint=footprint_of(design),
        below_floor=len(design.below_floor),
        predicted_w=_parts(model, watts),
        measured_w=_parts(model, measured) if measured else {},
        inference_s=samples.x.shape[1] * model.frame_period,
    )


def _parts(model: Model, watts: Mapping[SupplyBranch, float]) -> dict[str, float]:
    parts = dict.fromkeys(PARTS, 0.0)
    for branch, each in watts.items():
        parts[_part(model, branch)] += each
    return parts


def _part(model: Model, branch: SupplyBranch) -> str:
    if branch.kind == "input":
        return "input"
    if isinstance(model.by_name.get(branch.node), Cell) and branch.kind != "line":
        return "recurrent"
    return "mirrors" if branch.kind in ("mirror", "readout") else "lines"


def usual_sizes(largest: int) -> Sequence[int]:
    """Return powers of two from 4 on."""
    sizes = [4]
    while sizes[-1] * 2 <= largest:
        sizes.append(sizes[-1] * 2)
    return sizes
