"""From a simulator's vectors to the model's nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Floats
from netgen.model import Model
from netgen.netlist import READOUT, SETTLED, Probes, release_time
from netgen.simulation.traces import NO_WINNERS, PowerTraces, Traces
from netgen.simulators.jobs import Waveforms


def node_traces(
    waveforms: Waveforms, probes: Probes, model: Model, frames: int, sample: int, edge: float
) -> Traces:
    """Return the currents of every node in software units, over time and settled in each frame.

    The readout node's value is the current at the readout, also where it has a gate net.
    ``edge`` is the rise time of an input step, s.
    """
    time = waveforms.scale
    settled = (np.arange(frames, dtype=np.float64) + SETTLED) * model.frame_period
    waves: dict[str, NDArray[np.float32]] = {}
    values: dict[str, Floats] = {}
    for key, currents in probes.nodes.items():
        name = model.readout.node if key == READOUT else key
        units = np.stack([waveforms[each] for each in currents], axis=1) / model.unit_current
        values[name] = np.stack([np.interp(settled, time, u) for u in units.T], axis=1)
        waves[name] = units.astype(np.float32)
    driving = {cell.input for cell in model.cells if cell.input in waves}
    return Traces(
        sample=sample,
        frames=values,
        extremes={name: extremes(time, waves[name], settled, model) for name in driving},
        time=time,
        waves=waves,
        power_w=_power(waveforms, probes),
        cpu_s=waveforms.cpu_s,
        attempt=waveforms.attempt,
        simulator=waveforms.simulator,
        power=_taken_apart(waveforms, probes),
        input_edge=edge,
        winners=_winners(waveforms, probes, settled),
    )


def _winners(waveforms: Waveforms, probes: Probes, settled: Floats) -> Floats:
    supply = max(probes.supplies.values())
    levels = [np.interp(settled, waveforms.scale, waveforms[each]) for each in probes.winners]
    return np.stack(levels, axis=1) / supply if levels else NO_WINNERS


def extremes(time: Floats, wave: NDArray[np.float32], settled: Floats, model: Model) -> Floats:
    """Return the smallest and largest value in each frame up to where it is read.

    ``time``, s, (points,); ``wave``, (points, signals); ``settled``, s, (frames,); the result is
    (frames, signals, 2). The first frame counts from when the first cells are released.
    """
    orders = max(len(model.cells), 1)
    starts = settled - SETTLED * model.frame_period
    starts[0] = release_time(0, orders, model.frame_period)
    ends = np.empty((len(settled), wave.shape[1], 2))
    for frame, (start, stop) in enumerate(zip(starts, settled, strict=True)):
        first, last = np.searchsorted(time, (start, stop))
        inside = wave[min(first, len(wave) - 1) : max(last, first + 1)]
        ends[frame, :, 0], ends[frame, :, 1] = inside.min(axis=0), inside.max(axis=0)
    return ends


def _power(waveforms: Waveforms, probes: Probes) -> float:
    """Return what all supplies deliver, averaged over time, in watts.

    SPICE counts a source's current from its positive node through it, so delivered power is
    negative there.
    """
    delivered = sum(-volts * waveforms[current] for current, volts in probes.supplies.items())
    return averaged(np.asarray(delivered), waveforms.scale)


def averaged(values: Floats, time: Floats) -> float:
    """Return the average of values (points,) over time."""
    return float(np.trapezoid(values, time) / (time[-1] - time[0]))


def _taken_apart(waveforms: Waveforms, probes: Probes) -> PowerTraces:
    """Return who takes what the supplies deliver."""
    readings = []
    for current, meter in probes.meters.items():
        watts = meter.volts * waveforms[current]
        readings.append((meter.branch, averaged(watts, waveforms.scale), watts))
    return PowerTraces.of(readings)
