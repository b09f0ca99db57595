"""Pictures in a folder where others may lie: only what was drawn here is ever removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from netgen.files import write_whole
from netgen.schema import head

PICTURE_LIST = ".drawn.json"
"""Lists the pictures of each writer with their digests."""


def write_pictures(folder: Path, writer: str, pictures: Mapping[str, bytes]) -> None:
    """Write pictures by file name, and remove those that the same writer drew before and not now.

    A picture that was changed since, or that another put there, stays.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = _read(folder / PICTURE_LIST)
    before = known.get(writer, {})
    now = {name: hashlib.sha256(png).hexdigest() for name, png in pictures.items()}
    elsewhere = {name for other, names in known.items() if other != writer for name in names}
    # what is both old and new is listed until it is replaced, so that a kill forgets nothing
    write_whole(folder / PICTURE_LIST, _text(known | {writer: before | now}))
    for name, png in pictures.items():
        write_whole(folder / name, png)
    for name in set(before) - set(now) - elsewhere:
        path = folder / name
        with suppress(OSError):
            if hashlib.sha256(path.read_bytes()).hexdigest() == before[name]:
                path.unlink()
    write_whole(folder / PICTURE_LIST, _text(known | {writer: now}))


def _text(known: Mapping[str, Mapping[str, str]]) -> str:
    return json.dumps(head("pictures") | {"writers": known}, indent=1, sort_keys=True) + "\n"


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Return what was drawn; nothing where the list is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(writer): {
                str(name): str(digest)
                for name, digest in names.items()
                if Path(name).name == name  # nothing outside of the folder
            }
            for writer, names in content["writers"].items()
        }
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return {}
