"""How long and how hard to train: the measured defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netgen.training.network import Architecture
from netgen.training.structured import ChipErrors
from netgen.training.teacher import Lesson
from netgen.training.variation import Augmentation


@dataclass(frozen=True)
class Phase:
    """One stretch of a training run, with an optimiser and schedules of its own."""

    #: ``steps``, ``rate``: Adam's steps, and its learning rate before it falls to 0 along a cosine.
    steps: int
    rate: float
    #: K of the soft gates at the first step and from 90 % of the steps on.
    sharpness: tuple[float, float]
    #: Share of the steps over which the auxiliary loss on the mean logit fades out.
    auxiliary: float
    dead_zone: float = 1.0  #: Share of the steps after which weights too small to draw count as 0.
    #: ``chips``, ``spread``, ``offset``: virtual chips a network and step (they share the batch),
    #: the relative standard deviation of their parameters (of structured chips: the share of the
    #: devices' own deviations), and the standard deviation of their candidates' offsets, in units.
    chips: int = 1
    spread: float = 0.0
    offset: float = 0.0
    #: ``structured``, ``nominal``: whether these chips are made of transistors, and how many of
    #: them do not deviate.
    structured: bool = False
    nominal: int = 0
    #: ``currents``, ``consistency``, ``race``: weights of the penalties (see
    #: :mod:`netgen.training.hardware`).
    currents: float = 0.0
    consistency: float = 0.0
    race: float = 0.0
    #: Share of the steps over which spread, offset and the penalties of states grow to their full
    #: size: at once, they would leave nothing to learn from.
    ramp: float = 0.5
    batch: int = 64  #: Recordings a step; all networks share them.
    search: int = 32  #: Recordings a step before the first cut, where many networks are compared.
    #: ``passages``, ``trigger``: passages of a stream a step, beside the recordings, and the weight
    #: of what a trigger does wrong in them.
    passages: int = 0
    trigger: float = 0.0
    #: (steps, networks): after so many steps of the phase only so many networks go on, the best.
    cuts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the data and the architecture."""

    #: ``seed``, ``starts``: the seed of all randomness, and how many networks are started side by
    #: side.
    seed: int
    starts: int
    #: Recordings in a row without a reset of the states: a spotter that is always on hears a word
    #: after another one, not from a fresh state.
    chain: int
    #: Factor of the logits in the loss: currents of one unit are too small for a sure softmax.
    gain: float
    drawable: bool  #: Whether weights too small to draw become 0 and the result is rescaled.
    #: Of the transistors that structured chips are made of; None for chips alone whose parameters
    #: deviate independently, by 5 %.
    errors: ChipErrors | None
    #: Plain training with pruning, then hardening by independent and by structured chips, then the
    #: last of them on passages of a stream; one may be the only one.
    phases: tuple[Phase, ...]
    varied: Augmentation  #: How the features of every batch are altered.
    #: Share of the teacher's chances in what the networks learn; the rest are the labels.
    taught: float
    lesson: Lesson  #: How the teacher is trained, where it has a share.

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def at(self, step: int) -> tuple[int, int]:
        """Return the phase's number and the step in it for a step of the whole run.

        Raises
        ------
        IndexError
            The step lies behind the last phase.
        """
        for number, phase in enumerate(self.phases):
            if step < phase.steps:
                return number, step
            step -= phase.steps
        raise IndexError("the step lies behind the last phase")


_LEARN = Phase(steps=3000, rate=2e-2, sharpness=(4.0, 80.0), auxiliary=0.6, currents=10.0)
_HARDEN = Phase(
    steps=500,
    rate=7e-3,
    sharpness=(20.0, 80.0),
    auxiliary=0.0,
    dead_zone=0.0,
    chips=4,
    spread=0.05,
    offset=0.01,
    currents=10.0,
    consistency=2.0,
    race=300.0,
    ramp=0.3,
)
_SLOWER = 5 / 7
"""Learning rate of structured chips over that of independent ones."""
_PASSAGES, _PASSAGE_STEPS, _TRIGGER = 32, 1500, 0.5
"""Passages of a stream a step, steps of the phase that hears them, and their weight."""
_STARTED, _KEPT, _HARDENED = 128, 24, 16
"""Units of all networks together: at the start, after the search, and in hardening."""
_MOST = 32
_SEARCHED = 0.1
"""Share of the steps after which the search ends."""
_VARIED = Augmentation(pace=1.1, shift=2.0, bands=0.5, gain=1.1, mixed=0.2)
"""Small networks learn less from recordings that are altered more."""
_TAUGHT = 0.9
_WIDE = 16
"""From this many units on a network is trained longer, slower and with larger batches."""


def default_recipe(
    arch: Architecture,
    *,
    seed: int = 0,
    starts: int | None = None,
    steps: int | None = None,
    plain: bool = False,
    fine_tune: bool = False,
    taught: bool = True,
    streams: bool = False,
    errors: ChipErrors | None = None,
) -> Recipe:
    """Return the recipe that was measured for networks of this size.

    Parameters
    ----------
    starts
        Networks started side by side; by default as many as 128 units make, 32 at most.
    steps
        Steps of plain training (a third as many for each phase of hardening), or of each of these
        where that is all; the teacher takes no more either.
    plain
        Train without regard to the circuit: no chips, no penalties, no hardening.
    fine_tune
        Harden a model that there is.
    taught
        Learn from a teacher beside the labels.
    streams
        Go on with the best network on passages of a stream too.
    errors
        See :class:`Recipe`.
    """
    learn, harden, lesson = _LEARN, _HARDEN, Lesson()
    if arch.units >= _WIDE:
        learn = replace(learn, rate=1e-2, batch=128, search=64)
        harden = replace(harden, steps=700, rate=5e-3, batch=128, race=1000.0)
    if steps is not None:
        learn = replace(learn, steps=steps)
        harden = replace(harden, steps=steps if fine_tune else max(1, steps // 3))
        lesson = replace(lesson, steps=min(steps, lesson.steps))
    hardening = [harden]
    if errors is not None:
        longer = harden.steps if steps is not None else 2 * harden.steps
        structured = replace(
            harden, chips=16, nominal=4, spread=1.0, structured=True, consistency=0.0
        )
        hardening.append(replace(structured, steps=longer, rate=_SLOWER * harden.rate))
    hear = replace(hardening[-1], steps=_PASSAGE_STEPS if steps is None else harden.steps)
    hear = replace(hear, passages=_PASSAGES, trigger=_TRIGGER, rate=harden.rate)
    kept, hardened = (_side_by_side(units, arch, 4) for units in (_KEPT, _HARDENED))
    if starts is None:
        starts = hardened if fine_tune else _side_by_side(_STARTED, arch, _MOST)
    searched = max(1, round(_SEARCHED * learn.steps))
    learn = replace(learn, cuts=((searched, kept), (learn.steps, hardened)))
    if plain:
        learn = replace(learn, currents=0.0, cuts=learn.cuts[:1])
    if streams:
        last = hardening.pop()
        hardening += [replace(last, cuts=((last.steps, 1),)), hear]
    if fine_tune and streams:
        hardening = [hear]
    phases = (learn,) if plain else (*(() if fine_tune else (learn,)), *hardening)
    return Recipe(
        seed=seed,
        starts=starts,
        chain=2,
        gain=3.0,
        drawable=not plain,
        errors=None if plain else errors,
        phases=phases,
        varied=_VARIED,
        taught=_TAUGHT if taught else 0.0,
        lesson=lesson,
    )


def _side_by_side(units: int, arch: Architecture, most: int) -> int:
    return max(1, min(most, units // arch.units))
