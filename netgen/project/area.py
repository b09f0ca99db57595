"""Area by group of devices: sizes that give the most chips that decide right, or the least area.

What a group's mismatch does to the leads of samples falls with the area of its devices. So each
group gets the size at which its variance and its area, at one price for all groups, cost least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from netgen.analysis.variability.accuracy import PopulationAccuracy, population_accuracy
from netgen.analysis.variability.population import lead
from netgen.analysis.variability.stein import lead_variances
from netgen.behavioural.fast import FastChips, fast_chips
from netgen.behavioural.settings import ChipSettings
from netgen.circuit.blocks.groups import CANDIDATES
from netgen.circuit.grouping import device_groups, group_names
from netgen.errors import UsageError
from netgen.model import Model, Samples, decide, evaluate
from netgen.model.graph import Floats, Integers
from netgen.netlist import transistors_of
from netgen.netlist.area import area_of
from netgen.progress import announced
from netgen.project.build import Design, design
from netgen.project.options import BuildOptions
from netgen.project.trim import DrawnChips
from netgen.project.twin import twin_of
from netgen.technology import Transistor, scaled
from netgen.trim import CodeRange, trim_measured
from netgen.trim.search import SOFTNESS

FACTORS = np.round(np.arange(0.5, 6.01, 0.1), 2)
"""What W and L of a group may be multiplied by."""
CHIPS, JUDGED, BATCH = 2000, 1000, 100
ROUNDS = 3
"""How often the variances are found again, at the sizes that the last ones gave."""
BUDGETS = (0.5, 8.0)
"""Drawn areas over that of one size for all, between which a yield is looked for."""
_HALVINGS = 6
_EACH = 1.2e-7
"""CPU seconds that a chip takes for a frame of a small network."""


@dataclass(frozen=True, eq=False)
class Sized:
    """Sizes of groups of devices, and what is expected of them.

    Attributes
    ----------
    factors
        What W and L of each group are multiplied by.
    area
        Drawn area over that of one size for all.
    accuracy
        Of chips that were not used to find the sizes.
    """

    factors: Mapping[str, float]
    area: float
    accuracy: PopulationAccuracy

    @property
    def kept(self) -> float:
        """Share of chips that lose at most five points of balanced accuracy."""
        return self.accuracy.far.share or 0.0


@dataclass(frozen=True, eq=False)
class AreaByGroup:
    """A circuit in one size for all, of which the groups of devices can be resized.

    Attributes
    ----------
    samples
        Labelled ones that say what matters.
    trimmed
        Whether chips get the codes of a trim by measurement; then nothing is drawn smaller that a
        trim corrects, so that its errors stay within the reach of the codes.
    """

    made: Design
    samples: Samples
    trimmed: bool = False
    seed: int = 0

    @cached_property
    def fast(self) -> FastChips:
        """The fast chip model."""
        made = self.made
        return fast_chips(twin_of(made.circuit, made.technology, made.conditions, made.netlist))

    @cached_property
    def transistors(self) -> Mapping[str, Transistor]:
        """All transistors in one size for all."""
        return transistors_of(self.made.netlist)

    @cached_property
    def group_of(self) -> Mapping[str, str]:
        """The group of each transistor that has one."""
        return device_groups(self.made.circuit, self.made.netlist)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Those that the circuit has."""
        there = set(self.group_of.values())
        return tuple(name for name in group_names(self.made.circuit) if name in there)

    @cached_property
    def software(self) -> Integers:
        """Software's decisions."""
        model = self.made.circuit.model
        return decide(model.readout, evaluate(model, self.samples.x)[model.readout.node])

    @cached_property
    def areas(self) -> Mapping[str, Floats]:
        """Drawn area of each group at every factor, and of all that belongs to none, m²."""
        found = {group: np.zeros(len(FACTORS)) for group in (*self.groups, "")}
        for name, each in self.transistors.items():
            group = self.group_of.get(name, "")
            factors = FACTORS if group else np.ones(len(FACTORS))
            sizes = (scaled(each.geometry, by) for by in factors.tolist())
            found[group] += [
                area_of(size, self.made.technology.diffusion).drawn_m2 for size in sizes
            ]
        return found

    def area(self, factors: Mapping[str, float]) -> float:
        """Return the drawn area over that of one size for all."""
        one = _place(1.0)
        total = sum(areas[_place(factors.get(group, 1.0))] for group, areas in self.areas.items())
        return float(total / sum(areas[one] for areas in self.areas.values()))

    def cheapest(
        self, variances: Mapping[str, float], at: Mapping[str, float], budget: float
    ) -> dict[str, float]:
        """Return the factors with the least variance whose area is within the budget.

        Parameters
        ----------
        variances
            Of the groups at the factors ``at``.
        """
        corrected: set[str] = set()
        if self.trimmed:
            blocks = (layer.block for layer in self.made.circuit.cells)
            corrected = {CANDIDATES, *(bias.name for block in blocks for bias in block.biases)}
        allowed = {g: (1.0 if g in corrected else 0.0) <= FACTORS for g in self.groups}
        total = sum(areas[_place(1.0)] for areas in self.areas.values())

        def chosen(price: float) -> dict[str, float]:
            found = {}
            for group in self.groups:
                cost = variances[group] * (at[group] / FACTORS) ** 2
                cost = cost + price * self.areas[group] / total
                found[group] = float(FACTORS[np.where(allowed[group], cost, np.inf).argmin()])
            return found

        low, high = -30.0, 30.0
        for _ in range(60):
            middle = (low + high) / 2
            within = self.area(chosen(float(np.exp(middle)))) <= budget
            low, high = (low, middle) if within else (middle, high)
        return chosen(float(np.exp(high)))

    def batches(
        self, factors: Mapping[str, float], count: int, seed: int
    ) -> Iterator[tuple[Floats, Floats]]:
        """Yield normal deviations (chips, devices) and the logits of those chips in batches."""
        resized = {
            name: replace(each, geometry=scaled(each.geometry, factors[self.group_of[name]]))
            if self.group_of.get(name) in factors
            else each
            for name, each in self.transistors.items()
        }
        sigma = self.fast.sigma(self.made.technology, resized)
        rng = np.random.default_rng((self.seed, seed))
        model = self.made.circuit.model
        for first in range(0, count, BATCH):
            drawn = rng.standard_normal((min(BATCH, count - first), len(sigma)))
            chips = DrawnChips(model, self.fast, drawn * sigma)
            yield drawn, chips.logits(self.samples.x, self.settings(chips))

    def settings(self, chips: DrawnChips) -> ChipSettings | None:
        """Return what a trim by measurement sets."""
        if not self.trimmed:
            return None
        circuit = self.made.circuit
        return trim_measured(circuit, chips.cells, CodeRange(), len(chips)).codes.settings

    def variances(self, factors: Mapping[str, float]) -> dict[str, float]:
        """Return the variance of leads that each group accounts for, at given sizes."""
        readout, leads, drawn = self.made.circuit.model.readout, [], []
        for deviations, logits in self.batches(factors, CHIPS, 0):
            flat, count = logits.reshape(-1, *logits.shape[2:]), len(deviations)
            each = lead(readout, flat, np.tile(self.software, count)).reshape(count, -1)
            leads.append(np.tanh(each / SOFTNESS))  # beyond it a lead decides nothing more
            drawn.append(deviations)
        each = lead_variances(np.concatenate(leads), np.concatenate(drawn))
        places = np.array([self.group_of.get(names[0], "") for names in self.fast.names])
        return {group: max(float(each[places == group].sum()), 0.0) for group in self.groups}

    def judged(self, factors: Mapping[str, float]) -> Sized:
        """Return what to expect of sizes."""
        readout, labels = self.made.circuit.model.readout, self.samples.y
        assert labels is not None
        decisions = [
            decide(readout, logits.reshape(-1, *logits.shape[2:])).reshape(len(logits), -1)
            for _, logits in self.batches(factors, JUDGED, 1)
        ]
        found = population_accuracy(
            np.concatenate(decisions), self.software, labels.astype(np.intp)
        )
        return Sized(factors, self.area(factors), found)

    def within(self, budget: float) -> Sized:
        """Return the sizes with the least variance within an area."""
        factors = dict.fromkeys(self.groups, 1.0)
        for number in range(ROUNDS):
            what = f"area by group: {budget:.2f} ×, round {number + 1} of {ROUNDS}"
            with announced(what, CHIPS * self.samples.x[..., 0].size * _EACH):
                factors = self.cheapest(self.variances(factors), factors, budget)
        return self.judged(factors)

    def reaching(self, target: float) -> Sized:
        """Return sizes of little area of which a share of chips loses at most five points.

        Raises
        ------
        UsageError
            No area looked at is enough.
        """
        low, high = np.log(BUDGETS)
        best = self.within(BUDGETS[1])
        if best.kept < target:
            problem = f"--yield {target:g}: at {BUDGETS[1]:g} × the area {best.kept:.3g} are kept"
            raise UsageError(f"{problem}; train with --chips structured, or trim")
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            found = self.within(float(np.exp(middle)))
            if found.kept >= target:
                high, best = middle, found
            else:
                low = middle
        return best


