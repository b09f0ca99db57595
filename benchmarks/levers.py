"""What makes chips decide right: levers against mismatch, each built and judged on 1,000 chips.

    python benchmarks/levers.py TRAINED OUT [--trimmed TRAINED] [--chips N] [--spice N] [--twin N]
                                [--only ROW ...]

TRAINED is what ``netgen train`` wrote: ``model.json``, ``samples.npz`` (test recordings, on which
chips are judged) and ``validation.npz`` (by which everything is chosen); ``--trimmed`` is another
for the rows with a trim, trained for such chips. Every row is made by the commands that a user has:
``netgen build``, ``trim``, ``twin``, and with ``--spice CHIPS`` also ``sim``. ``--twin CHIPS`` says
how many decisions of the first rows' chips the fast model has in common with the twin. What was
made of the same files and options is not made again: the command may be stopped, and goes on when
it is given again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen import __version__
from netgen.model import load_samples
from netgen.project import read_build
from netgen.project.trim import trim_of_chips
from netgen.project.twin import twin_decisions
from netgen.technology import Variation

INPUTS = ("--inputs",)
LARGE = ("--unit", "5", "5")
LINES = ("--size", "x=3", "--size", "reference=3")
BUDGET = ("--optimise", "yield", "--area")
BY_GROUP = ("--sizes-by", "group")
COLUMNS = (
    *("drawn area, µm²", "gate area, µm²", "power, nW", "balanced mean", "5 % quantile"),
    *("within 1 point", "within 2", "within 5", "decisions as software"),
)
RECORDINGS, EVALUATIONS, TRIED = 40, (100, 300), 100
"""Of a trim by trial: validation recordings that it sees, runs of them through each chip, chips."""
RUNS, HEARD = 11, 100
"""Recordings of each SPICE chip, and of each chip by the twin: the first ones, since ``netgen
train`` writes the classes in turn as long as they last."""


@dataclass(frozen=True)
class Lever:
    """A row of the table.

    Attributes
    ----------
    build
        Options of the build.
    trim
        Options of the trim; None: there is none. By trial it sees validation recordings.
    twin
        Further options of what judges.
    spice, by_twin
        Whether its chips are simulated, and compared with the twin, where that is asked for.
    """

    name: str
    build: tuple[str, ...] = ()
    trim: tuple[str, ...] | None = None
    twin: tuple[str, ...] = ("--fast",)
    spice: bool = False
    by_twin: bool = False

    def chips(self, most: int) -> str:
        """Return how many chips are trimmed and judged."""
        return str(min(most, TRIED) if self.trim and "--trial" in self.trim else most)


UNTRIMMED = (
    Lever("2 × 2 µm", by_twin=True),
    Lever("3 × 3 µm", ("--unit", "3", "3")),
    Lever("5 × 5 µm", LARGE),
    Lever("1 × 4 µm", ("--unit", "1", "4")),
    Lever("0.5 × 8 µm", ("--unit", "0.5", "8")),
    Lever("area by group, 1.0 ×", (*BUDGET, "1.0", *BY_GROUP)),
    Lever("area by group, 1.5 ×", (*BUDGET, "1.5", *BY_GROUP)),
    Lever("area by group, 2.0 ×", (*BUDGET, "2.0", *BY_GROUP)),
    Lever("area by node, 1.0 ×", (*BUDGET, "1.0")),
    Lever("area by node, 1.25 ×", (*BUDGET, "1.25")),
    Lever("area by node, 1.4 ×", (*BUDGET, "1.4"), spice=True),
    Lever("area by node, 1.5 ×", (*BUDGET, "1.5")),
)
BEST = (*BUDGET, "1.5", "--trimmed", *INPUTS)
TRIMMED = (
    Lever("trim", (), ()),
    *(
        Lever(
            f"trim by trial, {RECORDINGS} recordings, {count} evaluations",
            (),
            ("--trial", "--recordings", f"0:{RECORDINGS}", "--evaluations", str(count)),
        )
        for count in EVALUATIONS
    ),
    Lever("trim, x and reference 6 × 6 µm", LINES, ()),
    Lever("trim and input gains", (), INPUTS, spice=True, by_twin=True),
    Lever("trim and input gains, 3 × 3 µm", ("--unit", "3", "3"), INPUTS),
    Lever("trim and input gains, area by group, 1.5 ×", (*BEST, *BY_GROUP), INPUTS),
    Lever("trim and input gains, area by node, 1.5 ×", BEST, INPUTS, spice=True),
    Lever("trim and input gains, 5 × 5 µm", LARGE, INPUTS),
    *(
        Lever(f"trim and input gains at 25 °C, then {at} °C", (), INPUTS,
              ("--fast", "--temperature", at))
        for at in ("-20", "85")
    ),
    *(
        Lever(f"the same by the twin, {at} °C, 50 chips", (), INPUTS,
              ("--chips", "50", "--temperature", at))
        for at in ("-20", "25", "85")
    ),
)  # fmt: skip


def main() -> None:
    """Build, trim and judge every row; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--trimmed", type=Path)
    parser.add_argument("--chips", type=int, default=1000)
    parser.add_argument("--spice", type=int, default=0, metavar="CHIPS")
    parser.add_argument("--twin", type=int, default=0, metavar="CHIPS")
    parser.add_argument("--only", nargs="*", metavar="ROW", help="Only the rows of these names.")
    chosen = parser.parse_args()
    print(f"| lever | {' | '.join(COLUMNS)} |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for trained, levers in (
        (chosen.trained, UNTRIMMED),
        (chosen.trimmed or chosen.trained, TRIMMED),
    ):
        for lever in levers:
            if chosen.only and lever.name not in chosen.only:
                continue
            bench = Bench(trained, chosen.out, chosen.chips)
            print(f"| {lever.name} | {' | '.join(bench.row(lever))} |", flush=True)
            if chosen.spice and lever.spice:
                print(f"  {bench.by_spice(lever, chosen.spice)}", flush=True)
            if chosen.twin and lever.by_twin:
                print(f"  {bench.by_twin(lever, chosen.twin)}", flush=True)


