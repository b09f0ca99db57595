"""Which model a build folder belongs to: a build of another one replaces it only when asked to."""

from __future__ import annotations

import os
from pathlib import Path

from netgen.document import WrongKindError, table_at, text_at
from netgen.errors import ConfigurationError, UsageError
from netgen.model import Model
from netgen.project.folder import Folder
from netgen.project.record import BUILD, read_record


def file_from(folder: Path, source: Path) -> str:
    """Return a model's file as seen from a build folder: both may move together."""
    return os.path.relpath(source.resolve(), folder.resolve())


def replaced(path: Path, model: Model, source: Path | None, replace: bool) -> bool:
    """Tell whether a build of a model replaces that of another, or of an earlier state of it.

    A folder belongs to the file that its model was read from; where its record names none, to the
    model's name. What was built from the same file is always replaced.

    Parameters
    ----------
    source
        The model's file; None: it was made in memory, and its name counts.
    replace
        Whether the user asks to replace the build of another model.

    Raises
    ------
    UsageError
        The folder holds the build of another model, and nobody asks to replace it.
    """
    try:
        recorded = table_at(read_record(Folder(path).build, BUILD), "model")
        name, digest = (text_at(recorded, key) for key in ("name", "sha256"))
        file = recorded.get("file")
    except (ConfigurationError, WrongKindError):
        return False  # nothing whole is there
    if digest == model.digest:
        return False
    if file is not None and source is not None:
        same = file == file_from(path, source)
    else:
        same = name == model.name
    if not same and not replace:
        read = "" if file is None else f", read from {os.path.normpath(path / str(file))},"
        raise UsageError(
            f"{path} holds the build of another model: {name}{read} and its results; choose "
            "another folder with -o, or replace them with --replace (in Python replace=True)"
        )
    return True
