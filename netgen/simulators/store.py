"""A cache of arrays on disk, by the hash of everything they depend on."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Array
from netgen.files import keep

Arrays = dict[str, NDArray[np.float64]]

UNREADABLE = (Exception,)
"""What reading a damaged ``.npz`` ends with: zipfile, zlib, NumPy and the tokenizer of its headers
raise what they like."""
_SEAL = "seal"


def cache_folder() -> Path:
    """Return the folder for results worth keeping between runs.

    ``$NETGEN_CACHE``, else ``$XDG_CACHE_HOME/netgen``, else ``~/.cache/netgen``.
    """
    chosen = os.environ.get("NETGEN_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netgen"


def key(*parts: object) -> str:
    """Return the SHA-256, in hexadecimal, of everything that a result depends on.

    Parameters
    ----------
    parts
        A path stands for the content of its file; anything else for its ``repr``, with arrays
        (also inside dataclasses) written in full.

    Raises
    ------
    OSError
        A file cannot be read.

    Examples
    --------
    >>> key("a", "b") == key("ab")
    False
    """
    digest = hashlib.sha256()
    with np.printoptions(threshold=sys.maxsize, precision=17, floatmode="unique"):
        for part in parts:
            content = part.read_bytes() if isinstance(part, Path) else repr(part).encode()
            digest.update(f"{type(part).__name__} {len(content)}:".encode() + content)
    return digest.hexdigest()


def cached_arrays(folder: Path, key: str, compute: Callable[[], Arrays]) -> Arrays:
    """Return the arrays kept under a key, computing and keeping them if they are not there.

    A file that cannot be read, was changed, or is another key's is computed again; a folder that
    cannot be written keeps nothing.

    Parameters
    ----------
    folder
        Made if it is missing.
    key
        From :func:`key`, of everything that ``compute`` depends on.
    compute
        Gives the arrays by name.
    """
    path = folder / f"{key}.npz"
    with suppress(*UNREADABLE):  # not there, or not whole
        kept = read_arrays(path)
        if str(kept.pop(_SEAL)) == seal(key, kept):
            return {name: each.astype(np.float64, copy=False) for name, each in kept.items()}
    arrays = compute()
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, **{_SEAL: np.array(seal(key, arrays))})  # type: ignore[arg-type]
    keep(path, buffer.getvalue())
    return arrays


def read_arrays(path: Path, only: Collection[str] | None = None) -> dict[str, Array]:
    """Read arrays of a ``.npz``, all or those named, without a word on how it is written.

    Raises
    ------
    Exception
        The file is damaged: one of :data:`UNREADABLE`.
    """
    # the file is opened here so that it is closed again also when it is no archive
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in only or archive.files}


def seal(header: str, arrays: Mapping[str, Array]) -> str:
    """Return a digest of arrays and of their header: both are as they were kept."""
    digest = hashlib.sha256(header.encode())
    for name, values in sorted(arrays.items()):
        digest.update(f"{name} {values.dtype.str} {values.shape}:".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
