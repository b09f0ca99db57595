"""Noise injected into the candidate of a cell: what of it the cell lets through, and flips."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import chi2, kurtosis

from netgen.analysis.noise.statistics import Interval
from netgen.arrays import Bools, Floats
from netgen.characterise.setup import MeasurementSetup
from netgen.circuit.blocks import BiasedCell, CellBlock, CellTable
from netgen.netlist.characterisation import CellView, block_texts, cell_output, cell_view
from netgen.netlist.deck import Deck, Transient
from netgen.netlist.models import Conditions, SimulatorOptions
from netgen.netlist.render import render_template
from netgen.netlist.testbench import pwl
from netgen.technology import Geometry, Technology
from netgen.technology.variation import normals

OPTIONS = SimulatorOptions(bypass=False)
"""A bypassed transistor keeps its last current: steps far above what a cell lets through."""
POINTS_A_PERIOD = 20
"""Points in a period of the highest frequency: between them the waveform is linear."""
TRIAL = 50e-3
"""How often the state is set anew where flips are counted, s."""
PULSE = 5e-3
"""How long setting the state takes, s; flips count from a millisecond later on."""
_SETTLED = 20e-3
_AFTER_PULSE = 1e-3
_BEFORE_FLIP = 5e-3
_SHORTEST = 0.1
_TIMEOUT = 600.0
_TAIL = 0.025
_NORMAL = float(-ndtri(_TAIL))
UNKNOWN = Interval(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class CalibratedCell:
    """A cell's bias currents, and the thresholds and output that they give a rung of it, A.

    The rungs before it are high throughout, those after it low.
    """

    name: str
    bias: BiasedCell
    falling: float
    rising: float
    level: float
    rung: int = 0
    below: float = 0.0  #: What the rungs before it give, A.
    pulse_low: float = 0.0  #: Candidate that sets the rung alone low, A.
    pulse_high: float | None = None  #: That sets it high, A; None: 1.5 times its threshold.

    @classmethod
    def of(
        cls, name: str, block: CellBlock, bias: Floats, table: CellTable, rung: int = 0
    ) -> CalibratedCell:
        """Return a rung of the cell of a block's bias currents, A, (biases,)."""
        rising, falling, output = (each.tolist() for each in table.switching(bias[:, np.newaxis]))
        more = rung + 1 < len(rising)
        return cls(
            name,
            block.biased(*bias),
            falling[rung],
            rising[rung],
            output[rung],
            rung,
            sum(output[:rung]),
            (falling[rung - 1] + falling[rung]) / 2 if rung else 0.0,
            (rising[rung] + rising[rung + 1]) / 2 if more else None,
        )


@dataclass(frozen=True)
class Injection:
    """Noise on the candidate of a cell."""

    cell: CalibratedCell
    high: bool  #: The state it is in.
    #: By how much the candidate is on the safe side of the threshold where that state ends, A.
    margin: float
    sigma: float  #: Of the noise, A rms, white up to the bandwidth.
    seed: int = 1
    bandwidth: float = 1e3  #: Hz.
    duration: float = 1.0  #: s.
    #: Set the state anew every :data:`TRIAL`, so that more than one flip can be counted.
    trials: bool = False

    @property
    def candidate(self) -> float:
        """Mean candidate current, A."""
        if self.high:
            return self.cell.falling + self.margin
        return self.cell.rising - self.margin


@dataclass(frozen=True)
class Injected:
    """What a cell made of injected noise."""

    injection: Injection
    #: ``sigma_in``, ``sigma_out``: of candidate and output current, A rms, until the first flip;
    #: NaN if that came too soon.
    sigma_in: float
    sigma_out: float
    ratio: Interval  #: σ_in / σ_out.
    independent: float  #: Effective number of independent values of the output.
    flips: int  #: How often the state was lost.
    at_risk: float  #: Seconds in which it could have been lost.

    @property
    def rate(self) -> Interval:
        """Flips a second."""
        return poisson_rate(self.flips, self.at_risk)


def rice_rate(margin: float, sigma: float, bandwidth: float) -> float:
    """Return how often a second Gaussian noise passes a level in one direction.

    White noise up to B: B/√3 · exp(−m²/2σ²) (S. O. Rice, Bell Syst. Tech. J. 24 (1945) 46,
    eq. 3.3-11).
    """
    return float(bandwidth / np.sqrt(3) * np.exp(-(margin**2) / (2 * sigma**2)))


