"""Altered features, others in every batch: they cost next to nothing beside a step of training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from netgen.training.frontend import FeatureExtractor

_LOWEST_MOVES = 0.3
"""How far the lowest band moves where the highest moves by one."""


@dataclass(frozen=True)
class Augmentation:
    """How far features are altered, at random for each sample."""

    #: Time runs up to this factor faster or slower about the middle of a recording.
    pace: float = 1.0
    shift: float = 0.0  #: Frames by which a recording is moved at most, either way.
    #: Mel bands by which the highest is moved at most (vocal tracts differ in length); the lowest
    #: moves by 0.3 times as much. Only where channels are bands.
    bands: float = 0.0
    gain: float = 1.0  #: All channels are multiplied, or divided, by up to this factor.
    #: ``masks``, ``mask_frames``, ``mask_bands``: how often some frames and some bands are silenced
    #: (SpecAugment, arXiv:1904.08779), and the most of them at a time.
    masks: int = 0
    mask_frames: float = 0.0
    mask_bands: float = 0.0
    #: Share of the batches in which every sample is mixed with another one (mixup,
    #: arXiv:1710.09412).
    mixed: float = 0.0
    ratio: float = 0.3  #: a of the Beta(a, a) distribution of the mixing ratio.


def vary(
    x: Tensor, how: Augmentation, front: FeatureExtractor, generator: torch.Generator
) -> Tensor:
    """Return altered features; x is (frames, samples, channels)."""
    count = x.shape[1]

    def luck(low: float = -1.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    x = _move(x, how.pace ** luck(), how.shift * luck())
    x = x * (how.gain ** luck())[:, None]
    if not front.cosine:
        x = _warp(x, front.static, how.bands * luck())
    for _ in range(how.masks):
        frames = _outside(x.shape[0], luck(0, 1), how.mask_frames * luck(0, 1))
        x = x * frames.T[:, :, None]
        bands = _outside(front.static, luck(0, 1), how.mask_bands * luck(0, 1))
        if not front.cosine:
            x = x * bands.repeat(1, x.shape[2] // front.static)
    return x


def _move(x: Tensor, pace: Tensor, shift: Tensor) -> Tensor:
    """Move samples in time and change their pace; what lies outside is the edge."""
    frames, count = x.shape[:2]
    middle = (frames - 1) / 2
    when = (torch.arange(frames)[:, None] - middle) * pace + middle - shift
    when = when.clamp_(0, frames - 1)
    first = when.long().clamp_(max=frames - 2)
    samples = torch.arange(count)
    return torch.lerp(x[first, samples], x[first + 1, samples], (when - first)[:, :, None])


def _warp(x: Tensor, bands: int, by: Tensor) -> Tensor:
    """Move the bands of every sample, the highest by ``by``; copies of the bands move alike."""
    frames, count, channels = x.shape
    where = torch.arange(bands) + by[:, None] * torch.linspace(_LOWEST_MOVES, 1, bands)
    where = where.clamp_(0, bands - 1)
    low = where.long().clamp_(max=bands - 2)
    share = (where - low)[..., None]
    weight = torch.zeros(count, bands, bands)
    weight.scatter_(2, low[..., None], 1 - share).scatter_(2, low[..., None] + 1, share)
    parts = x.view(frames, count, -1, bands).permute(1, 3, 0, 2).flatten(2)
    moved = torch.bmm(weight, parts).view(count, bands, frames, -1)
    return moved.permute(2, 0, 3, 1).reshape(frames, count, channels)


def _outside(length: int, start: Tensor, width: Tensor) -> Tensor:
    """Return 0 within a stretch that starts at a share of the length, else 1, (samples, length)."""
    place = torch.arange(length)
    first = (start * length)[:, None]
    return ((place < first) | (place >= first + width[:, None])).to(torch.float32)


def mix(
    x: Tensor, targets: Tensor, how: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mix every sample with another one, and its target (samples, …) with the other's."""
    if float(torch.rand((), generator=generator)) >= how.mixed:
        return x, targets
    beta = torch._standard_gamma(torch.full((2,), how.ratio), generator=generator)
    share = float(beta.max() / beta.sum().clamp(min=1e-9))
    other = torch.randperm(x.shape[1], generator=generator)
    return torch.lerp(x[:, other], x, share), torch.lerp(targets[other], targets, share)
