"""Running netgen under a fault, and doing things to files: what ``faults.py`` is made of."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status (negative: killed by that signal) and all it printed."""

    status: int
    text: str
    hung: bool

    @property
    def last(self) -> str:
        """Its last line."""
        return (self.text.strip().splitlines() or [""])[-1][:200]


_plotting: list[tuple[Any, str, Any]] = []
"""Where plots are drawn: module, name and function."""


def run_plain() -> bool:
    """Load netgen once: every command runs in a fork of this process, and draws no plots.

    Returns
    -------
    bool
        Whether the packages of training are there.
    """
    from netgen.commands.group import COMMANDS

    for module, _ in COMMANDS.values():
        with contextlib.suppress(Exception):
            import_module(module)
    for module in (
        "netgen.report.comparison.write",
        "netgen.report.variability.write",
        "netgen.report.comparison.plots",
    ):
        found = import_module(module)
        for name in ("plot_all", "_plots", "power_plots"):
            if hasattr(found, name):
                _plotting.append((found, name, getattr(found, name)))
                setattr(found, name, lambda *_: [])
    try:
        for name in ("soundfile", "kaldi_native_fbank", "netgen.training.result"):
            import_module(name)
        import_module("torch").set_num_threads(1)
        session: Any = import_module("netgen.training.session")
        session.EVERY = 10  # so that a kill falls behind a checkpoint
    except ImportError:
        return False
    return True


def run(
    words: list[object],
    patience_s: float,
    *,
    kill: tuple[str, float] | None = None,
    file_size: int | None = None,
    files: int | None = None,
    memory: int | None = None,
    closed: tuple[int, ...] = (),
    stdout: str = "",
    stderr: str = "",
    encoding: str = "",
    variables: dict[str, str] | None = None,
    cache: Path | None = None,
    here: Path | None = None,
    gone: bool = False,
    plots: bool = False,
) -> Ended:
    """Run a command in a fork of this process.

    Parameters
    ----------
    kill
        A signal and after how many seconds to send it.
    file_size, files, memory
        Limits on the size of files (bytes), on open files, and on memory (bytes).
    closed, stdout, stderr
        Descriptors to close; files to print to, ``"|"`` a pipe that nobody reads.
    plots
        Whether to draw them, too.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        if plots:
            for place, name, own in _plotting:
                setattr(place, name, own)
        _child(words, writing, file_size, files, memory, closed, stdout, stderr, encoding,
               variables or {}, cache, here, gone)  # fmt: skip
    os.close(writing)
    os.set_blocking(reading, False)
    start, text, hung = time.monotonic(), b"", False
    status = 0
    while True:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(reading, 65536):
                text += chunk
        ended, state = os.waitpid(process, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(state)
            break
        passed = time.monotonic() - start
        if kill is not None and passed >= kill[1]:
            os.kill(process, getattr(signal, f"SIG{kill[0]}"))
            kill = None if kill[0] != "KILL" else (kill[0], float("inf"))
        if passed > patience_s:
            os.kill(process, signal.SIGKILL)
            hung = True
        time.sleep(0.005)
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(reading, 65536):
            text += chunk
    os.close(reading)
    return Ended(status, text.decode("utf-8", "replace"), hung)


def _child(
    words: list[object],
    output: int,
    file_size: int | None,
    files: int | None,
    memory: int | None,
    closed: tuple[int, ...],
    stdout: str,
    stderr: str,
    encoding: str,
    variables: dict[str, str],
    cache: Path | None,
    here: Path | None,
    gone: bool,
) -> NoReturn:
    """Set up the fault and run; never returns."""
    status = 99
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for fd, place in ((1, stdout), (2, stderr)):
            if place == "|":
                nobody, ours = os.pipe()
                os.close(nobody)
                os.dup2(ours, fd)
            else:
                os.dup2(os.open(place, os.O_WRONLY) if place else output, fd)
        os.environ.update(variables)
        if cache is not None:
            os.environ["NETGEN_CACHE"] = str(cache)
        if here is not None:
            os.chdir(here)
        if gone:
            lost = Path(tempfile.mkdtemp())
            os.chdir(lost)
            lost.rmdir()
        tempfile.tempdir = None
        for name, number in ((1, 1), (2, 2)):
            stream = io.TextIOWrapper(
                os.fdopen(number, "wb", closefd=False), encoding or "utf-8", write_through=True
            )
            if name == 1:
                sys.stdout = sys.__stdout__ = stream  # type: ignore[misc]
            else:
                sys.stderr = sys.__stderr__ = stream  # type: ignore[misc]
        limits = (
            (resource.RLIMIT_FSIZE, file_size), (resource.RLIMIT_NOFILE, files),
            (resource.RLIMIT_AS, memory),
        )  # fmt: skip
        for limit, value in limits:
            if value is not None:
                resource.setrlimit(limit, (value, value))
        for fd in closed:
            os.close(fd)
        sys.argv = ["netgen", *map(str, words)]
        from netgen.commands import main

        try:
            main(sys.argv[1:])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        atexit._run_exitfuncs()
    finally:
        os._exit(status)


def files_of(folder: Path) -> list[Path]:
    """Return every file of a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