@dataclass(frozen=True)
class Bench:
    """Where rows are made.

    Attributes
    ----------
    trained
        The model, and recordings to choose by and to judge on.
    """

    trained: Path
    out: Path
    chips: int

    def row(self, lever: Lever) -> Iterator[str]:
        """Return the cells of a lever's row."""
        folder = self.built(lever)
        kept = self.judged(lever)
        if not kept.is_file():
            self.judge(lever, folder)
            kept.write_bytes((folder / "twin.json").read_bytes())
        build = json.loads((folder / "build.json").read_text(encoding="utf-8"))
        found = json.loads(kept.read_text(encoding="utf-8"))
        accuracy = found["balanced_accuracy"]
        yield f"{build['area']['drawn_m2'] * 1e12:,.0f}"
        yield f"{build['area']['gate_m2'] * 1e12:,.0f}"
        yield f"{build['predicted_power']['average_w'] * 1e9:.0f}"
        shares = [accuracy["mean"], accuracy["low"]]
        shares += [accuracy[key]["share"] for key in ("near", "close", "far")]
        for share in (*shares, found["decision_agreement"]):
            yield f"{share:.1%}"

    def built(self, lever: Lever) -> Path:
        """Build a lever's circuit, if it is not there."""
        folder = self.place("build", lever.build)
        if not (folder / "build.json").is_file():
            calibration = ("--calibration", str(self.trained / "validation.npz"))
            netgen("build", str(self.trained / "model.json"), "-o", str(folder), *calibration,
                   *lever.build)  # fmt: skip
        return folder

    def judge(self, lever: Lever, folder: Path) -> None:
        """Predict what a lever's chips decide."""
        codes: tuple[str, ...] = ()
        if lever.trim is not None:
            codes = ("--trim", str(self.trimmed(lever, folder)))
        netgen("twin", str(folder), str(self.trained / "samples.npz"), "--chips",
               lever.chips(self.chips), *codes, *lever.twin)  # fmt: skip

    def judged(self, lever: Lever, *more: str) -> Path:
        """Return the file of what a lever's chips decide."""
        trim = ("untrimmed",) if lever.trim is None else ("trim", *lever.trim)
        words = (*lever.build, *trim, *lever.twin, lever.chips(self.chips), *more)
        return self.place("judged", words, "samples.npz").with_suffix(".json")

    def trimmed(self, lever: Lever, folder: Path) -> Path:
        """Trim a lever's chips, if they are not yet."""
        assert lever.trim is not None
        chips = lever.chips(self.chips)
        path = self.place("codes", (*lever.build, "trim", *lever.trim, chips)).with_suffix(".json")
        if not path.is_file():
            trial = "--trial" in lever.trim
            recordings = (str(self.trained / "validation.npz"),) if trial else ()
            netgen("trim", str(folder), *recordings, "--chips", chips, *lever.trim, "-o", str(path))
        return path

    def by_spice(self, lever: Lever, chips: int) -> str:
        """Return which decisions of SPICE chips are software's, and the fast model's."""
        kept = self.judged(lever, f"spice of {RUNS}", str(chips))
        if not kept.is_file():
            kept.write_text(json.dumps(self.simulated(lever, chips)), encoding="utf-8")
        agreement, found, same = json.loads(kept.read_text(encoding="utf-8"))
        return (
            f"{chips} × {RUNS} in SPICE: {agreement:.1%} as software, balanced {found:.1%}; "
            f"{same:.1%} as the fast model"
        )

    def simulated(self, lever: Lever, chips: int) -> tuple[float, float, float]:
        """Return shares of SPICE chips' decisions: as software, right, as the fast model."""
        folder, samples = self.built(lever), self.trained / "samples.npz"
        codes = () if lever.trim is None else ("--trim", str(self.trimmed(lever, folder)))
        picked = np.arange(min(RUNS, self.recordings(lever)))
        netgen("sim", str(folder), str(samples), "--monte-carlo", str(chips), "--samples",
               ",".join(map(str, picked)), *codes)  # fmt: skip
        netgen("variability", str(folder))
        place = folder / "variability" / ("mismatch_seed_1" + ("_trimmed" if codes else ""))
        report = json.loads((place / "report.json").read_text(encoding="utf-8"))
        spice = np.array([case["decisions"] for case in report["per_case"]])
        same = (self.decisions(lever, chips, picked, fast=True) == spice).mean()
        found = report["balanced_accuracy"]["mean"]
        return report["decision_agreement"], found, float(same)

    def by_twin(self, lever: Lever, chips: int) -> str:
        """Return how many of the chips' decisions the fast model has in common with the twin."""
        kept = self.judged(lever, f"twin of {HEARD}", str(chips))
        if not kept.is_file():
            picked = np.arange(min(HEARD, self.recordings(lever)))
            fast, twin = (self.decisions(lever, chips, picked, fast=way) for way in (True, False))
            kept.write_text(json.dumps([int((fast == twin).sum()), twin.size]), encoding="utf-8")
        same, count = json.loads(kept.read_text(encoding="utf-8"))
        return f"{chips} chips by the twin: the fast model has {same} of {count} decisions"

    def recordings(self, lever: Lever) -> int:
        """Return how many test recordings there are."""
        return len(load_samples(self.trained / "samples.npz", read_build(self.built(lever)).model))

    def decisions(
        self, lever: Lever, chips: int, picked: NDArray[np.int64], *, fast: bool
    ) -> NDArray[np.int64]:
        """Return what the first chips decide for picked test recordings, (chips, recordings)."""
        folder, variation, settings = self.built(lever), Variation(1), None
        build = read_build(folder)
        if lever.trim is not None:
            codes = self.trimmed(lever, folder)
            settings = trim_of_chips(build, codes, variation, chips).codes.settings
        x = load_samples(self.trained / "samples.npz", build.model).x[picked]
        return np.concatenate(list(twin_decisions(build, x, variation, chips, fast, settings)))

    def place(self, kind: str, words: tuple[str, ...], *files: str) -> Path:
        """Return where something is kept: by its options, and by what it was made of."""
        folder = self.out / kind
        folder.mkdir(parents=True, exist_ok=True)
        content = hashlib.sha256(" ".join((__version__, *words)).encode())
        for file in ("model.json", "validation.npz", *files):
            content.update((self.trained / file).read_bytes())
        name = "".join(c if c.isalnum() else "_" for c in " ".join(words)) or "plain"
        return folder / f"{name}_{content.hexdigest()[:12]}"


def netgen(*words: str) -> None:
    """Run a command of netgen."""
    subprocess.run([sys.executable, "-m", "netgen", *words], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
