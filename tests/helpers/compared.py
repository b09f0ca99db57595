"""Comparisons of synthetic traces with forced states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from small_models import bmru, document, linear
from synthetic_traces import traces_of

from netgen.analysis import CAUSES, Comparison, compare
from netgen.model import Model, Samples, from_dict
from netgen.model.graph import Floats

NONE = dict.fromkeys(CAUSES, 0)


def one_cell(**readout: Any) -> Model:
    """The candidate is x; state high gives logits (1, 0.5), low (0, 0.5). α = 0.5."""
    return from_dict(
        document(
            "one-cell",
            [
                {"name": "cand", "op": "relu", "input": "x"},
                bmru("state", "cand", [0.5], [0.2], [0.4]),
                linear("logits", "state", [[2.0], [0.0]], [0.0, 0.5]),
            ],
            **{"frames": (1, 5), "rule": "majority_vote", **readout},
        )
    )


def sample_of(*rows: np.ndarray, y: list[int] | None = None) -> Samples:
    x = np.array(rows)[:, :, None]
    ids = tuple(f"id {index}" for index in range(len(x)))
    return Samples(x, None if y is None else np.array(y), ids)


def run(
    model: Model,
    samples: Samples,
    states: Mapping[int, list[int]] = {},
    added: Mapping[int, Mapping[str, Floats]] = {},
    failures: Mapping[int, str] = {},
) -> Comparison:
    """Compare traces with forced states of the one cell, or added values, by sample."""
    traces = [
        traces_of(
            model,
            samples.x[at],
            sample=10 + at,
            states={"state": np.array(states[at])[:, None] > 0} if at in states else None,
            added=added.get(at),
        )
        for at in range(len(samples))
    ]
    return compare(model, samples, iter(traces), failures)


def two_cells() -> tuple[Model, Samples]:
    """Frame 1: cell "low" rises and takes the candidate of "high" from 0.9 down to 0.3."""
    cell = {"op": "bmru", "alpha": [1.0], "beta_lo": [0.2], "beta_hi": [0.4]}
    model = from_dict(
        document(
            "two-cells",
            [
                linear("first", "x", [[1.0, 0.0]], [0.0]),
                {"name": "first_relu", "op": "relu", "input": "first"},
                cell | {"name": "low", "input": "first_relu"},
                linear("second", "x", [[0.0, 1.0]], [0.0]),
                linear("back", "low", [[-0.6]], [0.0]),
                {"name": "sum", "op": "add", "inputs": ["second", "back"]},
                {"name": "cand", "op": "relu", "input": "sum"},
                cell | {"name": "high", "input": "cand"},
                linear("logits", "high", [[1.0], [0.0]], [0.0, 0.5]),
            ],
            size=2,
            frames=(0, 3),
            classes=("yes", "no"),
        )
    )
    x = np.array([[[0.1, 0.3], [0.6, 0.9], [0.6, 0.9]]])
    return model, Samples(x, None, ("raced",))
