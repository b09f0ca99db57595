"""A build folder that is read back: only what its record vouches for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np

from netgen.circuit import READOUTS
from netgen.circuit.blocks.dac import DacRange
from netgen.document import (
    Json,
    WrongKindError,
    flag_at,
    number_at,
    table_at,
    tables_at,
    text_at,
    whole_at,
)
from netgen.errors import ConfigurationError
from netgen.files import sha256_of
from netgen.model import Model, load_model
from netgen.model.graph import Floats
from netgen.netlist import Conditions
from netgen.project.folder import NETLISTS, Folder
from netgen.project.lock import locked
from netgen.project.options import BuildOptions, bias_named, resolve_options
from netgen.project.record import BUILD, read_file, read_record
from netgen.simulators import key
from netgen.sizing import calibration_inputs
from netgen.technology import Geometry, Technology, Variation, with_sizes

_Item = TypeVar("_Item")
_Options = ParamSpec("_Options")


@dataclass(frozen=True, eq=False)
class Wires:
    """What the wires of a build's layout add."""

    capacitances: Mapping[str, float]  #: F, by net.
    digest: str  #: Of the layout that they come from.


@dataclass(frozen=True, eq=False)
class Build:
    """A build folder that was read back."""

    folder: Folder
    model: Model
    options: BuildOptions
    record: Mapping[str, Json]
    digests: Mapping[str, str]  #: Of its files, by name, as they are.
    edited: tuple[str, ...] = ()  #: Names of those that were edited by hand since they were built.
    wires: Wires | None = None  #: Those of its layout, where it is to be simulated with them.

    def read_bytes(self, name: str) -> bytes:
        """Return the content of one of the build's files.

        Raises
        ------
        ConfigurationError
            It is not the build's, or was changed since the build was opened.
        """
        path = self.folder.path / name
        if name not in self.digests:
            raise ConfigurationError(str(path), ["is no file of the build; build again"])
        return read_file(path, self.digests[name], BUILD.hint)

    def read(self, name: str) -> str:
        """Return the text of one of the build's files.

        Raises
        ------
        ConfigurationError
            See :meth:`read_bytes`; or it is no text.
        """
        try:
            return self.read_bytes(name).decode("utf-8")
        except UnicodeDecodeError:
            path = self.folder.path / name
            raise ConfigurationError(str(path), ["is not UTF-8 text; build again"]) from None

    @property
    def transistors(self) -> int:
        """How many transistors were built."""
        return whole_at(self.record, "devices", "total")

    @cached_property
    def identity(self) -> str:
        """Names the circuit and its conditions: results of another do not belong to it."""
        identity = identity_of(self.record, self.digests)
        return identity if self.wires is None else key(identity, self.wires.digest)


def identity_of(content: Mapping[str, Json], digests: Mapping[str, str]) -> str:
    """Return the identity of a build whose record says ``content``, see :class:`Build`."""
    drawn = [digests[name] for name in (*NETLISTS, "model.json") if name in digests]
    models = [(path.name, digest) for path, digest in recorded_models(content)]
    at = [float(number_at(content, "options", name)) for name in ("temperature", "vdd")]
    return key(drawn, models, text_at(content, "corner"), at)


def recorded_models(content: Mapping[str, Json]) -> list[tuple[Path, str]]:
    """Return the model files that a build's record names, and their digests."""
    files = tables_at(content, "models", "files")
    return [(Path(text_at(file, "path")), text_at(file, "sha256")) for file in files]


def variation_of(record: Mapping[str, Json]) -> Variation:
    """Return the variation of the chips that a record is of."""
    mismatch, process = flag_at(record, "mismatch"), flag_at(record, "process")
    return Variation(whole_at(record, "seed"), mismatch, process)


def read_build(path: Path, edited: bool = False) -> Build:
    """Read a build folder and see that its parts belong together.

    Parameters
    ----------
    edited
        Take netlists that were edited by hand since they were built, too.

    Raises
    ------
    ConfigurationError
        It is none, or something in it is not as it was built.
    """
    folder = Folder(path)
    if not folder.build.is_file():
        raise ConfigurationError(str(path), ["is no build folder; run netgen build first"])
    record = read_record(folder.build, BUILD)
    try:
        files, options = table_at(record, "files"), table_at(record, "options")
        recorded = {name: text_at(files, name) for name in files}
        from_folder = record["technology_folder"]
        chosen = BuildOptions(
            Path(text_at(record, "technology_folder")) if from_folder else text_at(record, "pdk"),
            text_at(record, "corner"),
            float(number_at(options, "temperature")),
            float(number_at(options, "vdd")),
            with_sizes(
                Geometry(number_at(options, "unit_width"), number_at(options, "unit_length")),
                _sizes(options),
            ),
            bias_named(options.get("bias")),
            next((each for each in READOUTS if each == options.get("readout")), "currents"),
            codes=_codes(options),
            input_ratio=float(number_at(options, "input_ratio")) if "input_ratio" in options else 1,
        )
        digest = text_at(record, "model", "sha256")
    except (KeyError, WrongKindError):
        raise ConfigurationError(str(folder.build), ["is damaged; build again"]) from None
    digests = {name: _digest_of(folder, name, recorded[name], edited) for name in recorded}
    model = load_model(folder.model)
    if digest != model.digest:
        raise ConfigurationError(str(folder.model), ["is not what was built; build again"])
    changed = tuple(name for name in recorded if digests[name] != recorded[name])
    return Build(folder, model, chosen, record, digests, changed)


