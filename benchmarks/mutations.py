"""Spoil one thing in a circuit and see whether netgen notices, and where.

    python benchmarks/mutations.py MODEL.json [SAMPLES.npz] [-n 20] [-o FOLDER]

Builds the model, then spoils its netlist in many places, one at a time: a weight ± 5 %, a weight of
at least 0.05 deleted, an α − 5 %, a threshold ± 3 %, a width ± 10 %, two nets swapped, a bias off.
Each must end with status 1 and name the node; the netlist as it was built must pass. With samples,
two of them are simulated as well, and it is told how many of the faults the samples alone show.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import process_time

import numpy as np

from netgen import project
from netgen.analysis import Check, Tolerances, compare, verdict, verified
from netgen.model import load_model, load_samples

SMALLEST = 0.05
"""Weights below this are not deleted."""


@dataclass(frozen=True)
class Mutation:
    """One thing spoiled.

    Attributes
    ----------
    kind, place
        What was done, and to which element.
    node
        The node that must be named.
    netlist
        The text of the spoiled network.
    """

    kind: str
    place: str
    node: str
    netlist: str


def mutations(netlist: str, mapping: str, each: int, seed: int = 1) -> Iterator[Mutation]:
    """Yield up to ``each`` mutations of every kind, spread over the whole network.

    Parameters
    ----------
    netlist, mapping
        The texts of ``netlist.cir`` and ``mapping.json``.
    """
    records = [record for record in json.loads(mapping)["parameters"] if record["device"]]
    rows = [record for record in records if record["from"] is not None]
    cells = [record for record in records if record["from"] is None]
    biases = {
        kind: [r for r in cells if r["device"].endswith(kind)]
        for kind in ("thresh", "width", "gain")
    }
    large = [record for record in rows if abs(record["ideal"]) >= SMALLEST]
    random = np.random.default_rng(seed)

    def some(places: list[dict[str, object]]) -> Iterator[tuple[str, str]]:
        for at in sorted(random.permutation(len(places))[:each]):
            record = places[at]
            yield str(record["device"]).partition(".")[2], str(record["into"])

    for factor in (1.05, 0.95):
        for name, node in some(rows):
            text = _scaled(netlist, name, factor)
            yield Mutation(f"weight {factor - 1:+.0%}", name, node, text)
    for name, node in some(large):
        yield Mutation("weight deleted", name, node, _deleted(netlist, name))
    for kind, bias, factors in (
        ("alpha", "gain", (0.95,)),
        ("threshold", "thresh", (1.03, 0.97)),
        ("width", "width", (1.1, 0.9)),
    ):
        for factor in factors:
            for name, node in some(biases[bias]):
                text = _current(netlist, name, factor)
                yield Mutation(f"{kind} {factor - 1:+.0%}", name, node, text)
    for name, node in some(
        [r for r in rows if r["column"] is None and abs(r["ideal"]) >= SMALLEST]
    ):
        yield Mutation("bias off", name, node, _deleted(netlist, name))
    for name, node in some(cells):
        yield Mutation("bias off", name, node, _deleted(netlist, name))
    yield from _swaps(netlist, rows, each, random)


def _lines(netlist: str, name: str) -> list[str]:
    """Return the lines of an element, and of those in series with it."""
    found = re.findall(rf"^{re.escape(name)}(?:_s\d+)? .*$", netlist, re.M)
    assert found, name
    return found


def _deleted(netlist: str, name: str) -> str:
    for line in _lines(netlist, name):
        netlist = netlist.replace(f"{line}\n", "", 1)
    return netlist


def _scaled(netlist: str, name: str, factor: float) -> str:
    """Scale a mirror's current exactly: by its multiplicity, which need not be whole."""
    for line in _lines(netlist, name):
        found = re.search(r" m=(\S+)$", line)
        count, head = (float(found[1]), line[: found.start()]) if found else (1.0, line)
        netlist = netlist.replace(line, f"{head} m={count * factor:.9g}", 1)
    return netlist


def _current(netlist: str, name: str, factor: float) -> str:
    (line,) = _lines(netlist, name)
    head, _, value = line.rpartition(" ")
    return netlist.replace(line, f"{head} {float(value) * factor:.12g}", 1)


