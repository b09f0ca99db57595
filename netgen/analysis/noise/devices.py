"""Noise of the devices themselves: what each block adds to the current it passes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats
from netgen.characterise.setup import MeasurementSetup
from netgen.errors import SimulationError
from netgen.netlist.noise import (
    INPUT_NOISE,
    OPERATING_CURRENT,
    OPTIONS,
    OUTPUT_NOISE,
    STORAGE,
    BlockUnderTest,
    noise_deck,
    operating_deck,
)

BAND = (1.0, 1e3)
"""Hz. The lower end is a sample's length, the upper far above a frame's rate."""
ROW_CURRENTS = (0.003, 20.0)
"""Range of characterised row currents, in units."""
_ROW_POINTS = 12
_TIMEOUT = 60.0


@dataclass(frozen=True, eq=False)
class BlockNoise:
    """Noise of a block at an operating point."""

    tested: BlockUnderTest
    operating: float  #: Output current, A.
    frequency: Floats  #: Hz, (points,).
    #: ``output``, ``referred``: densities at the output and referred to the input, A/√Hz,
    #: (points,).
    output: Floats
    referred: Floats

    @property
    def output_rms(self) -> float:
        """Noise of the output current over the band, A rms."""
        return integrated(self.frequency, self.output)

    @property
    def input_rms(self) -> float:
        """The noise of the input current that would give the same output, A rms.

        Means little for a cell: its output hardly follows its input.
        """
        return integrated(self.frequency, self.referred)


def integrated(frequency: Floats, density: Floats) -> float:
    """Return the rms over a band, A, of a density, A/√Hz, at frequencies, Hz, (points,).

    The trapezoidal rule in ln f of f·S(f): exact for flicker noise, S ∝ 1/f, and fine for white
    noise at the 20 points a decade that netgen asks for (within 0.2 %).
    """
    return float(np.sqrt(np.trapezoid(density**2 * frequency, np.log(frequency))))


def measure_noise(
    setup: MeasurementSetup, blocks: Sequence[BlockUnderTest]
) -> tuple[BlockNoise, ...]:
    """Compute the noise of blocks over :data:`BAND` by ngspice, or return it from the cache.

    Raises
    ------
    SimulationError
        A simulation failed, or a cell is not in the state it should be in.
    """
    measured = []
    for tested in blocks:

        def measure(tested: BlockUnderTest = tested) -> dict[str, Floats]:
            return _measure(setup, tested)

        # the decks themselves, so that a change of the circuits counts
        point = operating_deck(setup.technology, setup.at, setup.unit, tested)
        noise = noise_deck(setup.technology, setup.at, setup.unit, tested, 0.0, BAND)
        densities = setup.cached(measure, "noise", point, noise)
        measured.append(
            BlockNoise(
                tested,
                float(densities["operating"]),
                densities["frequency"],
                densities["output"],
                densities["referred"],
            )
        )
    return tuple(measured)


def _measure(setup: MeasurementSetup, tested: BlockUnderTest) -> dict[str, Floats]:
    name, where = f"noise of {tested.block}", (setup.technology, setup.at, setup.unit)
    point = setup.simulated(name, operating_deck(*where, tested), _TIMEOUT, OPTIONS)
    operating = np.abs(point[OPERATING_CURRENT][0])
    if tested.cell is not None and (operating > tested.cell.currents[-1] / 2) != (
        tested.block == "cell_high"
    ):
        raise SimulationError(
            "wrong_state", f"{name}: its output is {operating:g} A, the other state's"
        )
    hold = float(point[STORAGE][0]) if tested.cell else None
    deck = noise_deck(*where, tested, hold, BAND)
    result = setup.simulated(name, deck, _TIMEOUT, OPTIONS)
    return {
        "operating": np.asarray(operating),
        "frequency": result.scale,
        "output": result[OUTPUT_NOISE],
        "referred": result[INPUT_NOISE],
    }


@dataclass(frozen=True, eq=False)
class SummingNoise:
    """Noise that a row adds, by the current it carries."""

    current: Floats  #: A, (points,), evenly spaced in their logarithm.
    rms: Floats  #: Referred to the row's input, A, (points,).

    def at(self, current: Floats) -> Floats:
        """Return the rms in amperes at currents in amperes, any shape; beyond the ends, theirs."""
        inside = np.clip(current, self.current[0], self.current[-1])
        rms: Floats = np.exp(np.interp(np.log(inside), np.log(self.current), np.log(self.rms)))
        return rms


def characterise_summing(setup: MeasurementSetup) -> SummingNoise:
    """Measure the noise of a unit row over its range of currents, or take it from the cache.

    Rows are characterised from 0.003 to 20 units.
    """
    low, high = (limit * setup.unit_current for limit in ROW_CURRENTS)
    currents = np.geomspace(low, high, _ROW_POINTS)
    blocks = [BlockUnderTest("row", float(current)) for current in currents]
    measured = measure_noise(setup, blocks)
    return SummingNoise(currents, np.array([each.input_rms for each in measured]))
