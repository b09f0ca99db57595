"""From a simulator's vectors to the model's nodes."""

from __future__ import annotations

import numpy as np

from netgen.model import Model
from netgen.netlist import READOUT, SETTLED, Probes
from netgen.simulation.jobs import Waveforms
from netgen.simulation.traces import Traces


def observe(waveforms: Waveforms, probes: Probes, model: Model, frames: int, sample: int) -> Traces:
    """Return the currents of every node in software units, over time and settled in each frame.

    The readout node's value is the current at the readout, also where it has a line of its own.
    """
    time = waveforms.scale
    settled = (np.arange(frames) + SETTLED) * model.frame_period
    waves, values = {}, {}
    for key, vectors in probes.nodes.items():
        name = model.readout.node if key == READOUT else key
        units = np.stack([waveforms.vectors[v] for v in vectors], axis=1) / model.unit_current
        values[name] = np.stack([np.interp(settled, time, u) for u in units.T], axis=1)
        waves[name] = units.astype(np.float32)
    return Traces(
        sample=sample,
        frames=values,
        time=time,
        waves=waves,
        power_w=_power(waveforms, probes),
        cpu_s=waveforms.cpu_s,
        attempt=waveforms.attempt,
        simulator=waveforms.simulator,
    )


def _power(waveforms: Waveforms, probes: Probes) -> float:
    """Return what all supplies deliver, averaged over time, in watts.

    SPICE counts a source's current from its positive node through it, so delivered power is
    negative there.
    """
    time = waveforms.scale
    delivered = sum(-volts * waveforms.vectors[name] for name, volts in probes.supplies.items())
    return float(np.trapezoid(delivered, time) / (time[-1] - time[0]))
