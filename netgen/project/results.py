"""Folders with the results of a study: one writer, and one set of files that belong together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from netgen.errors import ConfigurationError, UsageError
from netgen.files import sha256_of, write_whole
from netgen.project.folder import claim_folder
from netgen.project.lock import locked
from netgen.project.record import RESULTS, Draft, read_json, recorded_files

MARK = "netgen-results.json"
"""The record of a folder of results: which kind of study it belongs to, and its files."""


@contextmanager
def results(
    path: Path, kind: str, about: str | None = None, replace: bool = False
) -> Iterator[None]:
    """Claim a folder for a study's results and be the only netgen that writes there.

    Parameters
    ----------
    about
        The models that the results are about; None: nothing that could be another's.
    replace
        Whether the user asks to replace whole results about other models.

    Raises
    ------
    UsageError
        See :func:`claim_results`; another netgen is at work there; or whole results about other
        models are there, and nobody asks to replace them.
    """
    claim_results(path, kind)
    with locked(path):
        _see_to_earlier(path, about, replace)
        yield


def _see_to_earlier(path: Path, about: str | None, replace: bool) -> None:
    """Refuse to replace whole results about another model unasked; say what comes is about."""
    mark = path / MARK
    record = dict(_mark_record(mark))
    earlier = record.get("about")
    if earlier == about:
        return
    whole = record.get("complete") and recorded_files(mark)
    if whole and earlier is not None and not replace:
        raise UsageError(
            f"{path} holds results about {earlier}; choose another folder with -o, or replace "
            "them with --replace"
        )
    record.pop("seal", None)
    write_whole(mark, json.dumps(record | {"complete": False, "about": about}) + "\n")


def claim_results(path: Path, kind: str) -> None:
    """Make a folder for a study's results, or take one that the same kind of study made.

    A new one is marked at once, so that a study that was interrupted can go on in it.

    Parameters
    ----------
    kind
        The command, such as ``"sweep"``.

    Raises
    ------
    UsageError
        It cannot be written, or holds something else: results would overwrite what is there.
    """
    mark = path / MARK
    is_results = partial(_is_marked, mark, kind)
    claim_folder(path, mark, RESULTS, is_results, f"results of netgen {kind}", {"kind": kind})


def write_results(
    path: Path,
    kind: str,
    files: Mapping[str, str | bytes],
    of: str | None = None,
    whole: bool = True,
) -> list[Path]:
    """Write the results of a study into a claimed folder, as one set.

    Files of an earlier set are removed before the first new one is written: a process that is
    killed leaves a part of one set, and never parts of two.

    Parameters
    ----------
    files
        Content by name; a name may lie in a folder below, with ``/``.
    of
        What the results are of; files of an earlier set of the same stay beside these. None: no
        other file stays.
    whole
        Whether the set is complete with these files.

    Returns
    -------
    list of Path
        Files that somebody edited since, moved aside.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    mark = path / MARK
    data = {name: _bytes(content) for name, content in files.items()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in data.items()}
    with locked(path):
        earlier = recorded_files(mark)
        record = _mark_record(mark)
        head = {"kind": kind, "of": of, "about": record.get("about")}
        draft = Draft(mark, RESULTS, earlier, head=head)
        if of is not None and record.get("of") == of:
            draft.files = {
                name: digest for name, digest in earlier.items()
                if name not in files and _digest(path / name) == digest
            }  # fmt: skip
        draft.announce()
        for name in {**earlier, **files}:
            if name not in draft.files and _digest(path / name) != digests.get(name):
                draft.make_room(name)
        for name, content in data.items():
            draft.write(name, content)
        draft.content = dict(draft.head)
        if whole:
            draft.finish()
    return draft.kept


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def _digest(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None


def _mark_record(mark: Path) -> Mapping[str, object]:
    try:
        return read_json(mark)
    except ConfigurationError:
        return {}


def _is_marked(mark: Path, kind: str) -> bool:
    record = _mark_record(mark)
    return (record.get("format"), record.get("kind")) == (RESULTS.format, kind)
