"""Voltages of diode-connected transistors as measured: how a shifted threshold moves a current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netgen._version import __version__
from netgen.arrays import Floats
from netgen.characterise.mirrors import Run
from netgen.netlist.characterisation import ACCURATE, DIODE_VOLTAGES, diode_deck
from netgen.netlist.models import Conditions
from netgen.simulators import cached_arrays, job_of, key, simulator_version
from netgen.technology import Geometry, Polarity, Technology

CURRENTS = (1e-3, 50.0)
"""Range of characterised currents, in units: that of mirrors, and what deviations make of it."""
_POINTS = 81
_BEYOND = 20.0
"""So many e-foldings further on either side the characteristic is continued straight."""


@dataclass(frozen=True, eq=False)
class DiodeTable:
    """The unit mirror's diodes.

    Attributes
    ----------
    logs
        ln(current / A), (points,), rising.
    volts
        Gate-source voltage of each polarity (V, positive), (points,).
    """

    logs: Floats
    volts: Mapping[Polarity, Floats]

    def voltage(self, polarity: Polarity, logs: Floats) -> Floats:
        """Return the gate-source voltage for ln(current / A), any shape."""
        volts: Floats = np.interp(logs, self.logs, self.volts[polarity])
        return volts

    def log_current(self, polarity: Polarity, volts: Floats) -> Floats:
        """Return ln(current / A) for a gate-source voltage, any shape."""
        logs: Floats = np.interp(volts, self.volts[polarity], self.logs)
        return logs


def characterise_diodes(
    technology: Technology,
    at: Conditions,
    unit: Geometry,
    unit_current: float,
    folder: Path,
    run: Run,
) -> DiodeTable:
    """Measure the voltages of the unit mirror's diodes, or return them from the cache.

    Parameters
    ----------
    unit_current
        A; currents are characterised from 0.001 to 50 of it.
    folder
        The cache.
    run
        Runs one simulation (:func:`netgen.simulators.run`).
    """
    low, high = (float(np.log(limit * unit_current)) for limit in CURRENTS)
    logs = np.linspace(low, high, _POINTS)
    step = float(logs[1] - logs[0])

    def measure() -> dict[str, Floats]:
        deck = diode_deck(technology, at, unit, (low, high + step / 2, step))
        result = run(job_of("diode characterisation", deck, (("default", ACCURATE),), 60.0))
        nets = DIODE_VOLTAGES
        return {"nmos": result[nets["nmos"]], "pmos": at.vdd - result[nets["pmos"]]}

    parts = ("diodes", at, unit, tuple(logs), technology.digest, simulator_version(), __version__)
    measured = cached_arrays(folder, key(*parts), measure)
    volts: dict[Polarity, Floats] = {
        "nmos": _continued(measured["nmos"], step),
        "pmos": _continued(measured["pmos"], step),
    }
    return DiodeTable(np.concatenate([[low - _BEYOND], logs, [high + _BEYOND]]), volts)


def _continued(volts: Floats, step: float) -> Floats:
    """Continue a characteristic: in weak inversion it is straight over ln(current)."""
    first, last = ((volts[i + 1] - volts[i]) / step * _BEYOND for i in (0, len(volts) - 2))
    return np.concatenate([[volts[0] - first], volts, [volts[-1] + last]])
