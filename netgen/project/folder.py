"""The build folder: which file is what, and who may write there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from netgen.circuit import Bias
from netgen.errors import ConfigurationError, UsageError, cannot_write
from netgen.files import is_netgen_page, is_scratch, write_whole
from netgen.project.lock import FILE as LOCK
from netgen.project.lock import locked
from netgen.project.options import BESIDE
from netgen.project.record import BUILD, Kind, read_json

NETLIST = "netlist.cir"
OTHER_BIAS: Mapping[Bias, str] = {
    bias: f"netlist_{other}_bias.cir" for bias, other in BESIDE.items()
}
"""By the bias of a build, the file of the same network with the other one."""
NETLISTS = (NETLIST, *dict.fromkeys(OTHER_BIAS.values()))
"""What a build draws: the files that a designer may want to edit."""
RUN_REPORTS = ("report.json", "report.html", "junit.xml", "power.json", "power.html")
"""Files about simulated samples: they are removed with them."""
EXPORTS = "export"
"""The folder of what is handed over to other tools, and the command that writes it."""
CIRCUIT_REPORTS = (
    *RUN_REPORTS,
    "twin.json",
    "twin.html",
    "trim.html",
    "verify.json",
    "layout.html",
)
"""Files about a circuit."""


@dataclass(frozen=True)
class Folder:
    """A build folder and the files in it."""

    path: Path

    @property
    def netlist(self) -> Path:
        return self.path / NETLIST

    @property
    def mapping(self) -> Path:
        return self.path / "mapping.json"

    @property
    def design(self) -> Path:
        """The circuit as a record."""
        return self.path / "design.json"

    @property
    def build(self) -> Path:
        return self.path / "build.json"

    @property
    def model(self) -> Path:
        return self.path / "model.json"

    @property
    def hysteresis(self) -> Path:
        return self.path / "hysteresis.csv"

    @property
    def calibration(self) -> Path:
        """The inputs it was sized for, where these came with the build."""
        return self.path / "calibration.npz"

    @property
    def verification(self) -> Path:
        """What its mirrors and cells were measured to do."""
        return self.path / "verify.json"

    @property
    def tolerances(self) -> Path:
        """What the comparison asks for, and which file or option says so."""
        return self.path / "tolerances.json"

    @property
    def runs(self) -> Path:
        """Where simulations leave their traces."""
        return self.path / "sim"

    @property
    def body(self) -> Path:
        """The network that the test benches of samples include, as seen from them."""
        return Path("..") / self.netlist.name

    @property
    def samples(self) -> Path:
        """The samples that were simulated."""
        return self.runs / "samples.npz"

    @property
    def index(self) -> Path:
        """Which samples were asked for, and which of them failed."""
        return self.runs / "sim.json"

    def population(self, name: str) -> Path:
        """Return where the runs of many variants of the circuit lie."""
        return self.path / "variability" / name

    def traces(self, sample: int) -> Path:
        return self.runs / f"sample_{sample:04d}.npz"

    def testbench(self, sample: int) -> Path:
        return self.runs / f"sample_{sample:04d}.cir"

    def deck(self, sample: int) -> Path:
        """The very deck whose result counts, where the network was simulated as a whole."""
        return self.runs / f"sample_{sample:04d}.ran.cir"

    def raw(self, sample: int) -> Path:
        return self.runs / f"sample_{sample:04d}.raw"

    def remove_reports(self, circuit: bool = False) -> None:
        """Remove files about earlier samples, or also about an earlier circuit."""
        for name in CIRCUIT_REPORTS if circuit else RUN_REPORTS:
            (self.path / name).unlink(missing_ok=True)
        index = self.path / "index.html"  # it refers to them; that of somebody else stays
        if is_netgen_page(index):
            index.unlink(missing_ok=True)


@contextmanager
def occupied(path: Path) -> Iterator[Folder]:
    """Claim a folder and be the only netgen that writes there.

    Raises
    ------
    UsageError
        See :func:`claim`; or another netgen is at work there.
    """
    folder = claim(path)
    with locked(path):
        yield folder


def claim(path: Path) -> Folder:
    """Make a folder for a build, or take one that an earlier build made.

    A new one is given a build record at once, which is not complete before the build is: so a
    build that was interrupted or refused leaves a folder that the next one takes.

    Raises
    ------
    UsageError
        It cannot be written, holds something that netgen did not put there, or has a name that
        no netlist can include a file by.
    """
    folder = Folder(path)
    whole = str(path.absolute())
    if '"' in whole or not whole.isprintable():
        raise UsageError(
            f"{whole!r} holds a character that a netlist cannot; choose another folder with -o"
        )
    claim_folder(path, folder.build, BUILD, lambda: _is_build(folder), "a netgen build", {})
    return folder


def claim_folder(
    path: Path,
    mark: Path,
    kind: Kind,
    belongs: Callable[[], bool],
    what: str,
    head: Mapping[str, object],
) -> None:
    """Make a folder and mark it at once, or take one that holds what is to be written again.

    Parameters
    ----------
    mark
        The record that marks it.
    belongs
        Tells whether the folder holds such things.
    what
        What they are, for people.
    head
        What an incomplete record says besides.

    Raises
    ------
    UsageError
        It cannot be written, or holds something else: that would be overwritten.
    """
    try:
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file; choose a folder with -o")
        path.mkdir(parents=True, exist_ok=True)
        held = any(each.name != LOCK and not is_scratch(each) for each in path.iterdir())
        if held and not belongs():
            problem = f"{path} holds files that are not {what}; choose an empty folder with -o"
            raise UsageError(problem)
        if not mark.exists():
            start = {"format": kind.format, "version": kind.version, "complete": False}
            write_whole(mark, json.dumps(start | dict(head)) + "\n")
    except OSError as error:
        raise cannot_write(path, error) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"{path} cannot be written; choose another folder with -o")


def _is_build(folder: Folder) -> bool:
    try:
        return read_json(folder.build).get("format") == BUILD.format
    except ConfigurationError:
        return False
