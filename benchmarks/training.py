"""Measure what docs/training.md tabulates: train every row of it and print the table.

    python benchmarks/training.py OUT [--commands FOLDER] [--digits FOLDER] [--only NAME ...]

FOLDERs are Google Speech Commands and the Free Spoken Digit Dataset; OUT takes one folder a run.
Every row is trained with the first seed before any is with the second, and rows that have a target
come first. Rows of one name and several seeds are averaged. An interrupted benchmark continues
where it was, finished runs are only read, and ``--table`` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from netgen.analysis.variability.accuracy import balanced_accuracy
from netgen.model import decide, evaluate, load_model
from netgen.training.audio import fit_second, read_clip
from netgen.training.features import feature_map
from netgen.training.opening import open_corpus
from netgen.training.task import make_task

WANTED_SPREAD = 0.05
SEEDS = (0, 1, 2)
GAINS = (1.0, 0.3, 0.1, 0.03)
HEAD = """\
| run | seeds | balanced, test | validation | 200 chips at 5 % | states | races | CPU s |
|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Row:
    """Training runs of one kind: the data set, the seeds, and the options of ``netgen train``."""

    name: str
    data: str
    seeds: tuple[int, ...]
    options: tuple[str, ...]


def keyword(word: str, units: int, *more: str) -> tuple[str, ...]:
    """Options for one keyword against all other words."""
    return ("--keyword", word, "--units", str(units), *more)


ROWS = (
    *(
        Row(f"{word}-d{units}", "commands", SEEDS, keyword(word, units))
        for units in (8, 4)
        for word in ("right", "left")
    ),
    Row("both-d16", "commands", SEEDS, (*keyword("right", 16), "--keyword", "left")),
    Row("seven-d4", "digits", SEEDS, keyword("7", 4)),
    Row("right-d8-streams", "commands", SEEDS, keyword("right", 8, "--streams")),
    *(
        Row(f"right-d8-{kind}", "commands", SEEDS, keyword("right", 8, "--features", kind))
        for kind in ("mfcc-slopes", "bands-16", "pcen-16")
    ),
    Row("right-d8-plain", "commands", SEEDS, keyword("right", 8, "--plain")),
    *(Row(f"digit-{digit}-d8", "digits", (0,), keyword(str(digit), 8)) for digit in range(10)),
    Row("ten-digits-d32", "digits", (0,), ("--task", "labels", "--units", "32")),
)


def finished(folder: Path) -> Path:
    """Return the file that a finished run has."""
    return folder / "training.json"


def train(data: Path, folder: Path, row: Row, seed: int) -> None:
    """Train one run, unless it is there."""
    if finished(folder).is_file():
        return
    print(f"training {folder.name}", file=sys.stderr)
    command = [sys.executable, "-m", "netgen", "train", str(data), "-o", str(folder)]
    command += ["--seed", str(seed), *row.options]
    subprocess.run(command, check=True, stdout=sys.stderr)


def at_gains(data: Path, model_file: Path) -> list[float]:
    """Return the balanced accuracy on the test split with the sound made quieter."""
    model = load_model(model_file)
    mapping = feature_map(model, str(model_file))
    corpus = open_corpus(data)
    named = tuple(name for name in model.classes if name != "other")
    task = make_task(corpus, "keyword", named)
    tests = [r for r in corpus.recordings if r.split == "test"]
    y = np.array([task.class_of(r.label) for r in tests])
    sounds = [fit_second(read_clip(r.path, mapping.rate).sound, mapping.rate)[0] for r in tests]
    found = []
    for gain in GAINS:
        x = np.stack([mapping.inputs(np.float32(gain) * sound) for sound in sounds])
        logits = evaluate(model, x.astype(np.float64))[model.readout.node]
        found.append(float(balanced_accuracy(decide(model.readout, logits), y)))
    return found


def line(name: str, reports: list[dict[str, Any]]) -> str:
    """Return one line of the table: mean ± standard deviation over the seeds."""
    chips = [c for r in reports for c in r["virtual_chips"] if c["spread"] == WANTED_SPREAD]
    cells = (
        name,
        str(len(reports)),
        spread([r["balanced_accuracy_test"] for r in reports]),
        spread([r["validation_score"] for r in reports]),
        spread([c["accuracy"] for c in chips]),
        f"{mean(c['states'] for c in chips):.4f}",
        f"{mean(r['races_a_sample'] for r in reports):.3f}",
        f"{mean(sum(r['cpu_s'].values()) for r in reports):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def spread(values: list[float]) -> str:
    """Return mean ± standard deviation; the value alone where there is one."""
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--commands", type=Path, metavar="FOLDER")
    parser.add_argument("--digits", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="Only these rows.")
    parser.add_argument("--gains", action="store_true", help="Also measure quieter test sound.")
    parser.add_argument("--table", action="store_true", help="Train nothing: print what is there.")
    arguments = parser.parse_args()
    folders = {"commands": arguments.commands, "digits": arguments.digits}
    rows = [row for row in ROWS if folders[row.data] is not None]
    rows = [row for row in rows if not arguments.only or row.name in arguments.only]
    runs = [
        (row, seed, arguments.out / f"{row.name}-s{seed}")
        for seed in SEEDS
        for row in rows
        if seed in row.seeds
    ]
    if not arguments.table:
        for row, seed, place in runs:
            train(folders[row.data], place, row, seed)
    print(HEAD)
    for row in rows:
        there = [place for one, _, place in runs if one == row and finished(place).is_file()]
        if there:
            texts = [finished(place).read_text(encoding="utf-8") for place in there]
            print(line(row.name, [json.loads(text) for text in texts]))
        if arguments.gains and row.data == "commands":
            for place in there:
                found = at_gains(folders[row.data], place / "model.json")
                levels = ", ".join(f"{each:.3f}" for each in found)
                print(f"{place.name}: at gains {GAINS}: {levels}", file=sys.stderr)


if __name__ == "__main__":
    main()
