"""Many variants of a circuit (chips, corners) against software: decisions, yield, errors, power.

A run is one sample in one variant. Runs that failed count as not passing; runs that were not
simulated yet are counted, and a variant that lacks some is left out of the yield until it is whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netgen.analysis.comparison.compare import full_scale
from netgen.analysis.comparison.settled import SettledTraces, observe
from netgen.analysis.comparison.ties import possible_classes
from netgen.analysis.comparison.winners import relative_lead
from netgen.analysis.variability.accuracy import PopulationAccuracy, population_accuracy
from netgen.analysis.variability.proportions import HIGH, LOW, Proportion, proportion
from netgen.model import Model, Readout, Samples, decide, evaluate, margin
from netgen.model.graph import Bools, Floats, Integers
from netgen.simulation.traces import NO_POWER, Traces

RunResult: TypeAlias = Traces | str | None
"""Of a run: its traces, the class of its failure, or None where it was not simulated yet."""

NONE = -1
"""The decision of a run without traces."""

QUANTITIES: Mapping[str, Literal["high", "low"]] = {
    "state_agreement": "low",
    "frame_agreement": "low",
    "logit_rmse_fs": "high",
    "logit_rmse_same_state_fs": "high",
    "lead_fs": "low",
    "power_w": "high",
    "winner_agreement": "low",
    "winner_lead": "high",
}
"""What is known of every run, and which end of it is the bad one."""


@dataclass(frozen=True)
class Worst:
    """The run in which a quantity is worst."""

    quantity: str
    case: str  #: Name of the variant.
    sample: int
    value: float


@dataclass(frozen=True)
class CornerPoint:
    """Where a variant stands: process corner, supply (V), temperature (°C), kind of bias."""

    corner: str
    vdd: float
    temperature: float
    bias: str


@dataclass(frozen=True, eq=False)
class PopulationFigures:
    """What is known of the runs of a population.

    Arrays of figures are (variants, samples) and NaN where a run gave no traces.
    """

    #: ``variants``, ``samples``: names of the variants; indices of the samples in their file.
    variants: tuple[str, ...]
    samples: tuple[int, ...]
    ids: tuple[str, ...]  #: Names of the samples.
    #: ``software``, ``labels``: class that software decides for, and the right one where it is
    #: known, (samples,).
    software: Integers
    labels: Integers | None
    margin: Floats  #: By how much software's class leads by the readout's own rule, (samples,).
    #: By how much the logit of software's class leads the next, averaged over the frames of the
    #: readout, (samples,), software units; ``lead`` is the circuit's, of the same class.
    lead_software: Floats
    #: ``simulated``, ``failed``: which runs gave traces and which failed; the others were not
    #: simulated yet.
    simulated: Bools
    failed: Bools
    failures: Mapping[str, int]  #: Runs that failed by class of failure.
    #: Classes that software cannot tell from its own, itself included, (samples, classes): see
    #: :mod:`..comparison.ties`. More than one is a tie, which counts neither for nor against
    #: agreement where the circuit decides for one of them.
    possible: Bools
    #: Class the circuit decides for, (variants, samples); ``NONE`` where it gave no traces. The
    #: bits of the chip decide where it has some, and frames by themselves do.
    decision: Integers
    #: ``frame_agreement``, ``state_agreement``, ``logit_rmse_fs``, ``logit_rmse_same_state_fs``,
    #: ``power_w``: as in ``report.json``, of each run; states only where the model has BMRU nodes.
    frame_agreement: Floats
    state_agreement: Floats
    logit_rmse_fs: Floats
    logit_rmse_same_state_fs: Floats
    lead: Floats
    power_w: Floats
    unseen: Floats
    #: ``winner_agreement``, ``winner_lead``: of a chip's bits: share of frames in which it
    #: names the circuit's own largest current, and the largest lead of such a current, as a share
    #: of it, in frames where it does not.
    winner_agreement: Floats
    winner_lead: Floats
    #: What the ``_fs`` errors are shares of: max − min of the software logits of these samples.
    logit_full_scale: float
    #: ``logits``, ``logits_software``: settled readout currents, (variants, samples, frames,
    #: classes) and (samples, frames, classes).
    logits: NDArray[np.float32] = field(repr=False)
    logits_software: Floats = field(repr=False)

    @cached_property
    def agrees(self) -> Bools:
        """Runs that decide as software or for a class of its tie, (variants, samples)."""
        at = np.arange(len(self.samples))
        agrees: Bools = self.simulated & self.possible[at, np.maximum(self.decision, 0)]
        return agrees

    @property
    def ties(self) -> Bools:
        """Samples that software itself does not decide, (samples,)."""
        tied: Bools = self.possible.sum(axis=1) > 1
        return tied

    @cached_property
    def done(self) -> Bools:
        """Runs that were simulated or failed, (variants, samples)."""
        return self.simulated | self.failed

    @cached_property
    def whole(self) -> Bools:
        """Variants all of whose samples are done, (variants,)."""
        whole: Bools = np.all(self.done, axis=1)
        return whole

    @property
    def lead_fs(self) -> Floats:
        """``lead`` as a share of full scale, (variants, samples)."""
        return self.lead / self.logit_full_scale

    @property
    def lead_error_fs(self) -> Floats:
        """The circuit's lead minus software's, share of full scale, (variants, samples)."""
        return (self.lead - self.lead_software) / self.logit_full_scale

    @property
    def agreement(self) -> Proportion:
        """Decisions like software's among all runs done, ties left out.

        The runs of one chip are not independent: the intervals are those of as many independent
        runs, too narrow where chips differ. The yield's hold.
        """
        return proportion(self.agrees[self.done & ~(self.ties & self.agrees)])

    @property
    def yielded(self) -> Proportion:
        """Whole variants that decide every sample as software does."""
        return proportion(np.all(self.agrees[self.whole], axis=1))

    def votes(self) -> tuple[Proportion, ...]:
        """Return, by sample, how many of the variants done decide like software."""
        return tuple(
            proportion(self.agrees[self.done[:, at], at]) for at in range(len(self.samples))
        )

    def accuracies(self) -> tuple[float, float] | None:
        """Return the shares of right decisions of software and of the runs done.

        None without labels or runs.
        """
        if self.labels is None or not self.done.any():
            return None
        right = self.simulated & (self.decision == self.labels)
        return float((self.software == self.labels).mean()), float(right[self.done].mean())

    def balanced(self) -> PopulationAccuracy | None:
        """Return how well whole variants classify; None without labels or whole variants.

        A run that failed decides for no class.
        """
        if self.labels is None or not self.whole.any():
            return None
        return population_accuracy(self.decision[self.whole], self.software, self.labels)

    def band(self, at: int) -> Floats | None:
        """Return 5 % quantile, median and 95 % quantile of a sample's logits over the variants.

        (3, frames, classes), software units; None where no variant simulated the sample.
        """
        logits = self.logits[self.simulated[:, at], at]
        if not len(logits):
            return None
        band: Floats = np.quantile(logits, (LOW, 0.5, HIGH), axis=0).astype(np.float64)
        return band

    def worst(self) -> tuple[Worst, ...]:
        """Return the worst run by every quantity that is known of any."""
        worst = []
        for quantity, bad in QUANTITIES.items():
            values: Floats = getattr(self, quantity)
            if np.isnan(values).all():
                continue
            flat = np.nanargmax(values) if bad == "high" else np.nanargmin(values)
            variant, sample = np.unravel_index(flat, values.shape)
            value = float(values[variant, sample])
            worst.append(Worst(quantity, self.variants[variant], self.samples[sample], value))
        return tuple(worst)

    def pick(self, samples: Sequence[int]) -> PopulationFigures:
        """Return the figures of some of the samples (indices in their file), in that order."""
        at = [self.samples.index(sample) for sample in samples]
        by_sample = ("software", "possible", "margin", "lead_software", "logits_software")
        by_run = (*_FIGURES, "simulated", "failed", "decision", "logits")
        return replace(
            self,
            samples=tuple(samples),
            ids=tuple(self.ids[i] for i in at),
            labels=None if self.labels is None else self.labels[at],
            **{name: getattr(self, name)[at] for name in by_sample},
            **{name: getattr(self, name)[:, at] for name in by_run},
        )


def measure(
    model: Model,
    samples: Samples,
    indices: Sequence[int],
    variants: Sequence[str],
    results: Iterable[Sequence[RunResult]],
) -> PopulationFigures:
    """Compare every run of a population with software.

    Parameters
    ----------
    samples
        The samples that were simulated, and ``indices``, theirs in the file.
    variants
        Names of the variants.
    results
        For every variant, in order, what became of each sample; consumed one by one, waves are
        let go of.

    Raises
    ------
    ConfigurationError
        Traces do not fit the model or the samples.
    """
    software = evaluate(model, samples.x)
    logits = software[model.readout.node]
    shape = (len(variants), len(samples))
    figures = {name: np.full(shape, np.nan) for name in _FIGURES}
    values = np.full((*shape, *logits.shape[1:]), np.nan, np.float32)
    decision = np.full(shape, NONE, np.intp)
    simulated, failed = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    failures: Counter[str] = Counter()
    classes, scale = decide(model.readout, logits), full_scale(logits)
    for row, runs in zip(range(len(variants)), results, strict=True):
        failures.update(run for run in runs if isinstance(run, str))
        failed[row] = [isinstance(run, str) for run in runs]
        at = np.flatnonzero([isinstance(run, Traces) for run in runs])
        if not at.size:
            continue
        part = {name: value[at] for name, value in software.items()}
        # who takes the power is read from waves, which runs of populations do not keep
        traces = [replace(t, power=NO_POWER) for t in runs if isinstance(t, Traces)]
        settled = observe(model, samples.x[at], iter(traces))
        simulated[row, at] = True
        values[row, at] = settled.values[model.readout.node]
        currents = settled.values[model.readout.node]
        decision[row, at] = decide(model.readout, currents)
        if all(trace.winners.size for trace in traces):
            levels = np.stack([trace.winners for trace in traces])
            if model.readout.rule != "mean":
                decision[row, at] = decide(model.readout, levels)
            for name, entry in _winners(currents, levels).items():
                figures[name][row, at] = entry
        for name, entry in _figures(model, part, classes[at], settled, scale).items():
            figures[name][row, at] = entry
    return PopulationFigures(
        variants=tuple(variants),
        samples=tuple(indices),
        ids=samples.ids,
        software=classes,
        labels=None if samples.y is None else samples.y.astype(np.intp),
        margin=margin(model.readout, logits),
        possible=possible_classes(model.readout, logits, scale),
        lead_software=lead(model.readout, logits, classes),
        simulated=simulated,
        failed=failed,
        failures=dict(sorted(failures.items())),
        decision=decision,
        logit_full_scale=scale,
        logits=values,
        logits_software=logits,
        **figures,
    )


_FIGURES = (
    *("frame_agreement", "state_agreement", "logit_rmse_fs", "logit_rmse_same_state_fs"),
    *("lead", "power_w", "unseen", "winner_agreement", "winner_lead"),
)


def _winners(currents: Floats, levels: Floats) -> dict[str, Floats]:
    """Return what a chip's bits make of its own currents, by figure, each (samples,)."""
    agrees = levels.argmax(axis=2) == currents.argmax(axis=2)
    lost = np.where(agrees, 0.0, relative_lead(currents)).max(axis=1)
    return {"winner_agreement": agrees.mean(axis=1), "winner_lead": lost}


