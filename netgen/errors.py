"""The exceptions of netgen; each class carries the exit status its command ends with."""

from __future__ import annotations

from collections.abc import Sequence


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
