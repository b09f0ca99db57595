"""Where the data that belongs to netgen lies: Jinja2 templates and PDK descriptions."""

from __future__ import annotations

import configparser
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

if sys.version_info >= (3, 11):
    from importlib.resources.abc import Traversable
else:
    from importlib.abc import Traversable


def templates() -> Traversable:
    """Return the folder of the Jinja2 templates."""
    return _folder("templates")


@cache
def environment() -> jinja2.Environment:
    """Return the one Jinja2 environment, over :func:`templates`.

    An undefined name is an error. Values are escaped in pages (``*.html.j2``), and only there. A
    room adds the filters of its own.
    """
    import jinja2  # a command that writes no text does without

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
    )


def _source(name: str) -> str | None:
    file = templates() / name
    return file.read_text(encoding="utf-8") if file.is_file() else None


def pdks() -> Traversable:
    """Return the folder that holds one sub-folder of data for each technology."""
    return _folder("pdk")


def _folder(name: str) -> Traversable:
    # In a checkout (editable installs included) the folders stand at the root; setuptools' finder
    # does not find packages without an __init__.py there. Installed, they are netgen._templates
    # and netgen._pdk.
    root = Path(__file__).resolve().parent.parent
    if (root / "setup.cfg").is_file() and (root / name).is_dir():
        return root / name
    return files(f"netgen._{name}")


def plugins(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name.

    In a checkout netgen's own are those of ``setup.cfg``: the metadata that an editable
    installation left may be older than the sources.
    """
    entries = {entry.name: entry for entry in entry_points(group=group)}
    root = Path(__file__).resolve().parent.parent
    if (root / "setup.cfg").is_file():
        parser = configparser.ConfigParser()
        parser.read(root / "setup.cfg", encoding="utf-8")
        lines = parser.get("options.entry_points", group, fallback="").split("\n")
        pairs = (line.partition("=") for line in lines if line.strip())
        entries |= {n.strip(): EntryPoint(n.strip(), v.strip(), group) for n, _, v in pairs}
    return dict(sorted(entries.items()))