def band_limited(seed: int, name: str, duration: float, bandwidth: float, step: float) -> Floats:
    """Return Gaussian noise of unit expected rms, white up to a bandwidth, (duration / step,).

    A sum of all harmonics of 1 / duration up to the bandwidth with random amplitudes, sampled from
    (seed, name) alone: the same on any machine.
    """
    points, harmonics = round(duration / step), round(bandwidth * duration)
    values = normals(seed, name, 0, harmonics)
    spectrum = np.zeros(points // 2 + 1, dtype=np.complex128)
    spectrum[1 : harmonics + 1] = values @ [1, -1j] * points / (2 * np.sqrt(harmonics))
    return np.fft.irfft(spectrum, points)


def inject(setup: MeasurementSetup, injection: Injection) -> Injected:
    """Simulate a cell with noise on its candidate, or return the result from the cache.

    Raises
    ------
    SimulationError
        The simulation failed.
    """

    def compute() -> dict[str, Floats]:
        injected = _simulated(setup, injection)
        ratio = [injected.ratio.value, injected.ratio.low, injected.ratio.high]
        counted = [injected.independent, injected.flips, injected.at_risk]
        return {"figures": np.array([injected.sigma_in, injected.sigma_out, *ratio, *counted])}

    own = (injection, OPTIONS, POINTS_A_PERIOD, TRIAL, PULSE)
    figures = setup.cached(compute, "injected noise", setup.at, setup.unit, *own)[
        "figures"
    ].tolist()
    sigma_in, sigma_out, value, low, high, independent, flips, at_risk = figures
    ratio = Interval(value, low, high)
    return Injected(injection, sigma_in, sigma_out, ratio, independent, int(flips), at_risk)


def _simulated(setup: MeasurementSetup, injection: Injection) -> Injected:
    step = 1 / (POINTS_A_PERIOD * injection.bandwidth)
    candidate = waveform(injection, step)
    noisy = NoisyCell(injection.cell.bias, injection.high, candidate, injection.cell.rung)
    deck = injection_deck(setup.technology, setup.at, setup.unit, [noisy], step)
    result = setup.simulated("noise on a cell", deck, _TIMEOUT, (("default", OPTIONS),))
    time = step * np.arange(len(candidate), dtype=np.float64)
    output = np.interp(time, result.scale, result[deck.quantities[0]])
    return judged(injection, time, candidate, output)


@dataclass(frozen=True, eq=False)
class NoisyCell:
    """A cell with its bias currents, its first state, and its candidate current (A, (points,)).

    The state is that of a rung; those before it are high, those after it low.
    """

    cell: BiasedCell
    high: bool
    candidate: Floats
    rung: int = 0

    def states(self, suffix: str, vdd: float) -> tuple[tuple[str, float], ...]:
        """Return the nets of its instance that hold states, with their first voltages, V."""
        high = self.rung + self.high
        nets = self.cell.storage_nets(suffix)
        return tuple((net, vdd if place < high else 0.0) for place, net in enumerate(nets))


@dataclass(frozen=True)
class _Injected:
    cell: CellView
    states: tuple[tuple[str, float], ...]


def injection_deck(
    technology: Technology, at: Conditions, unit: Geometry, cells: Sequence[NoisyCell], step: float
) -> Deck:
    """Return the transient of cells whose candidates are sampled every ``step`` seconds."""
    time = step * np.arange(len(cells[0].candidate))
    views = [
        _Injected(
            cell_view(
                str(index),
                each.cell,
                unit,
                _folded(pwl(zip(time.tolist(), each.candidate.tolist(), strict=True))),
            ),
            each.states(str(index), at.vdd),
        )
        for index, each in enumerate(cells)
    ]
    blocks = block_texts(technology, unit, [each.cell for each in cells])
    body = render_template("noise_injected.j2", vdd=at.vdd, unit=unit, blocks=blocks, cells=views)
    quantities = tuple(cell_output(technology, str(i), each.cell) for i, each in enumerate(cells))
    analysis = Transient(step, float(time[-1]))
    return Deck.at(technology, at, "Cells with noisy candidates", body, quantities, analysis)


def _folded(waveform: str) -> str:
    """Write a waveform of any length on continuation lines."""
    return "\n".join(f"+ {line}" for line in textwrap.wrap(waveform, 500))


def waveform(injection: Injection, step: float) -> Floats:
    """Return the candidate current with its noise and the pulses that set the state, A.

    Never below 0: a candidate is what a ReLU gives.
    """
    name = f"{injection.cell.name}:{injection.high}"
    noise = band_limited(injection.seed, name, injection.duration, injection.bandwidth, step)
    candidate = injection.candidate + injection.sigma * noise
    if injection.trials:
        place = np.arange(len(candidate)) % round(TRIAL / step)
        cell = injection.cell
        high = 1.5 * cell.rising if cell.pulse_high is None else cell.pulse_high
        held = high if injection.high else cell.pulse_low
        candidate[place < round(PULSE / step)] = held
    return np.maximum(candidate, 0.0)


def judged(injection: Injection, time: Floats, candidate: Floats, output: Floats) -> Injected:
    """Count flips and compare the noise of output and candidate, each (points,)."""
    step = float(time[1])
    lost = (output - injection.cell.below > injection.cell.level / 2) != injection.high
    if injection.trials:
        length = round(TRIAL / step)
        whole = len(lost) // length * length
        trials = lost[:whole].reshape(-1, length)[:, round((PULSE + _AFTER_PULSE) / step) :]
        trials = trials[~trials[:, 0]]  # lost before counting began
        flips = int(trials.any(axis=1).sum())
        at_risk = step * float(_until_true(trials).sum())
        return Injected(injection, np.nan, np.nan, UNKNOWN, 0.0, flips, at_risk)
    kept = lost[time >= _SETTLED]
    until = int(_until_true(kept[np.newaxis])[0])
    at_risk = step * until
    flips = int(until < len(kept))
    first = len(lost) - len(kept)
    last = first + until - flips * round(_BEFORE_FLIP / step)
    passed = _compared(candidate[first:last], output[first:last], step)
    return Injected(injection, *passed, flips, at_risk)


def _until_true(lost: Bools) -> NDArray[np.intp]:
    """Return how many points each row has before its first True, (rows,)."""
    count: NDArray[np.intp] = np.where(lost.any(axis=1), lost.argmax(axis=1), lost.shape[1])
    return count


def _compared(
    candidate: Floats, output: Floats, step: float
) -> tuple[float, float, Interval, float]:
    """Return σ_in, σ_out, their ratio and the output's number of independent values."""
    if step * len(output) < _SHORTEST:
        return np.nan, np.nan, UNKNOWN, 0.0
    ratio, number = deviation_ratio(candidate, output)
    return float(candidate.std()), float(output.std()), ratio, number


def independent_values(values: Floats) -> float:
    """Return the effective number of independent values of a stationary signal, (points,).

    2 (ΣS)² / ΣS² over its spectrum S: 2·B·T for white noise up to B (from the variance of a
    variance estimate: J. S. Bendat and A. G. Piersol, Random Data, 4th ed., section 8.3). The raw
    periodogram's own scatter doubles ΣS², hence another factor of 2.
    """
    power = np.abs(np.fft.rfft(values - values.mean())[1:]) ** 2
    return float(4 * power.sum() ** 2 / (power**2).sum())


def deviation_ratio(first: Floats, second: Floats) -> tuple[Interval, float]:
    """Return the ratio of two signals' standard deviations, and the second's independent values.

    The standard error of ln σ is √((κ − 1) / 4N) for N independent values of kurtosis κ; those of
    the two signals are added as if they were independent, which is on the safe side where one
    follows the other.
    """
    numbers = [independent_values(values) for values in (first, second)]
    variance = sum(
        (float(kurtosis(values, fisher=False)) - 1) / (4 * number)
        for values, number in zip((first, second), numbers, strict=True)
    )
    ratio = float(first.std() / second.std())
    factor = float(np.exp(_NORMAL * np.sqrt(variance)))
    return Interval(ratio, ratio / factor, ratio * factor), numbers[1]


def poisson_rate(count: int, time: float) -> Interval:
    """Return events a second, with exact limits (F. Garwood, Biometrika 28 (1936) 437)."""
    low = float(chi2.ppf(_TAIL, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(1 - _TAIL, 2 * count + 2)) / 2
    return Interval(*(number / time for number in (count, low, high)))
