"""Samples: the input sequences a model is compared on."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netgen.arrays import Array, Bools, Integers
from netgen.errors import SamplesError, UsageError
from netgen.keys import shown_key, unknown_keys
from netgen.model.graph import Floats, Model
from netgen.units import apart, counted

_LISTED = 3
"""Values of one kind of violation that are named; of the rest only the number is given."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Input sequences in software units."""

    x: Floats  #: (samples, frames, channels).
    y: Integers | None  #: Class index of each sample, or None where it is not known.
    ids: tuple[str, ...]  #: A name for each sample, for people.

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
    ids = _ids(arrays["id"], source) if "id" in arrays else None
    return check_samples(arrays["x"], arrays.get("y"), ids, model, source)


def _ids(names: Array, source: str) -> tuple[str, ...]:
    """Return the names of samples; bytes are decoded."""
    names = _column(names)
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise SamplesError(source, ["id: must be a list of strings, one a sample"])
    if names.dtype.kind == "U":
        return tuple(map(str, names))
    ids, problems = [], []
    for index, name in enumerate(names):
        try:
            ids.append(bytes(name).decode())
        except UnicodeDecodeError:
            problems.append(f"id[{index}]: {bytes(name)!r} is not UTF-8 text")
    if problems:
        raise SamplesError(source, problems[:_LISTED])
    return tuple(ids)


