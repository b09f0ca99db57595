"""How long and how hard to train: the measured defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from netgen.training.network import Architecture


@dataclass(frozen=True)
class Phase:
    """One stretch of optimiser steps.

    Attributes
    ----------
    steps, rate
        Adam's steps, and its learning rate before it falls to 0 along a cosine.
    sharpness
        K of the soft gates at the first step and from 90 % of the steps on.
    ramp
        Share of the steps over which the chips' spread and the consistency and race penalties
        grow to their full size: at once, they would undo what has been learnt.
    auxiliary
        Share of the steps over which the auxiliary loss on the mean logit fades out.
    dead_zone
        Share of the steps after which weights too small to draw count as 0.
    chips, spread, offset
        Virtual chips a network and step (they share the batch), the relative standard deviation
        of their parameters, and the standard deviation of their candidates' offsets, in units.
    currents, consistency, race
        Weights of the penalties (see :mod:`netgen.training.hardware`).
    """

    steps: int
    rate: float
    sharpness: tuple[float, float]
    ramp: float = 0.0
    auxiliary: float = 0.0
    dead_zone: float = 1.0
    chips: int = 1
    spread: float = 0.0
    offset: float = 0.0
    currents: float = 0.0
    consistency: float = 0.0
    race: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the data and the architecture.

    Attributes
    ----------
    seed, seeds
        The seed of all randomness, and how many networks are trained side by side.
    finalists
        How many of them, by validation, go through the finish.
    batch
        Samples a step; the networks share them.
    gain
        Factor of the logits in the loss: currents of one unit are too small for a sure softmax.
    learn, finish
        The two phases; ``finish`` is None for plain training, ``learn`` for fine-tuning.
    drawable
        Whether weights too small to draw become 0 and the result is rescaled.
    """

    seed: int
    seeds: int
    finalists: int
    batch: int
    gain: float
    learn: Phase | None
    finish: Phase | None
    drawable: bool

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases there are, in order."""
        return tuple(phase for phase in (self.learn, self.finish) if phase is not None)

    @property
    def steps(self) -> int:
        """Optimiser steps altogether."""
        return sum(phase.steps for phase in self.phases)


LEARN = Phase(
    steps=1500,
    rate=2e-2,
    sharpness=(4.0, 80.0),
    ramp=0.3,
    auxiliary=0.6,
    dead_zone=0.5,
    chips=4,
    spread=0.05,
    offset=0.01,
    currents=10.0,
)
FINISH = Phase(
    steps=600,
    rate=7e-3,
    sharpness=(20.0, 80.0),
    ramp=0.3,
    dead_zone=0.0,
    chips=4,
    spread=0.05,
    offset=0.01,
    currents=10.0,
    consistency=2.0,
    race=500.0,
)
_PLAIN = Phase(LEARN.steps, LEARN.rate, LEARN.sharpness, auxiliary=LEARN.auxiliary)
_WIDE = 16
"""From this many units on a network is trained longer, slower and with larger batches."""


def default_recipe(
    arch: Architecture,
    *,
    seed: int = 0,
    seeds: int | None = None,
    steps: int | None = None,
    plain: bool = False,
    fine_tune: bool = False,
) -> Recipe:
    """Return the recipe that was measured for networks of this size.

    Parameters
    ----------
    seeds
        Networks side by side; by default as many as 32 units make, one at least.
    steps
        Optimiser steps of the first phase (the finish keeps its proportion to it).
    plain
        Train without regard to the circuit: no chips, no penalties, no finish.
    fine_tune
        Only the finish, from a model that there is.
    """
    wide = arch.units >= _WIDE
    learn, finish = (_PLAIN if plain else LEARN), FINISH
    if wide:
        learn = replace(learn, steps=3500, rate=1e-2)
        finish = replace(finish, race=1000.0)
    if steps is not None:
        finish = replace(finish, steps=max(1, round(finish.steps * steps / learn.steps)))
        learn = replace(learn, steps=steps)
    count = seeds or max(1, 32 // arch.units)
    return Recipe(
        seed=seed,
        seeds=count,
        finalists=math.ceil(count / 2),
        batch=128 if wide else 64,
        gain=3.0,
        learn=None if fine_tune else learn,
        finish=None if plain else finish,
        drawable=not plain,
    )
