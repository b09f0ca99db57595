"""Noise of blocks and cells against ngspice, on the generic technology."""

from __future__ import annotations

import numpy as np
import pytest
from injected import CalibratedCell, Injection, inject

from netgen.analysis.noise.devices import characterise_summing, measure_noise
from netgen.characterise import CellBench
from netgen.circuit.blocks.schmitt9 import BLOCK as SCHMITT9
from netgen.netlist.noise import BLOCKS, BlockUnderTest
from netgen.project import BuildOptions, resolve_options
from netgen.simulators import cache_folder, run_job

pytestmark = pytest.mark.ngspice

CHARGE = 1.602177e-19
PICO = 1e-12


def generic_bench() -> CellBench:
    return CellBench(*resolve_options(BuildOptions("generic180")), 1e-9, cache_folder(), run_job)


def test_blocks_have_at_least_the_shot_noise_of_their_transistors() -> None:
    bench = generic_bench()
    cell = SCHMITT9.biased(330 * PICO, 200 * PICO, 500 * PICO)
    blocks = [
        BlockUnderTest(block, 230 * PICO if "cell" in block else 500 * PICO,
                       cell if "cell" in block else None)
        for block in BLOCKS
    ]  # fmt: skip
    found = measure_noise(bench, blocks)
    mirror, row, signed, high, low = found
    # at the band's upper end flicker noise is little: diode and copy, 2qI each; six in a row
    for noise, transistors in ((mirror, 2), (row, 6)):
        shot = np.sqrt(transistors * 2 * CHARGE * noise.operating)
        assert 0.9 * shot < noise.output[-1] < 1.5 * shot
    assert row.output_rms > 1.5 * mirror.output_rms
    assert signed.operating == pytest.approx(row.operating, rel=0.15)
    whole = BlockUnderTest("row", 3 * 500 * PICO)
    (gross,) = measure_noise(bench, [whole])
    assert row.input_rms < signed.input_rms < gross.input_rms  # currents cancel, noise does not
    assert mirror.input_rms == pytest.approx(
        mirror.output_rms * mirror.tested.current / mirror.operating, rel=0.05
    )
    assert high.operating == pytest.approx(500 * PICO, rel=0.2)
    assert low.operating < PICO
    assert low.output_rms < high.output_rms / 20


def test_rows_are_noisier_the_more_they_carry() -> None:
    rows = characterise_summing(generic_bench())
    assert np.all(np.diff(rows.rms) > 0)
    relative = rows.rms / rows.current
    assert np.all(np.diff(relative) < 0)


def test_a_cell_holds_back_noise_within_its_band_and_is_soft_near_its_end() -> None:
    table = SCHMITT9.characterise(generic_bench())
    wanted = np.array([[330.0], [200.0], [500.0]]) * PICO
    cell = CalibratedCell.of("cell", SCHMITT9, table.biases(wanted)[:, 0], table)
    assert cell.falling == pytest.approx(130 * PICO, rel=0.01)
    assert cell.rising == pytest.approx(330 * PICO, rel=0.01)

    def ratio(margin: float) -> float:
        injection = Injection(cell, True, margin * PICO, 5 * PICO, duration=0.15)
        found = inject(generic_bench(), injection)
        assert found.flips == 0
        assert found.sigma_in == pytest.approx(5 * PICO, rel=0.15)
        return found.ratio.value

    assert ratio(100.0) > 50
    assert ratio(30.0) < 20