def _codes(options: Mapping[str, Json]) -> DacRange:
    if not options.get("codes"):
        return DacRange()
    codes = table_at(options, "codes")
    return DacRange(
        whole_at(codes, "bits"), float(number_at(codes, "low")), float(number_at(codes, "high"))
    )


def _sizes(options: Mapping[str, Json]) -> dict[str, Geometry]:
    sizes = table_at(options, "sizes") if "sizes" in options else {}
    return {
        group: Geometry(number_at(sizes, group, 0), number_at(sizes, group, 1)) for group in sizes
    }


@contextmanager
def held(build: Build) -> Iterator[None]:
    """Be the only netgen that writes into a build's folder, which still holds this build.

    Raises
    ------
    UsageError
        Another netgen is at work there.
    ConfigurationError
        The folder holds another build by now.
    """
    path = build.folder.path
    with locked(path):
        if read_build(path, edited=True).digests != build.digests:
            problem = "is another build than this command began with; run it again"
            raise ConfigurationError(str(path), [problem])
        yield


def holding(
    study: Callable[Concatenate[Build, _Options], Iterator[_Item]],
) -> Callable[Concatenate[Build, _Options], Iterator[_Item]]:
    """Hold a build's folder, see :func:`held`, as long as the generator goes on."""

    @wraps(study)
    def alone(build: Build, /, *args: _Options.args, **kwargs: _Options.kwargs) -> Iterator[_Item]:
        with held(build):
            yield from study(build, *args, **kwargs)

    return alone


def _digest_of(folder: Folder, name: str, recorded: str, edited: bool) -> str:
    """Return the digest of a file of a build, which is the recorded one unless it may differ."""
    path = folder.path / name
    try:
        digest = sha256_of(path)
    except FileNotFoundError:
        raise ConfigurationError(str(path), ["is missing; build again"]) from None
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read ({error.strerror})"]) from None
    if digest != recorded:
        if name not in NETLISTS:
            problem = "was changed since it was built; build again"
            raise ConfigurationError(str(path), [problem])
        if not edited:
            problem = "was edited since it was built; build again, or take it with --edited-netlist"
            raise ConfigurationError(str(path), [problem])
    return digest


def prepared(build: Build) -> tuple[Technology, Conditions, Geometry]:
    """Return technology, conditions and unit mirror of a build: those it was built with.

    Raises
    ------
    ConfigurationError
        The technology or its model files are not those of the build.
    ToolMissingError
        The PDK is not installed.
    """
    technology, at, unit = resolve_options(build.options, build.folder.path)
    there = [(file.path.name, file.sha256) for file in technology.sources]
    built = recorded_models(build.record)
    if there == [(path.name, digest) for path, digest in built]:
        return technology, at, unit
    other = (
        file.path for file, (path, digest) in zip(technology.sources, built, strict=False)
        if (file.path.name, file.sha256) != (path.name, digest)
    )  # fmt: skip
    named = next(other, technology.sources[-1].path)
    was = next((path for path, _ in built if path.name == named.name), built[0][0])
    moved = f", which was {was}" if was != named else ""
    problem = f"is not the file that {build.folder.path} was built with{moved}"
    hint = "build again, or set PDK_ROOT as it was" if moved else "build again"
    raise ConfigurationError(str(named), [f"{problem}; {hint}"])


def calibrated_for(build: Build) -> Floats:
    """Return the inputs a circuit was sized for, (samples, frames, channels).

    Raises
    ------
    ConfigurationError
        The file is damaged.
    """
    path = build.folder.calibration
    if path.name not in build.digests:
        return calibration_inputs(build.model)
    try:
        with np.load(io.BytesIO(build.read_bytes(path.name)), allow_pickle=False) as archive:
            x: Floats = np.asarray(archive["x"], dtype=np.float64)
    except (OSError, ValueError, KeyError):
        raise ConfigurationError(str(path), ["is damaged; build again"]) from None
    return x
