"""A technology (PDK) as data: what netgen knows of a process, and where its models lie."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

from netgen.errors import ConfigurationError, UsageError
from netgen.technology.sources import SourceFile, source_file, with_included

Polarity: TypeAlias = Literal["nmos", "pmos"]
POLARITIES: tuple[Polarity, ...] = ("nmos", "pmos")


@dataclass(frozen=True, order=True)
class Geometry:
    """Drawn width and length of one finger, in metres, and how many such devices in parallel."""

    width: float
    length: float
    multiplicity: int = 1

    def of(self, group: str, node: str = "") -> Geometry:
        """Return the unit device of a group at a node; see :class:`UnitMirror`."""
        return self


@dataclass(frozen=True, order=True)
class UnitMirror(Geometry):
    """A unit mirror that some groups of devices have in another size, with the same W/L."""

    #: The unit device of each of those groups, by name: ``rows`` at any node, ``l2.rows`` at the
    #: nodes of a layer, ``l2.relu.rows`` at a node; the one that says most counts.
    sizes: tuple[tuple[str, Geometry], ...] = ()

    def of(self, group: str, node: str = "") -> Geometry:
        """Return the unit device of a group at a node, the unit mirror's own where none is."""
        general = Geometry(self.width, self.length, self.multiplicity)
        return dict(self.sizes).get(size_name(self, group, node), general)


def sizes_of(unit: Geometry) -> dict[str, Geometry]:
    """Return the groups of devices that have another size than the unit mirror."""
    return dict(unit.sizes) if isinstance(unit, UnitMirror) else {}


def size_name(unit: Geometry, group: str, node: str = "") -> str:
    """Return the name of the size that a group has at a node; empty for the unit mirror's own."""
    return next((name for name in size_names(group, node) if name in sizes_of(unit)), "")


def size_names(group: str, node: str) -> Iterator[str]:
    """Yield the names of sizes that a group can have at a node, the one that counts first."""
    places = node.split(".") if node else []
    for count in range(len(places), -1, -1):
        yield ".".join((*places[:count], group))


def scaled(unit: Geometry, by: float) -> Geometry:
    """Return a unit mirror with W and L so many times as large."""
    return Geometry(unit.width * by, unit.length * by, unit.multiplicity)


def with_sizes(unit: Geometry, sizes: Mapping[str, Geometry]) -> Geometry:
    """Return a unit mirror whose groups of devices have other sizes.

    A group that has the unit mirror's size at all nodes drops out.
    """
    general = unit.of("")
    kept = {name.rpartition(".")[2] for name, size in sizes.items() if size != general}
    other = tuple((n, size) for n, size in sorted(sizes.items()) if n.rpartition(".")[2] in kept)
    return (
        UnitMirror(general.width, general.length, general.multiplicity, other) if other else general
    )


@dataclass(frozen=True)
class DeviceModel:
    """A MOS transistor of the process."""

    model: str  #: Name of the model or subcircuit.
    prefix: Literal["X", "M"]  #: ``"X"`` for a subcircuit, ``"M"`` for a bare model.
    inner: str = ""  #: Name of the transistor inside the subcircuit; empty for a bare model.
    pins: str = "dgsb"  #: Order of drain, gate, source and bulk.
    length_unit: float = 1.0  #: Metres that a 1 stands for where the device's W and L are written.
    lvs: str = ""  #: Its name in the PDK's LVS rules; empty where that is the model's.


@dataclass(frozen=True)
class Mismatch:
    """Local variation of a device: the law of Pelgrom et al., IEEE JSSC 24 (1989) 1433.

    The standard deviation of one device is ``a / sqrt((W + width) (L + length))``.
    """

    #: ``threshold``, ``current_factor``: area coefficients of the threshold voltage (V·m) and of
    #: the current factor (m).
    threshold: float
    current_factor: float
    #: ``width``, ``length``: what the process adds to the drawn W and L, m.
    width: float = 0.0
    length: float = 0.0

    def sigma(self, geometry: Geometry) -> tuple[float, float]:
        """Return the standard deviations of the threshold voltage (V) and the current factor."""
        area = (geometry.width + self.width) * (geometry.length + self.length)
        root = math.sqrt(area * geometry.multiplicity)
        return self.threshold / root, self.current_factor / root


