"""A small valid model as decoded JSON, and how to spoil it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

DELETED = object()


def small_model() -> dict[str, Any]:
    """Return one recurrent layer of two units with a residual connection, and two classes."""
    return document(
        "small",
        [
            linear("proj", "x", [[1.0, 0.0, -0.5], [0.0, 0.5, 0.25]], [0.0, 0.1]),
            {"name": "relu", "op": "relu", "input": "proj"},
            linear("cand_lin", "relu", [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]),
            {"name": "cand", "op": "relu", "input": "cand_lin"},
            bmru("state", "cand", [1.0, 0.5], [0.25, 0.2], [0.75, 0.4], initial_state=[0, 1]),
            linear("post_lin", "state", [[0.5, 0.5], [-1.0, 0.5]], [0.0, 0.25]),
            {"name": "post", "op": "relu", "input": "post_lin"},
            {"name": "out", "op": "add", "inputs": ["proj", "post"]},
            linear("logits", "out", [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]),
        ],
        size=3,
        frames=(1, 4),
        rule="majority_vote",
        classes=("left", "right"),
    ) | {"meta": {"trainer": {"name": "by hand"}}}


def document(
    name: str,
    nodes: list[dict[str, Any]],
    size: int = 1,
    frames: tuple[int, int] = (0, 4),
    rule: str = "last",
    classes: Sequence[str] = ("high", "low"),
    maximum: float = 1.5,
    node: str = "",
) -> dict[str, Any]:
    """Return a model that is read at a node, its last one by itself."""
    return {
        "format": "netgen-model",
        "version": 1,
        "name": name,
        "unit_current": 1e-9,
        "frame_period": 0.01,
        "input": {"size": size, "max": maximum},
        "nodes": nodes,
        "readout": {"node": node or nodes[-1]["name"], "rule": rule, "frames": list(frames)},
        "classes": list(classes),
    }


def bmru(
    name: str, source: str, alpha: list[float], low: list[float], high: list[float], **more: Any
) -> dict[str, Any]:
    """Return a node of cells with the thresholds ``low`` and ``high``."""
    levels = {"alpha": alpha, "beta_lo": low, "beta_hi": high}
    return {"name": name, "op": "bmru", "input": source, **levels, **more}


def linear(name: str, source: str, weight: list[list[float]], bias: list[float]) -> dict[str, Any]:
    """Return a linear node."""
    return {"name": name, "op": "linear", "input": source, "weight": weight, "bias": bias}


def spoiled(path: str, value: Any) -> dict[str, Any]:
    """Return the small model with ``value`` at a JSON path (``DELETED`` removes the key)."""
    model = small_model()
    steps: list[Any] = [
        int(step[1:-1]) if step.startswith("[") else step
        for step in re.findall(r"\[\d+\]|[^.\[\]]+", path)
    ]
    place: Any = model
    for step in steps[:-1]:
        place = place[step]
    if value is DELETED:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return model
