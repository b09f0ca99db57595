"""netgen: from a trained recurrent network to the transistor circuit that computes the same.

The public interface is :mod:`netgen.api`; its names are attributes of this package, imported when
they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from netgen._version import __version__ as __version__

if TYPE_CHECKING:
    from netgen.api import *  # noqa: F403


def _names() -> list[str]:
    return ["__version__", *import_module("netgen.api").__all__]


def __getattr__(name: str) -> object:
    if name == "__all__":
        return _names()
    if not name.startswith("_") and name in _names():
        value = globals()[name] = getattr(import_module("netgen.api"), name)
        return value
    raise AttributeError(f"module 'netgen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_names())
