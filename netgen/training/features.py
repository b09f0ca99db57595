"""The mapping of features to the first quadrant, which travels with a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from netgen.document import Json, WrongKindError, number_at, numbers_at, whole_at
from netgen.errors import ModelError
from netgen.model import Model
from netgen.training.audio import Sound
from netgen.training.frontend import (
    COEFFICIENTS,
    FRAME_PERIOD,
    FRAMES,
    FRONT_ENDS,
    FeatureExtractor,
)

__all__ = ["COEFFICIENTS", "FRAMES", "FRAME_PERIOD", "KIND", "FeatureMap", "feature_map"]

KIND = "mfcc-kaldi"
_WINDOW_MS = 25.0
_QUANTILE = 0.98
FULL_SCALE_ROWS = 1500
"""Recordings that show the full scale of band features, at most (about)."""


@dataclass(frozen=True)
class FeatureMap:
    """How sound becomes the input x of one model: features, then a clipped affine map.

    x = clip(``scale`` · (feature − ``mean``) / ``std`` + ``offset``, 0, ``maximum``): a current
    has no sign, so the map leaves the features in the first quadrant. Band energies are positive
    by nature: their ``mean`` is 0, their ``offset`` 0 and ``std`` their own full scale.
    """

    rate: int  #: Sample rate of the sound, in hertz.
    #: ``mean``, ``std``: of each feature over the training recordings.
    mean: tuple[float, ...]
    std: tuple[float, ...]
    #: RMS of the constant noise under every recording of ``mfcc-kaldi`` (full scale ±1).
    floor: float = 1e-3
    scale: float = 0.25
    offset: float = 0.5
    maximum: float = 1.5
    kind: str = KIND  #: The features, see :data:`netgen.training.frontend.FRONT_ENDS`.

    @property
    def front(self) -> FeatureExtractor:
        """The front end that delivers the features."""
        return FRONT_ENDS[self.kind]

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map features (…, channels) to inputs in 0 … ``maximum``."""
        mean, std = np.array(self.mean, dtype=np.float32), np.array(self.std, dtype=np.float32)
        # in place and in single precision: a large data set must fit in memory
        x = np.subtract(features, mean, dtype=np.float32)
        x /= std
        x *= np.float32(self.scale)
        x += np.float32(self.offset)
        return np.asarray(np.clip(x, np.float32(0.0), np.float32(self.maximum), out=x))

    def inputs(self, sound: Sound) -> NDArray[np.float32]:
        """Turn exactly one second of sound into inputs, (101, channels)."""
        return self(self.front.derive(self.front.measure(sound, self.rate)))

    def to_meta(self) -> dict[str, Json]:
        """Return the record for a model's ``meta["features"]``."""
        record = asdict(self) | {"mean": list(self.mean), "std": list(self.std)}
        return {"frames": FRAMES, "window_ms": _WINDOW_MS, **record}


def fit_map(
    front: FeatureExtractor, rate: int, chunks: Iterable[NDArray[np.float32]]
) -> FeatureMap:
    """Fit the map to training features that come in chunks, each (recordings, frames, channels)."""
    if front.cosine:
        total = np.zeros((2, front.channels))
        count = 0
        for chunk in chunks:
            wide = chunk.reshape(-1, front.channels).astype(np.float64)
            total += np.stack([wide.sum(axis=0), np.square(wide).sum(axis=0)])
            count += len(wide)
        mean = total[0] / count
        std = np.sqrt(np.maximum(total[1] / count - np.square(mean), 0.0))
        return FeatureMap(rate, tuple(mean.tolist()), tuple(std.tolist()), kind=front.kind)
    some = np.concatenate(list(chunks)).reshape(-1, front.channels)
    full = np.quantile(some, _QUANTILE, axis=0)
    none = (0.0,) * front.channels
    return FeatureMap(rate, none, tuple(full.tolist()), scale=1.0, offset=0.0, kind=front.kind)


def feature_map(model: Model, source: str) -> FeatureMap:
    """Read the mapping that a model carries in ``meta["features"]``.

    Raises
    ------
    ModelError
        The model carries none of this kind, or one that does not fit it.
    """
    record = model.meta.get("features")
    kind = record.get("kind") if isinstance(record, Mapping) else None
    if not isinstance(kind, str):
        problem = "meta.features: holds no mapping from sound; only models of `netgen train` do"
        raise ModelError(source, [problem])
    if kind not in FRONT_ENDS:
        known = ", ".join(FRONT_ENDS)
        problem = f"meta.features.kind: {kind!r} holds no mapping from sound known here ({known})"
        raise ModelError(source, [problem])
    try:
        numbers = {key: number_at(record, key) for key in ("floor", "scale", "offset", "maximum")}
        mean, std = (numbers_at(record, key) for key in ("mean", "std"))
        rate = whole_at(record, "rate")
    except WrongKindError as error:
        raise ModelError(source, [f"meta.features: unusable ({error}); train again"]) from None
    wanted = FRONT_ENDS[kind].channels
    sizes = len(mean), len(std), model.input_size
    if sizes != (wanted,) * 3:
        problem = f"meta.features: mean, std and input sizes {sizes}; wanted {wanted} each"
        raise ModelError(source, [problem])
    if rate < 1000 or min(std) <= 0 or not np.isfinite([*mean, *std, *numbers.values()]).all():
        raise ModelError(source, ["meta.features: rate, mean and std must be usable numbers"])
    return FeatureMap(rate, mean, std, **numbers, kind=kind)
