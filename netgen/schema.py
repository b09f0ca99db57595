"""The JSON Schemas of netgen's files: what readers and documentation take field names from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from netgen.document import Json, table_at, text_at, value_at, whole_at
from netgen.errors import UsageError

_SUFFIX = ".json"


def schema_names() -> tuple[str, ...]:
    """Return the names of the schemas that ship with netgen."""
    folder = files("netgen") / "schemas"
    return tuple(sorted(e.name.removesuffix(_SUFFIX) for e in folder.iterdir() if _is(e.name)))


def _is(name: str) -> bool:
    return name.endswith(_SUFFIX)


@lru_cache
def schema(name: str) -> Mapping[str, Json]:
    """Return a schema (JSON Schema, draft 2020-12).

    Raises
    ------
    UsageError
        There is none of this name.
    """
    if name not in schema_names():
        raise UsageError(f"no schema {name!r}; choose one of {', '.join(schema_names())}")
    text = (files("netgen") / "schemas" / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    document: dict[str, Json] = json.loads(text)
    return document


def head(name: str) -> dict[str, Json]:
    """Return the fields that every file of a format begins with: its format and version.

    Raises
    ------
    UsageError
        There is no schema of this name.
    """
    record = schema(name)
    whole = record if "properties" in record else value_at(record, "$defs", "whole")
    fields = table_at(whole, "properties")
    return {
        "format": text_at(fields, "format", "const"),
        "version": whole_at(fields, "version", "const"),
    }


def keys(record: Json, *path: str) -> tuple[str, ...]:
    """Return the keys that an object may have whose schema lies at a path of another."""
    return tuple(table_at(record, *path, "properties"))
