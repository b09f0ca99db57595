"""What a front end offers, and how those that are installed are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from netgen.errors import UsageError
from netgen.frontends.builder import Settings
from netgen.model import Model
from netgen.resources import plugins

GROUP = "netgen.frontends"
"""The entry point group: each entry is a :class:`FrontEnd`."""
_PICKLED = (".pt", ".pth", ".pkl", ".ckpt", ".pt2")


@dataclass(frozen=True)
class FrontEnd:
    """Reads the files of another tool."""

    suffixes: tuple[str, ...]  #: Of its files, lower case, with the dot.
    #: Returns the model of a file; raises ``ModelError`` for what has no circuit.
    read: Callable[[Path, Settings], Model]


def front_ends() -> Iterator[tuple[str, FrontEnd]]:
    """Yield the installed front ends by name."""
    for name, entry in plugins(GROUP).items():
        front_end = entry.load()
        if isinstance(front_end, FrontEnd):
            yield name, front_end


def read_model(path: Path, settings: Settings) -> Model:
    """Read a trained network by the front end that its suffix names.

    Raises
    ------
    UsageError
        No front end reads such files.
    ModelError
        The file is not a network that has a circuit.
    """
    suffix = path.suffix.lower()
    known = dict(front_ends())
    for end in known.values():
        if suffix in end.suffixes:
            return end.read(path, settings)
    if suffix in _PICKLED:
        raise UsageError(
            f"{path}: reading a pickled PyTorch file can run code; in Python use "
            "netgen.frontends.from_torch(module, settings), or export the module to ONNX"
        )
    listed = ", ".join(sorted(each for end in known.values() for each in end.suffixes))
    raise UsageError(f"{path}: no front end reads {suffix or 'this'}; known: {listed or 'none'}")
