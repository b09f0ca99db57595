"""netgen: from a trained recurrent network to the transistor circuit that computes the same.

The public interface is :mod:`netgen.api`; its names are attributes of this package, imported when
they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from netgen._version import __version__

if TYPE_CHECKING:
    from netgen.api import (
        Chips,
        Circuit,
        Model,
        Predictions,
        Result,
        Samples,
        Technology,
        Tolerances,
        build,
        compare,
        load_model,
        load_samples,
        load_technology,
        make_samples,
        monte_carlo,
        open_build,
        simulate,
        twin,
    )

__all__ = [
    "Chips",
    "Circuit",
    "Model",
    "Predictions",
    "Result",
    "Samples",
    "Technology",
    "Tolerances",
    "__version__",
    "build",
    "compare",
    "load_model",
    "load_samples",
    "load_technology",
    "make_samples",
    "monte_carlo",
    "open_build",
    "simulate",
    "twin",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        found = getattr(import_module("netgen.api"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'netgen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
