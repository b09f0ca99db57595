"""The exceptions of netgen; each class carries the exit status its command ends with."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

_MACHINE = {
    errno.ENOSPC: "make room, or choose another place",
    errno.EDQUOT: "make room, or choose another place",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EIO: "check the disk",
    errno.ENOMEM: "give it more memory, or lower --jobs",
    errno.EMFILE: "raise the limit on open files (ulimit -n), or lower --jobs",
    errno.ENFILE: "close other programs, or lower --jobs",
    errno.EAGAIN: "raise the limit on processes (ulimit -u), or lower --jobs",
    errno.ESTALE: "see whether its file server is there",
    errno.ETXTBSY: "wait until it is no longer in use",
}
"""What the machine lacks: nothing that the command line could put right."""
_USAGE = {
    errno.EROFS: "choose a place that can be written",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.ENOENT: "was it moved or removed meanwhile? run the command again",
    errno.EEXIST: "choose another place",
    errno.ENOTDIR: "choose another place",
    errno.ENOTEMPTY: "choose another place",
    errno.EISDIR: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "mend its symbolic links",
}


class NetgenError(Exception):
    """Base of every error that netgen raises on purpose: one line that names the way out."""

    exit_status = 3


class UsageError(NetgenError):
    """The command was asked for something it cannot do (a folder it may not write, a bad range)."""

    exit_status = 2


class InputError(NetgenError):
    """A model, samples or configuration file is wrong.

    Parameters
    ----------
    source
        The file (or a name for data that came from memory).
    problems
        Every violation found, each with its path in the file, such as
        ``nodes[3].weight[2][7]: not finite``.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(source, self.problems)  # both, so that it can be pickled

    def __str__(self) -> str:
        return "\n".join(f"{self.source}: {problem}" for problem in self.problems)


class ModelError(InputError):
    """A model JSON is not a valid netgen model."""


class SamplesError(InputError):
    """Samples do not fit the format or the model."""


class ConfigurationError(InputError):
    """A configuration file or a build folder is not usable."""


class MachineError(NetgenError):
    """The machine lacks what a step needs: room on a disk, memory, threads, open files."""

    exit_status = 5


class ToolMissingError(NetgenError):
    """A program, library or PDK that the command needs is not installed."""

    exit_status = 4


class SimulationError(NetgenError):
    """A simulation did not give a result that counts.

    Parameters
    ----------
    kind
        The class of failure, for example ``"timestep"``, ``"timeout"`` or ``"crash"``.
    message
        One line for the user.
    tail
        The simulator's last lines, for the log.
    """

    exit_status = 5

    def __init__(self, kind: str, message: str, tail: Sequence[str] = ()) -> None:
        self.kind = kind
        self.message = message
        self.tail = tuple(tail)
        super().__init__(kind, message, self.tail)  # all of them, so that it can be pickled

    def __str__(self) -> str:
        return self.message


def told_of_system(error: OSError, what: str) -> NetgenError:
    """Return an error of the operating system as one of netgen's: what happened, the way out."""
    code = error.errno or 0
    if code in _USAGE:
        return UsageError(f"{what}; {_USAGE[code]}")
    way_out = _MACHINE.get(code, "see what the system says of it, and run the command again")
    return MachineError(f"{what}; {way_out}")


def cannot_write(path: Path, error: OSError) -> NetgenError:
    """Return what to raise where a file or folder cannot be written."""
    return told_of_system(error, f"{path} cannot be written ({error.strerror or error})")
