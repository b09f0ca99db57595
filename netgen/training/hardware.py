"""What the circuit does to a network, as noise, penalties and limits in training."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from netgen.training.network import (
    Activations,
    Architecture,
    cell,
    raced_candidate,
    seen,
)
from netgen.training.recurrence import soft_hysteresis
from netgen.training.structured import ChipErrors, structured_chips

DEAD_ZONE = 0.02
"""Weights and biases below this are no device at all; a mirror this weak cannot be built."""
OFFSET = 0.01
"""Standard deviation of a candidate's offset from chip to chip, in units."""
MOVE = 0.05
"""Relative error of thresholds that states should survive (the consistency penalty).

It is ten times the overdrive that a cell needs to change its state within 5 ms: at most 0.5 % of
β_hi from β_hi = 0.3 units on, whatever its width, at 1 nA in the default technology
(netgen.characterise.times).
"""
PEAK = 3.5
"""Currents above this are penalised: characterised mirrors carry at most 4 units."""


def chips(
    arch: Architecture,
    parameters: Tensor,
    count: int,
    spread: float,
    generator: torch.Generator,
    offset: float = OFFSET,
    errors: ChipErrors | None = None,
    nominal: int = 0,
) -> tuple[Architecture, Tensor]:
    """Draw virtual chips of every network, (networks · count, parameters).

    Returned with them is how they are laid out. With ``errors`` they have the structure of the
    circuit, ``spread`` is the share of the devices' own deviations, and the first ``nominal`` of
    each network do not deviate. Without:

    Every current that a device sets (weight, bias, threshold, hysteresis width, α) is off by a
    factor 1 + ``spread``·N(0, 1), and every candidate by ``offset``·N(0, 1), fixed for the chip.
    """
    if errors is not None:
        return structured_chips(arch, parameters, count, spread, generator, errors, nominal)
    shape = (len(parameters), count, arch.size)
    factor = 1 + spread * torch.randn(shape, generator=generator, dtype=parameters.dtype)
    shift = offset * torch.randn(shape, generator=generator, dtype=parameters.dtype)
    sampled = parameters[:, None] * factor + shift * arch.mask("bc")
    return arch, sampled.flatten(0, 1)


def without_dead_zone(arch: Architecture, parameters: Tensor) -> Tensor:
    """Set weights and biases in the dead zone to 0; the gradient passes straight through."""
    weights = arch.mask("w0", "b0", "wc", "bc", "wp", "bp", "wo", "bo")
    dead = (parameters.abs() < DEAD_ZONE) & weights
    return parameters - (parameters * dead).detach()


def current_penalty(acts: Activations) -> Tensor:
    """Return mean relu(|i| − 3.5)² over all summed currents, those before a ReLU included.

    One number a network.
    """
    currents = [acts.out, acts.logits]
    for layer in acts.layers:
        currents += [layer.signed, layer.candidate, layer.post]
    total = acts.logits.new_zeros(len(acts.logits))
    for current in currents:
        excess = current - current.clamp(-PEAK, PEAK)
        total = total + excess.square().mean(dim=(1, 2, 3))
    return total / len(currents)


def consistency_penalty(
    arch: Architecture, parameters: Tensor, acts: Activations, sharpness: float
) -> Tensor:
    """Return mean(h_easy − h_hard): how much of the states hangs on exact thresholds.

    The same soft scan with both thresholds lowered (easy to be high) and raised. β_hi moves by
    5 % and 0.01 units; β_lo = β_hi − width moves as far as it does where both currents are off by
    5 %, each on its own. One number a network.
    """
    gaps = []
    for number, layer in enumerate(acts.layers, start=1):
        hi, width = (cell(arch, parameters, number, name) for name in ("hi", "width"))
        move_hi = MOVE * hi + OFFSET
        move_lo = MOVE * torch.hypot(hi, width) + OFFSET
        easy, hard = (
            soft_hysteresis(
                seen(layer.candidate, arch.rungs),
                hi - width + sign * move_lo,
                hi + sign * move_hi,
                sharpness,
            )
            for sign in (-1, 1)
        )
        gaps.append((easy - hard).mean(dim=(1, 2, 3)))
    return torch.stack(gaps).mean(dim=0)


def race_penalty(
    arch: Architecture, parameters: Tensor, acts: Activations, sharpness: float
) -> Tensor:
    """Return how far cells of later layers could latch a transient, on average.

    mean[σ(K(hi − c))·σ(K(c − lo))·((1 − h_prev)·relu(c′ − 0.92·hi) + h_prev·relu(1.08·lo − c′))]
    with c′ the candidate for the present input and the lower layers' states of the frame before.
    One number a network; 0 with one layer.
    """
    total = acts.logits.new_zeros(len(parameters))
    for number in range(2, arch.layers + 1):
        layer = acts.layers[number - 1]
        hi = cell(arch, parameters, number, "hi")
        lo = hi - cell(arch, parameters, number, "width")
        raced, candidate = (
            seen(each, arch.rungs)
            for each in (raced_candidate(arch, parameters, acts, number), layer.candidate)
        )
        band = torch.sigmoid(sharpness * (hi - candidate))
        band = band * torch.sigmoid(sharpness * (candidate - lo))
        before = torch.cat([torch.zeros_like(layer.state[:, :1]), layer.state[:, :-1]], dim=1)
        rises = (1 - before) * torch.relu(raced - 0.92 * hi)
        falls = before * torch.relu(1.08 * lo - raced)
        total = total + (band * (rises + falls)).mean(dim=(1, 2, 3))
    return total


def sharpness_at(progress: float, first: float, last: float, reached: float = 0.9) -> float:
    """Return K, exponential from ``first`` to ``last``, reached at this share of the steps."""
    share = min(progress / reached, 1.0)
    return first * math.exp(share * math.log(last / first))
