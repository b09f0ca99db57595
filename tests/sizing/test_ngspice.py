"""Characterisation against GF180MCU: sized devices measured again in decks written by hand.

The decks share nothing with netgen's templates: the cell and the mirrors are typed here.
"""

from __future__ import annotations

import numpy as np
import pytest
from hand_decks import AT, NANO, TECHNOLOGY, UNIT, cell_lines, fet, head
from one_row import model_of
from small_models import small_model

from netgen.characterise import CellBench, Characterisation, characterise
from netgen.characterise.mirrors import characterise_mirrors
from netgen.circuit import build_circuit
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.circuit.blocks.schmitt9 import SchmittTable
from netgen.model import from_dict
from netgen.project import BuildOptions, resolve_options
from netgen.simulators import Attempt, Job, cache_folder, run_job
from netgen.sizing import measure_activity, size_circuit

pytestmark = pytest.mark.ngspice

RAMP = 20.0
"""Seconds for 3 % of a threshold: a cell escapes from where it jumps in less than 0.01 % of it."""
SPAN = 0.015

CIRCUIT = build_circuit(from_dict(small_model()), UNIT)


@pytest.fixture(scope="module")
def known() -> Characterisation:
    return characterise(CellBench(TECHNOLOGY, AT, UNIT, NANO, cache_folder(), run_job), CIRCUIT)


# Cells


