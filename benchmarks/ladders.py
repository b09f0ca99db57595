"""Ladders against two-state units: keywords, counting, and what mismatch does to rungs.

    python benchmarks/ladders.py OUT [--digits FOLDER] [--keyword 3] [--seeds 3] [--only PART ...]

Parts: ``keyword`` trains networks on the Free Spoken Digits in FOLDER by ``netgen train``,
``count`` trains small ones to count, ``rungs`` samples chips of ladders. Networks are chosen on
validation; test data are read once. An interrupted benchmark continues where it was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

from netgen.analysis.variability.accuracy import balanced_accuracy
from netgen.arrays import Floats
from netgen.behavioural.cells import TwinCells
from netgen.behavioural.fast import fast_chips
from netgen.model import Model, Samples, from_dict, load_model, load_samples, to_dict
from netgen.project import BuildOptions, build, read_build
from netgen.project.twin import twin_of_build
from netgen.technology import Variation, sample_deviations
from netgen.training.dataset import Dataset, Part
from netgen.training.exchange import from_model, to_model
from netgen.training.features import FRAMES, FeatureMap
from netgen.training.network import Architecture
from netgen.training.recipe import default_recipe
from netgen.training.rescale import rescale_parameters
from netgen.training.scoring import chip_accuracy, respond, to_inputs
from netgen.training.session import pick_samples
from netgen.training.trainer import Trainer
from netgen.training.variation import Augmentation

QUICK = ("--seeds", "8", "--steps", "500", "--no-teacher")
"""Of ``netgen train``: enough to compare, and the same for every row."""
KEYWORD_ROWS = ((4, 1), (4, 2), (4, 3), (5, 1))
"""Units and rungs of the keyword networks."""
COUNTS = (2, 3)
COUNT_STEPS, COUNT_STARTS = 500, 8
CHIPS, SPREAD = 200, 0.05
SAMPLED = 1000
"""Chips of which the rungs are looked at."""
SPACINGS, RUNGS = (0.05, 0.1, 0.2, 0.3, 0.4), (2, 3, 4)
MIDDLE, WIDTH = 1.2, 0.3
"""Mean upper threshold and hysteresis width of those rungs, in units."""


def cost(model: Model, folder: Path, heard: Samples | None = None) -> tuple[int, float]:
    """Build a model for samples and return its transistors and the predicted power, W."""
    if not (folder / "build.json").is_file():
        build(model, folder, BuildOptions(), heard)
    record: Any = read_build(folder).record
    return record["area"]["transistors"], record["predicted_power"]["average_w"]


def keyword(out: Path, digits: Path, word: str, seeds: Sequence[int]) -> None:
    """Train and print the rows on real speech."""
    print("\n| units × rungs | transistors | power, nW | test, seeds | mean | validation | chips |")
    print("|---|---|---|---|---|---|---|")
    for units, rungs in KEYWORD_ROWS:
        reports, costs = [], []
        for seed in seeds:
            folder = out / f"keyword-{word}-d{units}-ladder{rungs}-s{seed}"
            if not (folder / "training.json").is_file():
                command = [sys.executable, "-m", "netgen", "train", str(digits), "-k", word, *QUICK]
                command += ["-d", str(units), "--memory", f"ladder:{rungs}", "--seed", str(seed)]
                subprocess.run([*command, "-o", str(folder)], check=True, stdout=sys.stderr)
            reports.append(json.loads((folder / "training.json").read_text(encoding="utf-8")))
            model = load_model(folder / "model.json")
            heard = load_samples(folder / "validation.npz", model)
            costs.append(cost(model, folder / "circuit", heard))
        chips = [c["accuracy"] for r in reports for c in r["virtual_chips"] if c["spread"] == 0.05]
        tests = [r["balanced_accuracy_test"] for r in reports]
        cells = (
            f"{units} × {rungs}",
            f"{mean(c[0] for c in costs):.0f}",
            f"{1e9 * mean(c[1] for c in costs):.0f}",
            ", ".join(f"{100 * test:.1f}" for test in tests),
            f"{100 * mean(tests):.1f}",
            f"{100 * mean(r['validation_score'] for r in reports):.1f}",
            f"{100 * mean(chips):.1f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def pulses(rng: np.random.Generator, samples: int, most: int) -> Part:
    """Return sequences in which coincident pulses are counted.

    Channels 0 … most − 1 carry pulses of two frames, the last one resets. The class is the largest
    number of channels that were high at once since the last reset, 0 … most. Pulses before that
    reset mislead; 35 frames or more of silence follow the last pulse.
    """
    x = np.zeros((samples, FRAMES, most + 1))
    y = np.arange(samples) % (most + 1)
    for number, largest in enumerate(y.tolist()):
        x[number, [12, 13, 40, 41], most] = 1
        before = int(rng.integers(0, most + 1))
        for most_now, frames in ((before, (18, 25, 32)), (largest, (46, 53, 60))):
            counts = rng.integers(0, most_now + 1, len(frames))
            counts[rng.integers(0, len(frames))] = most_now
            for first, count in zip(frames, counts.tolist(), strict=True):
                start = first + int(rng.integers(0, 4))
                x[number, start : start + 2, rng.permutation(most)[:count]] = 1
    ids = tuple(map(str, range(samples)))
    return Part(x.astype(np.float32), y.astype(np.int64), ids, np.ones(samples))


def counting(most: int) -> Dataset:
    """Return sequences to train, choose and test on."""
    train, validation, test = (
        pulses(np.random.default_rng(seed), 100 * (most + 1), most) for seed in range(3)
    )
    empty = Part(
        np.zeros((0, FRAMES, most + 1), np.float32), np.zeros(0, np.int64), (), np.zeros(0)
    )
    mapping = FeatureMap(8000, (0.0,) * 13, (1.0,) * 13)
    return Dataset(train, empty, validation, test, mapping, {}, ())


def counter(arch: Architecture, data: Dataset, seed: int, file: Path) -> Model:
    """Train a network that counts, unless it is there."""
    if file.is_file():
        return load_model(file)
    recipe = default_recipe(arch, seed=seed, starts=COUNT_STARTS, steps=COUNT_STEPS, taught=False)
    trained = Trainer(arch, replace(recipe, chain=1, varied=Augmentation()), data).run()
    parameters = rescale_parameters(arch, trained.parameters, to_inputs(data.train.x))
    model = to_model(
        arch,
        parameters[0],
        name=file.stem,
        classes=[str(count) for count in range(arch.classes)],
        frames=FRAMES,
        input_max=1.0,
        meta={"validation_score": trained.score},
    )
    file.write_text(json.dumps(to_dict(model)), encoding="utf-8")
    return model


def count(out: Path, seeds: Sequence[int]) -> None:
    """Train and print the rows of the counting task; every network has one layer."""
    print("\n| count to | units × rungs | transistors | power, nW | test, seeds | mean | chips |")
    print("|---|---|---|---|---|---|---|")
    for most in COUNTS:
        data = counting(most)
        x, y = to_inputs(data.test.x.astype(np.float64)), data.test.y
        heard = pick_samples(data.validation, most + 1, 50, 0)
        for units, rungs in ((1, 1), (1, most), (most, 1)):
            arch = Architecture(most + 1, units, 1, most + 1, rungs)
            tests, chips, costs = [], [], []
            for seed in seeds:
                name = f"count{most}-d{units}-ladder{rungs}-s{seed}"
                model = counter(arch, data, seed, out / f"{name}.json")
                _, parameters = from_model(model, name)
                found = respond(arch, parameters, x).decisions[0]
                tests.append(float(balanced_accuracy(found, y)))
                chips.append(chip_accuracy(arch, parameters, x, y, SPREAD, CHIPS, 0).accuracy)
                costs.append(cost(model, out / name, heard))
            cells = (
                str(most),
                f"{units} × {rungs}",
                f"{mean(c[0] for c in costs):.0f}",
                f"{1e9 * mean(c[1] for c in costs):.1f}",
                ", ".join(f"{100 * test:.1f}" for test in tests),
                f"{100 * mean(tests):.1f}",
                f"{100 * mean(chips):.1f}",
            )
            print(f"| {' | '.join(cells)} |", flush=True)


def staircases(rungs: int) -> Model:
    """Return a model of one ladder a spacing."""
    size = len(SPACINGS)
    places = np.arange(rungs) - (rungs - 1) / 2
    high = MIDDLE + np.outer(SPACINGS, places)
    ones, zeros = [1.0] * size, [0.0] * size
    nodes = [
        {"name": "sum", "op": "linear", "input": "x", "weight": [[1.0]] * size, "bias": zeros},
        {"name": "candidate", "op": "relu", "input": "sum"},
        {
            "name": "mem",
            "op": "ladder",
            "input": "candidate",
            "alpha": [[0.5] * rungs] * size,
            "beta_lo": (high - WIDTH).tolist(),
            "beta_hi": high.tolist(),
        },
        {"name": "out", "op": "linear", "input": "mem", "weight": [ones], "bias": [0.0]},
    ]
    found: dict[str, Any] = {
        "format": "netgen-model",
        "version": 1,
        "name": f"staircases-{rungs}",
        "unit_current": 1e-9,
        "frame_period": 0.01,
        "input": {"size": 1, "max": 2.0},
        "nodes": nodes,
        "readout": {"node": "out", "rule": "last", "frames": [0, 1]},
        "classes": ["only"],
    }
    return from_dict(found)


def sampled_thresholds(folder: Path) -> tuple[Floats, Floats]:
    """Return upper and lower thresholds of chips' ladders, (chips, units, rungs)."""
    twin = twin_of_build(read_build(folder))
    model = fast_chips(twin)
    shifts = sample_deviations(twin.technology, Variation(0), twin.netlist.transistors, 0, SAMPLED)
    (cells,) = (layer for layer in model.layers if isinstance(layer, TwinCells))
    rising, falling, _ = model.thresholds(cells, model.errors(shifts))
    together = cells.layer.cell.together
    return together(rising), together(falling)


