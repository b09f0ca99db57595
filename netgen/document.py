"""JSON documents: the type of their values, and reading values of a known kind by their path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that JSON holds."""


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
    """Return the object at a path.

    Raises
    ------
    WrongKindError
        There is no object at the path.
    """
    found = value_at(document, *path)
    if isinstance(found, Mapping):
        return found
    raise _wrong(path, "an object")


def list_at(document: Json, *path: str | int) -> Sequence[Json]:
    """Return the list at a path.

    Raises
    ------
    WrongKindError
        There is no list at the path.
    """
    found = value_at(document, *path)
    if _is_list(found):
        return found
    raise _wrong(path, "a list")


def text_at(document: Json, *path: str | int) -> str:
    """Return the string at a path.

    Raises
    ------
    WrongKindError
        There is no string at the path.
    """
    found = value_at(document, *path)
    if isinstance(found, str):
        return found
    raise _wrong(path, "a string")


def number_at(document: Json, *path: str | int) -> float:
    """Return the number at a path.

    Raises
    ------
    WrongKindError
        There is no number at the path.
    """
    found = value_at(document, *path)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    raise _wrong(path, "a number")


def whole_at(document: Json, *path: str | int) -> int:
    """Return the integer at a path.

    Raises
    ------
    WrongKindError
        There is no integer at the path.
    """
    found = value_at(document, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    raise _wrong(path, "a whole number")


def flag_at(document: Json, *path: str | int) -> bool:
    """Return the truth value at a path.

    Raises
    ------
    WrongKindError
        There is neither true nor false at the path.
    """
    found = value_at(document, *path)
    if isinstance(found, bool):
        return found
    raise _wrong(path, "true or false")


def tables_at(document: Json, *path: str | int) -> list[Mapping[str, Json]]:
    """Return the objects of the list at a path."""
    return [table_at(document, *path, at) for at in range(len(list_at(document, *path)))]


def texts_at(document: Json, *path: str | int) -> tuple[str, ...]:
    """Return the strings of the list at a path."""
    return tuple(text_at(document, *path, at) for at in range(len(list_at(document, *path))))


def numbers_at(document: Json, *path: str | int) -> tuple[float, ...]:
    """Return the numbers of the list at a path."""
    return tuple(number_at(document, *path, at) for at in range(len(list_at(document, *path))))


def _is_list(value: Json) -> TypeGuard[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _wrong(path: Sequence[str | int], wanted: str) -> WrongKindError:
    return WrongKindError(f"{_shown(path)}: must be {wanted}")


def _shown(path: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
