"""Traces made from the software model, with known deviations: no simulator needed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netgen.analysis.comparison.settled import has_gate_net
from netgen.model import INPUT, Cell, Model, evaluate
from netgen.model.graph import Bools, Floats
from netgen.simulation.traces import Traces


def traces_of(
    model: Model,
    x: Floats,
    sample: int = 0,
    states: Mapping[str, Bools] | None = None,
    added: Mapping[str, Floats] | None = None,
    power_w: float = 1e-7,
) -> Traces:
    """Make the traces of one sample, x being (frames, channels).

    ``states`` forces BMRU states (frames, units) by node; ``added`` adds to settled values,
    seen by no other node.
    """
    forced = {name: value[None] for name, value in (states or {}).items()}
    values = evaluate(model, x[None], forced)
    frames = {
        node.name: values[node.name][0] + (added or {}).get(node.name, 0.0)
        for node in model.nodes
        if has_gate_net(model, node.name)
    }
    time, waves = _waves(model, values, frames)
    return Traces(
        sample=sample,
        frames=frames,
        extremes={cell.input: _extremes(waves[cell.input], len(x)) for cell in model.cells},
        time=time,
        waves=waves,
        power_w=power_w,
        cpu_s=2.5,
        attempt="fast",
        simulator="ngspice-39",
    )


def _extremes(wave: np.ndarray, frames: int) -> Floats:
    """Smallest and largest value of every frame, (frames, units, 2)."""
    inside = wave.reshape(frames, -1, wave.shape[1])
    return np.stack([inside.min(axis=1), inside.max(axis=1)], axis=2).astype(np.float64)


def _waves(
    model: Model, values: Mapping[str, Floats], frames: Mapping[str, Floats]
) -> tuple[Floats, dict[str, np.ndarray]]:
    """Exponential approach to each frame's settled value: 8 points a frame, 100 µs constant."""
    count = values[INPUT].shape[1]
    phase = np.array([0.0, 0.01, 0.02, 0.03, 0.06, 0.1, 0.3, 0.9])
    time = ((np.arange(count)[:, None] + phase) * model.frame_period).ravel()
    rest = np.exp(-phase * 100)[None, :, None]
    waves = {}
    for name, value in frames.items():
        node = model.by_name[name]
        first = node.output(node.initial_state) if isinstance(node, Cell) else value[0]
        before = np.concatenate([first[None], value[:-1]])[:, None]
        wave = value[:, None] + (before - value[:, None]) * rest
        waves[name] = wave.reshape(len(time), -1).astype(np.float32)
    return time, waves
