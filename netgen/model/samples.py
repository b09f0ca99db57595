"""Samples: the input sequences a model is compared on."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netgen.errors import SamplesError, UsageError
from netgen.model.graph import Floats, Model

_LISTED = 3
"""Values of one kind of violation that are named; of the rest only the number is given."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Input sequences in software units.

    Attributes
    ----------
    x
        (samples, frames, channels).
    y
        Class index of each sample, or None where it is not known.
    ids
        A name for each sample, for people.
    """

    x: Floats
    y: NDArray[Any] | None
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.x)

    def pick(self, indices: list[int]) -> Samples:
        """Return the samples at ``indices``, in that order."""
        y = None if self.y is None else self.y[indices]
        return Samples(self.x[indices], y, tuple(self.ids[i] for i in indices))


def load_samples(path: Path, model: Model) -> Samples:
    """Read samples from ``.npz`` (arrays x, y, id) or one sample from ``.csv``, and check them.

    Raises
    ------
    SamplesError
        With every violation, each at its place (``x[3, 17, 2]: -0.1 is negative``).
    """
    source = str(path)
    if path.suffix.lower() == ".csv":
        return check_samples(_read_csv(path), None, (path.stem,), model, source)
    arrays = _read_npz(path)
    if "x" not in arrays:
        raise SamplesError(source, ["has no array 'x' (samples, frames, channels)"])
    names = arrays.get("id")
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "US"):
        raise SamplesError(source, ["id: must be a list of strings, one a sample"])
    ids = None if names is None else tuple(map(str, names.astype(np.str_)))
    return check_samples(arrays["x"], arrays.get("y"), ids, model, source)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    source = str(path)
    try:
        with path.open("rb") as file:  # NumPy leaves a damaged archive open
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                problem = "is a single array, not .npz; save it with np.savez(x=…)"
                raise SamplesError(source, [problem])
            with archive:
                arrays = {str(key): archive[key] for key in _ARRAYS if key in archive.files}
    except OSError as error:
        raise SamplesError(source, [f"cannot be read: {error.strerror or error}"]) from None
    except MemoryError:
        raise SamplesError(source, ["holds more than the memory does"]) from None
    except _BROKEN_ARCHIVE:
        raise SamplesError(source, [_NOT_NPZ]) from None
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise SamplesError(source, [_NOT_NPZ])
    return arrays


_ARRAYS = ("x", "y", "id")
_NOT_NPZ = "is not a .npz archive of plain arrays (nor a .csv)"
_BROKEN_ARCHIVE = (
    ValueError,  # not an archive, a pickled object array, a bad header
    EOFError,
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,  # a compression method that zipfile does not know
    RuntimeError,  # encrypted
)


def check_samples(
    x: NDArray[Any],
    y: NDArray[Any] | None,
    ids: tuple[str, ...] | None,
    model: Model,
    source: str = "samples",
) -> Samples:
    """Check arrays against a model and return them as samples (see :func:`load_samples`)."""
    problems: list[str] = []
    if x.dtype.kind not in "fiu" or x.ndim != 3:
        shape = " × ".join(map(str, x.shape)) or "a single value"
        raise SamplesError(
            source, [f"x: is {x.dtype} of {shape}; wanted numbers (samples, frames, channels)"]
        )
    x = x.astype(np.float64)
    if 0 in x.shape:
        raise SamplesError(source, [f"x: is empty ({' × '.join(map(str, x.shape))})"])
    if x.shape[2] != model.input_size:
        problems.append(f"x: has {x.shape[2]} channels; the model takes {model.input_size}")
    if x.shape[1] < model.readout.stop:
        problems.append(
            f"x: has {x.shape[1]} frames; the model's readout needs {model.readout.stop}"
        )
    finite = np.isfinite(x)
    problems += _outside(x, ~finite, "is not finite")
    problems += _outside(x, finite & (x < 0), "is negative (a current has no sign)")
    above = f"is above input.max = {model.input_max:g}"
    problems += _outside(x, finite & (x > model.input_max), above)
    if y is not None:
        if y.shape != x.shape[:1] or y.dtype.kind not in "iu":
            problems.append(f"y: must hold {len(x)} whole numbers, one a sample")
        else:
            for index in np.flatnonzero((y < 0) | (y >= len(model.classes)))[:_LISTED]:
                problems.append(f"y[{index}]: {y[index]} is none of {len(model.classes)} classes")
    if ids is not None:
        if len(ids) != len(x):
            problems.append(f"id: has {len(ids)} entries; x has {len(x)} samples")
        for index in [i for i, name in enumerate(ids) if not name.isprintable()][:_LISTED]:
            problems.append(f"id[{index}]: must be a printable string")
    if problems:
        raise SamplesError(source, problems)
    return Samples(x, y, ids if ids is not None else tuple(f"sample {i}" for i in range(len(x))))


def _outside(x: Floats, wrong: NDArray[Any], problem: str) -> list[str]:
    places = np.argwhere(wrong)
    lines = [f"x[{', '.join(map(str, at))}]: {x[tuple(at)]:g} {problem}" for at in places[:_LISTED]]
    if len(places) > _LISTED:
        lines.append(f"x: and {len(places) - _LISTED} more values: {problem}")
    return lines


def _read_csv(path: Path) -> NDArray[Any]:
    """Read a header row and one row a frame; returns (1, frames, channels)."""
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SamplesError(source, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SamplesError(source, ["is not UTF-8 text"]) from None
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise SamplesError(source, [f"line {reader.line_num}: {error}"]) from None
    if len(rows) < 2:
        raise SamplesError(source, ["is empty; wanted a header row and one row a frame"])
    (line, header), *frames = rows
    problems, values = [], []
    if all(map(_is_number, header)):
        problems.append(f"line {line}: is a row of numbers; wanted the names of the columns first")
    for line, row in frames:
        if len(row) != len(header):
            problems.append(f"line {line}: has {len(row)} columns; the header has {len(header)}")
        elif not all(map(_is_number, row)):
            wrong = next(entry for entry in row if not _is_number(entry))
            problems.append(f"line {line}: {wrong[:40]!r} is not a number")
        else:
            values.append([float(entry) for entry in row])
    if problems:
        rest = len(problems) - _LISTED
        more = [f"and {rest} more lines are wrong"] if rest > 0 else []
        raise SamplesError(source, problems[:_LISTED] + more)
    return np.array([values])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def pick_indices(text: str | None, count: int) -> list[int]:
    """Read a choice of samples such as ``0:10``, ``3`` or ``0,4,7:9`` out of ``count``.

    Raises
    ------
    UsageError
        The text is not such a choice, or names a sample that does not exist.
    """
    if text is None:
        return list(range(count))
    picked: list[int] = []
    try:
        for part in text.split(","):
            if ":" in part:
                first, last = (int(end) if end.strip() else None for end in part.split(":"))
                chosen = range(count)[first:last]
                picked.extend(chosen)
            else:
                picked.append(range(count)[int(part)])
    except (ValueError, IndexError):
        raise UsageError(
            f"--samples {text}: choose among 0 … {count - 1}, such as 0:10 or 0,4,7"
        ) from None
    if not picked:
        raise UsageError(f"--samples {text}: picks none of the {count} samples; try 0:{count}")
    return list(dict.fromkeys(picked))
