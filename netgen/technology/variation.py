"""Random deviations of devices: drawn from (seed, run, name), the same on any machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from netgen.errors import UsageError
from netgen.technology.data import POLARITIES, Geometry, Polarity, Technology

Floats: TypeAlias = NDArray[np.float64]
_WORDS = 4
"""64-bit words that Philox makes at each step of its counter."""


@dataclass(frozen=True)
class Transistor:
    """What the statistics of a transistor depend on."""

    polarity: Polarity
    geometry: Geometry


@dataclass(frozen=True)
class Variation:
    """Which random deviations chips have.

    Attributes
    ----------
    seed
        Two variations with the same seed have the same chips.
    mismatch
        Each transistor deviates by itself, as its area allows.
    process
        All transistors of a polarity deviate together.
    """

    seed: int
    mismatch: bool = True
    process: bool = False


def normals(seed: int, name: str, first: int, count: int) -> Floats:
    """Return two standard normal numbers for each of several runs, (count, 2).

    The counter of a Philox generator is the run, its key comes from seed and name: a run's numbers
    do not depend on which others are drawn. Only the generator's raw words are used, which NumPy
    promises not to change; its normal distribution it does not.
    """
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=16).digest()
    philox = np.random.Philox(key=int.from_bytes(digest, "little"), counter=first)
    words = philox.random_raw(_WORDS * count).reshape(count, _WORDS)[:, :2]
    drawn: Floats = ndtri(((words >> np.uint64(11)) + 0.5) / 2.0**53)
    return drawn


def draw(
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
    drawn = {}
    for name, transistor in transistors.items():
        own = common[transistor.polarity]
        if variation.mismatch:
            sigma = np.array(technology.mismatch[transistor.polarity].sigma(transistor.geometry))
            own = own + normals(variation.seed, name, first, count) * sigma
        drawn[name] = own
    return drawn
