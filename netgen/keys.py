"""Keys of the files that people write: those that are unknown, and those that are there twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from netgen.document import Json

_LONGEST_SHOWN = 60


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return what to say of a key that nothing reads: the nearest known one, or all of them.

    Examples
    --------
    >>> unknown_key("initial_stat", ["alpha", "initial_state"])
    'is not known; did you mean initial_state?'
    >>> unknown_key("bias", ["size", "max"])
    'is not known; known here: size, max'
    """
    names = {name.lower(): name for name in known}
    near = get_close_matches(key.lower(), names, n=1)
    if near:
        return f"is not known; did you mean {names[near[0]]}?"
    return f"is not known; known here: {', '.join(names.values())}"


def unknown_keys(record: Mapping[str, object], known: Iterable[str], path: str = "") -> list[str]:
    """Return a problem for each key of an object that is not known, with its path."""
    names = list(known)
    prefix = f"{path}." if path else ""
    return [
        f"{prefix}{shown_key(key)}: {unknown_key(key, names)}" for key in record if key not in names
    ]


def decode_json(
    text: str, parse_int: Callable[[str], int | float] = int
) -> tuple[Json, tuple[str, ...]]:
    """Decode JSON; also return a problem for each key that an object has twice, with its path.

    Raises
    ------
    ValueError
        It is not JSON.
    RecursionError
        It nests too deeply.
    """
    twice = False

    def decoded(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        nonlocal twice
        record = dict(pairs)
        if len(record) == len(pairs):
            return record
        twice = True
        counted = Counter(key for key, _ in pairs)
        return _Repeating(record, [key for key, count in counted.items() if count > 1])

    data: Json = json.loads(text, object_pairs_hook=decoded, parse_int=parse_int)
    paths = _twice(data) if twice else []
    return data, tuple(f"{path}: is there twice; keep one" for path in paths)


class _Repeating(dict[str, Json]):
    """An object some of whose keys were there twice: one of the values is lost."""

    def __init__(self, record: dict[str, Json], twice: list[str]) -> None:
        super().__init__(record)
        self.twice = twice


def _twice(data: Json) -> list[str]:
    repeated = []
    pending: list[tuple[Json, str]] = [(data, "")]
    while pending:
        value, path = pending.pop()
        prefix = f"{path}." if path else ""
        if isinstance(value, _Repeating):
            repeated += [f"{prefix}{shown_key(key)}" for key in value.twice]
        if isinstance(value, dict):
            pending += [(inner, f"{prefix}{shown_key(key)}") for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [(inner, f"{path}[{i}]") for i, inner in enumerate(value)]
    return repeated


def shown_key(key: str) -> str:
    """Return a key as it stands in a path: on one line, cut short."""
    text = json.dumps(key).strip('"')
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "…"
