"""The currents of one sample over time as a page's script reads them."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Array
from netgen.document import Json
from netgen.model import Cell
from netgen.model.graph import Floats
from netgen.report.comparison.sample_plots import SampleView
from netgen.report.page import Waves
from netgen.report.style import milliseconds, nanoamperes

VALUES = 400_000
"""A page holds at most about so many points of all curves of a sample."""


def waves_of(view: SampleView) -> Waves | None:
    """Return every recorded node of a sample, in ms and nA; None where none was recorded."""
    traces, model = view.traces, view.model
    if not traces.waves or not len(traces.time):
        return None
    curves = sum(wave.shape[1] for wave in traces.waves.values())
    every = max(1, -(-len(traces.time) * curves // VALUES))
    frame, readout = milliseconds(model), model.readout
    order = sorted(traces.waves, key=lambda name: name != readout.node)
    data: dict[str, Json] = {
        "time": _base64((1e3 * traces.time[::every]).astype("<f8")),
        "frame": frame,
        "frames": view.frames,
        "window": [frame * readout.start, frame * readout.stop],
        "nodes": [_node(view, name, traces.waves[name][::every]) for name in order],
    }  # fmt: skip
    thinned = f" Every {every}th time point of the simulation is shown." if every > 1 else ""
    return Waves(
        f"{view.heading}: look closer",
        "Any node of the circuit over time; shaded: the readout's frames, and, for a single "
        f"candidate, its hysteresis bands.{thinned}",
        f"Currents of {len(order)} nodes over {view.end:g} ms, circuit "
        "against software; arrow keys move, + and − zoom, 0 shows all.",
        data,
    )


def _node(view: SampleView, name: str, wave: NDArray[np.float32]) -> dict[str, Json]:
    model, unit = view.model, nanoamperes(view.model)
    units = [str(at) for at in range(wave.shape[1])]
    if name == model.readout.node:
        units = list(model.classes)
    cell = next((cell for cell in model.cells if cell.input == name), None)
    return {
        "name": name + ("" if cell is None else f" (candidate of {cell.name})"),
        "units": units,
        "waves": [_packed(unit * wave[:, at]) for at in range(wave.shape[1])],
        "software": (unit * view.comparison.software[name][view.at]).T.round(6).tolist(),
        "bands": None if cell is None else _bands(cell, unit),
    }


def _bands(cell: Cell, unit: float) -> Json:
    """Return the band of each rung of each unit, nA."""
    ends = np.stack([cell.together(cell.falling), cell.together(cell.rising)], axis=-1)
    bands: Json = (unit * ends).tolist()
    return bands


def _packed(values: Floats | NDArray[np.float32]) -> Json:
    """Return values as 16-bit steps between their ends."""
    low, high = float(values.min()), float(values.max())
    steps = np.round((values - low) / (high - low or 1.0) * 65535).astype("<u2")
    return {"low": low, "high": high, "data": _base64(steps)}


def _base64(values: Array) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
