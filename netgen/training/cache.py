"""Features on disk, by the content of a recording and by how they were computed.

A pack is a folder with two files that only grow: ``rows.f32``, arrays of one shape one behind the
other, and ``index.jsonl``, which says what lies where and which file had which content. A file
whose size and time of change are those of the index is not read again; a file that was moved or
copied is read, but its features are not computed again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from io import BufferedWriter
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

_ROWS, _INDEX, _LOCK = "rows.f32", "index.jsonl", "lock"
_DIGEST_BYTES = 16
_FLUSH_EVERY = 500


@dataclass(frozen=True)
class Known:
    """What is known of a file: its content's digest, the repairs it took, or why it is of no use.

    A file of no use has a ``problem`` and no features.
    """

    digest: str
    repairs: tuple[str, ...] = ()
    problem: str = ""


def digest_of(content: bytes) -> str:
    """Return a digest of a file's content."""
    return blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


class Pack:
    """Features of one way to compute them, all of one shape.

    Parameters
    ----------
    folder
        Where packs lie; None keeps everything in memory.
    recipe
        Everything that decides the features of a content, as JSON can hold it.
    shape
        Of the features of one recording.
    """

    def __init__(self, folder: Path | None, recipe: object, shape: tuple[int, ...]) -> None:
        text = json.dumps(recipe, sort_keys=True)
        self._shape = shape
        self._size = 4 * int(np.prod(shape))
        self._folder = None if folder is None else folder / digest_of(text.encode())
        self._files: dict[str, tuple[int, int, Known]] = {}
        self._rows: dict[str, int] = {}
        self._fresh: dict[str, NDArray[np.float32]] = {}
        self._stored: NDArray[np.float32] | None = None
        self._pending: list[str] = []
        self._pending_rows: list[str] = []
        self._writer: tuple[TextIO, BufferedWriter, TextIO] | None = None
        self._next = 0
        if self._folder is not None:
            self._open(self._folder, text)

    def _open(self, folder: Path, recipe: str) -> None:
        """Read the index; take the lock for writing where nobody else holds it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / _LOCK).open("a", encoding="utf-8")
        except OSError:  # no place for a cache: go without
            self._folder = None
            return
        held = _lock(lock)
        rows = folder / _ROWS
        self._next = rows.stat().st_size // self._size if rows.is_file() else 0
        self._read_index(folder / _INDEX)
        if not held:
            lock.close()
            return
        index = (folder / _INDEX).open("a", encoding="utf-8")
        data = rows.open("ab")
        data.truncate(self._next * self._size)
        if not (folder / "recipe.json").is_file():
            (folder / "recipe.json").write_text(recipe + "\n", encoding="utf-8")
        self._writer = (index, data, lock)

    def _read_index(self, path: Path) -> None:
        if not path.is_file():
            return
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                    if entry[0] == "row" and entry[2] < self._next:
                        self._rows[entry[1]] = entry[2]
                    elif entry[0] == "file":
                        known = Known(entry[4], tuple(entry[5]), entry[6])
                        self._files[entry[1]] = (entry[2], entry[3], known)
                except (ValueError, LookupError, TypeError):
                    continue  # the last line of a run that was killed

    def known(self, path: Path) -> Known | None:
        """Return what is known of a file that has not changed since; None for nothing."""
        name = str(path)
        entry = self._files.get(name)
        if entry is None:
            return None
        try:
            status = os.stat(name)  # noqa: PTH116  # a path's own method takes twice as long
        except OSError:
            return None
        if entry[:2] != (status.st_size, status.st_mtime_ns):
            return None
        return entry[2] if entry[2].problem or entry[2].digest in self else None

    def remember(self, path: Path, status: os.stat_result, known: Known) -> None:
        """Note what a file was found to hold when it had this status."""
        entry = (status.st_size, status.st_mtime_ns, known)
        self._files[str(path)] = entry
        line = ["file", str(path), *entry[:2], known.digest, list(known.repairs), known.problem]
        self._pending.append(json.dumps(line))
        self._flush_if_full()

    def __contains__(self, key: str) -> bool:
        return key in self._rows or key in self._fresh

    def put(self, key: str, features: NDArray[np.float32]) -> None:
        """Add the features of a content (or of an altered copy, under a key of its own)."""
        assert features.shape == self._shape
        self._fresh[key] = features.astype(np.float32)
        self._pending_rows.append(key)
        self._flush_if_full()

    def get(self, key: str, make: Callable[[], NDArray[np.float32]]) -> str:
        """See that the features of ``key`` are there, and return the key."""
        if key not in self:
            self.put(key, make())
        return key

    def rows(self, keys: list[str]) -> NDArray[np.float32]:
        """Return the features of many keys, (keys, …)."""
        out = np.empty((len(keys), *self._shape), dtype=np.float32)
        stored = [place for place, key in enumerate(keys) if key in self._rows]
        if stored:
            at = [self._rows[keys[place]] for place in stored]
            if len(stored) == len(keys):
                return np.take(self._map(), at, axis=0, out=out, mode="clip")
            out[stored] = self._map()[at]
        for place, key in enumerate(keys):
            if key not in self._rows:
                out[place] = self._fresh[key]
        return out

    def _map(self) -> NDArray[np.float32]:
        count = max(self._rows.values()) + 1
        if self._stored is None or len(self._stored) < count:
            assert self._folder is not None
            self._stored = np.memmap(
                self._folder / _ROWS, np.float32, "r", shape=(count, *self._shape)
            )
        return self._stored

    def _flush_if_full(self) -> None:
        if len(self._pending) + len(self._pending_rows) >= _FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what is new; a full disk or a lost folder ends the cache, not the run."""
        if self._writer is None:
            self._pending = []
            self._pending_rows = []
            return
        index, data, _ = self._writer
        try:
            for key in self._pending_rows:
                data.write(np.ascontiguousarray(self._fresh[key]).tobytes())
            data.flush()
            for number, key in enumerate(self._pending_rows):
                self._pending.append(json.dumps(["row", key, self._next + number]))
            index.write("".join(f"{line}\n" for line in self._pending))
            index.flush()
        except OSError:
            self._let_go()
            return
        for number, key in enumerate(self._pending_rows):
            self._rows[key] = self._next + number
            del self._fresh[key]
        self._next += len(self._pending_rows)
        self._pending, self._pending_rows = [], []

    def close(self) -> None:
        """Write what is new and let go of the files; what cannot be written stays in memory."""
        self.flush()
        self._let_go()

    def _let_go(self) -> None:
        if self._writer is not None:
            for file in self._writer:
                with contextlib.suppress(OSError):
                    file.close()
            self._writer = None


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
