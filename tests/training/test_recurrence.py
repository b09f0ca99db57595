"""The recurrence: its gradient, and soft gates that become the hard ones."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

torch.set_num_threads(1)

from netgen.circuit.blocks.schmitt9 import Bmru  # noqa: E402
from netgen.training.recurrence import hard_hysteresis, soft_hysteresis  # noqa: E402


def candidates(frames: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(2, frames, 3, 4, generator=generator, dtype=torch.float64)


def thresholds(value: float) -> torch.Tensor:
    return value + 0.02 * torch.arange(8, dtype=torch.float64).view(2, 1, 1, 4)


def test_gradient_is_that_of_finite_differences() -> None:
    inputs = [t.requires_grad_() for t in (candidates(6), thresholds(0.3), thresholds(0.6))]
    assert torch.autograd.gradcheck(lambda c, lo, hi: soft_hysteresis(c, lo, hi, 6.0), inputs)


def test_soft_gates_follow_the_written_equation() -> None:
    c, lo, hi, sharpness = candidates(), thresholds(0.3), thresholds(0.6), 9.0
    rise, fall = torch.sigmoid(sharpness * (c - hi)), torch.sigmoid(sharpness * (lo - c))
    state = torch.zeros_like(c[:, 0])
    wanted = []
    for frame in range(c.shape[1]):
        state = rise[:, frame] + (1 - rise[:, frame]) * (1 - fall[:, frame]) * state
        wanted.append(state)
    found = soft_hysteresis(c, lo, hi, sharpness)
    torch.testing.assert_close(found, torch.stack(wanted, dim=1))


def test_very_sharp_gates_are_the_hard_ones() -> None:
    c, lo, hi = candidates(), thresholds(0.3), thresholds(0.6)
    soft = soft_hysteresis(c, lo, hi, 1e6)
    torch.testing.assert_close(soft, hard_hysteresis(c, lo, hi))


def test_hard_states_are_the_model_rooms() -> None:
    c, lo, hi = candidates(), thresholds(0.3), thresholds(0.6)
    found = hard_hysteresis(c, lo, hi).numpy() > 0
    assert 0.2 < found.mean() < 0.8
    for network in range(2):
        low, high = lo[network, 0, 0].numpy(), hi[network, 0, 0].numpy()
        cell = Bmru("cell", "x", np.ones(4), low, high, initial_state=np.zeros(4, dtype=np.bool_))
        samples_first = c[network].numpy().swapaxes(0, 1)
        wanted = cell.states(samples_first).swapaxes(0, 1)
        np.testing.assert_array_equal(found[network], wanted)


def test_a_candidate_on_a_threshold_keeps_the_state() -> None:
    c = torch.tensor([0.9, 0.6, 0.3, 0.2, 0.3, 0.6]).view(1, 6, 1, 1)
    lo, hi = torch.full((1, 1, 1, 1), 0.3), torch.full((1, 1, 1, 1), 0.6)
    assert hard_hysteresis(c, lo, hi).flatten().tolist() == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("sharpness", [None, 1e6])
def test_no_candidate_lets_a_cell_fall_whose_lower_threshold_is_not_positive(
    sharpness: float | None,
) -> None:
    """A current cannot be negative; the sum that it is made of can."""
    c = torch.tensor([1.0, -2.0, 0.1]).view(1, 3, 1, 1).repeat(1, 1, 1, 2)
    lo = torch.tensor([-0.1, 0.05]).view(1, 1, 1, 2)
    hi = torch.full_like(lo, 0.6)
    found = hard_hysteresis(c, lo, hi) if sharpness is None else soft_hysteresis(c, lo, hi, 1e6)
    assert found[0, :, 0].round().T.tolist() == [[1, 1, 1], [1, 0, 0]]
