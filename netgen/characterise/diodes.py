"""Voltages of diode-connected transistors as measured: how a shifted threshold moves a current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.setup import MeasurementSetup
from netgen.netlist.characterisation import DIODE_VOLTAGES, diode_deck
from netgen.technology import Polarity

CURRENTS = (1e-3, 50.0)
"""Range of characterised currents, in units: that of mirrors, and what deviations make of it."""
_POINTS = 81
_BEYOND = 20.0
"""So many e-foldings further on either side the characteristic is continued straight."""


@dataclass(frozen=True, eq=False)
class DiodeTable:
    """The unit mirror's diodes."""

    logs: Floats  #: ln(current / A), (points,), rising.
    #: Gate-source voltage of each polarity (V, positive), (points,).
    volts: Mapping[Polarity, Floats]

    def voltage(self, polarity: Polarity, logs: Floats) -> Floats:
        """Return the gate-source voltage for ln(current / A), any shape."""
        volts: Floats = np.interp(logs, self.logs, self.volts[polarity])
        return volts

    def log_current(self, polarity: Polarity, volts: Floats) -> Floats:
        """Return ln(current / A) for a gate-source voltage, any shape."""
        logs: Floats = np.interp(volts, self.volts[polarity], self.logs)
        return logs

    def slope(self, polarity: Polarity, logs: Floats) -> Floats:
        """Return gm/I at ln(current / A), 1/V, any shape."""
        rise = self.voltage(polarity, logs + 0.25) - self.voltage(polarity, logs - 0.25)
        slope: Floats = 0.5 / rise
        return slope


def characterise_diodes(setup: MeasurementSetup) -> DiodeTable:
    """Measure the voltages of the unit mirror's diodes, or return them from the cache.

    Currents are characterised from 0.001 to 50 units.
    """
    technology, at, unit = setup.technology, setup.at, setup.unit.of("")
    low, high = (float(np.log(limit * setup.unit_current)) for limit in CURRENTS)
    logs = np.linspace(low, high, _POINTS)
    step = float(logs[1] - logs[0])

    def measure() -> dict[str, Floats]:
        deck = diode_deck(technology, at, unit, (low, high + step / 2, step))
        result = setup.simulated("diode characterisation", deck)
        nets = DIODE_VOLTAGES
        return {"nmos": result[nets["nmos"]], "pmos": at.vdd - result[nets["pmos"]]}

    measured = setup.cached(measure, "diodes", at, unit, tuple(logs))
    volts: dict[Polarity, Floats] = {
        "nmos": _continued(measured["nmos"], step),
        "pmos": _continued(measured["pmos"], step),
    }
    return DiodeTable(np.concatenate([[low - _BEYOND], logs, [high + _BEYOND]]), volts)


def _continued(volts: Floats, step: float) -> Floats:
    """Continue a characteristic: in weak inversion it is straight over ln(current)."""
    first, last = ((volts[i + 1] - volts[i]) / step * _BEYOND for i in (0, len(volts) - 2))
    return np.concatenate([[volts[0] - first], volts, [volts[-1] + last]])
