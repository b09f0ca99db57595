"""Model libraries trimmed to what a circuit uses.

A PDK's library holds every device of the process; ngspice reads it anew for each deck, which costs
more than many a small simulation. Its text is resolved here once instead: includes and library
sections taken in, devices that are not used left out. The statements that remain are unchanged and
in their order, so results are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from netgen.errors import ConfigurationError
from netgen.technology import POLARITIES

_LIMITS = ("wmin", "wmax", "lmin", "lmax")
_INCLUDE = re.compile(r"""\.(?:include|inc)\s+["']?([^"']+?)["']?\s*$""", re.I)
_SECTION = re.compile(r"""\.lib\s+(?:"([^"]+)"|'([^']+)'|(\S+))\s+(\S+)\s*$""", re.I)
_BEGIN = re.compile(r"\.lib\s+(\S+)\s*$", re.I)
_COMMENT = re.compile(r"(?:^|\s)\$.*$|;.*$|//.*$")
_CONDITIONAL = re.compile(r"\.(?:if|else|elseif|endif|control|protect)\b", re.I)


class _Untrimmable(Exception):
    """The text has statements whose effect depends on more than their place."""


Sizes: TypeAlias = frozenset[tuple[str, float, float]]
"""Polarity, width and length (m) of devices."""


@dataclass(frozen=True, eq=False)
class Library:
    """Model files, trimmed."""

    statements: tuple[str, ...]  #: What is left of them.
    binned: bool  #: Whether devices pick their models by the W and L they are drawn with.

    @lru_cache(maxsize=64)  # noqa: B019  a library lives as long as the process
    def text(self, sizes: Sizes) -> str:
        """Return the statements with the model bins that devices of these sizes may need.

        ngspice goes through all bins for each device, so that a bin too many costs at each.
        """
        kept = [line for line in self.statements if not self.binned or _may_need(line, sizes)]
        return "\n".join(kept)


@lru_cache(maxsize=8)
def trimmed(head: str, models: tuple[str, ...], digest: str = "") -> Library:
    """Take model files in, only what ``models`` need of them.

    A head that cannot be resolved safely (conditional statements, say) is kept as it is.

    Parameters
    ----------
    head
        Statements such as ``.include`` and ``.lib``.
    models
        Names of the subcircuits or models that circuits use.
    digest
        Of the files: once they are changed, what was read of them before does not count.
    """
    try:
        statements = list(_resolved(_statements(head), Path()))
    except (_Untrimmable, OSError, RecursionError):
        return Library(tuple(head.splitlines()), binned=False)
    used = tuple(_used(statements, {name.lower() for name in models}))
    return Library(used, _picks_by_size(used))


def shiftable(library: Library, models: tuple[str, ...], source: str) -> Library:
    """Let the subcircuits around a PDK's transistors take a shift of threshold and current factor.

    A bare model takes both by itself. Statistics that a subcircuit brings are replaced.

    Raises
    ------
    ConfigurationError
        A subcircuit cannot be changed.
    """
    wanted = {model.lower() for model in models}
    statements = []
    inside, changed = "", set()
    for line in library.statements:
        tokens = line.split()
        head = tokens[0].lower()
        if head == ".subckt" and tokens[1].lower() in wanted:
            inside = tokens[1].lower()
            line += " delvto=0 mulu0=1"
        elif head.startswith(".ends"):
            inside = ""
        elif inside and head[0] == "m":
            plain = re.sub(r"""\b(?:delvto|mulu0)=('[^']*'|\{[^}]*\}|\S+)""", "", line, flags=re.I)
            line = f"{plain} delvto=delvto mulu0=mulu0"
            changed.add(inside)
        elif head == ".model":
            changed.add(tokens[1].partition(".")[0].lower())
        statements.append(line)
    if wanted - changed:
        problem = f"{', '.join(sorted(wanted - changed))}: no transistor found that could deviate"
        raise ConfigurationError(source, [problem])
    return Library(tuple(statements), library.binned)


def _picks_by_size(statements: Iterable[str]) -> bool:
    """Tell whether W and L go to every transistor as they are given to its subcircuit."""
    plain = [re.compile(rf"\b{name}=['{{]?{name}['}}]?(?=\s|$)", re.I) for name in "wl"]
    transistors = [line for line in statements if line[0] in "mM"]
    return all(each.search(line) for line in transistors for each in plain)


def _may_need(statement: str, sizes: Sizes) -> bool:
    if not statement.lower().startswith(".model"):
        return True
    polarity = statement.split()[2].lower()
    limits = [re.search(rf"\b{name}=(\S+)", statement, re.I) for name in _LIMITS]
    if polarity not in POLARITIES or not all(limits):
        return True
    w_low, w_high, l_low, l_high = (float(limit[1]) for limit in limits if limit)
    near = 1e-9  # m; a size on the edge of two bins keeps both, and ngspice chooses
    return any(
        kind == polarity
        and w_low - near <= width <= w_high + near
        and l_low - near <= length <= l_high + near
        for kind, width, length in sizes
    )


def _statements(text: str) -> Iterator[str]:
    """Yield statements on one line each, comments left out."""
    current = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("*"):
            continue
        if not line.lower().startswith((".inc", ".lib")) and any(mark in line for mark in "$;/"):
            line = _COMMENT.sub("", line)
        line = re.sub(r"\s*=\s*", "=", " ".join(line.split()))
        if line.startswith("+"):
            current += " " + line[1:].strip()
        elif line:
            if current:
                yield current
            current = line
    if current:
        yield current


def _resolved(statements: Iterable[str], folder: Path) -> Iterator[str]:
    for line in statements:
        if _CONDITIONAL.match(line):
            raise _Untrimmable
        include, section = _INCLUDE.match(line), _SECTION.match(line)
        if include:
            file = folder / include[1]
            yield from _resolved(_statements(_read(file)), file.parent)
        elif section:
            file = folder / (section[1] or section[2] or section[3])
            yield from _resolved(_statements(_section(_read(file), section[4])), file.parent)
        elif _BEGIN.match(line):
            raise _Untrimmable
        else:
            yield line


@lru_cache(maxsize=4)
def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _section(text: str, name: str) -> str:
    pattern = rf"^\s*\.lib\s+{re.escape(name)}\s*$(.*?)^\s*\.endl\b"
    match = re.search(pattern, text, re.I | re.M | re.S)
    if not match:
        raise _Untrimmable
    return match[1]


def _used(statements: list[str], wanted: set[str]) -> Iterator[str]:
    """Yield statements, without the subcircuits and models that nothing wanted refers to."""
    bodies: dict[str, set[str]] = {}
    name = ""
    for line in statements:
        tokens = line.lower().split()
        if tokens[0] == ".subckt":
            name = tokens[1]
        elif tokens[0].startswith(".ends"):
            name = ""
        elif name:
            bodies.setdefault(name, set()).update(tokens)
    queue = list(wanted)
    while queue:
        new = bodies.get(queue.pop(), set()) - wanted
        wanted |= new
        queue += new
    inside = ""
    for line in statements:
        tokens = line.lower().split()
        if tokens[0] == ".subckt":
            inside = tokens[1]
        if (inside or tokens[1].partition(".")[0]) in wanted or (
            not inside and tokens[0] != ".model"
        ):
            yield line
        if tokens[0].startswith(".ends"):
            inside = ""
