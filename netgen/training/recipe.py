"""How long and how hard to train: the measured defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netgen.training.network import Architecture


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the data and the architecture.

    Attributes
    ----------
    seed, seeds
        The seed of all randomness, and how many networks are trained side by side.
    batch, steps, rate
        Samples a step (the networks share them), Adam's steps, and its learning rate before it
        falls to 0 along a cosine.
    gain
        Factor of the logits in the loss: currents of one unit are too small for a sure softmax.
    sharpness
        K of the soft gates at the first step and from 90 % of the steps on.
    auxiliary
        Share of the steps over which the auxiliary loss on the mean logit fades out.
    drawable
        Whether weights too small to draw become 0 and the result is rescaled.
    dead_zone
        Share of the steps after which weights too small to draw count as 0 in training.
    chips, spread, offset
        Virtual chips a network and step (they share the batch), the relative standard deviation
        of their parameters, and the standard deviation of their candidates' offsets, in units.
    currents, consistency, race
        Weights of the penalties (see :mod:`netgen.training.hardware`).
    ramp
        Share of the steps over which spread, offset, consistency and race grow to their full
        size: at once, they would leave nothing to learn from.
    """

    seed: int
    seeds: int
    batch: int
    steps: int
    rate: float
    gain: float
    sharpness: tuple[float, float]
    auxiliary: float
    drawable: bool
    dead_zone: float
    chips: int
    spread: float
    offset: float
    currents: float
    consistency: float
    race: float
    ramp: float


_USUAL = Recipe(
    seed=0,
    seeds=1,
    batch=64,
    steps=1500,
    rate=2e-2,
    gain=3.0,
    sharpness=(4.0, 80.0),
    auxiliary=0.6,
    drawable=True,
    dead_zone=0.5,
    chips=4,
    spread=0.05,
    offset=0.01,
    currents=10.0,
    consistency=2.0,
    race=300.0,
    ramp=0.5,
)
_SIDE_BY_SIDE = 24
"""Units of all networks together, by default."""
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
        Networks side by side; by default as many as 24 units make, one at least.
    steps
        Optimiser steps.
    plain
        Train without regard to the circuit: no chips, no penalties.
    fine_tune
        Harden a model that there is: sharp gates and a low rate from the start, half the steps.
    """
    recipe = replace(_USUAL, seed=seed, seeds=seeds or max(1, _SIDE_BY_SIDE // arch.units))
    if arch.units >= _WIDE:
        recipe = replace(recipe, batch=128, steps=2000, rate=1e-2, race=1000.0)
    if fine_tune:
        recipe = replace(
            recipe,
            steps=recipe.steps // 2,
            rate=7e-3,
            sharpness=(20.0, 80.0),
            auxiliary=0.0,
            dead_zone=0.0,
        )
    if plain:
        recipe = replace(
            recipe,
            drawable=False,
            dead_zone=1.0,
            chips=1,
            spread=0.0,
            offset=0.0,
            currents=0.0,
            consistency=0.0,
            race=0.0,
        )
    return recipe if steps is None else replace(recipe, steps=steps)
