"""What a trained model does on the test split, gathered for the training report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from netgen.analysis import forecast_races
from netgen.model import Cell, Linear, Model, decide, evaluate
from netgen.model.graph import Floats, Integers
from netgen.report.studies.training import ChipForecast, CurvePoint, TrainingReport
from netgen.training.corpus import SPLITS, Corpus
from netgen.training.dataset import Dataset
from netgen.training.exchange import from_model
from netgen.training.features import FRAMES
from netgen.training.recipe import Recipe
from netgen.training.scoring import chip_accuracy, to_inputs
from netgen.training.trainer import Curves, Trained

FORECAST_SPREADS = (0.0, 0.02, 0.05, 0.10)
FORECAST_CHIPS = 200
_AT_ONCE = 500
"""Test samples evaluated at a time, and at most for the forecast: a large test split is costly."""


def make_report(
    recipe: Recipe,
    data: Dataset,
    corpus: Corpus,
    model: Model,
    trained: Trained,
    cpu_s: Mapping[str, float],
    rerun: str,
) -> TrainingReport:
    """Measure the model on the test split.

    Parameters
    ----------
    cpu_s
        CPU seconds spent so far, by what they were spent on.
    rerun
        The command line that trains the same model again.
    """
    x, y = data.test.x, data.test.y
    started = time.process_time()
    few = np.sort(np.random.default_rng(recipe.seed).permutation(len(y))[:_AT_ONCE])
    chosen = x[few].astype(np.float64)
    values = evaluate(model, chosen)
    forecasts = _forecast(model, chosen, y[few], recipe.seed)
    races = forecast_races(model, chosen)
    return TrainingReport(
        name=model.name,
        task=f"{', '.join(model.classes)} told apart; recordings: {corpus.layout}",
        classes=model.classes,
        data=tuple(_data_rows(data, corpus)),
        recipe=asdict(recipe),
        curves=_points(trained.curves),
        kept=trained.network,
        validation_score=trained.score,
        confusion=confusion_of(model, x, y),
        distances={cell.name: _distances(cell, values[cell.input]) for cell in model.cells},
        forecasts=forecasts,
        races=sum(int(flags.sum()) for flags in races.values()) / len(few),
        parameters=tuple(_parameter_rows(model, values)),
        cpu_s=dict(cpu_s) | {"forecast": time.process_time() - started},
        rerun=rerun,
    )


def confusion_of(model: Model, x: NDArray[np.floating], y: Integers) -> Integers:
    """Count samples by (true class, decided class)."""
    confusion = np.zeros((len(model.classes),) * 2, dtype=np.int64)
    for start in range(0, len(x), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        logits = evaluate(model, x[part].astype(np.float64))[model.readout.node]
        np.add.at(confusion, (y[part], decide(model.readout, logits)), 1)
    return confusion


def _forecast(model: Model, x: Floats, y: Integers, seed: int) -> tuple[ChipForecast, ...]:
    arch, parameters = from_model(model, model.name)
    inputs = to_inputs(x)
    forecasts = (
        chip_accuracy(arch, parameters, inputs, y, spread, FORECAST_CHIPS if spread else 1, seed)
        for spread in FORECAST_SPREADS
    )
    return tuple(ChipForecast(**asdict(each)) for each in forecasts)


def _points(curves: Curves) -> tuple[CurvePoint, ...]:
    columns = zip(curves.steps, curves.loss, curves.validation, strict=True)
    return tuple(
        CurvePoint(step, tuple(loss), tuple(validation)) for step, loss, validation in columns
    )


def _distances(cell: Cell, candidate: Floats) -> Floats:
    candidate = cell.seen(candidate)
    to_hi, to_lo = np.abs(candidate - cell.rising), np.abs(candidate - cell.falling)
    return np.asarray(np.minimum(to_hi, to_lo) / cell.rising)


def _data_rows(data: Dataset, corpus: Corpus) -> list[tuple[str, str]]:
    rows = [("layout", corpus.layout)]
    for split, part in zip(SPLITS, (data.train, data.validation, data.test), strict=True):
        counts = np.bincount(part.y).tolist()
        rows.append((split, f"{len(part)} samples ({', '.join(map(str, counts))} by class)"))
    rows.append(("altered copies", f"{len(data.pool)} of training recordings"))
    rows.append(
        (
            "sample rate",
            f"{data.mapping.rate} Hz, {data.mapping.kind}: "
            f"{data.mapping.front.channels} channels × {FRAMES} frames",
        )
    )
    rows += [(repair, f"{count} recordings") for repair, count in data.repairs.items()]
    rows += [("remark", remark) for remark in corpus.remarks]
    rows += [("left out", problem) for problem in data.left_out]
    return rows


def _parameter_rows(model: Model, values: Mapping[str, Floats]) -> list[tuple[str, str]]:
    weights = [node for node in model.nodes if isinstance(node, Linear)]
    every = np.concatenate([np.append(node.weight.ravel(), node.bias) for node in weights])
    used = np.abs(every[every != 0])
    peak = max(float(np.abs(values[node.name]).max()) for node in model.nodes)
    rows = [
        ("weights and biases", f"{len(every)}, of which {len(used)} are drawn"),
        ("their magnitudes", f"{used.min():.3g} … {used.max():.3g} units"),
        ("largest summed current", f"{peak:.3g} units"),
    ]
    for cell in model.cells:
        ranges = (
            f"{key} {array.min():.3g} … {array.max():.3g}"
            for key, array in ((e.key, getattr(cell, e.key)) for e in cell.parameters)
        )
        rows.append((cell.name, ", ".join(ranges)))
    return rows