def share(steps: Floats, least: float) -> str:
    """Return the share of chips with a step, (chips, steps), below the least one, in per cent."""
    return f"{100 * float(np.mean(steps.min(axis=1) < least)):.1f}"


def rungs_of_chips(out: Path) -> None:
    """Print how often mismatch swaps rungs of a ladder, or leaves little of a step."""
    print("\nIn % of the ladders of sampled chips:")
    print("| K | spacing, units | σ of a step | upper swapped | lower swapped | step < a quarter |")
    print("|---|---|---|---|---|---|")
    for rungs in RUNGS:
        folder = out / f"staircases-{rungs}"
        cost(staircases(rungs), folder)
        rising, falling = (np.diff(each, axis=2) for each in sampled_thresholds(folder))
        for unit, spacing in enumerate(SPACINGS):
            up, down = rising[:, unit], falling[:, unit]
            cells = (
                str(rungs),
                f"{spacing:g}",
                f"{float(up.std()):.3f}",
                share(up, 0),
                share(down, 0),
                share(up, spacing / 4),
            )
            print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--digits", type=Path, metavar="FOLDER")
    parser.add_argument("--keyword", default="3")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=("rungs", "count", "keyword"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    parts, seeds = chosen.only or ("rungs", "count", "keyword"), range(chosen.seeds)
    if "rungs" in parts:
        rungs_of_chips(chosen.out)
    if "count" in parts:
        count(chosen.out, seeds)
    if "keyword" in parts and chosen.digits is not None:
        keyword(chosen.out, chosen.digits, chosen.keyword, seeds)


if __name__ == "__main__":
    main()
