"""Files that are whole or absent, and their digests."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SCRATCH = re.compile(r"\..*\.\d+\.\d+\.netgen-part(\.[^.]*)?")
_CHUNK = 1 << 20


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a scratch path to write; it becomes ``path`` at the end, or vanishes on an error.

    Raises
    ------
    OSError
        The file cannot be written. It names ``path``, whatever step failed: a full disk names
        no file by itself.
    """
    own = f"{os.getpid()}.{threading.get_ident()}"
    scratch = path.with_name(f".{path.stem}.{own}.netgen-part{path.suffix}")
    try:
        yield scratch
        scratch.replace(path)
    except OSError as error:
        if error.filename is None or os.fspath(error.filename) == os.fspath(scratch):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        with suppress(OSError):  # what kept it from being written keeps it from being removed
            scratch.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside and rename it.

    Text is written as UTF-8; what is no text in it (a byte of a file's name) as ``\\\\udcxx``.

    Raises
    ------
    OSError
        The file cannot be written; it names the file.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with written_beside(path) as scratch:
        scratch.write_bytes(data)


def remove_scratch(folder: Path) -> None:
    """Remove what a process that was killed left half written; nobody else may write there."""
    for path in folder.glob(".*"):
        if _SCRATCH.fullmatch(path.name):
            path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises
    ------
    OSError
        It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
