"""JSON documents: the type of their values, and reading values of a known kind by their path."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that JSON holds."""
_Kind = TypeVar("_Kind")
_TABLE: tuple[type[Mapping[str, Json]], ...] = (dict, Mapping)
_LIST: tuple[type[Sequence[Json]], ...] = (list, tuple)


class WrongKindError(ValueError):
    """A document holds nothing at a path, or a value of another kind than wanted there."""


def value_at(document: Json, *path: str | int) -> Json:
    """Return the value at a path of keys and indices.

    Raises
    ------
    WrongKindError
        There is none. All readers of this module raise this.
    """
    for step, key in enumerate(path):
        try:
            document = list_at(document)[key] if isinstance(key, int) else table_at(document)[key]
        except (LookupError, WrongKindError):
            raise WrongKindError(f"{_shown(path[: step + 1])}: missing") from None
    return document


def table_at(document: Json, *path: str | int) -> Mapping[str, Json]:
    """Return the object at a path."""
    return _of(_TABLE, "an object", document, path)


def list_at(document: Json, *path: str | int) -> Sequence[Json]:
    """Return the list at a path."""
    return _of(_LIST, "a list", document, path)


def text_at(document: Json, *path: str | int) -> str:
    """Return the string at a path."""
    return _of((str,), "a string", document, path)


def number_at(document: Json, *path: str | int) -> float:
    """Return the number at a path.

    Raises
    ------
    WrongKindError
        There is none, or a float cannot hold it.
    """
    number: float = _of((int, float), "a number", document, path)
    if abs(number) > sys.float_info.max and isinstance(number, int):
        raise WrongKindError(f"{_shown(path)}: no float is as large")
    return number


def whole_at(document: Json, *path: str | int) -> int:
    """Return the integer at a path."""
    return _of((int,), "a whole number", document, path)


def flag_at(document: Json, *path: str | int) -> bool:
    """Return the truth value at a path."""
    return _of((bool,), "true or false", document, path)


def tables_at(document: Json, *path: str | int) -> list[Mapping[str, Json]]:
    """Return the objects of the list at a path."""
    return [table_at(document, *path, at) for at in range(len(list_at(document, *path)))]


def texts_at(document: Json, *path: str | int) -> tuple[str, ...]:
    """Return the strings of the list at a path."""
    return tuple(text_at(document, *path, at) for at in range(len(list_at(document, *path))))


def numbers_at(document: Json, *path: str | int) -> tuple[float, ...]:
    """Return the numbers of the list at a path."""
    return tuple(number_at(document, *path, at) for at in range(len(list_at(document, *path))))


def _of(
    kinds: tuple[type[_Kind], ...], wanted: str, document: Json, path: Sequence[str | int]
) -> _Kind:
    value = value_at(document, *path)
    # to Python, true is an integer
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    raise WrongKindError(f"{_shown(path)}: must be {wanted}")


def _shown(path: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
