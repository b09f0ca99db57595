"""A fault campaign: edits, kills, full disks, odd environments and hostile files, counted.

    python benchmarks/faults.py [--injections N] [--seed S] [--kind edit …] [--minutes M] [--json F]

Each injection takes a fresh copy of a small build folder (the set/reset memory in the generic
process, simulated, with three chips), does one thing to it or to the command that works on it, runs
the command and then asks: was a wrong result accepted, was there a traceback, had anything but a
disagreement status 1, was a file of the user's changed, was a command executed, did it hang? The
same seed makes the same injections, except for the moments of kills, which are shares of how long a
command lasts here. Needs libngspice; most plots are left out, they take most of the time.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fault_bench import Bench, Case, can_mount, disk, half_files, resize
from fault_hostile import HOSTILE
from fault_kills import kills
from fault_tools import edit, files_of, run_plain

LOOK_FAULTS = ("silent wrong", "traceback", "status 1", "user's file changed", "executed", "hang",
               "half file", "no way back")  # fmt: skip


# The kinds


def edits(case: Case) -> None:
    """Change one file of a folder, then read the folder or go on in it."""
    folder = case.start(case.bench.base)
    files = [f for f in files_of(folder) if f.suffix in (".json", ".npz", ".cir", ".csv", ".lib")]
    changed = case.rng.choice(files)
    case.said.append(edit(changed, case.rng, case.bench.wide / changed.relative_to(folder)))
    way = case.rng.choice(["compare", "sim", "chips", "variability", "power", "twin", "verify"])
    if way in ("compare", "sim"):
        if way == "sim":
            case.run(case.bench.sim(folder))
        case.judge()
    elif way in ("chips", "variability"):
        if way == "chips":
            case.run(case.bench.chips_of(folder))
        case.judge_chips()
    else:
        case.run([way, folder])


def disks(case: Case) -> None:
    """Leave little room, of a file system or for each file, then run with plenty."""
    with disk(case.place / "disk") as mounted:
        if mounted:
            case.sub = "disk"
        _disk(case, mounted)


def _disk(case: Case, mounted: bool) -> None:
    what = case.rng.choice(["build", "sim", "chips", "compare", "variability", "power", "twin"])
    limit = int(10 ** case.rng.uniform(3.5 if mounted else 0, 5.5))
    if what == "build":
        words = case.bench.build(case.folder)
    else:
        case.start(case.bench.base)
        if what in ("sim", "chips"):
            for trace in case.folder.rglob("sample_*.npz"):
                trace.unlink()
        words = {
            "sim": case.bench.sim(case.folder), "chips": case.bench.chips_of(case.folder),
            "twin": case.bench.twin(case.folder),
        }.get(what, [what, case.folder])  # fmt: skip
    if mounted:
        resize(case.place / "disk", limit)
        done = case.run(words)
        resize(case.place / "disk", None)
        case.said.append(f"{limit} bytes free on a disk of its own")
    else:
        done = case.run(words, file_size=limit, cache=case.place / "cache")
        case.said.append(f"at most {limit} bytes a file")
    if half := half_files(case.folder):
        case.said += half
        case.faults.append("half file")
    if done.status in (2, 5) and "netgen: " not in done.text:
        case.faults.append("traceback")
    if done.status == 3:
        case.faults.append("wrong status")
    if case.folder.exists():
        case.judge()
    case.finish(case.folder)


ENVIRONMENTS: dict[str, dict[str, object]] = {
    "closed stdin": {"closed": (0,)},
    "closed stdout": {"closed": (1,)},
    "closed stderr": {"closed": (2,)},
    "all closed": {"closed": (0, 1, 2)},
    "full stdout": {"stdout": "/dev/full"},
    "full stderr": {"stderr": "/dev/full"},
    "reader gone": {"stdout": "|"},
    "Latin-1": {"encoding": "latin-1"},
    "ASCII": {"encoding": "ascii"},
    "other settings of ngspice": {"spinit": True},
    "no PDK root": {"variables": {"PDK_ROOT": "/nowhere"}},
    "no home": {"variables": {"HOME": "/nowhere"}},
    "no temporary folder": {"variables": {"TMPDIR": "/nowhere"}},
    "no cache": {"variables": {"NETGEN_CACHE": "/dev/null/x"}},
    "no path": {"variables": {"PATH": ""}},
    "few files": {"files": 40},
    "hardly any files": {"files": 8},
    "little memory": {"memory": 300 << 20},
    "folder gone": {"gone": True},
    "odd locale": {"variables": {"LC_ALL": "xx_YY.klingon"}},
}


def environments(case: Case) -> None:
    """Run a command where something of its surroundings is odd."""
    name = case.rng.choice(sorted(ENVIRONMENTS))
    how = dict(ENVIRONMENTS[name])
    if how.pop("spinit", False):
        (case.place / "spinit").write_text("option reltol=0.5 abstol=1\nset ngbehavior=ps\n")
        how["variables"] = {"SPICE_SCRIPTS": str(case.place)}
    what = case.rng.choice(["build", "sim", "compare", "variability", "check"])
    if what != "build":
        case.start(case.bench.base)
    if what == "sim":
        for trace in case.folder.rglob("sim/sample_*.npz"):
            trace.unlink()
    words: list[object] = {
        "build": case.bench.build(case.folder), "sim": case.bench.sim(case.folder),
        "check": ["check", case.bench.model, "--pdk", "generic180"],
    }.get(what, [what, case.folder])  # fmt: skip
    case.said.append(name)
    case.run(words, **how)
    if case.folder.exists():
        case.judge()
    if what in ("build", "sim"):
        case.finish(case.folder)


def strangers(case: Case) -> None:
    """Open files that were made to have a command executed."""
    name = case.rng.choice(sorted(HOSTILE))
    mark = case.place / "executed"
    source = case.start(case.bench.base)
    words, how = HOSTILE[name](case.rng, source, mark, case.bench)
    case.said.append(name)
    case.run(words, **how)
    time.sleep(0.05)
    if any(path.exists() for path in (mark, mark.with_name("EXECUTED"))):
        case.faults.append("executed")
    elif case.ends[-1] == 0 and name not in ("deck", "cache"):
        case.said.append("(taken, with nothing executed)")


def users(case: Case) -> None:
    """Put files of a user into folders, and see that they stay as they are."""
    folder = case.start(case.bench.base)
    kind = case.rng.choice(["inside", "foreign"])
    names = ["notes.txt", "plots/mine.png", "sim/notes.json", "figure.png", "model.txt", "x/y.npz"]
    target = folder if kind == "inside" else case.place / "mine"
    if kind == "foreign":
        names += ["model.json", "samples.npz", "sweep.json", "scaling.json", "noise.json",
                  "report.json", "training.json", "netlist.cir", "sim/sim.json"]  # fmt: skip
    mine = [target / name for name in case.rng.sample(names, 4)]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.rng.randbytes(40))
    before = [path.read_bytes() for path in mine]
    model, samples = case.bench.model, case.bench.samples
    ways: list[list[object]] = [case.bench.build(target), ["init", target]]
    if kind == "inside":
        ways = [["compare", folder], ["variability", folder], ["power", folder],
                case.bench.build(folder), case.bench.build(folder, "--unit", "3", "3"),
                case.bench.sim(folder)]  # fmt: skip
    else:
        pdk = ["--pdk", "generic180"]
        ways += [
            ["sweep", model, samples, "-o", target, "--supplies", "1.8", "--samples", "0", *pdk],
            ["scaling", "-o", target, "--sizes", "4", *pdk],
            ["noise", model, samples, "-o", target, *pdk],
            ["train", case.place, "-o", target, "-k", "yes"],
            ["synth", "yes", "-o", target],
            ["run", model, samples, "-o", target, *pdk],
        ]
    case.run(case.rng.choice(ways))
    if [path.read_bytes() if path.exists() else b"" for path in mine] != before:
        case.faults.append("user's file changed")


KINDS: dict[str, tuple[Callable[[Case], None], float]] = {
    "edit": (edits, 0.35), "kill": (kills, 0.3), "disk": (disks, 0.1),
    "environment": (environments, 0.1), "stranger": (strangers, 0.1), "user": (users, 0.05),
}  # fmt: skip


def campaign(bench: Bench, count: int, seed: int, kinds: list[str]) -> Iterator[tuple[str, Case]]:
    """Yield every injection with its kind."""
    weights = [KINDS[kind][1] for kind in kinds]
    order = random.Random(f"{seed} order").choices(kinds, weights, k=count)
    for number, kind in enumerate(order):
        place = bench.place / f"{number:05d}"
        place.mkdir()
        case = Case(bench, random.Random(f"{seed} {number} {kind}"), place)
        KINDS[kind][0](case)
        yield kind, case
        shutil.rmtree(place, ignore_errors=True)


MEASURED = "train and stream: {trains}; full disks: {disks}"
COLUMNS = ("injections", "killed", "as before", "refused", "machine", *LOOK_FAULTS, "other")


kills_of: collections.Counter[str] = collections.Counter()
in_time: collections.Counter[str] = collections.Counter()
"""Kills by command, and those of them that it did not end before."""


def tally(counts: dict[str, collections.Counter[str]], kind: str, case: Case) -> None:
    """Count an injection."""
    row = counts[kind]
    row["injections"] += 1
    first = case.ends[0] if case.ends else 0
    ended = "machine" if first == 5 else "as before" if first == 0 else "refused"
    row["killed" if case.killed else ended] += 1
    if kind == "kill":
        kills_of[case.what] += 1
        in_time[case.what] += case.killed
    for fault in set(case.faults):
        row[fault if fault in LOOK_FAULTS else "other"] += 1


def table(counts: dict[str, collections.Counter[str]]) -> str:
    """Return the counts, kind by kind."""
    total: collections.Counter[str] = collections.Counter()
    lines = [f"{'':12}" + "".join(f"{column:>{len(column) + 2}}" for column in COLUMNS)]
    for kind, row in [*sorted(counts.items()), ("all", total)]:
        cells = "".join(f"{row[column]:>{len(column) + 2}}" for column in COLUMNS)
        lines.append(f"{kind:12}{cells}")
        total.update(row)
    by_command = ", ".join(f"{k} {in_time[k]}/{n}" for k, n in sorted(kills_of.items()))
    return "\n".join([*([f"killed in time: {by_command}"] if kills_of else []), *lines])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--injections", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", choices=sorted(KINDS))
    parser.add_argument("--minutes", type=float, help="end after so many, with what there is")
    parser.add_argument("--json", type=Path, help="every fault found, with what led to it")
    chosen = parser.parse_args(arguments)
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    found = []
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="netgen-faults-"))  # a fork must not remove it
    try:
        os.environ["NETGEN_CACHE"] = str(scratch / "cache")
        trains = run_plain()
        bench = Bench.made(scratch)
        kinds = chosen.kind or sorted(KINDS)
        bench.trains = trains
        print(MEASURED.format(trains="killed" if trains else "left out: torch is missing",
                              disks="of file systems of their own" if can_mount(scratch)
                              else "stood for by a limit on each file"), flush=True)  # fmt: skip
        for done, (kind, case) in enumerate(
            campaign(bench, chosen.injections, chosen.seed, kinds), 1
        ):
            tally(counts, kind, case)
            if case.faults:
                found.append({"kind": kind, "number": done - 1, "faults": case.faults,
                              "said": case.said})  # fmt: skip
                print(f"{kind} {done - 1}: {', '.join(case.faults)}", *case.said, sep="\n    ")
            if done % 25 == 0 or done == chosen.injections:
                took = time.monotonic() - started
                left = took / done * (chosen.injections - done)
                print(f"{done} of {chosen.injections}, {left:.0f} s to go", file=sys.stderr)
            if chosen.minutes and time.monotonic() - started > 60 * chosen.minutes:
                break
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(table(counts))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
