"""Words, numbers, statements and subcircuits of SPICE text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SUFFIXES = {
    **{"meg": 1e6, "mil": 25.4e-6, "t": 1e12, "g": 1e9, "k": 1e3, "m": 1e-3},
    **{"u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18},
}


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a netlist: comments left out, continuation lines joined."""
    current = ""
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip()
        if line.startswith("+"):
            current += " " + line[1:].strip()
        elif line and not line.startswith("*"):
            if current:
                yield current
            current = line
    if current:
        yield current


def number(text: str) -> float | None:
    """Return a plain number with SPICE's suffixes (``2u``, ``10MEG``); None for anything else."""
    text = text.lower()
    for end in range(len(text), 0, -1):
        try:
            value = float(text[:end])
        except ValueError:
            continue
        rest = text[end:]
        if rest and not rest.isalpha():
            return None
        return value * next((f for s, f in _SUFFIXES.items() if rest.startswith(s)), 1.0)
    return None


@dataclass(frozen=True, eq=False)
class Subcircuit:
    """A subcircuit's head and statements, lower case, and the comments before it."""

    name: str
    ports: tuple[str, ...]
    parameters: tuple[str, ...]
    lines: tuple[str, ...]
    comments: tuple[str, ...]


def subcircuits(text: str) -> tuple[list[str], list[Subcircuit]]:
    """Return the statements outside of subcircuits as they are, and the subcircuits."""
    outside: list[str] = []
    subckts: list[Subcircuit] = []
    head: list[str] = []
    lines: list[str] = []
    comments = _comments(text)
    for line in statements(text):
        words = words_of(line.lower())
        if words[0] == ".subckt":
            head, lines = words[1:], []
        elif words[0] == ".ends":
            nets = tuple(word for word in head[1:] if "=" not in word)
            parameters = tuple(word for word in head[1:] if "=" in word)
            comment = comments.get(head[0], ())
            subckts.append(Subcircuit(head[0], nets, parameters, tuple(lines), comment))
            head = []
        elif head:
            lines.append(" ".join(words))
        else:
            outside.append(line)
    return outside, subckts


def _comments(text: str) -> dict[str, tuple[str, ...]]:
    """Return the comment lines right before each subcircuit, by its lower-case name."""
    comments: dict[str, tuple[str, ...]] = {}
    held: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("*"):
            held.append(line)
            continue
        words = line.lower().split()
        if words[:1] == [".subckt"]:
            comments[words[1]] = tuple(held)
        held = []
    return comments


def words_of(line: str) -> list[str]:
    """Return the words of a statement; a parameter and its value are one."""
    while " =" in line or "= " in line:
        line = line.replace(" =", "=").replace("= ", "=")
    return line.split()
