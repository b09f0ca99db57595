"""Variance of leads by device: right for jumps, zero on average for devices without effect."""

from __future__ import annotations

import numpy as np
import pytest

from netgen.analysis.variability.stein import lead_variances


def test_a_jump_counts_by_its_mean_slope() -> None:
    """A step of height 2 at zero has the mean slope 2 φ(0), a straight line its own."""
    rng = np.random.default_rng(1)
    drawn = rng.standard_normal((200_000, 3))
    leads = np.sign(drawn[:, :1]) + 0.5 * drawn[:, 1:2]
    found = lead_variances(leads, drawn)
    spread = 1 + 0.25
    assert found[0] == pytest.approx(2 / np.pi / spread, rel=0.03)
    assert found[1] == pytest.approx(0.25 / spread, rel=0.03)
    assert abs(found[2]) < 1e-3


def test_what_has_no_effect_has_none_on_average() -> None:
    rng = np.random.default_rng(2)
    found = [
        lead_variances(rng.standard_normal((50, 4)), rng.standard_normal((50, 30))).mean()
        for _ in range(200)
    ]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 4 * error
    # without the correction it would be 4 leads / 50 chips
    assert error < 0.01


def test_samples_that_cannot_flip_do_not_count() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.standard_normal((4000, 2))
    leads = np.stack([drawn[:, 0] * 0.1 + 5, drawn[:, 1]], axis=1)
    first, second = lead_variances(leads, drawn)
    assert first < 1e-6 < second
    assert (lead_variances(np.ones((10, 2)), drawn[:10]) == 0).all()