_UNSTEADY = re.compile(r"cpu|seconds|took|date|time|when|rerun|path|folder|command|tool|file")


def figures(folder: Path, name: str = "report.json") -> Any:
    """Return what a report says, without what differs from run to run."""
    return _steady(json.loads((folder / name).read_text(encoding="utf-8")))


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if not _UNSTEADY.search(key.lower())}
        return {key: _steady(each) for key, each in sorted(kept.items()) if key != "provenance"}
    if isinstance(value, list):
        return [_steady(each) for each in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def write_flavoured(source: Path, target: Path) -> None:
    """Write a model that differs from another in one weight."""
    model = json.loads(source.read_text(encoding="utf-8"))
    model["nodes"][0]["bias"][0] += 0.03
    target.write_text(json.dumps(model), encoding="utf-8")


# Edits


def edit(path: Path, rng: random.Random, twin: Path) -> str:
    """Change a file in a way that fits it, and return what was done."""
    ways = ["flip", "flip", "truncate", "empty", "delete", "noise", "append", "latin-1"]
    if path.suffix in (".json", ".cir", ".csv", ".lib"):
        ways += ["digit", "digit", "digit", "line"]
    if path.suffix == ".json":
        ways += ["value", "value", "key"]
    if twin.is_file():
        ways += ["twin", "twin"]
    fellows = [f for f in path.parent.iterdir() if f.suffix == path.suffix and f != path]
    ways += ["fellow"] if fellows else []
    way = rng.choice(ways)
    data = path.read_bytes()
    if way == "delete":
        path.unlink()
    elif way == "twin":
        path.write_bytes(twin.read_bytes())
    elif way == "fellow":
        path.write_bytes(rng.choice(sorted(fellows)).read_bytes())
    else:
        path.write_bytes(_changed(data, way, rng))
    return f"{way} {path.name}"


def _changed(data: bytes, way: str, rng: random.Random) -> bytes:
    at = rng.randrange(max(1, len(data)))
    if way == "flip" and data:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if way == "truncate":
        return data[:at]
    if way == "empty":
        return b""
    if way == "noise":
        return rng.randbytes(rng.randrange(1, 2000))
    if way == "append":
        return data + rng.randbytes(9)
    if way == "latin-1":
        return data[:at] + b"\xe9" + data[at:]
    if way == "digit":
        places = [found.start() for found in re.finditer(rb"[0-9]", data)]
        if places:
            at = rng.choice(places)
            new = rng.choice([d for d in b"123456789" if d != data[at]])
            return data[:at] + bytes([new]) + data[at + 1 :]
    if way == "line":
        lines = data.split(b"\n")
        del lines[rng.randrange(len(lines))]
        return b"\n".join(lines)
    if way in ("value", "key"):
        with contextlib.suppress(ValueError):
            return json.dumps(_other(json.loads(data), way, rng)).encode()
    return data + b" "


def _other(value: Any, way: str, rng: random.Random) -> Any:
    """Return JSON with a value of another type, or a key left out, somewhere."""
    odd: tuple[object, ...] = (None, True, -1, 1e308, "x", [], {}, [[1]], {"a": 1}, "\ud800", 2**70)
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        if way == "key" and rng.random() < 0.5:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: _other(value[key], way, rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], _other(value[at], way, rng), *value[at + 1 :]]
    return rng.choice(odd)
