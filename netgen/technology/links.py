"""Paths that ngspice can read: its ``.lib`` ends a path at a space or a quote, quoted or not."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from netgen.errors import MachineError

_PLAIN = re.compile(r"[A-Za-z0-9_./+,:@%=~-]+")


@lru_cache(maxsize=256)
def plain_folder(folder: Path) -> Path:
    """Return a folder by a path of plain characters: its own, or that of a link to it.

    The link lies in a folder of this user's for temporary files, under a name made from the path:
    the same folder has the same link in every run.

    Raises
    ------
    MachineError
        No such link can be made.
    """
    if _PLAIN.fullmatch(str(folder)):
        return folder
    for place in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        if _PLAIN.fullmatch(place):
            with suppress(OSError):
                return _link(Path(place) / f"netgen-{os.getuid()}", folder)
    raise MachineError(f"{folder}: ngspice cannot read this path, and no link to it can be made; "
                       "use a path without spaces and quotes")  # fmt: skip


def _link(private: Path, folder: Path) -> Path:
    private.mkdir(mode=0o700, exist_ok=True)
    state = private.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise PermissionError(f"{private} is somebody else's")
    link = private / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    with suppress(FileExistsError):
        link.symlink_to(folder)
    if link.readlink() != folder:
        raise FileExistsError(f"{link} leads elsewhere")
    return link
