"""Models whose only node is a linear one."""

from __future__ import annotations

from typing import Any

from small_models import linear, small_model

from netgen.model import Model, from_dict


def model_of(weight: list[list[float]], bias: list[float] | None = None, **changes: Any) -> Model:
    """Return a model whose only node is a linear one, its readout."""
    size = len(weight)
    data = small_model() | {
        "input": {"size": len(weight[0]), "max": 1.0},
        "nodes": [linear("row", "x", weight, bias or [0.0] * size)],
        "readout": {"node": "row", "rule": "last", "frames": [0, 1]},
        "classes": [f"class {index}" for index in range(size)],
    }
    return from_dict(data | changes)
