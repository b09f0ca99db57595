"""JSON files that netgen wrote, against the schemas that it ships."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from netgen.schema import schema, schema_names

jsonschema: Any = None
with suppress(ImportError):  # the oldest versions are tried without
    jsonschema = import_module("jsonschema")


@lru_cache
def formats() -> Mapping[str, str]:
    """Return the name of each schema by the format that it is of."""
    found = {}
    for name in schema_names():
        record: Any = schema(name)
        fields = record.get("properties") or record["$defs"]["whole"]["properties"]
        found[fields["format"]["const"]] = name
    return found


@lru_cache
def _validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(schema(name))


def problems(data: Any) -> list[str]:
    """Return what is wrong with a JSON value by the schema of its own format."""
    if not isinstance(data, dict) or data.get("format") not in formats():
        return ["has no format that netgen has a schema of"]
    if jsonschema is None:
        return []
    name = formats()[data["format"]]
    return [_told(error) for error in _validator(name).iter_errors(data)]


def _told(error: Any) -> str:
    inner = jsonschema.exceptions.best_match([error])
    return f"{inner.json_path}: {inner.message}"[:300]


def values(path: Path) -> Iterator[Any]:
    """Yield the JSON values of a file: one, or one a line."""
    text = path.read_text(encoding="utf-8")
    yield from map(json.loads, text.splitlines() if path.suffix == ".jsonl" else [text])


def check_files(paths: Iterable[Path]) -> set[str]:
    """See that JSON files are as their schemas say; return the formats that were there."""
    seen = set()
    for path in paths:
        for data in values(path):
            assert problems(data) == [], path
            seen.add(str(data["format"]))
    return seen


def written(folder: Path) -> list[Path]:
    """Return the JSON files below a folder."""
    return sorted([*folder.rglob("*.json"), *folder.rglob("*.jsonl")])
