"""The one page maker: a page as records, written as one self-contained HTML file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal, TypeAlias

import jinja2
from markupsafe import Markup, escape

from netgen.document import Json
from netgen.report.plot import Plot
from netgen.report.style import variables
from netgen.report.text import printable
from netgen.resources import environment

_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Text:
    """A paragraph, a note, a warning or a heading; `` `code` `` as in Markdown."""

    kind: ClassVar = "text"
    text: str
    how: Literal["", "note", "no", "h3"] = ""

    @property
    def tag(self) -> str:
        """The HTML element."""
        return "h3" if self.how == "h3" else "p"

    @property
    def style(self) -> str:
        """The class of the element."""
        return "" if self.how == "h3" else self.how


@dataclass(frozen=True)
class TableRow:
    """A row of a table; ``bad`` ones are marked."""

    cells: tuple[str, ...]
    bad: bool = False


@dataclass(frozen=True)
class Table:
    """A table."""

    kind: ClassVar = "table"
    label: str  #: What it is, for those who do not see it.
    columns: tuple[str, ...]  #: Names; of numbers (aligned right) with ``>`` before them.
    #: A cell that begins with ✓ or ✗ is coloured; lines are parted by ``\\n``.
    rows: Sequence[TableRow]

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """Each column's name, and whether it holds numbers."""
        return [(name.removeprefix(">"), name.startswith(">")) for name in self.columns]


def plain_rows(rows: Sequence[Sequence[str]]) -> list[TableRow]:
    """Return rows of which none is bad."""
    return [TableRow(tuple(cells)) for cells in rows]


@dataclass(frozen=True)
class Pairs:
    """Labels and values."""

    kind: ClassVar = "pairs"
    entries: Sequence[tuple[str, Json]]


@dataclass(frozen=True)
class Links:
    """References to other pages: (address, its text, what is there)."""

    kind: ClassVar = "links"
    entries: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Lines:
    """Lines as they are: commands, lists."""

    kind: ClassVar = "lines"
    lines: Sequence[str]


@dataclass(frozen=True)
class Waves:
    """Currents over time to be looked into: zoom, nodes, units."""

    kind: ClassVar = "waves"
    title: str
    caption: str
    alt: str
    #: As ``templates/waves.js.j2`` reads it, see :func:`netgen.report.waves.waves_of`.
    data: dict[str, Json]

    @property
    def json(self) -> Markup:
        """The data as JSON that no element of the page can end."""
        text = json.dumps(self.data, allow_nan=False, separators=(",", ":"))
        return Markup(text.replace("<", "\\u003c"))


Content: TypeAlias = Text | Table | Plot | Pairs | Lines | Links | Waves


@dataclass(frozen=True)
class Section:
    """A part of a page; ``short`` is its name in the list of sections."""

    id: str
    title: str
    contents: Sequence[Content]
    short: str = ""


@dataclass(frozen=True)
class Page:
    """A page."""

    #: ``name``, ``title``: what it is about, such as the model, and what it says of it.
    name: str
    title: str
    summary: str  #: The result in a few sentences.
    sections: Sequence[Section]
    facts: Sequence[tuple[str, str]] = ()  #: Headline numbers: (label, value).
    #: ``result``, ``passed``: in a few words, and whether it is good (None: nothing is checked).
    result: str = ""
    passed: bool | None = None
    scope: str = ""  #: What the result holds for.

    @property
    def description(self) -> str:
        """One line, for the index of the folder."""
        return f"{self.result}. {self.summary}" if self.result else self.summary

    @property
    def interactive(self) -> bool:
        """Whether it needs a script."""
        return any(isinstance(b, Waves) for section in self.sections for b in section.contents)


def provenance(sources: Sequence[tuple[str, Json]], rerun: Sequence[str]) -> Section:
    """Return the last section of a page: where it comes from, and how to have it again."""
    again: list[Content] = [Text("How to run it again", "h3"), Lines(rerun)] if rerun else []
    words = {"True": "yes", "False": "no", "None": "–"}
    pairs = [(label, words.get(str(value), value)) for label, value in sources]
    return Section("provenance", "Provenance", [Pairs(pairs), *again])


def to_html(page: Page) -> str:
    """Return the page. It refers to nothing outside itself, and escapes every name."""
    template = _environment().get_template("page.html.j2")
    return printable(template.render(page=page, palette=Markup(variables()))).lstrip()


@cache
def _environment() -> jinja2.Environment:
    shared = environment()
    shared.filters["marked"] = _marked
    return shared


def _marked(text: str) -> Markup:
    """Escape text, and write what stands between backticks as code, and each line for itself."""
    safe = _CODE.sub(r"<code>\1</code>", str(escape(text)))
    return Markup(safe.replace("\n", "<br>"))
