"""The error budget: from the software model to the circuit, one kind of error after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from netgen.analysis.comparison.metrics import is_constant, rms, share
from netgen.behavioural import Twin, TwinResult
from netgen.behavioural.summing import TwinSums
from netgen.circuit import REFERENCE
from netgen.model import INPUT, Cell, decide, evaluate
from netgen.model.graph import Floats
from netgen.technology import Variation, sample_deviations

BudgetStep: TypeAlias = Literal["ideal", "grid", "systematic", "mismatch", "transistor"]
CHIPS = 8


@dataclass(frozen=True)
class BudgetEntry:
    """What one more kind of error does to the answers."""

    #: ``ideal``: the software model. ``grid``: every learned weight as near as the manufacturing
    #: grid allows with the width that is drawn, and those too small to draw left out.
    #: ``systematic``: the twin without deviations, where gains go with signal and drain and cells
    #: do what was characterised. ``mismatch``: the twin's chips with local variation.
    #: ``transistor``: what SPICE computed.
    step: BudgetStep
    #: The step that it is compared with; ``transistor`` comes after ``mismatch`` but without it.
    over: BudgetStep
    #: RMSE of the logits against software, as a share of their range; of chips the mean square.
    logit_rmse_fs: float
    #: What the step adds: the root of the difference of the squares, negative where it takes away.
    attributed_fs: float
    #: ``state_disagreement``, ``decision_disagreement``: shares of BMRU states (None without cells)
    #: and of decisions that are not software's.
    state_disagreement: float | None
    decision_disagreement: float


@dataclass(frozen=True)
class ErrorBudget:
    """All steps that could be computed."""

    entries: tuple[BudgetEntry, ...]
    samples: int  #: How many samples they were computed from.
    #: ``chips``, ``seed``: how many chips the entry of mismatch has, and which.
    chips: int
    seed: int


@dataclass(frozen=True)
class NoErrorBudget:
    """Why there is none."""

    reason: str


def error_budget(
    twin: Twin, x: Floats, circuit: TwinResult | None = None, *, seed: int = 0, chips: int = CHIPS
) -> ErrorBudget:
    """Return how errors build up from software to circuit.

    Parameters
    ----------
    x
        Inputs, (samples, frames, channels), software units.
    circuit
        What SPICE found for the same samples, as one chip.
    seed, chips
        Of the mismatch: left out where the technology has no statistics of it.
    """
    model = twin.circuit.model
    software = evaluate(model, x)
    ideal = _answers(twin, software)
    contributions: list[tuple[BudgetStep, BudgetStep, TwinResult]] = [
        ("grid", "ideal", _answers(twin, _on_grid(twin, x))),
        ("systematic", "grid", twin.run({}, x)),
    ]
    if twin.technology.mismatch:
        names = twin.netlist.transistors
        shifts = sample_deviations(twin.technology, Variation(seed), names, 0, chips)
        contributions.append(("mismatch", "systematic", twin.run(shifts, x)))
    if circuit is not None:
        contributions.append(("transistor", "systematic", circuit))
    errors: dict[BudgetStep, float] = {"ideal": 0.0}
    entries = []
    for step, over, answers in contributions:
        entry = _entry(twin, ideal, step, over, answers, errors)
        errors[step] = entry.logit_rmse_fs
        entries.append(entry)
    return ErrorBudget(tuple(entries), len(x), chips, seed)


def _entry(
    twin: Twin,
    ideal: TwinResult,
    step: BudgetStep,
    over: BudgetStep,
    answers: TwinResult,
    errors: Mapping[BudgetStep, float],
) -> BudgetEntry:
    readout = twin.circuit.model.readout
    full = 1.0 if is_constant(ideal.logits) else float(np.ptp(ideal.logits))
    error = rms(answers.logits - ideal.logits) / full
    added = error**2 - errors[over] ** 2
    flips = [answers.states[name] != states for name, states in ideal.states.items()]
    wrong = share(np.concatenate([flip.ravel() for flip in flips])) if flips else None
    decisions = decide(readout, ideal.logits[0])
    decided = [decide(readout, logits) != decisions for logits in answers.logits]
    return BudgetEntry(
        step,
        over,
        error,
        float(np.copysign(np.sqrt(abs(added)), added)),
        wrong,
        float(np.mean(decided)),
    )


def _answers(twin: Twin, values: Mapping[str, Floats]) -> TwinResult:
    model = twin.circuit.model
    states = {cell.name: cell.read(values[cell.name])[np.newaxis] for cell in model.cells}
    return TwinResult(values[model.readout.node][np.newaxis], states)


def _on_grid(twin: Twin, x: Floats) -> dict[str, Floats]:
    """Return what the software model gives with weights that the grid allows.

    Over a step of its length a gain goes with 1 / L. The characterised gain of what is drawn, at
    the unit current, says where those of the neighbouring lengths lie.
    """
    model = twin.circuit.model
    values: dict[str, Floats] = {INPUT: x, REFERENCE: np.ones((*x.shape[:2], 1))}
    unit = np.full((1, 1), np.log(model.unit_current))
    for layer in twin.layers:
        if not isinstance(layer, TwinSums):
            cell = model.by_name[layer.layer.node]
            assert isinstance(cell, Cell)
            values[cell.name] = cell.output(cell.states(values[cell.input]))
            continue
        total = np.zeros((*x.shape[:2], layer.layer.size))
        for source, groups in layer.entries:
            weight = np.zeros((layer.layer.size, values[source].shape[2]))
            for group in groups:
                one_step = group.gain.at(unit)[0, :, 0] * group.steps
                lengths = np.maximum(np.round(one_step / group.weight), 1)
                weight[group.row, group.unit] = group.sign * one_step / lengths
            total += values[source] @ weight.T
        is_relu = layer.layer.kind == "relu"
        values[layer.layer.node] = np.maximum(total, 0.0) if is_relu else total
    return values
