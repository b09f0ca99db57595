"""A foundry's own decks as a second opinion of a layout, run by KLayout's program."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netgen.errors import ToolMissingError, UsageError
from netgen.layout.process import DeckKind, Process
from netgen.technology import pdk_root

PROGRAM = "klayout"
INSTALLED = "pdk"
"""Stands for the decks under ``$PDK_ROOT`` where a deck's file is asked for."""
_CATEGORY = re.compile(r"<category>([^<]+)</category>")
_RULE = "Executing rule"


@dataclass(frozen=True)
class RuleDeck:
    """A deck: files that are one when they follow each other, and its options."""

    kind: DeckKind
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Opinion:
    """What a deck says of a layout."""

    name: str  #: Of the deck.
    categories: int = 0  #: Rules in its report; none where it compares netlists.
    errors: Mapping[str, int] = field(default_factory=dict)  #: Violations by rule.
    match: bool | None = None  #: Whether netlists match; None where it does not compare them.
    problem: str = ""  #: Why it is no opinion: the deck failed, or ran too few rules.

    @property
    def total(self) -> int:
        """How many violations there are."""
        return sum(self.errors.values())

    @property
    def adverse(self) -> bool:
        """Whether it speaks against the layout."""
        return self.total > 0 or self.match is False

    def __str__(self) -> str:
        """Say what it says in one line."""
        if self.problem:
            return f"{self.name}: no opinion: {self.problem}"
        if self.match is not None:
            return f"{self.name}: {'netlists match' if self.match else 'netlists do NOT match'}"
        return f"{self.name}: {self.total} errors in {self.categories} rules"


def find_decks(words: Sequence[str], process: Process) -> tuple[RuleDeck, ...]:
    """Return the decks that words name: files, or ``pdk`` for all those under ``$PDK_ROOT``.

    Raises
    ------
    UsageError
        There is no such file.
    ToolMissingError
        The program klayout, ``$PDK_ROOT`` or a deck in it is missing.
    """
    kits: list[RuleDeck] = []
    for word in words:
        if word == INSTALLED:
            kits += _installed(process)
        elif not Path(word).is_file():
            raise UsageError(f"--deck {word}: there is no such file")
        else:
            kits.append(RuleDeck(process.decks.given, (Path(word).resolve(),)))
    if kits:
        _program()
    return tuple(kits)


def _installed(process: Process) -> Iterator[RuleDeck]:
    root = pdk_root()
    if not root:
        raise ToolMissingError(
            f"--deck {INSTALLED} runs the decks of an installed PDK; set PDK_ROOT to its folder"
        )
    if not process.decks.kinds:
        raise ToolMissingError(f"{process.source} names no decks under $PDK_ROOT")
    for kind in process.decks.kinds:
        places = (
            _files(Path(root) / folder, parts, kind.leave_out)
            for folder in process.decks.folders
            for parts in kind.parts
        )
        files = next(filter(None, places), None)
        if files is None:
            looked = f"{process.decks.folders[0]}/{kind.parts[0][0]}"
            raise ToolMissingError(f"$PDK_ROOT, {root}, has no deck of {kind.name} ({looked})")
        yield RuleDeck(kind, files)


def _files(folder: Path, parts: Sequence[str], leave_out: Sequence[str]) -> tuple[Path, ...]:
    """Return the files of a deck's parts, each once; none where a part is missing."""
    named = {part for part in parts if "*" not in part}
    files: list[Path] = []
    for part in parts:
        matches = [folder / part] if part in named else sorted(folder.glob(part))
        others = {folder / each for each in named} if part not in named else set()
        matches = [each for each in matches if each not in others and each.name not in leave_out]
        if not matches or not all(each.is_file() for each in matches):
            return ()
        files += matches
    return tuple(each.resolve() for each in files)


