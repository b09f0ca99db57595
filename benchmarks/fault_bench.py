"""What the injections of ``faults.py`` start from, and one injection under way."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
import subprocess
import time
import wave
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fault_tools import ROOT, Ended, figures, run, write_flavoured

ALLOWED = {0, 2, 3, 4, 5, 130, 141}
PATIENCE_S = 180.0
TRAINING = ("--steps", "45", "--seeds", "1", "-d", "1", "-n", "1", "--no-augment")


@dataclass
class Bench:
    """The folders that injections start from, and the figures that are right."""

    place: Path
    model: Path
    samples: Path
    base: Path
    wide: Path
    other_model: Path
    right: dict[str, object] = field(default_factory=dict)
    chips: dict[str, object] = field(default_factory=dict)
    kept: dict[str, dict[str, object]] = field(default_factory=dict)
    lasts: dict[str, float] = field(default_factory=dict)
    trains: bool = False

    @classmethod
    def made(cls, place: Path) -> Bench:
        """Build, simulate and compare what injections start from."""
        example = ROOT / "examples" / "set-reset"
        bench = cls(place, place / "m" / "model.json", place / "m" / "samples.npz", place / "base",
                    place / "wide", place / "other" / "model.json")  # fmt: skip
        bench.model.parent.mkdir()
        bench.other_model.parent.mkdir()
        shutil.copy(example / "model.json", bench.model)
        shutil.copy(example / "samples.npz", bench.samples)
        write_flavoured(bench.model, bench.other_model)
        for folder, more in ((bench.base, []), (bench.wide, ["--unit", "3", "3"])):
            _sure(run(bench.build(folder, *more), PATIENCE_S))
            _sure(run(bench.sim(folder), PATIENCE_S))
            _sure(run(["compare", folder], PATIENCE_S))
            bench.right[unit_of(folder)] = figures(folder)
        _sure(run(bench.chips_of(bench.base), PATIENCE_S))
        _sure(run(["variability", bench.base], PATIENCE_S))
        bench.chips = figures(population(bench.base))
        return bench

    def duration(self, what: str) -> float:
        """Return how long a command lasts that is to be killed; keep what it gives.

        Each is run once, when it is needed first.
        """
        if what not in self.lasts:
            place = self.place / f"first-{what.replace(' ', '-')}"
            if what in ("build", "run", "train", "train other", "stream"):
                self._first(what, place)
            else:
                shutil.copytree(self.base, place)
                for trace in place.rglob("sample_*.npz") if what in ("sim", "chips") else ():
                    trace.unlink()
                self._time(what, self.words(what, place))
                self.kept[what] = contents(place) if what == "twin" else {}
        return self.lasts[what]

    def _first(self, what: str, place: Path) -> None:
        """Run a command that makes a folder of its own; a training needs recordings before."""
        if what.startswith("train") and not (self.place / "tones").exists():
            for label, rising in (("up", True), ("down", False)):
                for number in range(12):
                    write_tone(self.place / "tones" / label / f"{number}.wav", number, rising)
        if what == "stream":
            self.duration("train")
            _sure(run(self.words(what, place), PATIENCE_S))  # characterises the process
            shutil.rmtree(place)
        self._time(what, self.words(what, place))
        self.kept[what] = contents(place)

    def _time(self, what: str, words: list[object]) -> None:
        start = time.monotonic()
        _sure(run(words, PATIENCE_S))
        self.lasts[what] = time.monotonic() - start

    def words(self, what: str, folder: Path) -> list[object]:
        """Return the command line that does a thing in a folder."""
        wide = self.build(folder, "--unit", "3", "3")
        ways: dict[str, list[object]] = {
            "build": self.build(folder), "rebuild": wide, "run": self.run_of(folder),
            "sim": self.sim(folder), "chips": self.chips_of(folder), "twin": self.twin(folder),
            "train": self.train(folder, 0), "train other": self.train(folder, 1),
            "stream": self.stream(folder),
        }  # fmt: skip
        return ways.get(what, [what, folder])

    def train(self, folder: Path, seed: int) -> list[object]:
        tones = self.place / "tones"
        return ["train", tones, "-k", "up", "-o", folder, "--seed", seed, *TRAINING]

    def stream(self, folder: Path) -> list[object]:
        model, sound = self.place / "first-train" / "model.json", self.place / "tones/up/3.wav"
        ways = ["--chips", "2", "--circuit", "0:0.09", "--part", "0.05"]
        return ["stream", model, sound, "-o", folder, *ways]

    def twin(self, folder: Path) -> list[object]:
        return ["twin", folder, self.samples, "--chips", "60", "--samples", "0:2"]

    def run_of(self, folder: Path) -> list[object]:
        return ["run", self.model, self.samples, "-o", folder, "--pdk", "generic180",
                "--samples", "0:2", "--jobs", "1"]  # fmt: skip

    def build(self, folder: Path, *more: str) -> list[object]:
        return ["build", self.model, "-o", folder, "--pdk", "generic180", *more]

    def sim(self, folder: Path) -> list[object]:
        return ["sim", folder, self.samples, "--samples", "0:2", "--jobs", "1"]

    def chips_of(self, folder: Path) -> list[object]:
        return [*self.sim(folder), "--monte-carlo", "3"]


@dataclass
class Case:
    """One injection under way: its scratch folder and what was found."""

    bench: Bench
    rng: random.Random
    place: Path
    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    killed: bool = False
    what: str = ""
    how: str = "KILL"
    sub: str = ""

    @property
    def folder(self) -> Path:
        return self.place / self.sub / "out"

    def start(self, source: Path) -> Path:
        shutil.copytree(source, self.folder)
        return self.folder

    def run(self, words: list[object], **how: object) -> Ended:
        """Run a command and note every fault that its end alone shows."""
        done = run(words, PATIENCE_S, **how)  # type: ignore[arg-type]
        self.said.append(f"{' '.join(map(str, words))} -> {done.status}: {done.last}")
        self.ends.append(done.status)
        if done.hung:
            self.faults.append("hang")
        elif "Traceback" in done.text or done.status == 70:
            self.faults.append("traceback")
        elif done.status == 1:
            self.faults.append("status 1")
        elif done.status not in ALLOWED and not how.get("kill"):
            self.faults.append("traceback")
        return done

    def judge(self, folder: Path | None = None) -> None:
        """Compare, and see that what is accepted is what this circuit gives."""
        folder = folder or self.folder
        if self.run(["compare", folder]).status == 0:
            self.believe(figures(folder), self.bench.right.get(unit_of(folder)))

    def judge_chips(self) -> None:
        """Analyse the chips; runs that are counted as missing are no secret."""
        done = self.run(["variability", self.folder])
        row = re.search(r"^ *mismatch_seed_1 +\d+ +\d+ +(\d+) ", done.text, re.MULTILINE)
        if done.status == 0 and (row is None or row[1] == "0"):
            self.believe(figures(population(self.folder)), self.bench.chips)

    def believe(self, found: object, right: object) -> None:
        if found != right:
            self.faults.append("silent wrong")

    def finish(self, folder: Path, *more: str) -> None:
        """Do it all again without a fault: it must come to the right end."""
        steps = (self.bench.build(folder, *more), self.bench.sim(folder), ["compare", folder])
        if any(self.run(list(step)).status != 0 for step in steps):
            self.faults.append("no way back")
        else:
            self.believe(figures(folder), self.bench.right[unit_of(folder)])


def _sure(done: Ended) -> None:
    if done.status != 0:
        raise SystemExit(f"the campaign's own preparation failed:\n{done.text}")


def unit_of(folder: Path) -> str:
    record = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    found = re.search(r'"unit_width": "?([0-9.e-]+)', json.dumps(record))
    return found[1] if found else "?"


def population(folder: Path) -> Path:
    (found,) = (folder / "variability").glob("*/report.json")
    return found.parent


def contents(folder: Path) -> dict[str, object]:
    """Return the results of a training, a stream or twins by name, without what is never equal."""
    names = ("model.json", "training.json", "chips.json", "seconds-*.json", "twin.json")
    found: dict[str, object] = {
        path.name: figures(folder, path.name) for name in names for path in folder.glob(name)
    }
    samples = folder / "samples.npz"
    return found | ({samples.name: samples.read_bytes()} if samples.exists() else {})


def half_files(folder: Path) -> list[str]:
    """Return the files of a folder that are not whole, by their kind."""
    return [str(path) for path in folder.rglob("[!.]*") if path.is_file() and not _whole(path)]


def _whole(path: Path) -> bool:
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".png":
            return path.read_bytes()[-8:-4] == b"IEND"
        elif path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        elif path.suffix == ".html":
            return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    except (ValueError, OSError, zipfile.BadZipFile):
        return False
    return True


def write_tone(path: Path, number: int, rising: bool) -> None:
    """Write half a second of a rising or falling tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    time_s = np.arange(4000) / 8000
    low, high = 300 + 20 * rng.random(), 1500 + 100 * rng.random()
    start, end = (low, high) if rising else (high, low)
    sound = 0.5 * np.sin(2 * np.pi * (start * time_s + (end - start) * time_s**2))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((32767 * sound).astype("<i2").tobytes())


@contextlib.contextmanager
def disk(place: Path) -> Iterator[bool]:
    """Mount a file system of its own at a folder where that is allowed; tell whether it was."""
    place.mkdir()
    mounted = _mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", place)
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def can_mount(scratch: Path) -> bool:
    """Tell whether full disks are file systems of their own here."""
    with disk(scratch / "mount") as mounted:
        return mounted


def resize(place: Path, free: int | None) -> None:
    """Leave so many bytes free on a mounted file system; None: plenty."""
    if free is None:
        size = 64 << 20
    else:
        used = shutil.disk_usage(place).used
        size = used + max(free, 4096)
    if not _mount("-o", f"remount,size={size}", place):
        raise SystemExit(f"{place} cannot be mounted again")


def _mount(*words: object) -> bool:
    if shutil.which("mount") is None:
        return False
    words_ = ["mount", *map(str, words)]
    return subprocess.run(words_, check=False, capture_output=True).returncode == 0
