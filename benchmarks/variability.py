"""The populations of docs/variability.md: chips of two unit mirrors, and corners.

    python benchmarks/variability.py MODEL.json SAMPLES.npz OUT

builds and simulates with netgen's own commands what OUT does not hold already, so that it can be
interrupted and called again, and prints the tables of the page in Markdown. The pages and plots lie
in OUT/<unit>/variability; area.png among them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from netgen.units import engineering

UNITS = ((2, 2), (5, 5))
"""Width and length of the unit mirror, µm."""
SAMPLES = "0,1,2,3,20,21,22,23,28,37,40"
CORNER_SAMPLES = "0,20"
CHIPS = "mismatch_seed_1"
CORNERS = "corners"
SOME_FAILED = 5
"""Exit status of netgen sim where runs failed; they are counted in the tables."""
LISTED = 8


def netgen(*words: object, allowed: Sequence[int] = (0,)) -> None:
    """Run a command and show what it says; end where it cannot do what is asked."""
    done = subprocess.run([sys.executable, "-m", "netgen", *map(str, words)], stdout=sys.stderr)
    if done.returncode not in allowed:
        sys.exit(done.returncode)


def folder_of(out: Path, unit: tuple[int, int]) -> Path:
    """Return the build folder of a unit mirror."""
    return out / f"{unit[0]}x{unit[1]}um"


def simulate(model: Path, samples: Path, out: Path, chips: int, jobs: Sequence[object]) -> None:
    """Build and simulate what is missing, and analyse it."""
    folders = [folder_of(out, unit) for unit in UNITS]
    for unit, folder in zip(UNITS, folders, strict=True):
        if not (folder / "build.json").is_file():
            netgen("build", model, "-o", folder, "--unit", *unit)
    jobs = (*jobs, "--engine", "staged")
    corners = ("--corners", "--bias", "both", "--samples", CORNER_SAMPLES)
    netgen("sim", folders[0], samples, *jobs, *corners, allowed=(0, SOME_FAILED))
    for folder in folders:
        asked = ("--monte-carlo", chips, "--samples", SAMPLES)
        netgen("sim", folder, samples, *jobs, *asked, allowed=(0, SOME_FAILED))
    netgen("variability", *folders)


def report(folder: Path, population: str) -> dict[str, Any]:
    """Return what ``netgen variability`` found."""
    path = folder / "variability" / population / "report.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def percent(share: float | None) -> str:
    """Write a share."""
    return "–" if share is None else f"{100 * share:.3g} %"


def span(ends: Sequence[float] | None) -> str:
    """Write an interval of shares."""
    return "–" if ends is None else f"{100 * ends[0]:.1f} … {100 * ends[1]:.1f} %"


def table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def spread_of(entry: dict[str, float] | None, power: bool = False) -> str:
    """Write a median with its 5 and 95 % quantiles."""
    if entry is None:
        return "–"
    write = (lambda value: engineering(value, "W")) if power else percent
    low, middle, high = (write(entry[name]) for name in ("low", "median", "high"))
    return f"{middle} ({low} … {high})"


def chip_rows(found: Sequence[dict[str, Any]]) -> Iterator[Sequence[str]]:
    """Yield the figures of the chips, one column a unit mirror."""
    yield "chips whole, of", *(f"{f['cases_whole']} of {f['cases']}" for f in found)
    runs = [f["runs"] for f in found]
    yield "runs failed, of", *(f"{r['failed']} of {r['asked']}" for r in runs)
    yield "yield: all samples as software", *(percent(f["yield"]["share"]) for f in found)
    yield "95 % interval, Wilson", *(span(f["yield"]["wilson"]) for f in found)
    yield "95 % interval, Clopper and Pearson", *(span(f["yield"]["exact"]) for f in found)
    yield "decisions as software", *(percent(f["decision_agreement"]) for f in found)
    yield "accuracy, circuit", *(percent(f["accuracy_circuit"]) for f in found)
    for label, name in (
        ("states equal", "state_agreement"),
        ("logit RMSE", "logit_rmse_fs"),
        ("logit RMSE, same states", "logit_rmse_same_state_fs"),
        ("supply power", "power_w"),
    ):
        values = (spread_of(f["spread"][name], name == "power_w") for f in found)
        yield f"{label}, median run (5 … 95 %)", *values


def sample_rows(found: Sequence[dict[str, Any]]) -> Iterator[Sequence[str]]:
    """Yield the votes on every sample, one column a unit mirror."""
    for entries in zip(*(f["per_sample"] for f in found), strict=True):
        first = entries[0]
        votes = (f"{e['votes']['hits']} of {e['votes']['trials']}" for e in entries)
        yield str(first["sample"]), percent(first["lead_software_fs"]), *votes


def contribution_rows(sensitivity: dict[str, Any], kind: str) -> Iterator[Sequence[str]]:
    """Yield the strongest groups."""
    for entry in sensitivity[kind][:LISTED]:
        name = f"`{entry['name']}`"
        yield name, str(entry["devices"]), percent(entry["share"]), f"{entry['q']:.2g}"


def corner_rows(found: dict[str, Any]) -> Iterator[Sequence[str]]:
    """Yield the corners' figures by kind of bias."""
    cases = found["per_case"]
    for bias in dict.fromkeys(case["bias"] for case in cases):
        own = [case for case in cases if case["bias"] == bias]
        agreeing, done = (sum(case[name] for case in own) for name in ("agreeing", "done"))
        known = [case for case in own if case["power_w"] is not None]
        row = [bias, f"{agreeing} of {done}", str(sum(case["failed"] for case in own))]
        for name, worst in (("state_agreement", min), ("logit_rmse_fs", max)):
            case = worst(known, key=lambda case: case[name])
            at = f"{case['corner']}, {case['vdd']:g} V, {case['temperature']:g} °C"
            row.append(f"{percent(case[name])} ({at})")
        powers = [case["power_w"] for case in known]
        row.append(f"{engineering(min(powers), 'W')} … {engineering(max(powers), 'W')}")
        yield row


def tables(out: Path) -> Iterator[str]:
    """Yield the lines of all tables of the page."""
    names = [f"{width} × {length} µm" for width, length in UNITS]
    found = [report(folder_of(out, unit), CHIPS) for unit in UNITS]
    yield from table(["chips", *names], chip_rows(found))
    yield from table(["sample", "software's lead", *names], sample_rows(found))
    for name, each in zip(names, found, strict=True):
        found = each["sensitivity"]
        if found is None:
            continue
        yield (
            f"{name}: of {len(found['deviations'])} devices {found['found']} have "
            f"p < {found['level']:g}; chance alone would give {found['expected_by_chance']:.1f}."
        )
        yield ""
        for kind, title in (("groups", "parameter or role"), ("nodes", "node")):
            header = [title, "devices", "share of the error's variance", "q"]
            yield from table(header, contribution_rows(found, kind))
    header = ["bias", "decisions as software", "failed", "states equal, worst corner"]
    header += ["logit RMSE, worst corner", "supply power"]
    yield from table(header, corner_rows(report(folder_of(out, UNITS[0]), CORNERS)))


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("samples", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--chips", type=int, default=200, show_default=True)
@click.option("--jobs", type=int, help="Simulations at a time.  [default: all cores]")
def main(model: Path, samples: Path, out: Path, chips: int, jobs: int | None) -> None:
    """Simulate and analyse the chips and corners of MODEL.json."""
    simulate(model, samples, out, chips, () if jobs is None else ("--jobs", jobs))
    print("\n".join(tables(out)))


if __name__ == "__main__":
    main()
