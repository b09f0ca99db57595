"""Nodes of memory cells for small models."""

from __future__ import annotations

from typing import Any


def bmru(name: str, source: str, size: int, initial: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "op": "bmru",
        "input": source,
        "alpha": [1.0] * size,
        "beta_lo": [0.25] * size,
        "beta_hi": [0.75] * size,
        "initial_state": [initial] * size,
    }


def ladder(name: str, source: str, size: int, rungs: int, initial: list[int]) -> dict[str, Any]:
    """Return a node with thresholds at .2/.4, .7/.9, 1.2/1.4 … and steps of .5."""
    return {
        "name": name,
        "op": "ladder",
        "input": source,
        "alpha": [[0.5] * rungs] * size,
        "beta_lo": [[0.2 + 0.5 * rung for rung in range(rungs)]] * size,
        "beta_hi": [[0.4 + 0.5 * rung for rung in range(rungs)]] * size,
        "initial_state": initial,
    }