def run_decks(
    decks: Sequence[RuleDeck],
    gds: Path,
    cell: str,
    schematic: str,
    progress: Callable[[str, float], None],
) -> tuple[Opinion, ...]:
    """Run decks on a layout one after the other; see :func:`run_deck`."""
    opinions = []
    for number, deck in enumerate(decks):

        def report(share: float, before: int = number) -> None:
            progress("decks", (before + share) / len(decks))

        report(0.0)
        opinions.append(run_deck(deck, gds, cell, schematic, report))
    return tuple(opinions)


def run_deck(
    deck: RuleDeck,
    gds: Path,
    cell: str,
    schematic: str = "",
    progress: Callable[[float], None] = lambda _: None,
) -> Opinion:
    """Run a deck on a layout.

    Parameters
    ----------
    schematic
        Flat netlist of what was drawn, for a deck that compares netlists.
    progress
        Hears how far it is, from 0 to 1.

    Raises
    ------
    ToolMissingError
        KLayout's program is not installed.
    """
    kind = deck.kind
    with tempfile.TemporaryDirectory(prefix="netgen-deck-") as scratch:
        folder = Path(scratch)
        report, netlist = folder / "report", folder / "schematic.spice"
        options = {"input": str(gds.resolve()), "topcell": cell, "report": str(report)}
        if kind.match:
            netlist.write_text(schematic, encoding="utf-8")
            extracted = str(folder / "extracted.cir")
            options |= {"schematic": str(netlist), "target_netlist": extracted}
        given = {**options, **kind.options}.items()
        words = [word for key, value in given for word in ("-rd", f"{key}={value}")]
        command = [_program(), "-b", "-r", str(_script(deck, folder)), *words]
        status, lines = _run(command, folder, kind.smallest, progress)
        if status or not report.is_file():
            return Opinion(kind.name, problem=_failure(lines))
        if kind.match:
            match = any(kind.match in line for line in lines)
            return Opinion(kind.name, match=match)
        head, _, items = report.read_text("utf-8", errors="replace").partition("<items>")
    count = head.count("<category>")
    if count < kind.smallest:
        problem = f"it reported {count} rules, a whole deck has at least {kind.smallest}"
        return Opinion(kind.name, count, problem=problem)
    errors = Counter(name.strip("'\"") for name in _CATEGORY.findall(items))
    return Opinion(kind.name, count, dict(errors))


def _program() -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise ToolMissingError(
            f"a foundry's deck needs the program {PROGRAM}, which is not installed; "
            f"run: apt-get install {PROGRAM}"
        )
    return program


def program_version() -> str:
    """Return the version of KLayout's program."""
    done = subprocess.run([_program(), "-v"], capture_output=True, text=True, check=False)
    return done.stdout.strip().removeprefix("KLayout").strip() or "unknown"


def _script(deck: RuleDeck, folder: Path) -> Path:
    """Return the deck as one file; parts that it includes by name lie beside it."""
    if len(deck.files) == 1:
        return deck.files[0]
    whole = shutil.copytree(deck.files[0].parent, folder / "deck") / "netgen-joined.drc"
    whole.write_bytes(b"\n".join(file.read_bytes() for file in deck.files))
    return whole


def _run(
    command: Sequence[str], folder: Path, rules: int, progress: Callable[[float], None]
) -> tuple[int, list[str]]:
    """Run KLayout; return its exit status and what it printed."""
    lines: list[str] = []
    seen = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        cwd=folder,
    ) as running:  # fmt: skip
        try:
            for line in running.stdout or ():
                lines.append(line)
                if _RULE in line:
                    seen += 1
                    progress(min(1.0, seen / max(1, rules)))
        except BaseException:  # an interrupt ends the program too
            running.kill()
            raise
    return running.returncode, lines


def _failure(lines: Sequence[str]) -> str:
    messages = [line.strip() for line in lines if line.strip()] or ["it printed nothing"]
    errors = [line for line in messages if line.startswith("ERROR:")] or messages
    return f"it failed in KLayout {program_version()}: {errors[-1][:200]}"
