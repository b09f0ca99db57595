"""A small model to start from, with notes on every field."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from netgen.errors import UsageError, cannot_write
from netgen.files import taken, write_whole
from netgen.model import Samples, from_dict
from netgen.project.runs import samples_file

NOTES = {
    "unit_current": "1.0 in software is 1 nA in the circuit",
    "frame_period": "each input vector is held for 10 ms",
    "input": "one channel; values between 0 and max",
    "drive": "linear: weight is out x in; a signed sum, so a relu follows before the cell",
    "memory": "bmru: rises above beta_hi, falls below beta_lo, holds its state between",
    "logits": "one unit a class; the largest wins",
    "readout": "rule last: the class at the end of frames [0, 8)",
}
MODEL = {
    "format": "netgen-model",
    "version": 1,
    "name": "starter",
    "unit_current": 1e-9,
    "frame_period": 0.01,
    "input": {"size": 1, "max": 1.2},
    "nodes": [
        {"name": "drive", "op": "linear", "input": "x", "weight": [[1.0]], "bias": [0.1]},
        {"name": "candidate", "op": "relu", "input": "drive"},
        {
            "name": "memory",
            "op": "bmru",
            "input": "candidate",
            "alpha": [1.0],
            "beta_lo": [0.4],
            "beta_hi": [0.8],
            "initial_state": [0],
        },
        {
            "name": "logits",
            "op": "linear",
            "input": "memory",
            "weight": [[-1.0], [1.0]],
            "bias": [0.5, -0.5],
        },
    ],
    "readout": {"node": "logits", "rule": "last", "frames": [0, 8]},
    "classes": ["low", "high"],
    "meta": {"notes": NOTES},
}
SEQUENCES = {
    "silence": ([0.0] * 8, 0),
    "a pulse is held": ([0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 1),
    "released": ([0.0, 1.0, 0.5, 0.1, 0.5, 0.5, 0.5, 0.5], 0),
    "too weak to rise": ([0.5] * 8, 0),
}


def write_starter(folder: Path) -> tuple[Path, Path]:
    """Write ``model.json`` and ``samples.npz``; returns their paths.

    Raises
    ------
    UsageError
        One of them is there already with another content, or the folder cannot be written.
    """
    model, samples = folder / "model.json", folder / "samples.npz"
    from_dict(MODEL, "starter")
    x = np.array([values for values, _ in SEQUENCES.values()])[:, :, np.newaxis]
    labels = np.array([label for _, label in SEQUENCES.values()])
    files = {
        model: (json.dumps(MODEL, indent=2) + "\n").encode(),
        samples: samples_file(Samples(x, labels, tuple(SEQUENCES))),
    }
    try:
        for path, content in files.items():
            if taken(path, content):
                raise UsageError(f"{path} is there already; choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            write_whole(path, content)
    except OSError as error:
        raise cannot_write(folder, error) from None
    return model, samples
