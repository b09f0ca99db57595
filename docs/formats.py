"""Reference pages of netgen's JSON files, made of the schemas that it ships."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netgen.schema import schema, schema_names

Part = Mapping[str, Any]


def write_pages(folder: Path) -> None:
    """Write a page a schema into ``folder``; what is the same already is left alone."""
    folder.mkdir(exist_ok=True)
    for name in schema_names():
        path, text = folder / f"{name}.md", page(name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def page(name: str) -> str:
    """Return the page of a schema as Markdown: a table for every object."""
    return "\n".join(_Page(schema(name)).lines(name)) + "\n"


class _Page:
    def __init__(self, root: Part) -> None:
        self._root = root
        self._waiting: list[tuple[str, Part]] = []
        self._seen: list[tuple[str, Part]] = []

    def lines(self, name: str) -> Iterator[str]:
        yield f"# {self._root['title']}"
        yield f"\n{self._root['description']}\n"
        yield f"`netgen schema {name}` prints the JSON Schema.\n"
        if "oneOf" in self._root:
            self._waiting += [(key, self._root["$defs"][key]) for key in ("whole", "incomplete")]
        else:
            yield from self._table(self._root)
        while self._waiting:
            title, part = self._waiting.pop(0)
            if (title, part) not in self._seen:
                self._seen.append((title, part))
                yield f"\n## {title}\n"
                yield f"{part.get('description', '')}\n"
                yield from self._table(part)

    def _table(self, part: Part) -> Iterator[str]:
        if "prefixItems" in part:
            yield "| place | type | meaning |\n|---|---|---|"
            for place, field in enumerate(part["prefixItems"]):
                yield f"| {place} | {self._type(field, str(place))} | {self._meaning(field)} |"
            return
        if "oneOf" in part:
            inner = [self._resolved(each) for each in part["oneOf"]]
            for field, name in inner:
                self._wait(field, str(name))
            yield "One of " + ", ".join(f"`{name}`" for _, name in inner) + "."
            return
        yield "| field | type | meaning |\n|---|---|---|"
        for key, field in part["properties"].items():
            left_out = "" if key in part["required"] else ", may be left out"
            kind = self._type(field, key)
            yield f"| `{key}` | {kind}{left_out} | {self._meaning(field)} |"

    def _resolved(self, field: Part) -> tuple[Part, str | None]:
        if "$ref" in field:
            name = field["$ref"].rpartition("/")[2]
            return self._root["$defs"][name], name
        return field, None

    def _meaning(self, field: Part) -> str:
        inner, _ = self._resolved(field)
        if "oneOf" in inner and "description" not in inner:
            return self._meaning(inner["oneOf"][0])
        text = str(field.get("description", inner.get("description", "")))
        return text.replace("|", "\\|")

    def _wait(self, field: Part, name: str) -> None:
        self._waiting.append((name, field))

    def _type(self, given: Part, name: str) -> str:
        field, own = self._resolved(given)
        name = own or name
        if "const" in field:
            return f"`{json.dumps(field['const'], ensure_ascii=False)}`"
        if "enum" in field:
            return ", ".join(f"`{json.dumps(each, ensure_ascii=False)}`" for each in field["enum"])
        if "oneOf" in field:
            if own and all("$ref" in each for each in field["oneOf"]):
                self._wait(field, name)
                return f"object: {name}"
            return " or ".join(self._type(each, name) for each in field["oneOf"])
        kinds = field.get("type", "any")
        if isinstance(kinds, list):
            return " or ".join(self._type({**field, "type": kind}, name) for kind in kinds)
        if kinds == "array" and "prefixItems" in field:
            if len(field["prefixItems"]) > 2 or own:
                self._wait(field, name)
                return f"list: {name}"
            return "list of " + ", ".join(self._type(e, name) for e in field["prefixItems"])
        if kinds == "array":
            count = f"{field['maxItems']} " if "maxItems" in field else ""
            inner = self._type(field["items"], name)
            return f"list of {count}{inner}"
        if kinds == "object" and "properties" in field:
            self._wait(field, name)
            return f"object: {name}"
        if kinds == "object" and isinstance(field.get("additionalProperties"), dict):
            return f"{self._type(field['additionalProperties'], name)} by name"
        return str(kinds)
