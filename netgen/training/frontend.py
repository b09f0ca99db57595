"""From sound to features: what a front end of filters, rectifiers and a level control delivers.

Every kind of features begins with the energies of mel bands, by Kaldi's front end
(kaldi-native-fbank: windows of 25 ms every 10 ms). What follows is causal, so that a stream and a
recording of one second are treated alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from netgen.training.audio import SECONDS, Sound
from netgen.training.needs import need

FRAME_PERIOD = 0.01
FRAMES = round(SECONDS / FRAME_PERIOD) + 1
COEFFICIENTS = 13
VERSION = 3
"""Counts changes of what is computed: features on disk of another version are not used."""

_FULL_SCALE = 32768.0  # Kaldi's front end counts in 16-bit steps
_WINDOW_MS = 25.0
_MEL_BINS = 23
_FLOOR = 1e-3  # RMS of the constant noise under sound without level control, full scale ±1
_LIFTER = 22.0  # Kaldi's cepstral lifter
_SLOPE = 4  # a slope spans this many frames either way of its middle

Features = NDArray[np.float32]


@dataclass(frozen=True)
class LevelControl:
    """A level control (AGC): energies are divided by a level that follows their sum.

    The level rises towards a larger sum with the time constant ``attack``, and falls with
    ``release``, both in seconds; it never falls below ``lowest`` (energy, full scale 1). A
    constant noise of ``floor`` times the level, white, lies under everything.
    """

    attack: float = 0.02
    release: float = 1.0
    lowest: float = 1e-8
    floor: float = 1e-4

    def follow(self, power: Features, before: Features | None = None) -> Features:
        """Return the level of every frame; power is (…, frames), ``before`` the level before it."""
        rise = np.float32(np.exp(-FRAME_PERIOD / self.attack))
        fall = np.float32(np.exp(-FRAME_PERIOD / self.release))
        lowest = np.float32(self.lowest)
        level = np.full(power.shape[:-1], lowest) if before is None else before
        out = np.empty_like(power)
        for frame in range(power.shape[-1]):
            now = power[..., frame]
            level = np.where(now > level, now + (level - now) * rise, level * fall)
            level = np.maximum(level, lowest)
            out[..., frame] = level
        return out


@dataclass(frozen=True)
class ChannelLevel:
    """A level control in every channel (per-channel energy normalisation, PCEN).

    x = (E / (``lowest`` + M)^``strength`` + ``bias``)^``power`` − ``bias``^``power`` with M a copy
    of the band's energy E that is slow by ``time`` seconds: steady noise falls to a constant, what
    begins stands out (Y. Wang and others, arXiv:1607.05666).
    """

    time: float = 0.245
    strength: float = 0.98
    bias: float = 2.0
    power: float = 0.5
    lowest: float = 1e-9

    def follow(self, energies: Features, before: Features | None = None) -> Features:
        """Return M of energies (frames, bands); ``before`` is the one before the first frame."""
        gain = np.float32(-np.expm1(-FRAME_PERIOD / self.time))
        level = energies[0] if before is None else before
        out = np.empty_like(energies)
        for frame, now in enumerate(energies):
            level = level + gain * (now - level)
            out[frame] = level
        return out

    def compress(self, energies: Features, level: Features) -> Features:
        """Return x for energies and their M, each (frames, bands)."""
        ratio = energies / (np.float32(self.lowest) + level) ** np.float32(self.strength)
        bias, power = np.float32(self.bias), np.float32(self.power)
        return np.asarray((ratio + bias) ** power - bias**power, dtype=np.float32)


@dataclass(frozen=True)
class FeatureExtractor:
    """One kind of features."""

    kind: str  #: Its name in a model's ``meta["features"]``.
    bands: int  #: Mel bands.
    #: Coefficients of the cosine transform of the bands' logarithms (MFCC); 0 for the bands
    #: themselves, as the energy to the power ``exponent``: positive by nature.
    cosine: int
    #: The level control, of all channels together or of each; None for none.
    level: LevelControl | ChannelLevel | None
    slopes: bool = False  #: Whether the slope of every feature over nine frames is a feature too.
    #: Time constant, in seconds, of a slow copy of every feature beside it; 0 for none.
    slow: float = 0.0
    exponent: float = 0.25

    @property
    def static(self) -> int:
        """Features of one frame before slopes or slow copies."""
        return self.cosine or self.bands

    @property
    def channels(self) -> int:
        """Inputs of a network."""
        return self.static * (2 if self.slopes or self.slow else 1)

    @property
    def late(self) -> int:
        """Frames by which the features of a stream are late: the middle of a slope."""
        return _SLOPE if self.slopes else 0

    def measure(self, sound: Sound, rate: int) -> Features:
        """Return the static features of exactly one second, (101, static).

        The level control has heard the second once before: a recording that is cut to one second
        does not begin in silence.
        """
        bank = Bank(self, rate)
        extra = round(FRAME_PERIOD * rate)  # the frame that starts where the second ends
        energies = bank.finish(np.pad(sound, (0, extra)))[:FRAMES]
        if self.level is None:
            return energies
        if isinstance(self.level, ChannelLevel):
            before = energies.mean(axis=0)
            for _ in range(2):
                level = self.level.follow(energies, before)
                before = level[-1]
            return self.level.compress(energies, level)
        power = energies.sum(axis=1)
        before = self.level.follow(power)[..., -1]
        return self.compress(energies, self.level.follow(power, before), rate)

    def compress(self, energies: Features, level: Features, rate: int) -> Features:
        """Return the static features of energies (frames, bands) at the levels (frames,)."""
        assert isinstance(self.level, LevelControl)
        white = white_noise(rate, self.bands)
        relative = energies / level[:, np.newaxis] + np.float32(self.level.floor) * white
        if not self.cosine:
            return np.asarray(relative**self.exponent, dtype=np.float32)
        order = np.arange(self.cosine)
        lifter = 1 + _LIFTER / 2 * np.sin(np.pi * order / _LIFTER)
        cepstra = dct(np.log(relative), type=2, norm="ortho", axis=-1)[..., : self.cosine]
        return np.asarray(cepstra * lifter, dtype=np.float32)

    def derive(self, static: Features) -> Features:
        """Add slopes or slow copies to static features (…, frames, static)."""
        if self.slopes:
            edge = [(0, 0)] * (static.ndim - 2) + [(_SLOPE, _SLOPE), (0, 0)]
            padded = np.pad(static, edge, mode="edge")
            return np.concatenate([static, slopes(padded)], axis=-1)
        if self.slow:
            both = np.empty((*static.shape[:-1], self.channels), dtype=np.float32)
            both[..., : self.static] = static
            self.smooth(static, out=both[..., self.static :])
            return both
        return static

    def smooth(
        self, static: Features, before: Features | None = None, out: Features | None = None
    ) -> Features:
        """Return slow copies of features (…, frames, static), in ``out`` where that is given."""
        keep = np.float32(np.exp(-FRAME_PERIOD / self.slow))
        out = np.empty_like(static) if out is None else out
        now = static[..., 0, :] if before is None else before
        for frame in range(static.shape[-2]):
            now = keep * now + (1 - keep) * static[..., frame, :]
            out[..., frame, :] = now
        return out


def slopes(padded: Features) -> Features:
    """Return the regression slope over nine frames; ``padded`` has four frames more either way."""
    frames = padded.shape[-2] - 2 * _SLOPE
    steps = range(-_SLOPE, _SLOPE + 1)
    total = np.zeros((*padded.shape[:-2], frames, padded.shape[-1]), dtype=np.float32)
    for step in steps:
        total += np.float32(step) * padded[..., _SLOPE + step : _SLOPE + step + frames, :]
    total /= np.float32(sum(step * step for step in steps))
    return total


FRONT_ENDS = {
    front.kind: front
    for front in (
        FeatureExtractor("mfcc-kaldi", _MEL_BINS, COEFFICIENTS, None),
        FeatureExtractor("mfcc-slopes", _MEL_BINS, COEFFICIENTS, LevelControl(), slopes=True),
        FeatureExtractor("bands-16", 16, 0, LevelControl(), slow=0.1),
        FeatureExtractor("pcen-16", 16, 0, ChannelLevel(), slow=0.1),
        FeatureExtractor("pcen-20", 20, 0, ChannelLevel(), slow=0.1),
    )
}
"""The kinds of features, by name."""
DEFAULT = "pcen-20"


class _Machine(Protocol):
    """What the library's online features have in common."""

    num_frames_ready: int

    def accept_waveform(self, rate: float, sound: Sound, /) -> None: ...
    def input_finished(self) -> None: ...
    def get_frame(self, frame: int, /) -> Features: ...
    def pop(self, frames: int, /) -> None: ...


