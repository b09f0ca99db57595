"""Features on disk, by the content of a recording and by how they were computed.

A pack is a folder with two files that only grow: ``rows.f32``, arrays of one shape one behind the
other, and ``index.jsonl``, which says what lies where, with a checksum, and which file had which
content. A file whose size, time of change and inode are those of the index is not read again; a
file that was moved or copied is read, but its features are not computed again. Features that do
not have their checksum are.
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
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from netgen.document import Json
from netgen.files import write_whole

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
        self._files: dict[str, tuple[tuple[int, int, int], Known]] = {}
        self._rows: dict[str, int] = {}
        self._unchecked: dict[str, int] = {}
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
        rows = folder / _ROWS
        with contextlib.ExitStack() as opened:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lock = opened.enter_context((folder / _LOCK).open("a", encoding="utf-8"))
                held = _lock(lock)
                self._next = rows.stat().st_size // self._size if rows.is_file() else 0
                self._read_index(folder / _INDEX)
                if not held:
                    return
                index = opened.enter_context((folder / _INDEX).open("a", encoding="utf-8"))
                data = opened.enter_context(rows.open("ab"))
                data.truncate(self._next * self._size)
                if not (folder / "recipe.json").is_file():
                    write_whole(folder / "recipe.json", recipe + "\n")
            except OSError:  # no place for a cache: go without
                return
            self._writer = (index, data, lock)
            opened.pop_all()

    def _read_index(self, path: Path) -> None:
        if not path.is_file():
            return
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        try:
            entries = json.loads(f"[{','.join(lines)}]")  # a third of the time of line by line
        except ValueError:
            entries = [_parsed(line) for line in lines]
        for entry in entries:
            with contextlib.suppress(LookupError, TypeError):
                if entry[0] == "row" and entry[2] < self._next:
                    self._rows[entry[1]], self._unchecked[entry[1]] = entry[2], entry[3]
                elif entry[0] == "file":
                    known = Known(entry[5], tuple(entry[6]), entry[7])
                    self._files[entry[1]] = (tuple(entry[2:5]), known)

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
        if entry[0] != _state(status):
            return None
        return entry[1] if entry[1].problem or entry[1].digest in self else None

    def remember(self, path: Path, status: os.stat_result, known: Known) -> None:
        """Note what a file was found to hold when it had this status."""
        state = _state(status)
        self._files[str(path)] = (state, known)
        line = ["file", str(path), *state, known.digest, list(known.repairs), known.problem]
        self._pending.append(json.dumps(line))
        self._flush_if_full()

    def __contains__(self, key: str) -> bool:
        wanted = self._unchecked.pop(key, None)
        if wanted is not None and crc32(self._map()[self._rows[key]].data) != wanted:
            del self._rows[key]  # a bit was flipped, or another program wrote
        return key in self._rows or key in self._fresh

    def put(self, key: str, features: NDArray[np.float32]) -> None:
        """Add the features of a content (or of an altered copy, under a key of its own)."""
        assert features.shape == self._shape
        self._fresh[key] = features.astype(np.float32)
        self._pending_rows.append(key)
        self._flush_if_full()

    def get(self, key: str, make: Callable[[], NDArray[np.float32]]) -> str:
        """See that the features of ``key``, of any shape, are there, and return the key."""
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
        """Return all features that were written, (rows, …)."""
        if self._stored is None or len(self._stored) < self._next:
            assert self._folder is not None
            shape = (self._next, *self._shape)
            # a plain view: a memmap makes an object of itself for every row
            self._stored = np.memmap(self._folder / _ROWS, np.float32, "r", shape=shape).view(
                np.ndarray
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
            for number, key in enumerate(self._pending_rows):
                row = np.ascontiguousarray(self._fresh[key])
                data.write(row.data)
                line = ["row", key, self._next + number, crc32(row.data)]
                self._pending.append(json.dumps(line))
            data.flush()
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


def _parsed(line: str) -> Json:
    """Return a line of an index; the last one of a run that was killed may be no JSON."""
    try:
        record: Json = json.loads(line)
    except ValueError:
        return []
    return record


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