@dataclass(frozen=True)
class ProcessSpread:
    """Variation of a whole chip: standard deviations that all devices of a polarity share."""

    threshold: float  #: Of the threshold voltage, V.
    current_factor: float  #: Of the current factor, relative.


@dataclass(frozen=True)
class Technology:
    """A process and its installed model files."""

    name: str
    title: str
    #: ``vdd``, ``temperature``: nominal supply (V) and simulation temperature (°C).
    vdd: float
    temperature: float
    model_temperature: float  #: The models' reference temperature ``tnom``, °C.
    nominal_corner: str
    corners: Mapping[str, str]  #: Library section of each process corner.
    #: Netlist parameters always set, such as the statistics switches.
    parameters: Mapping[str, float]
    devices: Mapping[Polarity, DeviceModel]
    #: ``grid``, ``width``, ``length``: manufacturing grid, and the smallest and largest drawn W and
    #: L, in metres.
    grid: float
    width: tuple[float, float]
    length: tuple[float, float]
    #: Length of a source or drain, in metres: sets junction areas and perimeters. 0 leaves them to
    #: the device's subcircuit.
    diffusion: float
    #: ``unit``, ``reset``: default geometry of the unit mirror, and of start-up switches.
    unit: Geometry
    reset: Geometry
    #: For each polarity, the way W and L take as a weight falls: pairs of expressions, where a
    #: trailing ``u`` counts in the unit mirror's own W or L.
    sizing: Mapping[Polarity, tuple[tuple[str, str], ...]]
    max_multiplicity: int  #: How many of the widest device may stand in parallel for one weight.
    #: How many of the longest device may stand in series for one weight: a length above the largest
    #: is drawn as that many transistors with a common gate.
    max_series: int
    #: ``folder``, ``includes``, ``library``: where the model files are.
    folder: Path
    includes: tuple[str, ...]
    library: str
    distribution: str = ""  #: The PyPI package that brings them; empty where none does.
    #: Local variation of each polarity.
    mismatch: Mapping[Polarity, Mismatch] = field(default_factory=dict)
    #: Variation from chip to chip of each polarity; empty where none is known.
    process: Mapping[Polarity, ProcessSpread] = field(default_factory=dict)
    #: Where models are spread over hundreds of bins, the file that holds those of each corner: see
    #: :func:`netgen.technology.with_bins`.
    bins: Mapping[str, str] = field(default_factory=dict)
    pmos_length: float = 1.0  #: Length of the unit PMOS over that of the unit NMOS.
    #: Geometry of the cell's M3 and M6, which steer its gain and width currents to the supply while
    #: the cell is high and leak while it is low; the unit mirror's where None.
    steering: Geometry | None = None
    vdd_max: float = math.inf  #: The largest supply that the devices stand, V.
    description: Path | None = None  #: The ``technology.toml`` that all this comes from.
    model_origin: str = ""  #: Where the model files were origin_text, for people.
    #: What the model files were taken from, if they are an extract.
    origin: tuple[SourceFile, ...] = ()

    @property
    def model_files(self) -> tuple[str, ...]:
        """Names of the model files that a deck names, below :attr:`folder`."""
        return tuple(dict.fromkeys((*self.includes, self.library, *self.bins.values())))

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The model files a simulation reads, and all that these include."""
        return tuple(with_included(self.folder / name for name in self.model_files))

    @cached_property
    def read(self) -> tuple[SourceFile, ...]:
        """The model files as they were read."""
        return tuple(source_file(file) for file in self.files)

    @cached_property
    def sources(self) -> tuple[SourceFile, ...]:
        """All that the technology comes from: its description, and the model files as installed."""
        if self.origin:
            return self.origin
        description = () if self.description is None else (source_file(self.description),)
        return (*description, *self.read)

    def check_unchanged(self) -> None:
        """See that the files still hold what was read, so that what was simulated is of them.

        Raises
        ------
        ConfigurationError
            One was changed meanwhile.
        """
        for file in (*self.sources, *self.read):
            if not file.is_unchanged():
                problem = "was changed while netgen worked with it; run the command again"
                raise ConfigurationError(str(file.path), [problem])

    @property
    def _shaping(self) -> tuple[object, ...]:
        drawn = (self.diffusion, self.reset, self.steering)
        return (self.parameters, self.devices, self.corners, *drawn)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the model files' contents and the data that shape a netlist."""
        total = hashlib.sha256(repr(self._shaping).encode())
        for file in self.files:
            total.update(file.read_bytes())
        return total.hexdigest()

    def snap(self, value: float) -> float:
        """Round a length to the manufacturing grid."""
        return round(round(value / self.grid) * self.grid, 12)

    def corner(self, name: str | None) -> str:
        """Return ``name``, or the nominal corner for None.

        Raises
        ------
        UsageError
            The technology has no such corner.
        """
        name = name or self.nominal_corner
        if name not in self.corners:
            known = ", ".join(self.corners)
            raise UsageError(f"{self.name} has no corner {name!r}; choose one of {known}")
        return name

    def check_unit(self, unit: Geometry) -> Geometry:
        """Return the geometry of a unit mirror on the grid.

        Raises
        ------
        UsageError
            It lies outside what the process allows.
        """
        for name, value, limits in (("W", unit.width, self.width), ("L", unit.length, self.length)):
            rounding = self.grid / 1000  # 0.22 × 1e-6 is a little less than 0.22e-6
            if not limits[0] - rounding <= value <= limits[1] + rounding:
                low, high = (f"{limit * 1e6:g}" for limit in limits)
                raise UsageError(
                    f"unit {name} = {value * 1e6:g} µm; {self.name} allows {low} … {high} µm"
                )
        snapped = Geometry(self.snap(unit.width), self.snap(unit.length))
        by_group = {group: self.check_unit(size) for group, size in sizes_of(unit).items()}
        return with_sizes(snapped, by_group)

    def unit_of(self, polarity: Polarity, unit: Geometry) -> Geometry:
        """Return a unit mirror's own transistor of a polarity."""
        unit = unit.of("")
        if polarity == "nmos" or self.pmos_length == 1:
            return unit
        length = self._inside(unit.length * self.pmos_length, self.length)
        return Geometry(unit.width, length, unit.multiplicity)

    def steering_of(self, unit: Geometry) -> Geometry:
        """Return the geometry of a cell's steering transistors."""
        return self.steering or self.unit_of("nmos", unit)

    def series(self, length: float) -> int:
        """Return how many transistors in series a length takes."""
        return max(1, math.ceil(length / self.length[1] - 1e-9))

    def path(self, polarity: Polarity, unit: Geometry) -> tuple[Geometry, ...]:
        """Return the corner points of the sizing path for a unit mirror, widest first."""
        unit = self.unit_of(polarity, unit)
        points: list[Geometry] = []
        for width, length in self.sizing[polarity]:
            w = self._inside(_length(width, unit.width), self.width)
            longest = (self.length[0], self.length[1] * self.max_series)
            l = self._inside(_length(length, unit.length), longest)  # noqa: E741
            if points:  # a unit narrower or longer than the path's own points must not turn it back
                w, l = min(w, points[-1].width), max(l, points[-1].length)  # noqa: E741
            point = Geometry(w, l)
            if not points or point != points[-1]:
                points.append(point)
        return tuple(points)

    def spans(self, polarity: Polarity, unit: Geometry) -> tuple[tuple[Geometry, Geometry], ...]:
        """Return all geometries that a circuit's devices of a polarity may have.

        Each pair is a box in W and L: the stretches of the sizing path, the unit mirror, the
        start-up switch and the steering transistors.
        """
        units = (unit.of(""), *sizes_of(unit).values())
        geometries = (self.unit_of(polarity, each) for each in units)
        singles = (*geometries, self.reset, self.steering_of(unit))
        paths = (pair for each in units for pair in pairwise(self.path(polarity, each)))
        return (*paths, *((each, each) for each in singles))

    def _inside(self, value: float, limits: tuple[float, float]) -> float:
        return self.snap(min(max(value, limits[0]), limits[1]))


def _length(expression: str, unit: float) -> float:
    return float(expression[:-1]) * unit if expression.endswith("u") else float(expression)