def _swaps(
    netlist: str, rows: list[dict[str, object]], each: int, random: np.random.Generator
) -> Iterator[Mutation]:
    """Swap the gates of two mirrors of one row, where the weights differ."""
    pairs = [
        (a, b)
        for a, b in pairwise(rows)
        if (a["into"], a["row"], a["polarity"]) == (b["into"], b["row"], b["polarity"])
        and abs(float(str(a["ideal"])) - float(str(b["ideal"]))) > SMALLEST
    ]
    for at in sorted(random.permutation(len(pairs))[:each]):
        first, second = (str(r["device"]).partition(".")[2] for r in pairs[at])
        gates = [_lines(netlist, name)[0].split()[2] for name in (first, second)]
        if gates[0] == gates[1]:
            continue
        text = netlist
        for name, old, new in ((first, *gates), (second, *reversed(gates))):
            for line in _lines(netlist, name):
                words = line.split(" ")
                words[2] = new
                assert line.split(" ")[2] == old
                text = text.replace(line, " ".join(words), 1)
        yield Mutation("nets swapped", f"{first}, {second}", str(pairs[at][0]["into"]), text)


def named(checks: tuple[Check, ...]) -> list[str]:
    """Return the nodes that missed checks name, the worst first."""
    places = [place for check in checks if not check.passed for place in check.places]
    ordered = sorted(places, key=lambda place: -abs(place.error))
    return list(dict.fromkeys(place.node for place in ordered))


def judge(folder: Path, samples: Path | None) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """Verify a build, and compare two samples if there are any: the checks of both."""
    made = project.read_build(folder, edited=True)
    checks = verified(project.verify(made, 1, lambda done, total: None), Tolerances())
    if samples is None:
        return checks, ()
    loaded = load_samples(samples, made.model)
    picked = [0, 1][: len(loaded)]
    steps = list(
        project.simulate(made, loaded, picked, project.SimulationChoices(1, engine="staged"))
    )
    failures = {step.run: step.failure.kind for step in steps if step.failure}
    done = [index for index in picked if index not in failures]
    traces = map(project.read_runs(made).traces, done)
    return checks, verdict(compare(made.model, loaded.pick(done), traces, failures), Tolerances())


def main() -> None:
    """Spoil, verify, count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("samples", type=Path, nargs="?")
    parser.add_argument("-n", "--each", type=int, default=20, help="mutations of each kind")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    folder = chosen.output or Path(tempfile.mkdtemp(prefix="mutations-"))
    project.build(load_model(chosen.model), folder, project.BuildOptions())
    netlist, mapping = (folder / n for n in ("netlist.cir", "mapping.json"))
    original = netlist.read_text(encoding="utf-8")
    clean = [check for checks in judge(folder, chosen.samples) for check in checks]
    missed = [check.name for check in clean if not check.passed]
    print(f"as built: {'passes' if not missed else 'FAILS: ' + ', '.join(missed)}", flush=True)
    counts: dict[str, list[int]] = {}
    started = process_time()
    for spoiled in mutations(original, mapping.read_text(encoding="utf-8"), chosen.each):
        netlist.write_text(spoiled.netlist, encoding="utf-8")
        shutil.rmtree(folder / "sim", ignore_errors=True)
        checks, of_samples = judge(folder, chosen.samples)
        nodes = named(checks)
        failed = not all(check.passed for check in (*checks, *of_samples))
        row = counts.setdefault(spoiled.kind, [0, 0, 0, 0])
        row[0] += 1
        row[1] += failed
        row[2] += nodes[:1] == [spoiled.node]
        row[3] += not all(check.passed for check in of_samples)
        if not failed or nodes[:1] != [spoiled.node]:
            print(f"  {spoiled.kind}, {spoiled.place}: named {nodes or 'nothing'}", flush=True)
    netlist.write_text(original, encoding="utf-8")
    print(f"{'kind':<16} {'places':>7} {'found':>6} {'node named':>11} {'by samples':>11}")
    counts["all"] = [sum(column) for column in zip(*counts.values(), strict=True)]
    for kind, (places, found, right, seen) in counts.items():
        print(
            f"{kind:<16} {places:>7} {found:>6} {right:>11} {seen if chosen.samples else '–':>11}"
        )
    print(f"{process_time() - started:.0f} CPU s without the simulator's")


if __name__ == "__main__":
    main()