class Bank:
    """Kaldi's filter bank over sound that comes in pieces.

    With level control the frames are energies of mel bands, full scale 1; without, they are MFCC
    (``mfcc-kaldi``) of the sound with constant noise under it: digital silence would otherwise lie
    at the logarithm of nothing.
    """

    def __init__(self, front: FeatureExtractor, rate: int) -> None:
        fbank = need("kaldi_native_fbank")
        self._plain = front.level is None
        options = fbank.MfccOptions() if self._plain else fbank.FbankOptions()
        options.frame_opts.samp_freq = rate
        options.frame_opts.frame_shift_ms = 1e3 * FRAME_PERIOD
        options.frame_opts.frame_length_ms = _WINDOW_MS
        options.frame_opts.dither = 0.0  # random in the library; ours is the same every time
        options.frame_opts.snip_edges = False
        options.mel_opts.num_bins = front.bands
        options.use_energy = False
        if self._plain:
            options.num_ceps = front.cosine
            self._machine: _Machine = fbank.OnlineMfcc(options)
        else:
            options.use_log_fbank = False
            self._machine = fbank.OnlineFbank(options)
        self._width = front.static if self._plain else front.bands
        self._rate, self._read = rate, 0
        self._noise = np.random.default_rng(0)

    def accept(self, sound: Sound) -> Features:
        """Take more sound and return the frames that it completes, (frames, bands)."""
        if self._plain:
            noise = _FLOOR * self._noise.standard_normal(len(sound))
            scaled = (_FULL_SCALE * (sound + noise)).astype(np.float32)
        else:
            scaled = (_FULL_SCALE * sound).astype(np.float32)
        self._machine.accept_waveform(self._rate, scaled)
        return self._frames()

    def finish(self, sound: Sound) -> Features:
        """Take the last sound and return the frames that are left."""
        first = self.accept(sound)
        self._machine.input_finished()
        return np.concatenate([first, self._frames()])

    def _frames(self) -> Features:
        ready = self._machine.num_frames_ready
        frames = np.empty((ready - self._read, self._width), dtype=np.float32)
        for place in range(len(frames)):
            frames[place] = self._machine.get_frame(self._read + place)
        self._machine.pop(len(frames))
        self._read = ready
        if not self._plain:
            frames /= np.float32(_FULL_SCALE**2)
        return frames


@lru_cache
def white_noise(rate: int, bands: int) -> Features:
    """Return the share of white noise's energy in each band, (bands,)."""
    front = FeatureExtractor("noise", bands, 0, LevelControl())
    noise = np.random.default_rng(0).standard_normal(rate).astype(np.float32)
    energies = Bank(front, rate).finish(noise)[2:-2].mean(axis=0)
    return np.asarray(energies / energies.sum(), dtype=np.float32)
