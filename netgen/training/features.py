"""MFCC features, and their mapping to the first quadrant that travels with a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netgen.errors import ModelError
from netgen.model import Model
from netgen.training.audio import SECONDS, Sound
from netgen.training.needs import need

COEFFICIENTS = 13
FRAME_PERIOD = 0.01
FRAMES = round(SECONDS / FRAME_PERIOD) + 1
KIND = "mfcc-kaldi"
_FULL_SCALE = 32768.0  # Kaldi's front end counts in 16-bit steps
_WINDOW_MS = 25.0
_MEL_BINS = 23


@dataclass(frozen=True)
class FeatureMap:
    """How sound becomes the input x of one model: MFCC, then a clipped affine map.

    x = clip(``scale`` · (mfcc − ``mean``) / ``std`` + ``offset``, 0, ``maximum``): a current has
    no sign, so the map leaves the features in the first quadrant.

    Attributes
    ----------
    rate
        Sample rate of the sound, in hertz.
    floor
        RMS of the constant noise under every recording (full scale ±1): without it digital
        silence would lie at the logarithm of nothing.
    mean, std
        Of each of the 13 coefficients over the training recordings.
    """

    rate: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    floor: float = 1e-3
    scale: float = 0.25
    offset: float = 0.5
    maximum: float = 1.5

    def __call__(self, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map coefficients (…, 13) to inputs in 0 … ``maximum``."""
        mean, std = np.array(self.mean, dtype=np.float32), np.array(self.std, dtype=np.float32)
        standard = (mfcc - mean) / std  # single precision: a large data set must fit in memory
        x = np.clip(self.scale * standard + self.offset, 0.0, self.maximum)
        return np.asarray(x, dtype=np.float32)

    def to_meta(self) -> dict[str, Any]:
        """Return the record for a model's ``meta["features"]``."""
        record = asdict(self) | {"mean": list(self.mean), "std": list(self.std)}
        return {"kind": KIND, "frames": FRAMES, "window_ms": _WINDOW_MS, **record}


def feature_map(model: Model, source: str) -> FeatureMap:
    """Read the mapping that a model carries in ``meta["features"]``.

    Raises
    ------
    ModelError
        The model carries none of this kind, or one that does not fit it.
    """
    record = model.meta.get("features")
    if not isinstance(record, Mapping) or record.get("kind") != KIND:
        problem = "meta.features: holds no mapping from sound; only models of `netgen train` do"
        raise ModelError(source, [problem])
    try:
        numbers = {key: float(record[key]) for key in ("floor", "scale", "offset", "maximum")}
        mean, std = (tuple(float(entry) for entry in record[key]) for key in ("mean", "std"))
        rate = int(record["rate"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(source, [f"meta.features: unusable ({error}); train again"]) from None
    sizes = len(mean), len(std), model.input_size
    if sizes != (COEFFICIENTS,) * 3:
        problem = f"meta.features: mean, std and input sizes {sizes}; wanted {COEFFICIENTS} each"
        raise ModelError(source, [problem])
    if rate < 1000 or min(std) <= 0 or not np.isfinite([*mean, *std, *numbers.values()]).all():
        raise ModelError(source, ["meta.features: rate, mean and std must be usable numbers"])
    return FeatureMap(rate, mean, std, **numbers)


def mfcc(sound: Sound, rate: int, floor: float = FeatureMap.floor) -> NDArray[np.float32]:
    """Return the 13 mel-frequency cepstral coefficients of one second.

    Parameters
    ----------
    sound
        Exactly one second, (rate,).

    Returns
    -------
    numpy.ndarray
        (101, 13), one row every 10 ms, by Kaldi's front end (kaldi-native-fbank): Povey window of
        25 ms, pre-emphasis 0.97, 23 mel bands, C0 rather than log energy.
    """
    fbank = need("kaldi_native_fbank")
    options = fbank.MfccOptions()
    options.frame_opts.samp_freq = rate
    options.frame_opts.frame_shift_ms = 1e3 * FRAME_PERIOD
    options.frame_opts.frame_length_ms = _WINDOW_MS
    options.frame_opts.dither = 0.0  # random in the library; ours below is the same every time
    options.frame_opts.snip_edges = False
    options.mel_opts.num_bins = _MEL_BINS
    options.num_ceps = COEFFICIENTS
    options.use_energy = False
    extra = round(FRAME_PERIOD * rate)  # the frame that starts where the second ends
    noise = np.random.default_rng(0).standard_normal(len(sound) + extra)
    padded = np.pad(sound, (0, extra)) + floor * noise
    machine = fbank.OnlineMfcc(options)
    machine.accept_waveform(rate, (_FULL_SCALE * padded).astype(np.float32))
    machine.input_finished()
    return np.stack([machine.get_frame(frame) for frame in range(FRAMES)]).astype(np.float32)