def cells_to_try() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return β_hi, β_lo and α in units: random, and the ends of what is useful."""
    random = np.random.default_rng(7)
    high = np.append(np.exp(random.uniform(np.log(0.1), np.log(3), 6)), [0.1, 3.0, 1.0])
    share = np.append(random.uniform(0.08, 0.9, 6), [0.5, 0.05, 0.97])
    gain = np.append(np.exp(random.uniform(np.log(0.1), np.log(3), 6)), [3.0, 0.1, 1.0])
    return high, high * (1 - share), gain


def ramp(high: float, low: float) -> list[tuple[float, float]]:
    """Up to β_hi quickly, slowly across it, far above it, slowly across β_lo: (s, units)."""
    return [
        (0.0, 0.0),
        (0.3, high * (1 - SPAN)),
        (0.3 + RAMP, high * (1 + SPAN)),
        (0.6 + RAMP, 1.3 * high),
        (0.9 + RAMP, 1.3 * high),
        (1.0 + RAMP, 10 * high),
        (1.4 + RAMP, 10 * high),
        (1.7 + RAMP, min(low * (1 + SPAN), 1.3 * high)),
        (1.7 + 2 * RAMP, low * (1 - SPAN)),
        (1.9 + 2 * RAMP, 0.0),
    ]


def crossing(time: np.ndarray, volts: np.ndarray, level: float, rising: bool) -> float:
    above = volts > level
    turns = np.flatnonzero(above[1:] != above[:-1])
    found = [k for k in turns if above[k + 1] == rising]
    assert found, "the cell never jumps"
    k = found[0] if rising else found[-1]
    return float(np.interp(0.0, [0, 1], [time[k], time[k + 1]]))


def test_sized_cells_have_the_wanted_thresholds_width_and_gain(known: Characterisation) -> None:
    high, low, gain = cells_to_try()
    bias = known.cells["state"].biases(np.array([high, high - low, gain]) * NANO)
    lines = head("cells on slow ramps")
    for i in range(len(high)):
        points = " ".join(f"{t:.9g} {c * NANO:.9g}" for t, c in ramp(high[i], low[i]))
        lines += cell_lines(i, bias[:, i], f"pwl({points})")
    vectors = [(f"v{i}", f"@m.xm4_{i}.m0[id]") for i in range(len(high))]
    stop = 1.9 + 2 * RAMP
    lines += [f".save {v} {o}".replace(v, f"v({v})", 1) for v, o in vectors]
    lines += [f".tran {RAMP / 500:g} {stop:g} 0 {RAMP / 100:g}", ".end"]
    names = tuple(name for pair in vectors for name in pair)
    result = run_job(Job("ramps", (Attempt("slow", "\n".join(lines) + "\n"),), names, stop, 300.0))
    for i, (v0, output) in enumerate(vectors):
        time, volts = result.scale, result.vectors[v0]
        times, currents = np.array(ramp(high[i], low[i])).T
        rises = np.interp(crossing(time, volts, 0.9, True), times, currents)
        falls = np.interp(crossing(time, volts, 0.2, False), times, currents)
        assert rises == pytest.approx(high[i], rel=5e-4)
        assert rises - falls == pytest.approx(high[i] - low[i], rel=2e-3)
        out = result.vectors[output] / NANO
        assert np.interp(1.35 + RAMP, time, out) == pytest.approx(gain[i], rel=5e-4)
        # near the band the storage node is lower, and with it M5's drain
        assert -2.5e-3 < np.interp(0.85 + RAMP, time, out) / gain[i] - 1 < 0
        assert np.interp(0.29, time, out) < 1e-3 * gain[i]  # low: off


def test_hysteresis_curve_goes_up_and_down_where_the_cell_jumps(known: Characterisation) -> None:
    wanted = np.array([[0.7], [0.4], [1.0]]) * NANO
    bias = known.cells["state"].biases(wanted)[:, 0]
    bench = CellBench(TECHNOLOGY, AT, UNIT, NANO, None, run_job)
    candidate, output = SCHMITT9.curve(bench, SCHMITT9.biased(*bias))
    is_high = output > 0.5 * NANO
    up, down = np.flatnonzero(np.diff(is_high.astype(int)))
    assert candidate[up] == pytest.approx(0.7 * NANO, rel=5e-3)
    assert candidate[down] == pytest.approx(0.3 * NANO, rel=2e-2)
    assert output.max() == pytest.approx(1.0 * NANO, rel=5e-3)
    for end in (candidate[0], candidate[-1]):  # low, at its storage node's first step
        assert end < 0.2 * NANO


# Mirrors

WEIGHTS = np.array([3.7, 1.9, 1.0, 0.62, 0.35, 0.21, 0.13, 0.083, 0.06, 0.03])


def drawn_mirrors(known: Characterisation, signal: float) -> list[tuple[float, float, float, int]]:
    """Size the weights, both signs, for one signal current: (weight, W, L in µm, parallel)."""
    weights = np.concatenate([WEIGHTS, -WEIGHTS])
    model = model_of([weights.tolist()], input={"size": len(weights), "max": 4.0})
    circuit = build_circuit(model, UNIT)
    x = np.full((1, 1, len(weights)), signal)
    activity = measure_activity(circuit, x)
    sized, below = size_circuit(circuit, TECHNOLOGY, known, activity, AT.vdd)
    assert not below
    drawn = sized.summing_layers[-1].mirrors[0].geometry
    assert drawn is not None
    np.testing.assert_allclose(drawn.realised[0], weights, rtol=5e-3)
    assert np.all(getattr(drawn, "series", np.ones(1)) == 1)
    micro = 1e6
    return [
        (float(gain), float(width * micro), float(length * micro), int(parallel))
        for gain, width, length, parallel in zip(
            drawn.realised[0], drawn.width[0], drawn.length[0], drawn.multiplicity[0], strict=True
        )
    ]


@pytest.mark.parametrize("signal", [0.05, 0.4, 2.0])
def test_sized_mirrors_have_the_expected_gain(known: Characterisation, signal: float) -> None:
    """A readout's row sits at half the supply; the input's line is defined by its NMOS diode."""
    mirrors = drawn_mirrors(known, signal)
    lines = [
        *head("mirrors"),
        f"Iin vdd n {signal * NANO:.12g}",
        fet("nfet", "d", "n", "n", "0"),
        fet("nfet", "c", "p", "n", "0"),
        fet("pfet", "l", "p", "p", "vdd"),
    ]
    for i, (gain, width, length, parallel) in enumerate(mirrors):
        kind, gate, source = ("pfet", "p", "vdd") if gain > 0 else ("nfet", "n", "0")
        device = fet(kind, f"m{i}", f"o{i}", gate, source, (width, length))
        lines += [f"{device} m={parallel}", f"Vo{i} o{i} 0 0.9", f".save vo{i}#branch"]
    names = tuple(f"vo{i}#branch" for i in range(len(mirrors)))
    deck = "\n".join([*lines, ".op", ".end", ""])
    result = run_job(Job("mirrors", (Attempt("op", deck),), names, None, 60.0))
    gains = np.array([gain for gain, *_ in mirrors])
    measured = np.array([float(result.vectors[name][0]) for name in names]) / (signal * NANO)
    errors = np.abs(measured / gains - 1)
    assert np.median(errors) < 3e-4
    assert np.quantile(errors, 0.85) < 1e-3
    # NMOS of 0.3 to 0.5 µm, where bins meet, and lengths a grid step off where they do
    assert errors.max() < 5e-3


def test_characterisation_comes_from_the_cache(known: Characterisation) -> None:
    def never(_: Job) -> None:
        raise AssertionError("this is in the cache")

    bench = CellBench(TECHNOLOGY, AT, UNIT, NANO, cache_folder(), never)  # type: ignore[arg-type]
    again, before = SCHMITT9.characterise(bench), known.cells["state"]
    assert isinstance(before, SchmittTable)
    np.testing.assert_array_equal(again.rising, before.rising)
    characterise_mirrors(bench, CIRCUIT)
    other = resolve_options(BuildOptions("gf180mcu", temperature=40.0))
    with pytest.raises(AssertionError, match="in the cache"):
        SCHMITT9.characterise(
            CellBench(other[0], other[1], UNIT, NANO, cache_folder(), never)  # type: ignore[arg-type]
        )