def _column(array: Array) -> Array:
    """Return a column (n, 1) as a list (n,), all else as it is."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _read_npz(path: Path) -> dict[str, Array]:
    source = str(path)
    try:
        with path.open("rb") as file:  # NumPy leaves a damaged archive open
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                problem = "is a single array, not .npz; save it with np.savez(x=…)"
                raise SamplesError(source, [problem])
            with archive:
                problems = _wrong_names(archive.files)
                arrays = {key: _array(archive, key, problems) for key in _ARRAYS
                          if key in archive.files}  # fmt: skip
    except OSError as error:
        raise SamplesError(source, [f"cannot be read: {error.strerror or error}"]) from None
    except MemoryError:
        raise SamplesError(source, ["holds more than the memory does"]) from None
    except _BROKEN_ARCHIVE:
        swapped = "is a model file; the samples come after the model"
        problem = swapped if path.suffix.lower() == ".json" else _NOT_NPZ
        raise SamplesError(source, [problem]) from None
    if problems:
        raise SamplesError(source, problems)
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise SamplesError(source, [_NOT_NPZ])
    return arrays


_ARRAYS = ("x", "y", "id")


def _wrong_names(names: list[str]) -> list[str]:
    """Name the arrays that nothing reads, and those that are there twice."""
    counted = Counter(names)
    problems = [
        f"{shown_key(name)}: is there twice; keep one" for name, n in counted.items() if n > 1
    ]
    if "x" not in counted:
        problems.append("has no array 'x' (samples, frames, channels)")
    return unknown_keys(counted, _ARRAYS) + problems


def _array(archive: np.lib.npyio.NpzFile, key: str, problems: list[str]) -> Array:
    try:
        array: Array = archive[key]
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        wanted = "strings: np.array(id, dtype=str)" if key == "id" else "numbers"
        problems.append(f"{key}: holds Python objects, which are not read; save it as {wanted}")
        return np.zeros(0)
    return array


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
    x: Array, y: Array | None, ids: tuple[str, ...] | None, model: Model, source: str = "samples"
) -> Samples:
    """Check arrays against a model and return them as samples (see :func:`load_samples`).

    Raises
    ------
    SamplesError
        They do not fit the model; names every violation.
    """
    problems: list[str] = []
    if x.dtype.kind not in "fiu" or x.ndim != 3:
        shape = " × ".join(map(str, x.shape)) or "a single value"
        raise SamplesError(
            source, [f"x: is {x.dtype} of {shape}; wanted numbers (samples, frames, channels)"]
        )
    x = _unrounded(x, model.input_max)
    if 0 in x.shape:
        raise SamplesError(source, [f"x: is empty ({' × '.join(map(str, x.shape))})"])
    if x.shape[2] != model.input_size:
        channels = counted(x.shape[2], "channels")
        problems.append(f"x: has {channels}; the model takes {model.input_size}")
    if x.shape[1] < model.readout.stop:
        problems.append(
            f"x: has {counted(x.shape[1], 'frames')}; the model's readout needs "
            f"{model.readout.stop}"
        )
    finite = np.isfinite(x)
    problems += _outside(x, ~finite, "is not finite")
    problems += _outside(
        x,
        finite & (x < 0),
        "is negative; a current has no sign (see signed_channels)",
    )
    above = np.argwhere(finite & (x > model.input_max))
    for at in above[:_LISTED]:
        value, largest = apart(float(x[tuple(at)]), model.input_max)
        problems.append(f"x[{_place(at)}]: {value} is above input.max = {largest}")
    problems += _more(above, f"is above input.max = {model.input_max:g}")
    if y is not None:
        y = _classes(_column(y), len(x), len(model.classes), problems)
    if ids is not None:
        if len(ids) != len(x):
            problems.append(
                f"id: has {counted(len(ids), 'entries')}; x has {counted(len(x), 'samples')}"
            )
        for index in [i for i, name in enumerate(ids) if not name.isprintable()][:_LISTED]:
            problems.append(f"id[{index}]: must be a printable string")
    if problems:
        raise SamplesError(source, problems)
    return Samples(x, y, ids if ids is not None else tuple(f"sample {i}" for i in range(len(x))))


def _unrounded(x: Array, largest: float) -> Floats:
    """Return inputs as float64; what is the largest input but for rounding becomes just that.

    In single precision the number nearest to an input.max of 1.2 is 1.20000005, and a scaling by
    a quotient ends one step of the precision above it. Arrays of double precision often come from
    single, so they are read like that, too.
    """
    precision = np.float16 if x.dtype == np.float16 else np.float32
    values: Floats = x.astype(np.float64)
    with np.errstate(over="ignore"):
        single = values.astype(precision)
        step_above = np.nextafter(precision(largest), precision(np.inf))
    rounded = np.isfinite(single) & (single <= step_above)
    return np.where((values > largest) & rounded, largest, values)


def _classes(y: Array, samples: int, classes: int, problems: list[str]) -> Integers | None:
    """Return class indices as integers: whole floats and truth values are taken for what they are.

    Notes what is wrong in ``problems``, and returns None then.
    """
    if y.shape != (samples,) or y.dtype.kind not in "iufb":
        shape = " × ".join(map(str, y.shape)) or "a single value"
        wanted = f"{samples} whole numbers, one a sample"
        problems.append(f"y: must hold {wanted}, not {y.dtype} of {shape}")
        return None
    values: Floats = y.astype(np.float64)
    if y.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(values) | (values != np.round(values)))
        problems += [f"y[{i}]: {values[i]:.9g} is not a whole number" for i in wrong[:_LISTED]]
        problems += _more(wrong, "is not a whole number", "y")
        if wrong.size:
            return None
    wrong = np.flatnonzero((values < 0) | (values >= classes))
    problem = f"is none of the classes 0 … {classes - 1}"
    problems += [f"y[{i}]: {int(y[i].item())} {problem}" for i in wrong[:_LISTED]]
    problems += _more(wrong, problem, "y")
    return None if wrong.size else y.astype(np.intp)


def _outside(x: Floats, wrong: Bools, problem: str) -> list[str]:
    places = np.argwhere(wrong)
    lines = [f"x[{_place(at)}]: {x[tuple(at)]:g} {problem}" for at in places[:_LISTED]]
    return lines + _more(places, problem)


def _place(at: Array) -> str:
    return ", ".join(map(str, at))


def _more(places: Array, problem: str, array: str = "x") -> list[str]:
    rest = len(places) - _LISTED
    return [f"{array}: {counted(rest, 'more values')} of which each {problem}"] if rest > 0 else []


def _read_csv(path: Path) -> Array:
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
            columns = counted(len(row), "columns")
            problems.append(f"line {line}: has {columns}; the header has {len(header)}")
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
