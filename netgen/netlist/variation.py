"""A network whose transistors deviate: the same text with a shift at each device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from netgen.netlist.partition import Gate, Partition, Transistors, elements, partition, words
from netgen.technology import Technology, Transistor
from netgen.units import spice

Shift: TypeAlias = Sequence[float]
"""By how much a threshold voltage (V) and a current factor (relative) are off."""


def transistors_of(parted: Partition, technology: Technology) -> dict[str, Transistor]:
    """Return every transistor of a network by its name.

    A mirror is called as in the netlist, but for the letter in front (``l1_relu_2_from_x_5``), a
    transistor of a block by its instance and its own name (``l1_state_3.m1``,
    ``l1_relu_0.diode``). Those in series for one long one are called ``…``, ``…_s1``, ``…_s2``.
    """
    return {
        name: Transistor(gate.polarity, gate.geometry)
        for part in parted
        for line in part.lines
        for name, gate in named(line, Transistors(technology, parted.blocks))
    }


def named(line: str, finder: Transistors, path: str = "") -> Iterator[tuple[str, Gate]]:
    """Yield the transistors of an element by name; none for what is no transistor or block."""
    if line[0] not in "xm":
        return
    name, *_, model = words(line)
    own = path + name[1:]
    if model in finder.blocks:
        for inner in finder.blocks[model].lines:
            yield from named(inner, finder, f"{own}.")
    else:
        yield from ((own, gate) for _, gate in finder.of(line))


def shifted(text: str, technology: Technology, shifts: Mapping[str, Shift]) -> str:
    """Return the text of a network with the shifts of its transistors written in.

    Blocks get parameters for their transistors, and their instances the values. Comments are left
    out.

    Parameters
    ----------
    text
        What :func:`netgen.netlist.network_text` wrote.
    shifts
        By the names of :func:`transistors_of`, all of them.

    Raises
    ------
    ConfigurationError
        The text was edited so that it cannot be taken apart.
    """
    blocks = partition(text).blocks
    finder = Transistors(technology, blocks)
    lines = []
    within = ""
    for line in map(str.lower, elements(text)):
        head, *rest = line.split()
        extra = ""
        if head == ".subckt":
            within = rest[0]
            if within in blocks:
                inner = (name for each in blocks[within].lines for name, _ in named(each, finder))
                extra = " ".join(f"{name}_v=0 {name}_u=1" for name in inner)
        elif within in blocks and list(finder.of(line)):
            extra = f"delvto={{{head[1:]}_v}} mulu0={{{head[1:]}_u}}"
        elif head[0] in "xm":
            extra = _values(line, finder, shifts)
        lines.append(f"{line} {extra}".rstrip())
    return "\n".join(lines) + "\n"


def _values(line: str, finder: Transistors, shifts: Mapping[str, Shift]) -> str:
    """Return the shifts of a mirror, or of the transistors of a block's instance."""
    found = []
    for path, _ in named(line, finder):
        volts, factor = (float(value) for value in shifts[path])
        _, _, inner = path.partition(".")
        keys = (f"{inner}_v", f"{inner}_u") if inner else ("delvto", "mulu0")
        found += [f"{keys[0]}={spice(volts)}", f"{keys[1]}={spice(1 + factor)}"]
    return " ".join(found)