def _place(factor: float) -> int:
    return int(np.argmin(np.abs(FACTORS - factor)))


def area_by_group(
    model: Model,
    options: BuildOptions,
    samples: Samples,
    *,
    budget: float | None = None,
    target: float | None = None,
    trimmed: bool = False,
    models: Path | None = None,
) -> tuple[Sized, Sized]:
    """Return sizes of groups of devices, and what one size for all gives in the same area.

    Parameters
    ----------
    samples
        Labelled recordings that no result is stated on: of the validation split, say.
    budget
        Drawn area over that of one size for all; None: as little as reaches ``target``.
    target
        Share of chips that lose at most five points of balanced accuracy against software.
    trimmed
        See :class:`AreaByGroup`.

    Raises
    ------
    UsageError
        The samples have no labels, sizes are given already, or the target is out of reach.
    """
    if samples.y is None or len(np.unique(samples.y)) < 2:
        raise UsageError("--optimise needs samples with labels (y) of two classes: --calibration")
    if options.sizes:
        raise UsageError("--optimise chooses the sizes of groups: leave out --size")
    found = AreaByGroup(design(model, options, samples.x, models), samples, trimmed)
    best = found.within(budget) if budget is not None else found.reaching(float(target or 0))
    same = next(
        by
        for by in FACTORS[::-1].tolist()
        if found.area(dict.fromkeys(found.groups, by)) <= best.area or by == FACTORS[0]
    )
    return best, found.judged(dict.fromkeys(found.groups, same))