def _figures(
    model: Model,
    software: Mapping[str, Floats],
    classes: Integers,
    settled: SettledTraces,
    scale: float,
) -> dict[str, Floats]:
    """Return the figures of some samples in one variant, each (samples,)."""
    readout, node = model.readout, model.readout.node
    circuit, free = settled.values[node], software[node]
    same = evaluate(model, software["x"], settled.states)[node]
    window = slice(readout.start, readout.stop)
    winners = (circuit.argmax(axis=2) == free.argmax(axis=2))[:, window]
    figures = {
        "frame_agreement": winners.mean(axis=1),
        "logit_rmse_fs": _rms(circuit - free) / scale,
        "logit_rmse_same_state_fs": _rms(circuit - same) / scale,
        "lead": lead(readout, circuit, classes),
        "power_w": settled.power_w,
        "unseen": np.array(settled.unseen, dtype=np.float64),
    }
    if model.cells:
        equal = [c.read(software[c.name]) == settled.states[c.name] for c in model.cells]
        figures["state_agreement"] = np.concatenate(equal, axis=2).mean(axis=(1, 2))
    return figures


def _rms(error: Floats) -> Floats:
    """Root mean square by sample of (samples, frames, units)."""
    rms: Floats = np.sqrt(np.mean(np.square(error), axis=(1, 2)))
    return rms


def lead(readout: Readout, logits: Floats, classes: Integers) -> Floats:
    """Return by how much a class's logit leads the largest other, per sample, software units.

    Averaged over the readout's frames (the last one only, where the rule looks at no other);
    negative where another class is larger. 0 with one class.

    Parameters
    ----------
    logits
        (samples, frames, classes).
    classes
        The class of each sample, (samples,).
    """
    if logits.shape[2] == 1:
        return np.zeros(len(logits))
    start = readout.stop - 1 if readout.rule == "last" else readout.start
    window = logits[:, start : readout.stop]
    chosen = np.take_along_axis(window, classes[:, None, None], axis=2)[..., 0]
    is_chosen = np.arange(logits.shape[2]) == classes[:, None, None]
    others = np.where(is_chosen, -np.inf, window).max(axis=2)
    led: Floats = (chosen - others).mean(axis=1)
    return led
