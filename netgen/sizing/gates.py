"""What a gate weighs on the line it hangs on, measured: for parts simulated without the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from netgen._version import __version__
from netgen.netlist import Conditions, GateLoad
from netgen.netlist.characterisation import (
    GATE_SWING,
    GATE_TIME,
    gate_deck,
    gate_vector,
)
from netgen.simulation import Attempt, Job, cached_arrays, key, simulator_version
from netgen.sizing.mirrors import Floats, Run
from netgen.technology import POLARITIES, Geometry, Technology

SHAPES = ((1.0, 1.0), (0.5, 1.0), (0.0, 1.0), (1.0, 2.5), (0.0, 5.0))
"""Measured devices: W and L in units of the unit mirror; 0 is the narrowest device."""


def characterise_gates(
    technology: Technology, at: Conditions, unit: Geometry, folder: Path, run: Run
) -> GateLoad:
    """Measure the capacitance of gates in subthreshold, or return it from the cache.

    A gate's capacitance is modelled as area · W · L + width · W: the channel's, and that of the
    overlaps.

    Parameters
    ----------
    folder
        The cache.
    run
        Runs one simulation (:func:`netgen.simulation.run`).
    """
    shapes = [
        Geometry(
            max(technology.snap(w * unit.width), technology.width[0]),
            min(technology.snap(l * unit.length), technology.length[1]),
        )
        for w, l in SHAPES  # noqa: E741
    ]
    devices = [(polarity, shape) for polarity in POLARITIES for shape in shapes]

    def measure() -> dict[str, Floats]:
        deck = gate_deck(technology, at, devices)
        names = [gate_vector(index) for index in range(len(devices))]
        attempt = Attempt("default", deck)
        result = run(Job("gate characterisation", (attempt,), tuple(names), GATE_TIME, 60.0))
        charge = [abs(np.trapezoid(result.vectors[name], result.scale)) for name in names]
        return {"capacitance": np.array(charge) / (at.vdd * (GATE_SWING[1] - GATE_SWING[0]))}

    parts = ("gates", at, tuple(devices), technology.digest, simulator_version(), __version__)
    measured = cached_arrays(folder, key(*parts), measure)["capacitance"]
    area, width = {}, {}
    terms = np.array([[shape.width * shape.length, shape.width] for shape in shapes])
    for polarity, values in zip(POLARITIES, np.split(measured, len(POLARITIES)), strict=True):
        fitted, *_ = np.linalg.lstsq(terms / values[:, np.newaxis], np.ones(len(values)))
        area[polarity], width[polarity] = (float(value) for value in fitted)
    return GateLoad(area, width)
