"""Ladders against two-state units: keywords, counting, and what mismatch does to rungs.

    python benchmarks/ladders.py OUT [--digits FOLDER] [--keyword 3] [--seeds 3] [--only PART ...]

Parts: ``keyword`` trains networks on the Free Spoken Digits in FOLDER by ``netgen train``,
``count`` makes small ones that count, ``rungs`` samples chips of ladders. Networks are chosen on
validation; test data are read once. An interrupted benchmark continues where it was. It takes
about 15 CPU minutes, nearly all of it to train 12 networks; ``--seeds 1`` takes a third.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

from netgen.analysis.variability.accuracy import balanced_accuracy
from netgen.arrays import Floats
from netgen.behavioural.cells import TwinCells
from netgen.behavioural.fast import fast_chips
from netgen.model import Model, Samples, decide, evaluate, from_dict, load_model, load_samples
from netgen.project import BuildOptions, build, read_build
from netgen.project.twin import twin_decisions, twin_of_build
from netgen.technology import Variation, sample_deviations
from netgen.training.dataset import Part
from netgen.training.exchange import to_model
from netgen.training.features import FRAMES
from netgen.training.network import Architecture
from netgen.training.session import pick_samples

QUICK = ("--seeds", "8", "--steps", "500", "--no-teacher", "--chips", "independent")
"""Of ``netgen train``: enough to compare, and the same for every row."""
KEYWORD_ROWS = ((4, 1), (4, 2), (4, 3), (5, 1))
"""Units and rungs of the keyword networks."""
COUNTS = (2, 3)
CHIPS = 200
REST, STEP, LOWEST = 0.5, 0.4, 0.12
"""Of the networks that count: a candidate without an input, what a channel adds to it, and the
smallest lower threshold, in units."""
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


def counter(most: int, units: int, rungs: int) -> Model:
    """Return a network of one layer that counts; it is made by hand.

    Each channel adds a step to every candidate, the reset takes it to 0. Thresholds lie between the
    steps; without an input all rungs keep their states. The readout takes the nearest count.
    """
    arch = Architecture(most + 1, units, 1, most + 1, rungs)
    parameters = torch.zeros(1, arch.size, dtype=torch.float64)

    def put(name: str, values: Floats) -> None:
        place = arch.take(parameters, name)[0]
        place.copy_(torch.from_numpy(np.broadcast_to(values, place.shape).copy()))

    cells = units * rungs  # too few for all counts: they tell none from the largest
    counted = np.arange(most - cells, most) if cells < most else np.arange(most)
    steps = counted.reshape(units, rungs).astype(np.float64)
    high = REST + STEP * (steps + 0.5)
    put("w0", np.array([STEP] * most + [-2 * REST]))
    put("b0", np.array(REST))
    put("1.wc", np.eye(units))
    put("1.wp", np.eye(units))
    put("1.hi", high)
    put("1.width", high - LOWEST - 0.1 * steps)
    put("1.alpha", np.array(0.5 * most / cells))
    means = REST * units + 0.5 * np.arange(most + 1)
    put("wo", (means - means[0])[:, np.newaxis])
    put("bo", (means[0] ** 2 - means**2) / 2)
    return to_model(
        arch,
        parameters[0],
        name=f"count{most}-{units}x{rungs}",
        classes=[str(number) for number in range(most + 1)],
        frames=FRAMES,
        input_max=1.0,
        meta={},
    )


def count(out: Path) -> None:
    """Print the rows of the counting task."""
    print("\n| count to | units × rungs | transistors | power, nW | software | chips, mean | 5 % |")
    print("|---|---|---|---|---|---|---|")
    for most in COUNTS:
        test = pulses(np.random.default_rng(0), 20 * (most + 1), most)
        x = test.x.astype(np.float64)
        heard = pick_samples(pulses(np.random.default_rng(1), 50, most), most + 1, 50, 0)
        for units, rungs in ((1, 1), (1, most), (most, 1)):
            model = counter(most, units, rungs)
            folder = out / model.name
            transistors, watts = cost(model, folder, heard)
            software = decide(model.readout, evaluate(model, x)[model.readout.node])
            parts = twin_decisions(read_build(folder), x, Variation(0), CHIPS, fast=True)
            chips = balanced_accuracy(np.concatenate(list(parts)), test.y)
            cells = (
                str(most),
                f"{units} × {rungs}",
                str(transistors),
                f"{1e9 * watts:.1f}",
                f"{100 * float(balanced_accuracy(software, test.y)):.1f}",
                f"{100 * float(chips.mean()):.1f}",
                f"{100 * float(np.quantile(chips, 0.05)):.1f}",
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
        count(chosen.out)
    if "keyword" in parts and chosen.digits is not None:
        keyword(chosen.out, chosen.digits, chosen.keyword, seeds)


if __name__ == "__main__":
    main()
