"""Kills of every command at random moments: what is there is whole or refused, and it goes on."""

from __future__ import annotations

import shutil

from fault_bench import Case, contents, half_files

KILLED = ("build", "chips", "compare", "power", "rebuild", "run", "sim", "stream", "train", "twin",
          "variability", "verify")  # fmt: skip
LEARNT = ("stream", "train")
"""Those that need the packages of training."""
PLOTTED = 0.2
"""Share of the kills that draw their plots, which takes most of the time."""


def kills(case: Case) -> None:
    """Kill a command at a random moment, then do it again without a fault."""
    case.how = case.rng.choice(["KILL", "KILL", "INT", "TERM"])
    case.what = case.rng.choice(
        [each for each in KILLED if case.bench.trains or each not in LEARNT]
    )
    if case.what in LEARNT:
        _results(case)
    else:
        _build_folder(case)


def _kill(case: Case) -> None:
    what = case.what
    plots = what in ("compare", "variability", "power", "run") and case.rng.random() < PLOTTED
    after = case.rng.uniform(0.0, case.bench.duration(what) * (3.0 if plots else 1.1))
    words = case.bench.words(what, case.folder)
    done = case.run(words, kill=(case.how, after), plots=plots)
    case.said.append(f"SIG{case.how} after {after:.3f} s{', with plots' if plots else ''}")
    case.killed = done.status != 0
    if half := half_files(case.place):
        case.said += half
        case.faults.append("half file")


def _build_folder(case: Case) -> None:
    bench, folder, what = case.bench, case.folder, case.what
    if what not in ("build", "run"):
        case.start(bench.base)
    if what in ("sim", "chips"):
        for trace in folder.rglob("sample_*.npz"):
            trace.unlink()
    _kill(case)
    if folder.exists():
        _go_on(case)
    case.finish(folder, *(("--unit", "3", "3") if what == "rebuild" else ()))


def _go_on(case: Case) -> None:
    """Read what a kill left, and do what was killed again."""
    bench, folder, what = case.bench, case.folder, case.what
    if what == "twin":
        found = contents(folder)
        if "twin.json" in found:  # the build's own model is there in any case
            case.believe(found, bench.kept["twin"])
        case.run(bench.twin(folder))
        case.believe(contents(folder), bench.kept["twin"])
    case.judge()
    if what in ("chips", "variability"):
        case.run(bench.chips_of(folder))
        case.judge_chips()


def _results(case: Case) -> None:
    """Kill a training or a stream; a training also where the results of another one are."""
    bench, folder, what = case.bench, case.folder, case.what
    bench.duration(what)
    earlier: dict[str, object] = {}
    if what == "train" and case.rng.random() < 0.5:
        bench.duration("train other")
        shutil.copytree(bench.place / "first-train-other", folder)
        (folder / "checkpoint.pt").unlink()
        earlier = bench.kept["train other"]
    _kill(case)
    there = contents(folder) if folder.exists() else {}
    if not any(there.items() <= whole.items() for whole in (bench.kept[what], earlier)):
        case.said.append(f"a mixture: {sorted(there)}")
        case.faults.append("silent wrong")
    if case.run(bench.words(what, folder)).status != 0:
        case.faults.append("no way back")
    else:
        case.believe(contents(folder), bench.kept[what])
