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
