"""A training run on disk, so that it can be continued after an interruption."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from netgen.errors import ConfigurationError, UsageError
from netgen.files import write_whole
from netgen.training.dataset import Dataset
from netgen.training.network import Architecture
from netgen.training.passages import Passages
from netgen.training.recipe import Recipe
from netgen.training.trainer import Trainer

FILE = "checkpoint.pt"
EVERY = 200
"""Steps between two checkpoints."""


def run_key(
    arch: Architecture,
    recipe: Recipe,
    data: Dataset,
    start: Tensor | None,
    streams: Sequence[Passages] | None = None,
) -> str:
    """Return a digest of everything that decides the run: two runs of one key end alike."""
    digest = hashlib.sha256(repr((asdict(recipe), arch, data.mapping)).encode())
    for part in (data.train, data.pool, data.validation):
        digest.update(np.ascontiguousarray(part.x).data)
        digest.update(part.y.tobytes())
    for passages in streams or ():
        digest.update(np.ascontiguousarray(passages.x).data)
        digest.update(repr(passages.words).encode())
    if start is not None:
        digest.update(start.numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(folder: Path, key: str, trainer: Trainer) -> None:
    """Write the run's state, whole or not at all."""
    torch.save({"key": key, **trainer.state()}, buffer := io.BytesIO())
    write_whole(folder / FILE, buffer.getvalue())  # torch names no reason when a disk is full


def continue_from(folder: Path, key: str, trainer: Trainer) -> bool:
    """Continue where a checkpoint in ``folder`` ends; False where there is none.

    Raises
    ------
    UsageError
        The checkpoint belongs to another run.
    ConfigurationError
        The checkpoint cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return False
    try:
        state = torch.load(path, weights_only=True)
        stored_key = state.pop("key")
        if stored_key == key:
            trainer.restore(state)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, AttributeError,
            pickle.UnpicklingError) as error:  # fmt: skip
        problem = f"is no checkpoint of this netgen ({type(error).__name__}); remove it"
        raise ConfigurationError(str(path), [problem]) from None
    if stored_key != key:
        raise UsageError(
            f"{path}: belongs to a run with other options or data; choose another -o or remove it"
        )
    return True
