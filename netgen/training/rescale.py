"""Exact rescaling: the same decisions with currents and thresholds where a circuit wants them."""

from __future__ import annotations

import torch
from torch import Tensor

from netgen.training.hardware import DEAD_ZONE
from netgen.training.network import LARGEST, LO_MIN, WIDTH_MIN, Architecture, hard, run

HIGHEST_PEAK = 3.8
"""No summed current may exceed this, in units."""
WANTED_HI = 1.2
"""Thresholds are raised towards this: errors of the circuit are absolute, so larger is safer."""
_AT_ONCE = 1_000_000
"""Candidates of one layer evaluated at once, to bound memory."""


def rescale_parameters(arch: Architecture, parameters: Tensor, x: Tensor) -> Tensor:
    """Return an equivalent network with better placed currents.

    A residual channel may be scaled by s > 0 (its rows of W0, b0, Wp, bp × s; its columns of Wc
    and Wo ÷ s) and so may a candidate (its row of Wc, bc and both thresholds × s): down where a
    current's peak over ``x`` exceeds 3.8, otherwise candidates up towards β_hi = 1.2. No weight
    leaves the range that can be realised.

    Parameters
    ----------
    parameters
        One network, (1, parameters), float64.
    x
        (1, frames, samples, inputs) of any type; it is run in chunks, in float64, so that a large
        data set needs no more memory than a small one.
    """
    scaled = parameters.clone()
    _scale_channels(arch, scaled, x)
    _scale_candidates(arch, scaled, x)
    return scaled


def _scale_channels(arch: Architecture, parameters: Tensor, x: Tensor) -> None:
    peak = _peaks(arch, parameters, x)[0]
    up = [(name, 0) for name in ("w0", "b0")]
    up += [(f"{layer}.{name}", 0) for layer in range(1, arch.layers + 1) for name in ("wp", "bp")]
    down = [(f"{layer}.wc", 1) for layer in range(1, arch.layers + 1)] + [("wo", 1)]
    for unit in range(arch.units):
        wanted = min(1.0, HIGHEST_PEAK / max(float(peak[unit]), 1e-9))
        grow = _entries(arch, parameters, up, unit)
        shrink = _entries(arch, parameters, down, unit)
        factor = _within(wanted, grow, shrink)
        for entries in grow:
            entries.mul_(factor)
        for entries in shrink:
            entries.div_(factor)


def _peaks(arch: Architecture, parameters: Tensor, x: Tensor) -> Tensor:
    """Return the largest currents of channels, then of each layer's candidates.

    Shape (1 + layers, units).
    """
    peak = torch.zeros(1 + arch.layers, arch.units, dtype=parameters.dtype)
    width = max(1, _AT_ONCE // (x.shape[1] * arch.units))
    for chunk in x.split(width, dim=2):
        acts = run(arch, parameters, chunk.to(parameters.dtype), hard)
        currents = [acts.out, *(layer.signed for layer in acts.layers)]
        currents += [layer.post for layer in acts.layers]
        channel = torch.stack([_largest(current) for current in currents]).amax(dim=0)
        candidates = [_largest(layer.candidate) for layer in acts.layers]
        peak = torch.maximum(peak, torch.stack([channel, *candidates]))
    return peak


def _largest(current: Tensor) -> Tensor:
    return current.abs().amax(dim=(0, 1, 2))


def _scale_candidates(arch: Architecture, parameters: Tensor, x: Tensor) -> None:
    candidates = _peaks(arch, parameters, x)[1:]
    for layer in range(1, arch.layers + 1):
        peaks = candidates[layer - 1]
        names = [(f"{layer}.{name}", 0) for name in ("wc", "bc", "hi", "width")]
        for unit in range(arch.units):
            grow = _entries(arch, parameters, names, unit)
            hi, width = grow[2:]
            room = HIGHEST_PEAK / max(float(peaks[unit]), 1e-9)
            room = min(room, max(1.0, LARGEST / float(hi.max())))
            wanted = room if room < 1 else min(room, max(1.0, WANTED_HI / float(hi.min())))
            lowest = max(LO_MIN / float(hi[0] - width[0]), WIDTH_MIN / float(width.min()))
            factor = _within(max(wanted, min(lowest, 1.0)), grow[:2], [])
            for entries in grow:
                entries.mul_(factor)


def _entries(
    arch: Architecture, parameters: Tensor, names: list[tuple[str, int]], unit: int
) -> list[Tensor]:
    """Return views of one unit's entries: its row (axis 0) or its column (axis 1) of each array."""
    return [arch.take(parameters, name)[0].select(axis, unit) for name, axis in names]


def _within(wanted: float, grow: list[Tensor], shrink: list[Tensor]) -> float:
    """Return the factor closest to ``wanted`` that keeps every weight drawable (or as it was)."""
    up = torch.cat([entries.reshape(-1) for entries in grow]).abs()
    up = up[up > 0]
    down = torch.cat([entries.reshape(-1) for entries in shrink]).abs() if shrink else up[:0]
    down = down[down > 0]
    lows, highs = [], []
    if len(up):
        lows.append(DEAD_ZONE / float(up.min()))
        highs.append(LARGEST / float(up.max()))
    if len(down):
        lows.append(float(down.max()) / LARGEST)
        highs.append(float(down.min()) / DEAD_ZONE)
    low, high = min(1.0, max(lows, default=0.0)), max(1.0, min(highs, default=float("inf")))
    return min(max(wanted, low), high)
