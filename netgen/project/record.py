"""The integrity record of a folder: which files belong together, each with its digest.

A record is a JSON file. It is incomplete before the first of its files changes and whole after the
last, so that a reader never takes a half-written folder for a whole one. A seal over the record
shows edits of the record itself. A reader takes files only through their record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from netgen.document import Json, text_at, whole_at
from netgen.errors import ConfigurationError
from netgen.files import sha256_of, write_whole
from netgen.schema import head


@dataclass(frozen=True)
class Kind:
    """A kind of record."""

    #: ``format``, ``version``: of the record; another version is refused.
    format: str
    version: int
    hint: str  #: What makes the record and its files anew.

    @classmethod
    def of(cls, schema: str, hint: str) -> Kind:
        """Return the kind of records of a schema."""
        first = head(schema)
        return cls(text_at(first, "format"), whole_at(first, "version"), hint)


BUILD = Kind.of("build", "build again")
SIMULATION = Kind.of("simulation", "run netgen sim again")
VERIFICATION = Kind.of("verification", "run netgen verify again")
RESULTS = Kind.of("results", "run the command again")
POPULATION = Kind.of("population", "run netgen sim again")


@dataclass(eq=False)
class Draft:
    """A record under way: files that are written through it belong to it."""

    path: Path
    kind: Kind
    earlier: dict[str, str]
    content: dict[str, object] = field(default_factory=dict)  #: What else the record says.
    #: Digest of each file, by its name in the record's folder.
    files: dict[str, str] = field(default_factory=dict)
    #: Files that were edited by hand and are moved aside instead of overwritten.
    kept: list[Path] = field(default_factory=list)
    #: What the record says while it is incomplete, too.
    head: dict[str, object] = field(default_factory=dict)

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file of the folder, whole, and take it into the record."""
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        digest = hashlib.sha256(data).hexdigest()
        path = self.path.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and sha256_of(path) != digest:
            self.make_room(name)
        self.files[name] = digest
        self.announce()  # before the file: of a build that is killed, too, no file stays unknown
        write_whole(path, data)

    def adopt(self, name: str) -> None:
        """Take a file into the record that lies in the folder already."""
        self.files[name] = sha256_of(self.path.parent / name)

    def announce(self) -> None:
        """Write the incomplete record."""
        files = self.earlier | self.files
        head = {"format": self.kind.format, "version": self.kind.version, "complete": False}
        write_whole(self.path, json.dumps(head | self.head | {"files": files}, indent=1) + "\n")

    def finish(self) -> None:
        """Remove files of the earlier record that this one does not have; write the whole record.

        A file that somebody changed since is not netgen's any more: it stays.
        """
        for name, digest in self.earlier.items():
            path = self.path.parent / name
            if name not in self.files and path.is_file() and sha256_of(path) == digest:
                path.unlink()
        write_sealed(self.path, self.kind, self.content | {"files": self.files})

    def make_room(self, name: str) -> None:
        """Remove an earlier file; move it aside if the record does not know it as it is.

        A record never names a digest that is to come while the earlier file is there: it would
        be taken for an edited one.
        """
        path = self.path.parent / name
        if not path.is_file():
            return
        if sha256_of(path) in (self.earlier.get(name), self.files.get(name)):
            path.unlink()
            return
        number = 1
        while (aside := path.with_name(f"{path.name}.edited-{number}")).exists():
            number += 1
        path.replace(aside)
        self.kept.append(aside)


@contextmanager
def rewritten(path: Path, kind: Kind) -> Iterator[Draft]:
    """Give a record to fill; it is whole once the block ends, and incomplete until then."""
    draft = Draft(path, kind, recorded_files(path))
    draft.announce()
    yield draft
    draft.finish()


def write_sealed(path: Path, kind: Kind, content: Mapping[str, object]) -> None:
    """Write a whole record."""
    head = {"format": kind.format, "version": kind.version, "complete": True}
    record = json.loads(json.dumps(head | dict(content)))  # as it will be read: keys are words
    record["seal"] = _seal(record)
    write_whole(path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def read_record(path: Path, kind: Kind) -> dict[str, Json]:
    """Read a whole record.

    Raises
    ------
    ConfigurationError
        It is not there, not whole, of another version, or was changed since it was written.
    """
    record = read_json(path, kind.hint)
    if record.get("format") != kind.format:
        raise ConfigurationError(str(path), [f"is no record of {kind.format}; {kind.hint}"])
    version = record.get("version")
    if version != kind.version or isinstance(version, bool):
        problem = f"has format version {version!r:.20}, this netgen reads {kind.version}"
        raise ConfigurationError(str(path), [f"{problem}; {kind.hint}"])
    if record.get("complete") is not True:
        raise ConfigurationError(str(path), [f"is not complete; {kind.hint}"])
    if record.pop("seal", None) != _seal(record):
        raise ConfigurationError(str(path), [f"was changed since it was written; {kind.hint}"])
    return record


def read_file(path: Path, digest: str, hint: str) -> bytes:
    """Read a file that a record vouches for.

    Raises
    ------
    ConfigurationError
        It is not there, or not what the record says.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(str(path), [f"is missing; {hint}"]) from None
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read ({error.strerror})"]) from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise ConfigurationError(str(path), [f"was changed since it was written; {hint}"])
    return data


def read_json(path: Path, hint: str = "") -> dict[str, Json]:
    """Read a JSON object that netgen wrote, or for which it has a schema.

    Parameters
    ----------
    hint
        The way out, for the message where the file is no such object.

    Raises
    ------
    ConfigurationError
        It is not there or not such an object.
    """
    way = f"; {hint}" if hint else ""
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read ({error.strerror})"]) from None
    except (ValueError, RecursionError):
        raise ConfigurationError(str(path), ["is not JSON" + way]) from None
    if not isinstance(data, dict):
        raise ConfigurationError(str(path), ["is not an object" + way])
    return data


def recorded_files(path: Path) -> dict[str, str]:
    """Return the files that an earlier record names, whole or not; none where it is damaged."""
    try:
        files = read_json(path).get("files")
    except ConfigurationError:
        return {}
    if not isinstance(files, dict):
        return {}
    return {
        name: digest
        for name, digest in files.items()
        if isinstance(digest, str) and _lies_below(name)
    }


def _lies_below(name: str) -> bool:
    """Tell whether a name is one of a file in the record's folder, or in one of its folders."""
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and bool(path.parts)
    return inside and str(path) == name and "\0" not in name


def _seal(record: Mapping[str, Json]) -> str:
    try:
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()
