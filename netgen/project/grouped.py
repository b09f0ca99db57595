"""Chips by the fast model of which chosen groups of devices deviate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netgen.analysis.variability.contributions import Contribution, Contributions
from netgen.analysis.variability.population import lead
from netgen.analysis.variability.stein import lead_variances
from netgen.behavioural.fast import FastChips, fast_chips
from netgen.behavioural.settings import ChipSettings
from netgen.circuit.grouping import device_groups
from netgen.model import decide, evaluate
from netgen.model.graph import Bools, Floats, Integers
from netgen.progress import announced
from netgen.project.reading import Build
from netgen.project.trim import SampledChips
from netgen.project.twin import twin_of_build
from netgen.trim import CodeRange, trim_measured
from netgen.trim.search import SOFTNESS

OTHERS = "others"
"""Devices that belong to no group."""
BATCH = 100
WORK = 100_000
"""Chips times samples that shares of the variance are found by; each group alone takes a tenth."""
_MOST, _LEAST = 2000, 50
EACH = 1.2e-7
"""CPU seconds that a chip takes for a frame of a small network."""


@dataclass(frozen=True, eq=False)
class GroupedChips:
    """Chips of a circuit, sampled device by device."""

    fast: FastChips
    x: Floats  #: Inputs of the samples that are looked at, (samples, frames, channels).
    #: Codes of a trim by measurement that every chip gets; None: there is none.
    span: CodeRange | None = None
    inputs: bool = False  #: Whether the trim sets input gains too.
    seed: int = 0
    by_node: bool = False  #: Whether groups are told apart by node.

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        """The group of every device of the fast model, (devices,)."""
        groups = device_groups(self.fast.twin.circuit, self.fast.twin.netlist, self.by_node)
        return np.array([groups.get(names[0], OTHERS) for names in self.fast.names])

    @cached_property
    def software(self) -> Integers:
        """Software's decisions, (samples,)."""
        model = self.fast.twin.circuit.model
        return decide(model.readout, evaluate(model, self.x)[model.readout.node])

    def batches(
        self, sigma: Floats, count: int, stream: int
    ) -> Iterator[tuple[Floats, SampledChips, ChipSettings | None]]:
        """Yield normal deviations (chips, devices), their chips and what is set, in batches.

        Parameters
        ----------
        sigma
            Standard deviations of the devices' log errors, (devices,).
        stream
            Of random numbers.
        """
        rng = np.random.default_rng((self.seed, stream))
        model = self.fast.twin.circuit.model
        for first in range(0, count, BATCH):
            values = rng.standard_normal((min(BATCH, count - first), len(sigma)))
            chips = SampledChips(model, self.fast, values * sigma)
            yield values, chips, self._settings(chips)

    def _settings(self, chips: SampledChips) -> ChipSettings | None:
        if self.span is None:
            return None
        circuit = self.fast.twin.circuit
        codes = trim_measured(circuit, chips.cells, self.span, len(chips)).codes
        return (chips.with_inputs(codes, self.x) if self.inputs else codes).settings

    def variances(self, sigma: Floats, count: int) -> dict[str, float]:
        """Return the variance of leads by group; ``sigma``: of each device, (devices,)."""
        readout, leads, values = self.fast.twin.circuit.model.readout, [], []
        for deviations, chips, settings in self.batches(sigma, count, 0):
            logits = chips.logits(self.x, settings)
            flat, classes = (
                logits.reshape(-1, *logits.shape[2:]),
                np.tile(self.software, len(chips)),
            )
            each = lead(readout, flat, classes).reshape(len(chips), -1)
            leads.append(np.tanh(each / SOFTNESS))  # beyond it a lead decides nothing more
            values.append(deviations)
        each = lead_variances(np.concatenate(leads), np.concatenate(values))
        return {
            group: max(float(each[self.groups == group].sum()), 0.0)
            for group in np.unique(self.groups).tolist()
        }

    def decisions(self, sigma: Floats, count: int) -> Integers:
        """Return the class that each chip decides for, (chips, samples)."""
        batches = self.batches(sigma, count, 1)
        return np.concatenate([chips.decisions(self.x, settings) for _, chips, settings in batches])

    def contributions(self, sigma: Floats) -> Contributions:
        """Return what each group does to decisions; ``sigma``: of each device, (devices,)."""
        samples, frames = self.x.shape[:2]
        chips = int(np.clip(WORK // samples, _LEAST, _MOST))
        each = int(np.clip(chips // 10, _LEAST, _MOST))
        names, counts = np.unique(self.groups, return_counts=True)
        runs = chips + (2 * len(names) + 1) * each
        with announced("contributions of groups of devices", runs * samples * frames * EACH):
            variances = self.variances(sigma, chips)
            total = sum(variances.values()) or 1.0
            contributions = [
                Contribution(
                    group,
                    devices,
                    variances[group] / total,
                    self._agreement(sigma, self.groups == group, each),
                    self._agreement(sigma, self.groups != group, each),
                )
                for group, devices in zip(names.tolist(), counts.tolist(), strict=True)
            ]
            agreement = self._agreement(sigma, np.ones(len(sigma), np.bool_), each)
        contributions.sort(key=lambda entry: -entry.share)
        return Contributions(chips, each, agreement, tuple(contributions))

    def _agreement(self, sigma: Floats, deviate: Bools, count: int) -> float:
        return float((self.decisions(sigma * deviate, count) == self.software).mean())


def contributions_of(
    build: Build,
    x: Floats,
    seed: int,
    span: CodeRange | None = None,
    inputs: bool = False,
    temperature: float | None = None,
) -> Contributions:
    """Return what each group does to decisions by mismatch; ``x``: (samples, frames, channels)."""
    twin = twin_of_build(build, temperature)
    chips = GroupedChips(fast_chips(twin), x, span, inputs, seed)
    return chips.contributions(chips.fast.sigma(twin.technology, twin.netlist.transistors))
