"""The files that a technology was read from: content, and whether it is still the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from netgen.files import sha256_of
from netgen.technology.commands import included

Stamp: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class SourceFile:
    """A file as it was read."""

    path: Path
    sha256: str  #: Digest of its content.
    stamp: Stamp  #: Size, time of change and inode: while they are the same, so is the content.

    def is_unchanged(self) -> bool:
        """Tell whether the file still holds what was read."""
        try:
            if _stamp(self.path) == self.stamp:
                return True
            return sha256_of(self.path) == self.sha256
        except OSError:
            return False


def source_file(path: Path) -> SourceFile:
    """Return a file with its digest, as :func:`netgen.files.sha256_of` reads it."""
    stamp = _stamp(path)  # before the content: a change in between shows later
    return SourceFile(path, sha256_of(path), stamp)


def with_included(files: Iterable[Path]) -> Iterator[Path]:
    """Yield model files, and all that they include; what is not there is left out."""
    paths: set[Path] = set()
    queue = list(files)
    while queue:
        file = queue.pop(0)
        if file not in paths and file.is_file():
            paths.add(file)
            yield file
            queue += included(file.read_bytes().decode("latin-1"), file.parent)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
