"""Which statements a network's text may hold: elements and subcircuits, nothing that acts."""

from __future__ import annotations

import re

from netgen.errors import ConfigurationError
from netgen.technology.commands import command_in

ELEMENTS = frozenset("bcdefghijklmqrstuvwx")
"""First letters of elements; not A and N, which are code of others."""
_ALLOWED = frozenset(
    f".{word}"
    for word in (
        "subckt", "ends", "eom", "param", "params", "model", "global", "func", "if", "else",
        "elseif", "endif", "ic", "nodeset",
    )
)  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_statements(text: str, source: str) -> None:
    """See that a network's text does nothing but describe a circuit.

    Raises
    ------
    ConfigurationError
        A command, a statement that reads another file or asks for an analysis, or a character
        that ends a line for some readers and not for others.
    """
    text = text.replace("\r\n", "\n")
    command = command_in(text)
    problem = ""
    if command is not None:
        line, word = command
        problem = f"line {line}: {word} is a command to ngspice, which netgen never runs"
    else:
        for line, content in enumerate(text.split("\n"), 1):
            problem = _problem(content)
            if problem:
                problem = f"line {line}: {problem}"
                break
    if problem:
        raise ConfigurationError(source, [f"{problem}; build again, or remove it"])


def _problem(line: str) -> str:
    if _CONTROL.search(line):
        return "holds a control character"
    word = line.split(None, 1)[0].lower() if line.strip() else "*"
    if word[0] in "*;+$":
        return ""
    if word[0] == ".":
        return "" if word in _ALLOWED else f"{word[:20]} does not belong in a network"
    return "" if word[0] in ELEMENTS else f"{word[:20]!r} is no element that netgen knows"
