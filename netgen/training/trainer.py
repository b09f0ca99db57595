"""Trains many networks side by side and keeps one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from netgen.training.dataset import Dataset
from netgen.training.hardware import (
    chips,
    consistency_penalty,
    current_penalty,
    race_penalty,
    sharpness_at,
    without_dead_zone,
)
from netgen.training.judge import VOTERS, answer, balanced_accuracy, scores, to_inputs
from netgen.training.network import Architecture, initial, keep_drawable, run, soft
from netgen.training.recipe import Recipe
from netgen.training.sampler import Sampler

AUXILIARY = slice(15, 90)
"""Frames whose mean logit carries the auxiliary loss."""
CHOICE_CHIPS, CHOICE_SPREAD = 20, 0.05
"""The virtual chips by which networks are chosen on the validation split."""
CURVE_EVERY = 100
"""Steps between two points of the curves, at most."""


@dataclass
class Curves:
    """How training went: at ``steps``, the loss and validation accuracy of each network."""

    steps: list[int] = field(default_factory=list)
    loss: list[list[float]] = field(default_factory=list)
    validation: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Trained:
    """The network that was kept: parameters (1, parameters) in float64 before any rescaling.

    ``network`` is its number among the seeds, ``score`` its mean balanced accuracy over virtual
    chips on the validation split, ``cpu_s`` what it took, earlier parts of the run included.
    """

    parameters: Tensor
    network: int
    score: float
    curves: Curves
    cpu_s: float


class Trainer:
    """A training run that can be stopped and continued at any step.

    Parameters
    ----------
    start
        Parameters (1, parameters) to begin with (fine-tuning); None draws new networks.
    """

    def __init__(
        self, arch: Architecture, recipe: Recipe, data: Dataset, start: Tensor | None = None
    ) -> None:
        self._arch, self._recipe, self._data = arch, recipe, data
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._sampler = Sampler(data.train, data.pool, arch.classes)
        self._validation = to_inputs(data.validation.x)
        if start is None:
            first = initial(arch, recipe.seeds, self._generator)
        else:
            first = start.to(torch.float32).repeat(recipe.seeds, 1)
        self.step = 0
        self._cpu_s, self._started = 0.0, time.process_time()
        self._curves = Curves()
        self._parameters = first.requires_grad_()
        self._optimiser = torch.optim.Adam([self._parameters])

    def run(self, advanced: Callable[[], None] = lambda: None) -> Trained:
        """Take the steps that are left; ``advanced`` is called after each."""
        steps = self._recipe.steps
        every = max(1, min(CURVE_EVERY, steps // 20))
        while self.step < steps:
            loss = self._advance()
            self.step += 1
            if self.step % every == 0 or self.step == steps:
                self._note(loss)
            advanced()
        return self._choose()

    def _advance(self) -> Tensor:
        """Take one step and return every network's loss."""
        arch, recipe = self._arch, self._recipe
        progress = self.step / recipe.steps
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.rate * 0.5 * (1 + math.cos(math.pi * progress))
        x, y = self._sampler.draw(recipe.batch, self._generator)
        parameters: Tensor = self._parameters
        if progress >= recipe.dead_zone:
            parameters = without_dead_zone(arch, parameters)
        ramp = min(1.0, progress / recipe.ramp)
        drawn = chips(
            arch,
            parameters,
            recipe.chips,
            recipe.spread * ramp,
            self._generator,
            recipe.offset * ramp,
        )
        loss = self._loss(progress, ramp, drawn, x, y)
        loss = loss.view(len(parameters), -1).mean(dim=1)
        self._optimiser.zero_grad()
        loss.sum().backward()
        gradient = self._parameters.grad
        assert gradient is not None
        gradient.div_(gradient.norm(dim=1, keepdim=True).clamp(min=1.0))
        self._optimiser.step()
        with torch.no_grad():
            keep_drawable(arch, self._parameters)
        return loss.detach()

    def _loss(self, progress: float, ramp: float, drawn: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of every chip; chip c of a network sees the c-th part of the batch."""
        arch, recipe = self._arch, self._recipe
        count = recipe.chips
        parts = x.view(len(x), count, -1, x.shape[2]).transpose(0, 1)
        everyone = parts.repeat(len(drawn) // count, 1, 1, 1)
        sharpness = sharpness_at(progress, *recipe.sharpness)
        acts = run(arch, drawn, everyone, soft(sharpness))
        wanted = y.view(count, 1, -1).repeat(len(drawn) // count, 1, 1)
        logits = recipe.gain * acts.logits
        loss = _cross_entropy(logits[:, -VOTERS:], wanted)
        fading = 1 - progress / recipe.auxiliary if recipe.auxiliary else 0.0
        if fading > 0:
            mean = logits[:, AUXILIARY].mean(dim=1, keepdim=True)
            loss = loss + fading * _cross_entropy(mean, wanted)
        if recipe.currents:
            loss = loss + recipe.currents * current_penalty(acts)
        if recipe.consistency:
            gap = consistency_penalty(arch, drawn, acts, sharpness)
            loss = loss + ramp * recipe.consistency * gap
        if recipe.race:
            loss = loss + ramp * recipe.race * race_penalty(arch, drawn, acts, sharpness)
        return loss

    def _drawn(self) -> Tensor:
        """Return the parameters as they would be drawn."""
        parameters = self._parameters.detach()
        return without_dead_zone(self._arch, parameters) if self._recipe.drawable else parameters

    def _note(self, loss: Tensor) -> None:
        found = answer(self._arch, self._drawn(), self._validation)
        accuracy = balanced_accuracy(found.decisions, self._data.validation.y)
        self._curves.steps.append(self.step)
        self._curves.loss.append(loss.tolist())
        self._curves.validation.append(accuracy.tolist())

    def _choose(self) -> Trained:
        """Return the best network by validation."""
        drawn = self._drawn()
        found = scores(
            self._arch,
            drawn,
            self._validation,
            self._data.validation.y,
            CHOICE_SPREAD,
            CHOICE_CHIPS,
            self._recipe.seed,
        )
        best = int(found.argmax())
        kept = drawn[best : best + 1].to(torch.float64)
        return Trained(kept, best, float(found[best]), self._curves, self._spent())

    def _spent(self) -> float:
        return self._cpu_s + time.process_time() - self._started

    def state(self) -> dict[str, Any]:
        """Return everything that :meth:`restore` needs, as plain values and tensors."""
        return {
            "step": self.step,
            "cpu_s": self._spent(),
            "parameters": self._parameters.detach(),
            "optimiser": self._optimiser.state_dict(),
            "generator": self._generator.get_state(),
            "curves": vars(self._curves),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was taken."""
        self.step = state["step"]
        self._cpu_s, self._started = state["cpu_s"], time.process_time()
        with torch.no_grad():
            self._parameters.copy_(state["parameters"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._generator.set_state(state["generator"])
        self._curves = Curves(**state["curves"])


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over frames and samples, for every network.

    Logits are (networks, frames, samples, classes), wanted classes (networks, 1, samples).
    """
    frames = logits.shape[1]
    targets = wanted.expand(-1, frames, -1).reshape(-1)
    loss = cross_entropy(logits.reshape(-1, logits.shape[3]), targets, reduction="none")
    return loss.view(len(logits), -1).mean(dim=1)
