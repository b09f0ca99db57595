"""Noise of blocks, injected noise and the figures made of them, without a simulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from fake_technology import UNIT, fake_technology
from injected import (
    POINTS_A_PERIOD,
    PULSE,
    TRIAL,
    CalibratedCell,
    Injection,
    band_limited,
    deviation_ratio,
    independent_values,
    judged,
    poisson_rate,
    rice_rate,
    waveform,
)

from netgen.analysis.noise.devices import SummingNoise, integrated, measure_noise
from netgen.analysis.noise.statistics import share_interval
from netgen.arrays import Floats
from netgen.characterise.setup import MeasurementSetup
from netgen.circuit.blocks import CellTable
from netgen.circuit.blocks.ladder import LadderBlock
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.errors import SimulationError
from netgen.netlist import nominal
from netgen.netlist.noise import BlockUnderTest
from netgen.simulators import Job, Waveforms

PICO = 1e-12
BIAS = SCHMITT9.biased(330 * PICO, 200 * PICO, 500 * PICO)
CELL = CalibratedCell("cell", BIAS, 130 * PICO, 330 * PICO, 500 * PICO)
INJECTION = Injection(CELL, True, 100 * PICO, 10 * PICO)


class Rungs:
    """What three rungs do that give 200, 300 and 400 pA."""

    def switching(self, bias: Floats) -> tuple[Floats, ...]:
        figures = np.array([[400, 700, 1000], [300, 600, 900], [200, 300, 400]])
        return tuple(PICO * figures)


def test_a_rung_is_set_and_judged_between_its_neighbours() -> None:
    first, rung, last = (
        CalibratedCell.of("rung", LadderBlock(3), np.full(9, PICO), cast("CellTable", Rungs()), k)
        for k in range(3)
    )
    assert (first.pulse_low, last.pulse_high) == (0.0, None)
    assert rung.below == pytest.approx(200 * PICO)
    assert rung.pulse_low == pytest.approx(450 * PICO)  # the first stays high
    injection = Injection(rung, True, 50 * PICO, 1 * PICO, bandwidth=100, trials=True)
    candidate = waveform(injection, 1e-3)
    np.testing.assert_allclose(candidate[:5], 850 * PICO)  # the last stays low
    time = 1e-3 * np.arange(len(candidate), dtype=np.float64)
    output = np.full(len(time), 500 * PICO)
    assert judged(injection, time, candidate, output).flips == 0
    output[30:40] = 200 * PICO
    assert judged(injection, time, candidate, output).flips == 1


FREQUENCY = np.geomspace(1, 1e3, 61)
STEP = 1 / (POINTS_A_PERIOD * INJECTION.bandwidth)


# Blocks


def test_white_and_flicker_noise_integrate_to_their_formulas() -> None:
    white = integrated(FREQUENCY, np.full(61, 2e-14))
    assert white == pytest.approx(2e-14 * np.sqrt(999), rel=2e-3)
    flicker = integrated(FREQUENCY, 1e-13 / np.sqrt(FREQUENCY))
    assert flicker == pytest.approx(1e-13 * np.sqrt(np.log(1e3)), rel=1e-9)


class Simulator:
    """Responds with a flat spectrum, and an operating point that is told to it."""

    def __init__(self, current: float) -> None:
        self.current = current
        self.jobs = 0

    def __call__(self, job: Job) -> Waveforms:
        self.jobs += 1
        if job.stop is None:
            values = {name: np.array([self.current]) for name in job.vectors}
            return Waveforms(np.zeros(1), values, "accurate", {}, 0.0, "none", job.names)
        values = {name: np.full(61, 1e-14) for name in job.vectors}
        return Waveforms(FREQUENCY, values, "accurate", {}, 0.0, "none", job.names)


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    for name in ("design.sp", "models.lib"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr("netgen.characterise.setup.simulator_version", lambda: "none")
    technology = fake_technology(folder=tmp_path)
    return {"technology": technology, "at": nominal(technology), "folder": tmp_path / "cache"}


def measured(described: dict[str, object], tested: BlockUnderTest, run: Simulator) -> float:
    setup = MeasurementSetup(unit=UNIT, unit_current=1e-9, run=run, **described)  # type: ignore[arg-type]
    (noise,) = measure_noise(setup, [tested])
    return noise.output_rms


def test_noise_of_a_block_is_measured_once(described: dict[str, object]) -> None:
    run = Simulator(-1e-9)
    tested = BlockUnderTest("mirror", 1e-9)
    first = measured(described, tested, run)
    assert first == pytest.approx(1e-14 * np.sqrt(999), rel=2e-3)
    assert measured(described, tested, run) == first
    assert run.jobs == 2
    measured(described, replace(tested, current=2e-9), run)
    assert run.jobs == 4


def test_a_cell_in_the_other_state_is_an_error(described: dict[str, object]) -> None:
    high, low = (BlockUnderTest(block, 2e-10, BIAS) for block in ("cell_high", "cell_low"))
    assert measured(described, high, Simulator(500 * PICO)) > 0
    assert measured(described, low, Simulator(0.01 * PICO)) > 0
    low = replace(low, current=3e-10)
    with pytest.raises(SimulationError, match="the other state's"):
        measured(described, low, Simulator(500 * PICO))


def test_noise_of_rows_is_interpolated_and_ends_are_kept() -> None:
    rows = SummingNoise(np.array([1e-11, 1e-9]), np.array([1e-13, 1e-12]))
    asked = np.array([[0.0, 1e-11], [1e-10, 1e-8]])
    expected = [[1e-13, 1e-13], [np.sqrt(10) * 1e-13, 1e-12]]
    np.testing.assert_allclose(rows.at(asked), expected)


# Drawn noise


def test_drawn_noise_is_white_within_its_band_and_follows_from_seed_and_name() -> None:
    noise = band_limited(1, "a", 2.0, 1e3, STEP)
    assert noise.std() == pytest.approx(1, abs=4 / np.sqrt(4 * 1e3 * 2))
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert power[2001:].sum() < 1e-20 * power.sum()
    assert power[1:1001].sum() == pytest.approx(power[1001:2001].sum(), rel=0.2)
    assert independent_values(noise) == pytest.approx(2 * 1e3 * 2, rel=0.1)
    np.testing.assert_array_equal(noise, band_limited(1, "a", 2.0, 1e3, STEP))
    for other in (band_limited(2, "a", 2.0, 1e3, STEP), band_limited(1, "b", 2.0, 1e3, STEP)):
        assert abs(np.corrcoef(noise, other)[0, 1]) < 0.1


@pytest.mark.parametrize("level", [0.0, 1.0, 2.0])
def test_drawn_noise_passes_a_level_as_often_as_rice_says(level: float) -> None:
    above = band_limited(3, "a", 10.0, 1e3, STEP) > level
    crossings = int((~above[:-1] & above[1:]).sum())
    expected = 10 * rice_rate(level, 1.0, 1e3)
    assert abs(crossings - expected) < 4 * np.sqrt(expected)


def test_a_candidate_is_what_a_relu_gives_and_pulses_set_the_state() -> None:
    wild = waveform(replace(INJECTION, sigma=1e-9), STEP)
    assert wild.min() == 0
    pulsed = waveform(replace(INJECTION, trials=True), STEP)
    plain = waveform(INJECTION, STEP)
    in_pulse = np.arange(len(plain)) % 1000 < 100
    assert (round(TRIAL / STEP), round(PULSE / STEP)) == (1000, 100)
    assert np.all(pulsed[in_pulse] > CELL.rising)
    np.testing.assert_array_equal(pulsed[~in_pulse], plain[~in_pulse])
    assert np.all(waveform(replace(INJECTION, high=False, trials=True), STEP)[in_pulse] == 0)
    assert plain.mean() == pytest.approx(230 * PICO, rel=0.01)
    assert waveform(replace(INJECTION, high=False), STEP).mean() == pytest.approx(
        230 * PICO, rel=0.01
    )


# Judgement


def test_the_ratio_of_deviations_and_its_interval() -> None:
    candidate = waveform(INJECTION, STEP)
    time = STEP * np.arange(len(candidate), dtype=np.float64)
    output = 500 * PICO + (candidate - candidate.mean()) / 50
    found = judged(INJECTION, time, candidate, output)
    assert found.sigma_in == pytest.approx(10 * PICO, rel=0.05)
    assert found.ratio.value == pytest.approx(50)
    assert 45 < found.ratio.low < 50 < found.ratio.high < 55
    assert found.independent == pytest.approx(2 * 1e3 * 0.98, rel=0.15)
    assert found.flips == 0
    assert found.at_risk == pytest.approx(0.98)


def test_what_happens_from_a_flip_on_is_no_noise() -> None:
    candidate = waveform(INJECTION, STEP)
    time = STEP * np.arange(len(candidate), dtype=np.float64)
    output = 500 * PICO + (candidate - candidate.mean()) / 50
    output[time > 0.5] = 0
    found = judged(INJECTION, time, candidate, output)
    assert found.flips == 1
    assert found.at_risk == pytest.approx(0.48, abs=1e-3)
    assert found.ratio.value == pytest.approx(50)
    output[time > 0.05] = 0
    assert np.isnan(judged(INJECTION, time, candidate, output).ratio.value)


def test_flips_are_counted_trial_by_trial() -> None:
    injection = replace(INJECTION, trials=True)
    candidate = waveform(injection, STEP)
    time = STEP * np.arange(len(candidate), dtype=np.float64)
    output = np.full(len(time), 500 * PICO)
    output[time < 0.002] = 0  # the first pulse is still setting it
    output[(time > 0.126) & (time < 0.151)] = 0  # lost 26 ms into the third trial
    output[(time > 0.200) & (time < 0.230)] = 0  # a pulse that failed: no trial
    found = judged(injection, time, candidate, output)
    assert found.flips == 1
    assert found.at_risk == pytest.approx(18 * 0.044 + 0.020, abs=1e-3)
    assert found.rate.value == pytest.approx(1 / found.at_risk)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    counts = random.poisson(6.0, 2000)
    held = [rate.low <= 6.0 <= rate.high for rate in (poisson_rate(int(c), 1.0) for c in counts)]
    assert 0.95 <= np.mean(held) <= 0.99  # exact limits are never too narrow
    pairs = (
        (band_limited(seed, "a", 0.5, 1e3, STEP), band_limited(seed, "b", 0.5, 1e3, STEP))
        for seed in range(200)
    )
    ratios = [deviation_ratio(*pair)[0] for pair in pairs]
    assert 0.91 <= np.mean([ratio.low <= 1 <= ratio.high for ratio in ratios]) <= 0.99


def test_a_share_counts_samples_not_draws() -> None:
    sure = share_interval(np.ones(50))
    assert (sure.value, sure.high) == (1, 1)
    assert sure.low == pytest.approx(0.929, abs=1e-3)  # Wilson's, 50 of 50
    halves = share_interval(np.repeat([0.0, 1.0], 25))
    assert halves.low == pytest.approx(0.366, abs=5e-3)
    assert halves.high == pytest.approx(0.634, abs=5e-3)
    even = share_interval(np.full(50, 0.5) + np.tile([-0.1, 0.1], 25))
    assert even.high - even.low < 0.5 * (halves.high - halves.low)
