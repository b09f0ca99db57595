"""A stream through transistors: by the twins of many chips, or by ngspice part after part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netgen.analysis.power.consumption import by_frame
from netgen.circuit import CellLayer
from netgen.errors import NetgenError
from netgen.model import Model, Samples
from netgen.model.graph import Bools, Floats
from netgen.project.build import Design, design, write_build
from netgen.project.folder import occupied
from netgen.project.options import BuildOptions
from netgen.project.reading import Build, calibrated_for, read_build
from netgen.project.runs import read_runs
from netgen.project.simulate import SimulationChoices, simulate
from netgen.project.twin import twin_of_build
from netgen.technology import Variation, sample_deviations

TWIN_FRAMES = 2000
"""Frames that twins take at a time."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One part of a stream in the circuit."""

    first: int  #: Its first frame.
    logits: Floats  #: The readout, (frames, classes), software units.
    states: Mapping[str, Bools]  #: Settled states by cell node, (frames, units).
    power_w: Floats  #: Supply power of each frame, (frames,).
    fresh: bool  #: Whether it was simulated now; False: taken over from an earlier run.


def circuit_stream(
    model: Model,
    x: Floats,
    start: Mapping[str, Bools],
    folder: Path,
    options: BuildOptions,
    choices: SimulationChoices,
    frames: int,
    calibration: Samples,
) -> Iterator[Segment]:
    """Take a stream through the circuit in ngspice; parts that are done are taken over.

    Every part continues with the states that the circuit itself ended the part before with, in
    devices that are the same throughout. An interrupted stream continues with the first part that
    is missing.

    Parameters
    ----------
    x
        Inputs, (frames, channels), software units.
    start
        States before the first frame, by cell node, (units,) each.
    folder
        Where the parts go, a build folder each.
    frames
        Of one part.
    calibration
        Samples that the circuit is sized with.

    Raises
    ------
    ModelError, UsageError, ToolMissingError
        The circuit cannot be built, see :func:`netgen.project.build`.
    SimulationError
        A part failed.
    """
    sized = design(model, options, calibration.x)
    states = start
    for first in range(0, len(x), frames):
        path = part_of(folder, first)
        taken = np.asarray(x[first : first + frames], dtype=np.float64)
        readout = replace(model.readout, start=0, stop=len(taken))  # whatever a part's length
        here = replace(model.started(states), readout=readout)
        build = _take_over(path, here, calibration)
        build = build or _write(sized, here, path, options, calibration)
        samples = Samples(taken[np.newaxis], None, (f"frame {first}",))
        fresh = True
        for finished in simulate(build, samples, [0], choices):
            if finished.failure is not None:
                raise finished.failure
            fresh = finished.fresh
        traces = read_runs(build).traces(0)
        settled = {cell.name: cell.read(traces.frames[cell.name]) for cell in model.cells}
        logits = traces.frames[model.readout.node]
        watts = traces.power.wave_w.sum(axis=1, dtype=np.float64)
        power = by_frame(watts, traces.time, model.frame_period)
        yield Segment(first, logits, settled, power, fresh)
        states = {name: each[-1] for name, each in settled.items()}


def part_of(folder: Path, first: int) -> Path:
    """Return the build folder of the part that begins with frame ``first``."""
    return folder / f"part-{first:08d}"


def _take_over(path: Path, model: Model, calibration: Samples) -> Build | None:
    """Return the part's build of an earlier run, if it is of this circuit and these states."""
    try:
        build = read_build(path)
        calibrated = np.array_equal(calibrated_for(build), calibration.x)
    except (NetgenError, OSError):
        return None
    return build if build.model.digest == model.digest and calibrated else None


def _write(
    design: Design, model: Model, path: Path, options: BuildOptions, calibration: Samples
) -> Build:
    """Write a build folder of the same devices that starts in the model's states."""
    cells = {cell.name: cell for cell in model.cells}
    layers = tuple(
        replace(layer, cell=cells[layer.node]) if isinstance(layer, CellLayer) else layer
        for layer in design.circuit.layers
    )
    circuit = replace(design.circuit, model=model, layers=layers)
    path.parent.mkdir(parents=True, exist_ok=True)
    with occupied(path) as folder:
        write_build(replace(design, circuit=circuit), folder, options, calibration)
    return read_build(path)


class TwinStream:
    """The twins of many chips, which go on from the states that each of them ended with.

    Parameters
    ----------
    build
        The circuit.
    variation
        How chips vary; None is one nominal chip.
    """

    def __init__(self, build: Build, variation: Variation | None, chips: int) -> None:
        self._twin = twin_of_build(build)
        self._shifts: Mapping[str, Floats] = {}
        if variation is not None:
            transistors = self._twin.netlist.transistors
            self._shifts = sample_deviations(
                self._twin.technology, variation, transistors, 0, chips
            )
        self.chips = chips if variation is not None else 1
        self.states: Mapping[str, Bools] | None = None

    def push(self, x: Floats) -> Floats:
        """Return the readout of more frames, (chips, frames, classes), for (frames, channels)."""
        parts = []
        for first in range(0, len(x), TWIN_FRAMES):
            chunk = np.asarray(x[first : first + TWIN_FRAMES], dtype=np.float64)
            result = self._twin.run(self._shifts, chunk[np.newaxis], self.states)
            self.states = {name: each[:, 0, -1] for name, each in result.states.items()}
            parts.append(result.logits[:, 0])
        return np.concatenate(parts, axis=1)
