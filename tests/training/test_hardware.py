"""Virtual chips and penalties, each against a case worked out by hand or by another route."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

torch.set_num_threads(1)

from netgen.analysis.variability.accuracy import balanced_accuracy  # noqa: E402
from netgen.training import hardware  # noqa: E402
from netgen.training.network import (  # noqa: E402
    ALPHA_MIN,
    LARGEST,
    LO_MIN,
    WIDTH_MIN,
    Architecture,
    hard,
    initial,
    keep_drawable,
    raced_candidate,
    run,
    soft,
)
from netgen.training.scoring import chip_accuracy, to_inputs  # noqa: E402

ARCH = Architecture(13, 4, 2, 2)


def drawn(networks: int = 2, seed: int = 0) -> torch.Tensor:
    return initial(ARCH, networks, torch.Generator().manual_seed(seed))


def inputs(samples: int = 8, frames: int = 40) -> torch.Tensor:
    x = np.random.default_rng(1).random((samples, frames, 13), dtype=np.float32)
    return to_inputs(x)


def test_chips_have_the_spread_and_offset_they_were_asked_for() -> None:
    parameters = torch.full((1, ARCH.size), 2.0)
    _, found = hardware.chips(ARCH, parameters, 4000, 0.05, torch.Generator().manual_seed(0), 0.2)
    assert found.shape == (4000, ARCH.size)
    offset = ARCH.mask("bc")
    assert found.mean().item() == pytest.approx(2.0, abs=0.002)
    assert found[:, ~offset].std().item() == pytest.approx(0.1, rel=0.02)
    assert found[:, offset].std().item() == pytest.approx(np.hypot(0.1, 0.2), rel=0.02)


def test_chips_follow_their_network_and_no_spread_changes_nothing() -> None:
    parameters = drawn(3)
    _, found = hardware.chips(ARCH, parameters, 2, 0.0, torch.Generator(), 0.0)
    torch.testing.assert_close(found, parameters.repeat_interleave(2, dim=0))


def test_weights_too_small_to_draw_are_zero_and_still_learn() -> None:
    parameters = drawn(1)
    weight, hi = ARCH.slices["w0"].start, ARCH.slices["1.hi"].start
    parameters[0, weight], parameters[0, weight + 1] = (
        0.9 * hardware.DEAD_ZONE,
        1.1 * hardware.DEAD_ZONE,
    )
    parameters[0, hi] = 0.5 * hardware.DEAD_ZONE
    leaf = parameters.clone().requires_grad_()
    cut = hardware.without_dead_zone(ARCH, leaf)
    assert cut[0, weight] == 0
    assert cut[0, weight + 1] == parameters[0, weight + 1]
    assert cut[0, hi] == parameters[0, hi], "a threshold is no weight"
    torch.autograd.backward(cut.sum())
    assert leaf.grad is not None
    torch.testing.assert_close(leaf.grad, torch.ones_like(parameters))


def test_clamping_leaves_only_what_can_be_set() -> None:
    parameters = 10 * torch.randn(50, ARCH.size, generator=torch.Generator().manual_seed(0))
    keep_drawable(ARCH, parameters)
    for layer in (1, 2):
        hi, width = (ARCH.take(parameters, f"{layer}.{name}") for name in ("hi", "width"))
        assert ARCH.take(parameters, f"{layer}.alpha").min() >= ALPHA_MIN
        assert width.min() >= WIDTH_MIN
        assert (hi - width).min() >= LO_MIN - 1e-6
        assert hi.max() <= LARGEST + 1e-6
    assert parameters.abs().max() <= LARGEST + 1e-6


def test_currents_are_penalised_above_their_limit_only() -> None:
    parameters = drawn(2)
    small = run(ARCH, 0.1 * parameters, inputs(), hard)
    assert hardware.current_penalty(small).tolist() == [0, 0]
    parameters[1] *= 5
    large = run(ARCH, parameters, inputs(), hard)
    sums = [large.out, large.logits]
    for layer in large.layers:
        sums += [layer.signed, layer.candidate, layer.post]
    wanted = np.mean([(np.maximum(np.abs(s[1].numpy()) - 3.5, 0) ** 2).mean() for s in sums])
    assert hardware.current_penalty(large)[1].item() == pytest.approx(wanted, rel=1e-5)
    assert wanted > 0


def test_consistency_is_the_share_of_states_that_hang_on_exact_thresholds() -> None:
    """With gates as good as hard, compare with runs whose thresholds are really moved."""
    parameters = drawn(1)
    x, sharpness = inputs(), 1e5
    acts = run(ARCH, parameters, x, soft(sharpness))
    found = hardware.consistency_penalty(ARCH, parameters, acts, sharpness).item()
    gaps = []
    for number, layer in enumerate(acts.layers, start=1):
        hi = ARCH.take(parameters, f"{number}.hi")[0, :, 0].numpy()
        width = ARCH.take(parameters, f"{number}.width")[0, :, 0].numpy()
        move_hi, move_lo = 0.05 * hi + 0.01, 0.05 * np.hypot(hi, width) + 0.01
        states = []
        for sign in (-1, 1):
            high, low = hi + sign * move_hi, hi - width + sign * move_lo
            state = np.zeros(layer.candidate.shape[2:], dtype=bool)
            mean = []
            for c in layer.candidate[0].numpy():
                state = (c > high) | (state & ~(c < low))
                mean.append(state.mean())
            states.append(np.mean(mean))
        gaps.append(states[0] - states[1])
    assert found == pytest.approx(np.mean(gaps), abs=1e-4)
    assert found > 0


def one_race() -> tuple[Architecture, torch.Tensor, torch.Tensor]:
    """Layer 2 sees input minus layer 1's state: a frame in which both rise makes a transient.

    proj = x; layer 1 rises above 0.5 and adds relu(−2·h + 0) = 0 … so its post is 1 when low.
    """
    arch = Architecture(1, 1, 2, 1)
    parameters = torch.zeros(1, arch.size)

    def put(**values: float) -> None:
        for name, value in values.items():
            arch.take(parameters, name.replace("_", ".")).fill_(value)

    put(w0=1.0, wo=1.0)
    put(**{"1_wc": 1.0, "1_hi": 0.5, "1_width": 0.2, "1_alpha": 1.0, "1_wp": -1.0, "1_bp": 1.0})
    put(**{"2_wc": 1.0, "2_hi": 1.5, "2_width": 1.0, "2_alpha": 1.0})
    return arch, parameters, torch.tensor([0.1, 0.1, 1.2, 1.2]).view(1, 4, 1, 1)


def test_the_race_penalty_sees_the_transient_of_the_layer_below() -> None:
    """Settled, layer 2 sees 1.1, 1.1, 1.2, 1.2: within its band, 0.5 … 1.5, so it stays low.

    In frame 2 layer 1 is still low at first and gives 1 more: 2.2, above the threshold.
    """
    arch, parameters, x = one_race()
    acts = run(arch, parameters, x, soft(1e4))
    settled = acts.layers[1].candidate.flatten().tolist()
    raced = raced_candidate(arch, parameters, acts, 2).flatten().tolist()
    assert settled == pytest.approx([1.1, 1.1, 1.2, 1.2])
    assert raced == pytest.approx([1.1, 1.1, 2.2, 1.2])
    penalty = hardware.race_penalty(arch, parameters, acts, 1e4).item()
    assert penalty == pytest.approx((2.2 - 0.92 * 1.5) / 4, rel=1e-4)


def test_one_layer_cannot_race() -> None:
    arch = Architecture(13, 4, 1, 2)
    parameters = initial(arch, 2, torch.Generator().manual_seed(0))
    acts = run(arch, parameters, inputs(), soft(20.0))
    assert hardware.race_penalty(arch, parameters, acts, 20.0).tolist() == [0, 0]


def test_sharpness_grows_by_a_factor_and_is_reached_early() -> None:
    assert hardware.sharpness_at(0.0, 4, 80) == 4
    assert hardware.sharpness_at(0.45, 4, 80) == pytest.approx(np.sqrt(4 * 80))
    assert (
        hardware.sharpness_at(0.9, 4, 80) == hardware.sharpness_at(1.0, 4, 80) == pytest.approx(80)
    )


def test_balanced_accuracy_weighs_classes_alike() -> None:
    y = np.array([0, 0, 0, 1])
    decisions = np.array([[0, 0, 0, 0], [0, 0, 1, 1]])
    np.testing.assert_allclose(balanced_accuracy(decisions, y), [0.5, (2 / 3 + 1) / 2])


def test_robustness_is_whole_without_spread_and_falls_with_it() -> None:
    parameters, x = drawn(1).to(torch.float64), inputs(30).to(torch.float64)
    y = np.arange(30) % 2
    sure = chip_accuracy(ARCH, parameters, x, y, 0.0, 3, 0)
    assert sure.states == 1.0
    assert sure.worst == sure.accuracy
    agreement = [chip_accuracy(ARCH, parameters, x, y, s, 30, 0).states for s in (0.02, 0.2)]
    assert 1 > agreement[0] > agreement[1] > 0.5
    assert chip_accuracy(ARCH, parameters, x, y, 0.2, 30, 0).states == agreement[1]
