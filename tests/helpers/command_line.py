"""Run ``netgen`` inside the test's process and see its exit status and what it says."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result
from formats import check_files, written
from small_models import small_model

from netgen.commands import main


def netgen(*arguments: object) -> Result:
    """Run a command; only an exit status may come out of it, never a traceback.

    The JSON files that it wrote are as their schemas say.
    """
    started = time.time_ns()
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code in (0, 1):
        folders = [Path(each) for each in arguments if isinstance(each, Path) and each.is_dir()]
        paths = {path for folder in folders for path in written(folder)}
        check_files(path for path in paths if path.stat().st_mtime_ns >= started)
    return result


def says(result: Result) -> list[str]:
    """Return the lines netgen addresses to the user."""
    return [line for line in result.output.splitlines() if line.startswith("netgen: ")]


def write_model(folder: Path, **changes: Any) -> Path:
    """Write the small model with some fields changed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.json"
    path.write_text(json.dumps(small_model() | changes))
    return path


def inputs(samples: int = 4, seed: int = 1) -> np.ndarray:
    """Return inputs of the small model, (samples, frames, channels)."""
    return np.random.default_rng(seed).uniform(0, 1.5, (samples, 4, 3))


def write_samples(path: Path, x: np.ndarray | None = None, **arrays: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, x=inputs() if x is None else x, **arrays)
    return path
