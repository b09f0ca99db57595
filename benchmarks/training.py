"""Measure what docs/training.md tabulates: train every row of it and print the table.

    python benchmarks/training.py FSDD OUT [--only NAME ...]

FSDD is the folder of the Free Spoken Digit Dataset, OUT takes one folder a run. An interrupted
benchmark continues where it was, and finished runs are only read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

WANTED_SPREAD = 0.05


@dataclass(frozen=True)
class Row:
    """One training run: a name for its folder, and the options of ``netgen train``."""

    name: str
    options: tuple[str, ...]


def keyword(digit: int, units: int, *more: str) -> tuple[str, ...]:
    """Options for one keyword against the other nine digits."""
    return ("--keyword", str(digit), "--units", str(units), *more)


ROWS = (
    Row("seven-d4", keyword(7, 4)),
    Row("seven-d4-plain", keyword(7, 4, "--plain")),
    *(Row(f"digit-{digit}-d8", keyword(digit, 8)) for digit in range(10)),
    *(
        Row(f"unheard-{digit}-d8", keyword(digit, 8, *("--test-speaker", "lucas"),
            *("--test-speaker", "nicolas")))
        for digit in (0, 3, 7)
    ),
    Row("ten-digits-d32", ("--task", "labels", "--units", "32")),
)  # fmt: skip


def train(data: Path, out: Path, row: Row) -> dict[str, Any]:
    """Train one row, unless it is there, and return its training.json."""
    report = out / row.name / "training.json"
    if not report.is_file():
        print(f"training {row.name}", file=sys.stderr)
        command = [sys.executable, "-m", "netgen", "train", str(data), "-o", str(out / row.name)]
        subprocess.run([*command, *row.options], check=True, stdout=sys.stderr)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def line(name: str, found: dict[str, Any]) -> str:
    """Return one line of the table."""
    chips = next(c for c in found["virtual_chips"] if c["spread"] == WANTED_SPREAD)
    cells = (
        name,
        f"{found['balanced_accuracy_test']:.3f}",
        f"{chips['accuracy']:.3f}",
        f"{chips['states']:.4f}",
        f"{found['races_a_sample']:.3f}",
        f"{sum(found['cpu_s'].values()):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, metavar="FSDD")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="Only these rows.")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if not arguments.only or row.name in arguments.only]
    found = {row.name: train(arguments.data, arguments.out, row) for row in rows}
    print("| run | balanced, test | 200 chips at 5 %: balanced | states | races | CPU s |")
    print("|---|---|---|---|---|---|")
    for name, report in found.items():
        print(line(name, report))
    for group in ("digit-", "unheard-"):
        scores = [r["balanced_accuracy_test"] for n, r in found.items() if n.startswith(group)]
        if scores:
            print(f"\nmean of {group}*: {mean(scores):.3f}, worst {min(scores):.3f}")


if __name__ == "__main__":
    main()
