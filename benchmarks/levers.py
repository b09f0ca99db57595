"""What makes chips decide right: levers against mismatch, each built and judged on 1,000 chips.

    python benchmarks/levers.py TRAINED OUT [--chips 1000]

TRAINED is what ``netgen train`` wrote: ``model.json``, ``samples.npz`` (test recordings, on which
chips are judged) and ``validation.npz`` (by which sizes are chosen). Every row is made by the
commands that a user has: ``netgen build``, ``netgen trim``, ``netgen twin --fast``. What is there
already is kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

LINES = ("--size", "x=3", "--size", "reference=3")
LEVERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "2 × 2 µm": ((), False),
    "3 × 3 µm": (("--unit", "3", "3"), False),
    "5 × 5 µm": (("--unit", "5", "5"), False),
    "area by group, 1.0 ×": (("--optimise", "yield", "--area", "1.0"), False),
    "area by group, 1.5 ×": (("--optimise", "yield", "--area", "1.5"), False),
    "area by group, 2.5 ×": (("--optimise", "yield", "--area", "2.5"), False),
    "trim": ((), True),
    "trim, x and reference 6 × 6 µm": (LINES, True),
    "trim, area by group, 1.5 ×": (("--optimise", "yield", "--area", "1.5", "--trimmed"), True),
    "trim, 5 × 5 µm": (("--unit", "5", "5"), True),
}
"""Options of the build, and whether its chips are trimmed."""


def main() -> None:
    """Build, trim and judge every row; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--chips", type=int, default=1000)
    chosen = parser.parse_args()
    print(
        "| lever | drawn area | power | balanced mean | 5 % quantile | within 1 point | within 5 |"
    )
    print("|---|---|---|---|---|---|---|")
    for number, (lever, (options, trimmed)) in enumerate(LEVERS.items()):
        folder = chosen.out / f"lever-{number}"
        twin = folder / "twin.json"
        if not twin.is_file():
            judge(chosen.trained, folder, options, trimmed, chosen.chips)
        build = json.loads((folder / "build.json").read_text(encoding="utf-8"))
        found = json.loads(twin.read_text(encoding="utf-8"))["balanced_accuracy"]
        area = build["area"]["drawn_m2"] * 1e12
        power = build["predicted_power"]["average_w"] * 1e9
        shares = [found[key] for key in ("mean", "low")]
        shares += [found[key]["share"] for key in ("near", "far")]
        listed = " | ".join(f"{share:.1%}" for share in shares)
        print(f"| {lever} | {area:,.0f} µm² | {power:.0f} nW | {listed} |", flush=True)


def judge(trained: Path, folder: Path, options: tuple[str, ...], trimmed: bool, chips: int) -> None:
    """Build a circuit and predict what its chips decide."""
    samples = str(trained / "samples.npz")
    calibration = ("--calibration", str(trained / "validation.npz"))
    netgen("build", str(trained / "model.json"), "-o", str(folder), *calibration, *options)
    codes: tuple[str, ...] = ()
    if trimmed:
        netgen("trim", str(folder), "--chips", str(chips))
        codes = ("--trim", str(folder / "trim.json"))
    netgen("twin", str(folder), samples, "--fast", "--chips", str(chips), *codes)


def netgen(*words: str) -> None:
    """Run a command of netgen."""
    subprocess.run([sys.executable, "-m", "netgen", *words], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
