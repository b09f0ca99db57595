"""Trains many networks side by side, goes on with the best of them, and keeps one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import log_softmax

from netgen.analysis.variability.accuracy import balanced_accuracy
from netgen.training.dataset import Dataset
from netgen.training.hardware import (
    chips,
    consistency_penalty,
    current_penalty,
    race_penalty,
    sharpness_at,
    without_dead_zone,
)
from netgen.training.network import Architecture, initial, keep_drawable, run, soft
from netgen.training.operating import tune
from netgen.training.passages import Passages, TriggerLoss, TriggerPoint, hit_share, trigger_points
from netgen.training.recipe import Phase, Recipe
from netgen.training.sampler import Sampler, labels
from netgen.training.scoring import VOTERS, Spoken, decisions_of, scores
from netgen.training.teacher import Teacher
from netgen.training.variation import Augmentation, mix, vary

AUXILIARY = slice(15, 90)
"""Frames whose mean logit carries the auxiliary loss."""
CHOICE_CHIPS, CHOICE_SPREAD = 20, 0.05
"""The virtual chips by which networks are chosen on the validation split."""
PRUNE_CHIPS, PRUNE_SPREAD = 4, 0.03
"""The same for pruning, where networks have not learnt to survive as chips yet."""
STRUCTURED = 1.0, 100
"""Share of the devices' deviations, and chips, by which networks for structured chips are chosen:
those that they are trained for. The network without any deviation counts as much as all chips."""
CURVE_EVERY = 100
"""Steps between two points of the curves, at most."""


@dataclass
class Curves:
    """How training went: at ``steps``, the loss and validation accuracy of each network.

    A network that was pruned has None from then on.
    """

    steps: list[int] = field(default_factory=list)
    loss: list[list[float | None]] = field(default_factory=list)
    validation: list[list[float | None]] = field(default_factory=list)


class CurveLists(TypedDict):
    """:class:`Curves` as plain values."""

    steps: list[int]
    loss: list[list[float | None]]
    validation: list[list[float | None]]


class TrainerState(TypedDict):
    """What a run is continued from, as plain values and tensors."""

    step: int
    cpu_s: float
    alive: list[int]
    parameters: Tensor
    optimiser: dict[str, object]
    generator: Tensor
    curves: CurveLists


@dataclass(frozen=True, eq=False)
class Trained:
    """The network that was kept: parameters (1, parameters) in float64 before any rescaling.

    ``network`` is its number among the starts, ``score`` its mean balanced accuracy over virtual
    chips on the validation split, ``offsets`` how far the constants of the readout were moved for
    it, ``cpu_s`` what it took, earlier parts of the run included. ``trigger`` is what a
    trigger misses in the validation stream.
    """

    parameters: Tensor
    network: int
    score: float
    offsets: tuple[float, ...]
    curves: Curves
    cpu_s: float
    trigger: tuple[TriggerPoint, ...] = ()


class Trainer:
    """A training run that can be stopped and continued at any step.

    Parameters
    ----------
    start
        Parameters (1, parameters) to begin with (fine-tuning); None draws new networks.
    teacher
        Whose chances of the classes are learnt beside the labels; None for labels alone.
    streams
        What is said without an end in the training and in the validation split; None for
        recordings alone.
    """

    def __init__(
        self,
        arch: Architecture,
        recipe: Recipe,
        data: Dataset,
        start: Tensor | None = None,
        teacher: Teacher | None = None,
        streams: tuple[Passages, Passages] | None = None,
    ) -> None:
        self._streams = streams
        self._trigger = None if streams is None else TriggerLoss(streams[0])
        self._front = data.mapping.front
        self._arch, self._recipe = arch, recipe
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._sampler = Sampler(
            data.train, data.pool, arch.classes, _wanted(data, arch.classes, teacher, recipe.taught)
        )
        self._validation = Spoken(data.validation.x, data.validation.y)
        if start is None:
            first = initial(arch, recipe.starts, self._generator)
        else:
            first = start.to(torch.float32).repeat(recipe.starts, 1)
        self.step = 0
        self._cpu_s, self._started = 0.0, time.process_time()
        self._curves = Curves()
        self._alive = list(range(recipe.starts))
        self._use(first)

    def _use(self, parameters: Tensor) -> None:
        """Go on with these parameters and a new optimiser."""
        self._parameters = parameters.detach().clone().requires_grad_()
        self._optimiser = torch.optim.Adam([self._parameters])

    def run(self, advanced: Callable[[], None] = lambda: None) -> Trained:
        """Take the steps that are left; ``advanced`` is called after each."""
        steps = self._recipe.steps
        every = max(1, min(CURVE_EVERY, steps // 20))
        while self.step < steps:
            number, within = self._recipe.at(self.step)
            phase = self._recipe.phases[number]
            if within == 0 and number:
                self._use(self._parameters)
            loss = self._advance(phase, within / phase.steps)
            self.step += 1
            if self.step % every == 0 or self.step == steps:
                self._note(phase, loss)
            for steps_done, kept in phase.cuts:
                if steps_done == within + 1 and kept < len(self._alive):
                    self._prune(kept)
            advanced()
        return self._choose()

    def _advance(self, phase: Phase, progress: float) -> Tensor:
        """Take one step and return every network's loss."""
        arch = self._arch
        searching = bool(phase.cuts) and self._recipe.at(self.step)[1] < phase.cuts[0][0]
        size = phase.search if searching else phase.batch
        for group in self._optimiser.param_groups:
            group["lr"] = phase.rate * 0.5 * (1 + math.cos(math.pi * progress))
        x, wanted = self._sampler.draw(size, self._generator)
        how = self._recipe.varied
        if how != Augmentation():
            x = vary(x, how, self._front, self._generator)
            x, wanted = mix(x, wanted, how, self._generator)
        parameters: Tensor = self._parameters
        if progress >= phase.dead_zone:
            parameters = without_dead_zone(arch, parameters)
        ramp = min(1.0, progress / phase.ramp)
        arch, sampled = chips(
            arch,
            parameters,
            phase.chips,
            phase.spread * ramp,
            self._generator,
            phase.offset * ramp,
            self._recipe.errors if phase.structured else None,
            phase.nominal,
        )
        loss = self._loss(arch, phase, progress, ramp, sampled, x, wanted)
        loss = loss.view(len(parameters), -1).mean(dim=1)
        if phase.passages and self._trigger is not None:
            gates = soft(sharpness_at(progress, *phase.sharpness))
            counts = phase.chips, phase.passages
            loss = loss + phase.trigger * self._trigger(
                arch, sampled, *counts, self._recipe.gain, gates, self._generator
            )
        self._optimiser.zero_grad()
        loss.sum().backward()
        gradient = self._parameters.grad
        assert gradient is not None
        gradient.div_(gradient.norm(dim=1, keepdim=True).clamp(min=1.0))
        self._optimiser.step()
        with torch.no_grad():
            keep_drawable(self._arch, self._parameters)
        return loss.detach()

    def _loss(
        self,
        arch: Architecture,
        phase: Phase,
        progress: float,
        ramp: float,
        sampled: Tensor,
        x: Tensor,
        wanted: Tensor,
    ) -> Tensor:
        """Return the loss of every chip; chip c of a network sees the c-th part of the batch."""
        recipe = self._recipe
        count, chain, frames = phase.chips, recipe.chain, len(x)
        # recordings in a row: (frames, chips, chain, samples, …) → (chips, chain · frames, …)
        parts = x.view(frames, count, chain, -1, x.shape[2]).permute(1, 2, 0, 3, 4).flatten(1, 2)
        wanted = wanted.view(count, chain, 1, -1, arch.classes)
        copies = len(sampled) // count
        everyone = parts if count == 1 else parts.repeat(copies, 1, 1, 1)
        wanted = wanted.repeat(copies, 1, 1, 1, 1)
        sharpness = sharpness_at(progress, *phase.sharpness)
        acts = run(arch, sampled, everyone, soft(sharpness))
        logits = (recipe.gain * acts.logits).view(
            len(sampled), chain, frames, -1, acts.logits.shape[3]
        )
        loss = _cross_entropy(logits[:, :, -VOTERS:], wanted)
        fading = 1 - progress / phase.auxiliary if phase.auxiliary else 0.0
        if fading > 0:
            mean = logits[:, :, AUXILIARY].mean(dim=2, keepdim=True)
            loss = loss + fading * _cross_entropy(mean, wanted)
        if phase.currents:
            loss = loss + phase.currents * current_penalty(acts)
        if phase.consistency:
            gap = consistency_penalty(arch, sampled, acts, sharpness)
            loss = loss + ramp * phase.consistency * gap
        if phase.race:
            loss = loss + ramp * phase.race * race_penalty(arch, sampled, acts, sharpness)
        return loss

    def _realised(self) -> Tensor:
        """Return the parameters as the circuit would realise them."""
        parameters = self._parameters.detach()
        return without_dead_zone(self._arch, parameters) if self._recipe.drawable else parameters

    def _note(self, phase: Phase, loss: Tensor) -> None:
        decisions = decisions_of(self._arch, self._realised(), self._validation.fresh)
        accuracy = balanced_accuracy(decisions, self._validation.y)
        self._curves.steps.append(self.step)
        for column, values in (
            (self._curves.loss, loss.tolist()),
            (self._curves.validation, accuracy.tolist()),
        ):
            entries: list[float | None] = [None] * self._recipe.starts
            for network, value in zip(self._alive, values, strict=True):
                entries[network] = value
            column.append(entries)

    def _prune(self, count: int) -> None:
        """Go on with the best networks alone, and with what their optimiser knows."""
        scores = self._scores(PRUNE_SPREAD, PRUNE_CHIPS)
        best = sorted(scores.argsort()[::-1][:count].tolist())
        memory = self._optimiser.state[self._parameters]
        kept = {
            key: value[best].clone() if value.ndim else value.clone()
            for key, value in memory.items()
        }
        self._alive = [self._alive[place] for place in best]
        self._use(self._parameters[best])
        self._optimiser.state[self._parameters] = kept

    def _scores(self, spread: float, count: int) -> NDArray[np.float64]:
        return scores(
            self._arch, self._realised(), self._validation, spread, count, self._recipe.seed
        )

    def _choose(self) -> Trained:
        """Return the best network by validation, each at its own operating point."""
        realised, errors = self._realised(), self._recipe.errors
        spread, count = (CHOICE_SPREAD, CHOICE_CHIPS) if errors is None else STRUCTURED
        tuned = [
            tune(self._arch, one, self._validation, spread, count, self._recipe.seed, errors)
            for one in realised.split(1)
        ]
        triggers = [
            trigger_points(self._arch, one, self._streams[1]) if self._streams else ()
            for one, _, _ in tuned
        ]
        best = max(
            range(len(tuned)), key=lambda place: tuned[place][1] + hit_share(triggers[place])
        )
        parameters, score, offsets = tuned[best]
        return Trained(
            parameters.to(torch.float64),
            self._alive[best],
            score,
            offsets,
            self._curves,
            self._spent(),
            triggers[best],
        )

    def _spent(self) -> float:
        return self._cpu_s + time.process_time() - self._started

    def state(self) -> TrainerState:
        """Return everything that :meth:`restore` needs, as plain values and tensors."""
        return {
            "step": self.step,
            "cpu_s": self._spent(),
            "alive": self._alive,
            "parameters": self._parameters.detach(),
            "optimiser": self._optimiser.state_dict(),
            "generator": self._generator.get_state(),
            "curves": {
                "steps": self._curves.steps,
                "loss": self._curves.loss,
                "validation": self._curves.validation,
            },
        }

    def restore(self, state: TrainerState) -> None:
        """Continue where :meth:`state` was taken."""
        self.step, self._alive = state["step"], list(state["alive"])
        self._cpu_s, self._started = state["cpu_s"], time.process_time()
        self._use(state["parameters"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._generator.set_state(state["generator"])
        self._curves = Curves(**state["curves"])


def _wanted(
    data: Dataset, classes: int, teacher: Teacher | None, taught: float
) -> tuple[Tensor, Tensor]:
    """Return what is to be learnt of training samples and altered copies, (samples, classes)."""
    train, pool = (
        labels(part, classes)
        if teacher is None
        else torch.lerp(labels(part, classes), teacher(part.x), taught)
        for part in (data.train, data.pool)
    )
    return train, pool


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over recordings and frames, for every network.

    Logits are (networks, chain, frames, samples, classes), wanted chances (networks, chain, 1,
    samples, classes).
    """
    loss = -(wanted * log_softmax(logits, dim=-1)).sum(dim=-1)
    return loss.mean(dim=(1, 2, 3))
