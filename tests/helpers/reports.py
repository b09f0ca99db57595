"""A small comparison and a small population to report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from synthetic_traces import traces_of

from netgen.analysis import Check, Comparison, Tolerances, compare, verdict
from netgen.analysis.variability.population import CornerPoint, RunResult, measure
from netgen.analysis.variability.sensitivity import Deviation, sensitivity
from netgen.model import Model, Samples, evaluate, random_model
from netgen.report import BuildSummary, HysteresisCurve, Provenance, write_report
from netgen.report.studies.training import ChipForecast, CurvePoint, TrainingReport
from netgen.report.variability.population import PopulationReport
from netgen.simulation.traces import Traces

CHIPS = 24


def build(**changes: Any) -> BuildSummary:
    ramp = np.concatenate([np.linspace(0, 1, 50), np.linspace(1, 0, 50)])
    output = np.where(ramp > 0.5, 0.8, 0.0)
    curve = HysteresisCurve("l1.state[0]", ramp, output, *np.array([[0.3], [0.5], [0.8]]))
    summary = BuildSummary(
        pdk="gf180mcu",
        corner="typical",
        options={"supply": "1.8 V"},
        tools={"ngspice": "39.3"},
        devices=464,
        devices_by_block={"weights": 392, "cells": 72},
        below_floor=("l1.post_lin.weight[2][3]: 0.0023 is below 0.007",),
        hysteresis=curve,
    )
    return replace(summary, **changes)


def provenance(summary: BuildSummary) -> Provenance:
    return Provenance(
        model_file="models/<b>model</b>.json",
        samples_file="samples.npz",
        created="2024-05-06T07:08:09+00:00",
        rerun=(
            "netgen build model.json -o out",
            "netgen sim out samples.npz",
            "netgen compare out",
        ),
        build=summary,
    )


class Case:
    """A small random network, three samples; the second one decided otherwise by a flip."""

    def __init__(self, model: Model, samples: Samples, failures: Mapping[int, str]) -> None:
        self.model, self.samples = model, samples
        values = evaluate(model, samples.x)
        self.traces: dict[int, Traces] = {}
        for at in range(len(samples)):
            states = {cell.name: values[cell.name][at] > 0 for cell in model.cells}
            added = {}
            if at == 1:
                states = {name: ~state for name, state in states.items()}
                winner = values[model.readout.node][at].argmax(1)
                added = {model.readout.node: -9.0 * np.eye(len(model.classes))[winner]}
            self.traces[at] = traces_of(model, samples.x[at], at, states, added)
        self.failures = failures
        self.asked: list[int] = []

    def comparison(self) -> Comparison:
        return compare(self.model, self.samples, iter(self.traces.values()), self.failures)

    def load(self, sample: int) -> Traces:
        self.asked.append(sample)
        return self.traces[sample]

    def write(self, folder: Path, summary: BuildSummary | None = None) -> tuple[Check, ...]:
        comparison = self.comparison()
        checks = verdict(comparison, Tolerances())
        origin = provenance(summary or build())
        write_report(folder, comparison, self.model, checks, origin, self.load)
        return checks


def case(
    ids: tuple[str, ...] = ("zero", "one", "two"),
    failures: Mapping[int, str] | None = None,
    **network: Any,
) -> Case:
    sizes = {"state": 2, "layers": 1, "frames": 12, "inputs": 3, "samples": len(ids)} | network
    model, samples = random_model(3, **sizes)
    y = np.zeros(len(ids), dtype=int)
    return Case(model, Samples(samples.x, y, ids), failures or {})


def report_of(
    outcomes: Sequence[Sequence[RunResult]] | None = None,
    corners: tuple[CornerPoint, ...] = (),
    hostile: str = "",
) -> PopulationReport:
    """Report a small network's population: chips that deviate, one failed run, one missing."""
    model, samples = random_model(3, state=2, layers=1, frames=12, inputs=3, samples=2)
    model = replace(model, classes=(f"left{hostile}", "right"))
    samples = Samples(samples.x, np.zeros(2, dtype=int), (f"one{hostile}", "two"))
    random = np.random.default_rng(1)
    if outcomes is None:
        count = len(corners) or CHIPS
        chips: list[list[RunResult]] = [
            [
                traces_of(
                    model, samples.x[at], at, added={model.readout.node: random.normal(size=(1, 2))}
                )
                for at in range(2)
            ]
            for _ in range(count)
        ]
        chips[1][0], chips[2] = "timestep", [None, None]
        outcomes = chips
    cases = [f"case_{at}{hostile}" for at in range(len(outcomes))]
    figures = measure(model, samples, (3, 8), cases, outcomes)
    shifts = [
        Deviation(f"d{i}", f"p.weight[{i // 2}]{hostile}", "p", random.normal(size=len(cases)))
        for i in range(12)
    ]
    return PopulationReport(
        name="mismatch_seed_1",
        what="corners" if corners else "chips",
        model=model,
        figures=figures,
        sensitivity=None if corners else sensitivity(figures, shifts),
        corners=corners,
        facts=(("seed", f"1{hostile}"),),
        rerun=("netgen sim out samples.npz --monte-carlo 24",),
    )


def training_report() -> TrainingReport:
    """Return what a training of three networks might have found."""
    random = np.random.default_rng(1)
    curves = tuple(
        CurvePoint(step, (1 / step, 2 / step, None if step > 20 else 3.0), (0.8, 0.7, None))
        for step in range(10, 60, 10)
    )
    return TrainingReport(
        name="kws-up-d4",
        task="Find “up” among other words.",
        classes=("other", "up"),
        data=(("recordings", "60"), ("shorter than one second", "36, centred in silence")),
        recipe={"starts": 3, "phases": [{"steps": 40, "rate": 1e-3}, {"steps": 10, "rate": 1e-4}]},
        curves=curves,
        kept=0,
        validation_score=0.8,
        confusion=np.array([[20, 3], [1, 6]]),
        distances={f"l{n}.state": random.random((4, 30, 4)) for n in (1, 2)},
        forecasts=tuple(ChipForecast(s, 50, 0.85 - s, 0.8 - 2 * s, 1 - s) for s in (0, 0.05, 0.1)),
        races=0.3,
        parameters=(("largest weight", "3.2"),),
        cpu_s={"reading": 3.0, "training": 60.0},
        rerun="netgen train recordings -o out",
    )
