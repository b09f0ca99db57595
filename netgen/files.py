"""Writing files so that a reader sees the old one or the new one, always whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a scratch path to write; it becomes ``path`` at the end, or vanishes on an error."""
    own = f"{os.getpid()}.{threading.get_ident()}"
    scratch = path.with_name(f".{path.stem}.{own}{path.suffix}")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside and rename it."""
    data = content.encode() if isinstance(content, str) else content
    with written_beside(path) as scratch:
        scratch.write_bytes(data)
