"""Reading the fields of a decoded JSON object, keeping every violation with its path."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Final, TypeGuard, TypeVar

import numpy as np

from netgen.arrays import Floats
from netgen.document import Json
from netgen.units import counted

T = TypeVar("T", bound=str)
MISSING: Final = object()
DEEPEST = 64
"""Levels of nesting a document may have; a model itself takes five, the rest is for ``meta``."""


class FieldReader:
    """Reads values of known kinds and collects what is wrong with them in ``problems``.

    Every method takes the value (``MISSING`` for an absent key) and its JSON path, and returns
    None after it has noted a violation.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []

    def say(self, path: str, problem: str) -> None:
        """Note a violation."""
        self.problems.append(f"{path}: {problem}")

    def wrong_kind(self, value: object, path: str, wanted: str) -> None:
        """Note that a value is absent or of another kind than ``wanted``."""
        self.say(path, "missing" if value is MISSING else f"must be {wanted}, not {kind(value)}")

    def record(self, value: object, path: str) -> dict[str, Json] | None:
        """Read an object."""
        if isinstance(value, dict):
            return value
        self.wrong_kind(value, path, "an object")
        return None

    def name(self, value: object, path: str, pattern: re.Pattern[str], allowed: str) -> str | None:
        """Read a name that is safe in a path and in a netlist."""
        if not isinstance(value, str):
            self.wrong_kind(value, path, "a string")
        elif not pattern.fullmatch(value) or not value.strip("."):
            self.say(
                path, f"{shown_value(value)} may only hold {allowed}, at most 100, not dots alone"
            )
        else:
            return value
        return None

    def choice(self, value: object, path: str, choices: tuple[T, ...]) -> T | None:
        """Read one of a few words."""
        for choice in choices:
            if value == choice:
                return choice
        problem = "missing" if value is MISSING else f"{shown_value(value)} is not known"
        self.say(path, f"{problem}; choose one of {', '.join(choices)}")
        return None

    def number(self, value: object, path: str) -> float | None:
        """Read a finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong_kind(value, path, "a number")
            return None
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.say(path, "not finite")
            return None
        return number

    def positive(self, value: object, path: str) -> float | None:
        """Read a finite number above 0."""
        number = self.number(value, path)
        if number is not None and number <= 0:
            self.say(path, f"{number:g} must be above 0")
            return None
        return number

    def vector(
        self, value: object, path: str, size: int | None = None, what: str = ""
    ) -> Floats | None:
        """Read a list of numbers, ``size`` of them because ``what`` wants so (None: any, ≥ 1)."""
        if not isinstance(value, list):
            self.wrong_kind(value, path, "a list")
            return None
        if size is not None and len(value) != size:
            self.say(path, f"has {counted(len(value), 'entries')}; {what} wants {size}")
            return None
        if not value:
            self.say(path, "is empty")
            return None
        before = len(self.problems)
        numbers = [self.number(entry, f"{path}[{i}]") for i, entry in enumerate(value)]
        return frozen(np.array(numbers, dtype=np.float64)) if len(self.problems) == before else None

    def matrix(
        self,
        value: object,
        path: str,
        form: str,
        rows: tuple[int | None, str],
        columns: tuple[int | None, str],
    ) -> Floats | None:
        """Read a list of lists of numbers of one length.

        Parameters
        ----------
        form
            What it is, such as ``out × in``.
        rows, columns
            How many of them there must be (None: any, ≥ 1), and what wants so.
        """
        if not isinstance(value, list) or not value:
            self.say(path, f"must be a list of rows ({form})")
            return None
        count, what = rows
        if count is not None and len(value) != count:
            self.say(path, f"has {counted(len(value), 'entries')}; {what} wants {count}")
            return None
        width, what = columns if columns[0] is not None else (None, "the first row")
        numbers = []
        for index, row in enumerate(value):
            vector = self.vector(row, f"{path}[{index}]", width, what)
            if vector is not None:
                numbers.append(vector)
                width = len(vector)
        return frozen(np.array(numbers)) if len(numbers) == len(value) else None

    def plain(self, value: object, path: str) -> None:
        """Check a value nobody interprets: it must come back from JSON as it went in."""
        pending = [(value, path)]
        while pending:
            entry, where = pending.pop()
            if isinstance(entry, dict):
                pending += [
                    (inner, f"{where}.{shown_value(key).strip(chr(34))}")
                    for key, inner in entry.items()
                ]
            elif isinstance(entry, list):
                pending += [(inner, f"{where}[{i}]") for i, inner in enumerate(entry)]
            elif isinstance(entry, float) and not math.isfinite(entry):
                self.say(where, "not finite")


def too_deep(value: object) -> bool:
    """Tell whether lists and objects nest deeper than ``DEEPEST`` levels."""
    level = [value]
    for _ in range(DEEPEST + 1):
        containers = [entry for entry in level if isinstance(entry, dict | list)]
        if not containers:
            return False
        level = [
            inner
            for entry in containers
            for inner in (entry.values() if isinstance(entry, dict) else entry)
            if isinstance(inner, dict | list)
        ]
    return True


def frozen(array: Floats) -> Floats:
    """Make an array of any shape read-only, and return it."""
    array.setflags(write=False)
    return array


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a JSON value is an integer (a truth value is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def shown_place(place: Iterable[int]) -> str:
    """Write the indices of an entry, such as ``[2][0]``."""
    return "".join(f"[{index}]" for index in place)


def kind(value: object) -> str:
    """Name the JSON kind of a value."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    return names.get(type(value), "a number")


def shown_value(value: object) -> str:
    """Show a JSON value on one line, cut short."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
