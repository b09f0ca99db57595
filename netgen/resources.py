"""Where the data that is installed with netgen lies: Jinja2 templates and PDK descriptions."""

from __future__ import annotations

import sys
from importlib.resources import files

if sys.version_info >= (3, 11):
    from importlib.resources.abc import Traversable
else:
    from importlib.abc import Traversable


def templates() -> Traversable:
    """Return the folder of the Jinja2 templates."""
    return files("netgen._templates")


def pdks() -> Traversable:
    """Return the folder that holds one sub-folder of data for each technology."""
    return files("netgen._pdk")
