"""Random deviations of devices: sampled from (seed, run, name), the same on any machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from netgen.arrays import Floats
from netgen.errors import UsageError
from netgen.technology.data import POLARITIES, Geometry, Polarity, Technology

Words: TypeAlias = NDArray[np.uint64]
_WORDS = 4
"""64-bit words that Philox makes at each step of its counter."""


class Transistor(Protocol):
    """What the statistics of a transistor depend on."""

    @property
    def polarity(self) -> Polarity:
        """Its polarity."""

    @property
    def geometry(self) -> Geometry:
        """Its geometry."""


@dataclass(frozen=True)
class Variation:
    """Which random deviations chips have."""

    seed: int  #: Two variations with the same seed have the same chips.
    mismatch: bool = True  #: Each transistor deviates by itself, as its area allows.
    process: bool = False  #: All transistors of a polarity deviate together.


def normals(seed: int, name: str, first: int, count: int) -> Floats:
    """Return two standard normal numbers for each of several runs, (count, 2).

    The counter of a Philox generator is the run, its key comes from seed and name: a run's numbers
    do not depend on which others are sampled. Only the generator's raw words are used, which NumPy
    promises not to change; its normal distribution it does not.
    """
    key = int.from_bytes(_digest(seed, name), "little")
    philox = np.random.Philox(key=key, counter=first)
    words = philox.random_raw(_WORDS * count).reshape(count, _WORDS)[:, :2]
    values: Floats = ndtri(((words >> np.uint64(11)) + 0.5) / 2.0**53)
    return values


def sample_deviations(
    technology: Technology,
    variation: Variation,
    transistors: Mapping[str, Transistor],
    first: int,
    count: int = 1,
) -> dict[str, Floats]:
    """Return the deviations of transistors in several runs (chips), by name, (count, 2).

    The first column is the shift of the threshold voltage (V, ``delvto``), the second that of the
    current factor, relative (``mulu0`` − 1).

    Parameters
    ----------
    first, count
        The runs.

    Raises
    ------
    UsageError
        The technology says nothing of its process variation.
    """
    common = {polarity: np.zeros((count, 2)) for polarity in POLARITIES}
    if variation.process:
        if not technology.process:
            raise UsageError(
                f"{technology.name} has no statistics of its process: add [process.nmos] and "
                "[process.pmos] to its technology.toml, or vary mismatch only"
            )
        for polarity in POLARITIES:
            spread = technology.process[polarity]
            sigma = np.array([spread.threshold, spread.current_factor])
            common[polarity] = normals(variation.seed, f"({polarity})", first, count) * sigma
    if not variation.mismatch:
        return {name: common[each.polarity] for name, each in transistors.items()}
    numbers = _normals_of(_keys(variation.seed, tuple(transistors)), first, count)
    sigma = np.array(
        [technology.mismatch[each.polarity].sigma(each.geometry) for each in transistors.values()]
    )
    numbers *= sigma.reshape(-1, 1, 2)
    if variation.process:
        numbers += np.array([common[each.polarity] for each in transistors.values()])
    return dict(zip(transistors, numbers, strict=True))


@lru_cache(maxsize=8)
def _keys(seed: int, names: tuple[str, ...]) -> Words:
    """Return the keys of the generators of names, (names, 2)."""
    text = b"".join(_digest(seed, name) for name in names)
    return np.frombuffer(text, dtype="<u8").reshape(-1, 2).astype(np.uint64)


def _digest(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=16).digest()


def _normals_of(keys: Words, first: int, count: int) -> Floats:
    """Return what :func:`normals` gives for each of many names, (names, count, 2)."""
    # NumPy steps its counter before it draws
    counters = np.arange(first + 1, first + count + 1, dtype=np.uint64)
    words = _philox(keys[:, np.newaxis], counters)
    normals: Floats = ndtri(((words >> np.uint64(11)) + 0.5) / 2.0**53)
    return normals


_MULTIPLIERS = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
_WEYL = np.array([0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B], dtype=np.uint64)
_ROUNDS = 10


def _philox(keys: Words, counters: Words) -> Words:
    """Return the first two words of Philox4x64-10 for many keys and counters at once.

    Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC11 (2011). The same words as
    those of :class:`numpy.random.Philox`.

    Parameters
    ----------
    keys
        (names, 1, 2).
    counters
        (count,).
    """
    shape = np.broadcast_shapes(keys.shape[:-1], counters.shape)
    zero = np.zeros(shape, dtype=np.uint64)
    state: list[Words] = [np.broadcast_to(counters, shape), zero, zero, zero]
    for round_ in range(_ROUNDS):
        key: Words = keys + np.uint64(round_) * _WEYL
        low = [state[0] * _MULTIPLIERS[0], state[2] * _MULTIPLIERS[1]]
        high = [_high(state[0], _MULTIPLIERS[0]), _high(state[2], _MULTIPLIERS[1])]
        state = [
            np.bitwise_xor(high[1] ^ state[1], key[..., 0]),
            low[1],
            np.bitwise_xor(high[0] ^ state[3], key[..., 1]),
            low[0],
        ]
    return np.stack(state[:2], axis=-1)


def _high(left: Words, right: np.uint64) -> Words:
    """Return the upper 64 bits of products."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a, b, c, d = left >> half, left & mask, right >> half, right & mask
    middle = (b * d >> half) + (a * d & mask) + (b * c & mask)
    high: Words = a * c + (a * d >> half) + (b * c >> half) + (middle >> half)
    return high
