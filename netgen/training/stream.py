"""Sound that does not end: features, states and triggers that are never reset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netgen.model import Model, evaluate
from netgen.model.graph import Bools, Floats
from netgen.training.audio import Sound
from netgen.training.features import FeatureMap
from netgen.training.frontend import FRAME_PERIOD, Bank, ChannelLevel, Features, slopes

_AT_ONCE = 2000
"""Frames evaluated at a time."""


class Inputs:
    """Turns sound that comes in pieces into a model's inputs, with all its memory kept.

    Parameters
    ----------
    mapping
        The model's way from sound to inputs.
    """

    def __init__(self, mapping: FeatureMap) -> None:
        self._mapping, self._front = mapping, mapping.front
        self._bank = Bank(mapping.front, mapping.rate)
        self._level: Features | None = None
        self._slow: Features | None = None
        self._recent: Features | None = None

    def push(self, sound: Sound, last: bool = False) -> NDArray[np.float32]:
        """Take more sound (samples,) and return the frames that it completes, (frames, channels).

        Slopes make frames late by :attr:`netgen.training.frontend.FrontEnd.late`; ``last`` gives
        out those that are left.
        """
        energies = self._bank.finish(sound) if last else self._bank.accept(sound)
        static = self._static(energies)
        if self._front.slopes:
            features = self._with_slopes(static, last)
        elif self._front.slow and len(static):
            slow = self._front.smooth(static, self._slow)
            self._slow = slow[-1]
            features = np.concatenate([static, slow], axis=1)
        else:
            features = self._front.derive(static) if len(static) else static
        if not len(features):
            return np.empty((0, self._front.channels), dtype=np.float32)
        return self._mapping(features)

    def _static(self, energies: Features) -> Features:
        if self._front.level is None or not len(energies):
            return energies[:, : self._front.static]
        if isinstance(self._front.level, ChannelLevel):
            level = self._front.level.follow(energies, self._level)
            self._level = level[-1]
            return self._front.level.compress(energies, level)
        level = self._front.level.follow(energies.sum(axis=1), self._level)
        self._level = level[-1]
        return self._front.compress(energies, level, self._mapping.rate)

    def _with_slopes(self, static: Features, last: bool) -> Features:
        late = self._front.late
        if self._recent is None:
            if not len(static):
                return static[:0]
            self._recent = np.repeat(static[:1], late, axis=0)
        padded = np.concatenate([self._recent, static])
        if last:
            padded = np.concatenate([padded, np.repeat(padded[-1:], late, axis=0)])
        ready = len(padded) - 2 * late
        if ready <= 0:
            self._recent = padded
            return np.empty((0, 2 * self._front.static), dtype=np.float32)
        self._recent = padded[-2 * late :]
        return np.concatenate([padded[late : late + ready], slopes(padded)], axis=1)


class Software:
    """A model by software, frame after frame, from the states it ended with."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.states = {cell.name: cell.initial_state for cell in model.cells}

    def history(self, x: NDArray[np.floating]) -> dict[str, Bools]:
        """Take more frames, (frames, channels), and return all states, (frames, triggers) each."""
        values = evaluate(self._model.started(self.states), np.asarray(x, np.float64)[np.newaxis])
        by_cell = {cell.name: cell.read(values[cell.name][0]) for cell in self._model.cells}
        self.states = {name: states[-1] for name, states in by_cell.items()}
        return by_cell

    def push(self, x: NDArray[np.floating]) -> Floats:
        """Return the readout of more frames, (frames, classes), for inputs (frames, channels)."""
        parts = []
        for start in range(0, len(x), _AT_ONCE):
            chunk = np.asarray(x[start : start + _AT_ONCE], dtype=np.float64)
            values = evaluate(self._model.started(self.states), chunk[np.newaxis])
            self.states = {c.name: c.read(values[c.name][0, -1]) for c in self._model.cells}
            parts.append(values[self._model.readout.node][0])
        return np.concatenate(parts) if parts else np.empty((0, len(self._model.classes)))


@dataclass(frozen=True)
class DetectionRule:
    """When a class counts as detected: ``votes`` of the last ``frames`` are for it.

    After a detection the class has to fall below ``votes`` again, and ``refractory`` frames have
    to pass, before it is detected once more: a state that stays latched is one detection.
    """

    frames: int = 30
    votes: int = 16
    refractory: int = 100


@dataclass(frozen=True)
class Detection:
    """A class was detected at the end of ``frame``, with so many votes."""

    frame: int
    label: int
    votes: int

    @property
    def time(self) -> float:
        """Seconds since the stream began."""
        return (self.frame + 1) * FRAME_PERIOD


class Trigger:
    """Finds detections in votes that come in pieces.

    Parameters
    ----------
    classes
        How many there are; class ``quiet`` is never detected (None: every class is).
    """

    def __init__(self, rule: DetectionRule, classes: int, quiet: int | None = 0) -> None:
        self._rule, self._classes, self._quiet = rule, classes, quiet
        self._recent = np.zeros((0, classes), dtype=np.int64)
        self._armed = np.ones(classes, dtype=np.bool_)
        self._last = -rule.refractory
        self._frame = 0

    def push(self, logits: Floats) -> list[Detection]:
        """Return the detections in more frames of the readout, (frames, classes)."""
        winners = np.eye(self._classes, dtype=np.int64)[logits.argmax(axis=1)]
        window = self._rule.frames
        history = np.concatenate([self._recent, winners])
        total = np.concatenate([np.zeros((1, self._classes), np.int64), history.cumsum(axis=0)])
        ends = np.arange(len(self._recent), len(history)) + 1
        counts = total[ends] - total[np.maximum(ends - window, 0)]
        self._recent = history[-(window - 1) :] if window > 1 else history[:0]
        frames = self._scan(counts)
        self._frame += len(logits)
        return frames

    def _scan(self, counts: NDArray[np.int64]) -> list[Detection]:
        enough = counts >= self._rule.votes
        if self._quiet is not None:
            enough[:, self._quiet] = False
        frames = []
        before = np.concatenate([~self._armed[np.newaxis], enough[:-1]])
        for place in np.flatnonzero((enough & ~before).any(axis=1)):
            frame = self._frame + int(place)
            if frame - self._last < self._rule.refractory:
                continue
            rising = enough[place] & ~before[place]
            label = int(np.where(rising, counts[place], -1).argmax())
            frames.append(Detection(frame, label, int(counts[place, label])))
            self._last = frame
        if len(enough):
            self._armed = ~enough[-1]
        return frames


def inputs_of(mapping: FeatureMap, sounds: Iterable[Sound]) -> Iterator[NDArray[np.float32]]:
    """Yield inputs, (frames, channels) each, of sound that comes in pieces."""
    inputs = Inputs(mapping)
    for sound in sounds:
        yield inputs.push(sound)
    yield inputs.push(np.zeros(0, dtype=np.float32), last=True)
