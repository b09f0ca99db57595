"""Files that are whole or absent, and their digests."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SCRATCH = re.compile(r"\..*\.\d+\.\d+\.netgen-part(\.[^.]*)?")
_CHUNK = 1 << 20
PAGE_MARK = '<meta name="generator" content="netgen">'
"""Stands in the head of every page that netgen writes."""


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a scratch path to write; it becomes ``path`` at the end, or vanishes on an error.

    Raises
    ------
    OSError
        The file cannot be written. It names ``path``, whatever step failed: a full disk names
        no file by itself.
    """
    writer = f"{os.getpid()}.{threading.get_ident()}"
    scratch = path.with_name(f".{path.stem}.{writer}.netgen-part{path.suffix}")
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


def keep(path: Path, content: bytes) -> None:
    """Write a file of a cache; where that cannot be done nothing is kept."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


def taken(path: Path, content: bytes) -> bool:
    """Tell whether a path holds something else than this content."""
    return path.exists() and not (path.is_file() and path.read_bytes() == content)


def is_scratch(path: Path) -> bool:
    """Tell whether a file is one that :func:`written_beside` writes to."""
    return _SCRATCH.fullmatch(path.name) is not None


def remove_scratch(folder: Path) -> None:
    """Remove what a process that was killed left half written; nobody else may write there."""
    for path in folder.glob(".*"):
        if is_scratch(path):
            path.unlink(missing_ok=True)


@contextmanager
def folder_beside(folder: Path) -> Iterator[Path]:
    """Give a scratch folder to fill; it becomes ``folder`` at the end, or vanishes on an error.

    What a process that was killed left of the same folder is removed first.

    Parameters
    ----------
    folder
        Absent or empty.

    Raises
    ------
    OSError
        It cannot be made, or is not empty.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.netgen-part"):
        number = left.name.removesuffix(".netgen-part").rpartition(".")[2]
        if number.isdecimal() and not _runs(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.netgen-part")
    try:
        scratch.mkdir()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    try:
        yield scratch
        if folder.exists():
            folder.rmdir()
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user
        return True
    return True


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


def is_netgen_page(path: Path) -> bool:
    """Return whether a file is a page that netgen wrote, and so may be written anew or removed."""
    try:
        with path.open("rb") as file:
            return PAGE_MARK.encode() in file.read(1024)
    except OSError:
        return False
