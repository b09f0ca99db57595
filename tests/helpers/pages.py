"""Readers of written reports."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from netgen.resources import templates

VOID = {"meta", "img", "br", "link", "hr", "source"}
OWN = (templates() / "waves.js.j2").read_text(encoding="utf-8")
PICTURE_LIST = "data:image/svg+xml;base64,"
PNG = b"\x89PNG\r\n\x1a\n"


def read_json(folder: Path) -> dict[str, Any]:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    document: dict[str, Any] = json.loads(
        (folder / "report.json").read_text("utf-8"), parse_constant=refuse
    )
    return document


class Page(HTMLParser):
    """Checks that tags close in order; collects what the page refers to, and its text."""

    def __init__(self, folder: Path, name: str = "report.html") -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.alts: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.source = (folder / name).read_text("utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [v or "" for name, v in attrs if name in ("src", "srcset", "href")]
        self.alts += [value or "" for name, value in attrs if name == "alt"]
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif not self.open or self.open[-1] != "style":
            self.text += data

    def assert_stands_alone(self) -> None:
        """It refers to nothing outside, runs nothing but its own script, and says what is seen."""
        assert all(ref.startswith(("#", PICTURE_LIST)) for ref in self.references)
        assert "url(" not in self.source
        assert "http" not in self.source
        anchors = [ref[1:] for ref in self.references if ref.startswith("#")]
        assert all(f'id="{anchor}"' in self.source for anchor in anchors)
        foreign = [text for text in self.scripts if text.strip() != OWN.strip()]
        assert len(self.scripts) - len(foreign) == (1 if foreign else 0)
        for text in foreign:  # data, that is parsed and not run
            json.loads(text)
        assert self.tags.count("script") == len(self.scripts)
        assert len(self.alts) == self.tags.count("img")
        assert all(len(alt.split()) > 5 for alt in self.alts)
