"""Area by group of devices: sizes that give the most chips that decide right, or the least area.

What a group's mismatch does to the leads of samples falls with the area of its devices. So each
group gets the size at which its variance and its area, at one price for all groups, cost least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from netgen.analysis.variability.accuracy import PopulationAccuracy, population_accuracy
from netgen.behavioural.fast import fast_chips
from netgen.circuit.blocks.groups import CANDIDATES, MIRRORS
from netgen.circuit.grouping import device_groups
from netgen.errors import UsageError
from netgen.model import Model, Samples
from netgen.model.graph import Floats
from netgen.netlist.area import Area, area_of, areas
from netgen.progress import announced
from netgen.project.build import Design, design
from netgen.project.grouped import EACH, GroupedChips
from netgen.project.options import BuildOptions
from netgen.project.twin import twin_of
from netgen.technology import Geometry, scaled
from netgen.trim import CodeRange

FACTORS = np.round(np.arange(0.5, 6.01, 0.1), 2)
"""What W and L of a group may be multiplied by."""
CHIPS, EVALUATED = 2000, 1000
ROUNDS = 3
"""How often the variances are found again, at the sizes that the last ones gave."""
BUDGETS = (0.5, 8.0)
"""Drawn areas over that of one size for all, between which a yield is looked for."""
_HALVINGS = 6
_PASSES, _ROOM = 5, 0.02
"""How often the circuit is drawn to meet a budget, and the share of it that may stay unused."""


@dataclass(frozen=True, eq=False)
class Sized:
    """Sizes of groups of devices, and what is expected of them."""

    factors: Mapping[str, float]  #: What W and L of each group are multiplied by.
    area: float  #: Drawn area over that of one size for all.
    accuracy: PopulationAccuracy  #: Of chips that were not used to find the sizes.

    @property
    def kept(self) -> float:
        """Share of chips that lose at most five points of balanced accuracy."""
        return self.accuracy.far.share or 0.0


@dataclass(frozen=True, eq=False)
class AreaByGroup:
    """A circuit in one size for all, of which the groups of devices can be resized."""

    design: Design
    samples: Samples  #: Labelled ones that say what matters.
    #: Sizes the circuit with these factors of its groups.
    redrawn: Callable[[Mapping[str, float]], Design]
    #: Whether chips get the codes of a trim by measurement; then nothing is drawn smaller that a
    #: trim corrects, so that its errors stay within the reach of the codes.
    trimmed: bool = False
    inputs: bool = False  #: Whether that trim sets input gains too.
    seed: int = 0
    by_node: bool = False  #: Whether a group has a size of each node.

    @cached_property
    def chips(self) -> GroupedChips:
        """Its chips by the fast model."""
        design = self.design
        twin = twin_of(design.circuit, design.technology, design.conditions, design.netlist)
        span = CodeRange() if self.trimmed else None
        choices = span, self.inputs, self.seed, self.by_node
        return GroupedChips(fast_chips(twin), self.samples.x, *choices)

    @cached_property
    def group_of(self) -> Mapping[str, str]:
        """The group of each transistor that has one."""
        return device_groups(self.design.circuit, self.design.netlist, self.by_node)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Those that the circuit has."""
        return tuple(dict.fromkeys(self.group_of.values()))

    @cached_property
    def areas(self) -> Mapping[str, Floats]:
        """Area, m², (factors,), of each group, and of all that belongs to none."""
        areas = {group: np.zeros(len(FACTORS)) for group in (*self.groups, "")}
        diffusion = self.design.technology.diffusion
        for name in self.design.netlist.transistors:
            group = self.group_of.get(name, "")
            factors = FACTORS if group else np.ones(len(FACTORS))
            sizes = (self.resized(name, by) for by in factors.tolist())
            areas[group] += [area_of(size, diffusion).drawn_m2 for size in sizes]
        return areas

    @cached_property
    def series(self) -> Mapping[str, int]:
        """Transistors in series by the first of them."""
        return Counter(device.stack for device in self.design.netlist.transistors.values())

    def resized(self, name: str, by: float) -> Geometry:
        """Return the geometry of a transistor whose group has a factor.

        A mirror stands where the sizing path of the group's unit has its ratio, so that one at the
        narrowest width does not become smaller.
        """
        now = self.design.netlist.transistors[name].geometry
        if _kind(self.group_of.get(name, "")) not in MIRRORS or by == 1:
            return scaled(now, by)
        device, technology = self.design.netlist.transistors[name], self.design.technology
        count = self.series[device.stack]
        path = technology.path(device.polarity, scaled(self.design.circuit.unit, by))
        logs = np.log([(each.width, each.length) for each in path[::-1]])
        ratio = np.log(now.width / (now.length * count))
        width, length = np.exp(
            [np.interp(ratio, logs[:, 0] - logs[:, 1], axis) for axis in logs.T]
        ).tolist()
        return Geometry(width, length / count, now.multiplicity)

    def area(self, factors: Mapping[str, float]) -> float:
        """Return the drawn area over that of one size for all."""
        one = _place(1.0)
        total = sum(areas[_place(factors.get(group, 1.0))] for group, areas in self.areas.items())
        return float(total / sum(areas[one] for areas in self.areas.values()))

    def cheapest(self, variances: Mapping[str, float], budget: float) -> dict[str, float]:
        """Return the factors with the least variance whose area is within the budget.

        Parameters
        ----------
        variances
            Of the groups at the factor 1; they fall with its square.
        """
        corrected: set[str] = set()
        if self.trimmed:
            blocks = (layer.block for layer in self.design.circuit.cells)
            corrected = {CANDIDATES, *(bias.group for block in blocks for bias in block.biases)}
        allowed = {g: (1.0 if _kind(g) in corrected else 0.0) <= FACTORS for g in self.groups}
        total = sum(areas[_place(1.0)] for areas in self.areas.values())

        def chosen(price: float) -> dict[str, float]:
            chosen = {}
            for group in self.groups:
                cost = variances[group] / FACTORS**2 + price * self.areas[group] / total
                chosen[group] = float(FACTORS[np.where(allowed[group], cost, np.inf).argmin()])
            return chosen

        low, high = -30.0, 30.0
        for _ in range(60):
            middle = (low + high) / 2
            within = self.area(chosen(float(np.exp(middle)))) <= budget
            low, high = (low, middle) if within else (middle, high)
        return chosen(float(np.exp(high)))

    def sigma(self, factors: Mapping[str, float]) -> Floats:
        """Return the standard deviations of devices' log errors at given sizes, (devices,)."""
        resized = {}
        for name, each in self.design.netlist.transistors.items():
            by = factors.get(self.group_of.get(name, ""), 1.0)
            resized[name] = replace(each, geometry=self.resized(name, by))
        return self.chips.fast.sigma(self.design.technology, resized)

    def evaluate(self, factors: Mapping[str, float]) -> Sized:
        """Return what to expect of sizes."""
        labels = self.samples.y
        assert labels is not None
        accuracy = population_accuracy(
            self.chips.decisions(self.sigma(factors), EVALUATED),
            self.chips.software,
            labels.astype(np.intp),
        )
        return Sized(factors, self.area(factors), accuracy)

    def variances_at_best(self, budget: float) -> dict[str, float]:
        """Return the groups' variances at the factor 1, as they are at the best sizes."""
        factors, variances = dict.fromkeys(self.groups, 1.0), dict.fromkeys(self.groups, 0.0)
        for number in range(ROUNDS):
            what = f"area by group: {budget:.2f} ×, round {number + 1} of {ROUNDS}"
            with announced(what, CHIPS * self.samples.x[..., 0].size * EACH):
                by_group = self.chips.variances(self.sigma(factors), CHIPS)
            variances = {group: by_group[group] * by**2 for group, by in factors.items()}
            factors = self.cheapest(variances, budget)
        return variances

    def expected(self, budget: float) -> Sized:
        """Return the sizes with the least variance within an area, as estimated undrawn."""
        return self.evaluate(self.cheapest(self.variances_at_best(budget), budget))

    def drawn(self, factors: Mapping[str, float]) -> Sized:
        """Return what to expect of sizes, of the circuit drawn with them."""
        design = self.redrawn(factors)
        redrawn = replace(self, design=design).evaluate(dict.fromkeys(self.groups, 1.0))
        return replace(redrawn, factors=factors, area=_drawn(design) / _drawn(self.design))

    def within(self, budget: float) -> Sized:
        """Return the sizes with the least variance, of which the drawn circuit keeps the budget.

        Raises
        ------
        UsageError
            The smallest that can be drawn takes more.
        """
        variances, aim = self.variances_at_best(budget), budget
        best: tuple[float, Mapping[str, float]] | None = None
        for _ in range(_PASSES):
            factors = self.cheapest(variances, aim)
            area = _drawn(self.redrawn(factors)) / _drawn(self.design)
            if area <= budget and (best is None or area > best[0]):
                best = area, factors
            if (1 - _ROOM) * budget <= area <= budget:
                break
            aim *= (1 - _ROOM / 4) * budget / area
        if best is None:
            raise UsageError(f"--area {budget:g}: the smallest that can be drawn is {area:.3g}")
        return self.drawn(best[1])

    def reaching(self, target: float) -> Sized:
        """Return sizes of little area of which a share of chips loses at most five points.

        Raises
        ------
        UsageError
            No area looked at is enough.
        """
        low, high = np.log(BUDGETS)
        best = self.expected(BUDGETS[1])
        if best.kept < target:
            problem = f"--yield {target:g}: at {BUDGETS[1]:g} × the area {best.kept:.3g} are kept"
            raise UsageError(f"{problem}; train with --chips structured, or trim")
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            sized = self.expected(float(np.exp(middle)))
            if sized.kept >= target:
                high, best = middle, sized
            else:
                low = middle
        return self.drawn(best.factors)


def _drawn(design: Design) -> float:
    """Return the drawn area of a sized circuit, m²."""
    return sum(areas(design.netlist, design.technology).values(), Area()).drawn_m2


def _kind(group: str) -> str:
    """Return the name of a group without its node."""
    return group.rpartition(".")[2]


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
    inputs: bool = False,
    by_node: bool = False,
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
    trimmed, inputs, by_node
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

    def redrawn(sizes: Mapping[str, float]) -> Design:
        return design(model, replace(options, sizes=sizes), samples.x, models)

    circuit = AreaByGroup(redrawn({}), samples, redrawn, trimmed, inputs, by_node=by_node)
    best = circuit.within(budget) if budget is not None else circuit.reaching(float(target or 0))
    same = next(
        by
        for by in FACTORS[::-1].tolist()
        if circuit.area(dict.fromkeys(circuit.groups, by)) <= best.area or by == FACTORS[0]
    )
    return best, circuit.evaluate(dict.fromkeys(circuit.groups, same))
