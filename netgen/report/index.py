"""Pages in a folder, and its ``index.html``: what lies there, page by page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from netgen.files import is_netgen_page, write_whole
from netgen.report.page import Links, Page, Section, to_html

FILES = {
    "netlist.cir": "the circuit, SPICE",
    "netlist_mirrored_bias.cir": "the circuit, its bias currents mirrored from one reference",
    "network.cdl": "the circuit, CDL: for layout against schematic",
    "network.spice": "the circuit with the pins of network.cdl, SPICE",
    "design.json": "the circuit as a record",
    "mapping.json": "each learned parameter with its device",
    "model.json": "the model",
    "build.json": "what the build did: options, versions, digests",
    "calibration.npz": "the inputs it was sized for",
    "hysteresis.csv": "a cell's ramp",
    "report.json": "the figures of report.html",
    "junit.xml": "the comparison for a test view",
    "verify.json": "what its mirrors and cells were measured to do",
    "power.json": "the figures of power.html",
    "twin.json": "the figures of twin.html",
    "trim.json": "codes of chips' programmable currents",
    "training.json": "the figures of training.html",
    "sweep.json": "the figures of sweep.html",
    "scaling.json": "the figures of scaling.html",
    "noise.json": "the figures of noise.html",
    "netgen.log": "what commands did here, and how they ended",
    "export": "folder: the circuit for other tools",
    "layout": "folder: the layout, its checks and its wires",
    "plots": "folder: the pictures of the pages",
}
"""What files beside pages hold."""
NAME = "index.html"
FIRST = "report.html"
"""The page with the pass/fail result stands before the others."""
_HEAD = 4096
_DEEP = 3
"""So many folders down pages are listed."""
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_DESCRIPTION = re.compile(r'<meta name="description" content="(.*?)">', re.DOTALL)


def write_page(path: Path, page: Page) -> None:
    """Write a page, and the index of its folder.

    Raises
    ------
    OSError
        It cannot be written.
    """
    write_whole(path, to_html(page))
    write_index(path.parent)


def write_index(folder: Path) -> None:
    """Write the index of a folder, and anew those of the folders around it that have one.

    An ``index.html`` of somebody else is left alone.
    """
    above = [
        each for each in list(folder.absolute().parents)[:_DEEP] if is_netgen_page(each / NAME)
    ]
    for place in (folder, *above):
        path = place / NAME
        if path.exists() and not is_netgen_page(path):
            continue
        files = [
            (name, name, description)
            for name, description in FILES.items()
            if (place / name).exists()
        ]
        sections = [Section("pages", "Pages", [Links(list(_pages(place)))])]
        sections += [Section("files", "Files", [Links(files)])] if files else []
        name = place.absolute().name
        write_whole(path, to_html(Page(name, "results", "What netgen wrote here.", sections)))


def _pages(folder: Path, deep: int = 0) -> Iterator[tuple[str, str, str]]:
    """Yield (reference, title, what it says) of every page, those of the folder first."""
    pages = sorted(folder.glob("*.html"), key=lambda path: (path.name != FIRST, path.name))
    for path in pages:
        if path.name != NAME and is_netgen_page(path):
            head = path.read_text(encoding="utf-8", errors="replace")[:_HEAD]
            title, description = _TITLE.search(head), _DESCRIPTION.search(head)
            yield (
                quote(path.name),
                html.unescape(title[1]) if title else path.name,
                html.unescape(description[1]) if description else "",
            )
    if deep < _DEEP:
        for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
            for reference, name, text in _pages(inner, deep + 1):
                yield f"{quote(inner.name)}/{reference}", name, text
