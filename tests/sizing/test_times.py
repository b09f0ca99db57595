"""The table of cell times: interpolation, and measured cells against a deck written by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_technology import fake_cells, fake_times

from netgen.circuit.blocks.schmitt9.times import _filled

NANO = 1e-9


def test_table_gives_back_what_was_measured_anywhere_between() -> None:
    cells = fake_cells()
    random = np.random.default_rng(5)
    beta_hi = np.exp(random.uniform(np.log(0.03), np.log(7), 50)) * NANO
    width, alpha = beta_hi * random.uniform(0.05, 0.95, 50), np.full(50, NANO)
    threshold = cells.biases(np.array([beta_hi, width, alpha]))[0]
    speed = fake_times().of(cells, np.array([beta_hi, width, alpha]))
    for overdrive in (0.001, 0.02, 0.3, 5.0):
        rise, fall = speed.time(np.full((2, 50), overdrive))
        np.testing.assert_allclose(rise, np.tile(8e-15 / (overdrive * threshold), (2, 1)))
        np.testing.assert_allclose(fall, rise / 2)


def test_smaller_outputs_take_longer() -> None:
    table = fake_times()
    table = replace(table, output=np.full((3, 2), 1e-14))
    one = np.full(2, NANO)
    speed = table.of(fake_cells(), np.array([one, one / 2, np.array([0.1, 1.0]) * NANO]))
    rise, _ = speed.time(np.full(2, 1.0))
    assert rise[0] - rise[1] == pytest.approx(1e-14 / (0.1 * NANO) * 0.9, rel=0.1)


def test_time_at_the_smallest_overdrive_follows_from_the_next_two() -> None:
    times = np.full((2, 5, 2), 1.0) / np.array([0.003, 0.02, 0.1, 0.4, 1.5])[None, :, None]
    cut = times.copy()
    cut[0, 0, 0] = np.nan
    filled = _filled(cut)
    assert filled is not None
    np.testing.assert_allclose(filled, times)
    cut[1, 1, 1] = np.nan
    assert _filled(cut) is None
