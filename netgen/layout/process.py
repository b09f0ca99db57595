"""What netgen knows of a process to draw in it: ``layout.toml`` beside ``technology.toml``."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from netgen.errors import ConfigurationError, ToolMissingError
from netgen.extras import install
from netgen.resources import pdks
from netgen.technology import Technology

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "layout.toml"
Layers: TypeAlias = Mapping[str, tuple[int, int]]
Operation: TypeAlias = tuple[Any, ...]
Table: TypeAlias = Mapping[str, Any]
_OXIDE = 34.5e-12
"""Permittivity of silicon dioxide, F/m."""


@dataclass(frozen=True)
class Drawing:
    """What the generator draws, in nanometres; ``layout.toml`` says which is what."""

    source_drain: int
    pad: int
    contact: int
    contact_pitch: int
    active_around_contact: int
    poly_around_contact: int
    gate_to_gate_contact: int
    end_cap: int
    active_space: int
    implant_around_gate: int
    implant_around_tap: int
    tap: int
    tap_pitch: int
    tap_to_device: int
    well_around: int
    wire: int
    wire_pitch: int
    strip_pitch: int
    via: int
    wire_beyond_via: int
    wire_beyond_contact: int
    wire_length: int
    rail: int
    rail_piece: int
    rail_space: int
    bar: int
    row_margin: int
    head_space: int
    dummy_length: int
    dummy_width: int


@dataclass(frozen=True)
class Rule:
    """A design rule: its number, its kind (see :mod:`netgen.layout.checks`) and operands."""

    name: str
    kind: str
    operands: Operation


@dataclass(frozen=True)
class WireCapacitance:
    """Of a layer to the substrate, F/m² and F/m, and sideways: F m/m over (gap + offset), m."""

    area: float
    edge: float
    side: float
    offset: float

    def seen(self, gap: float) -> float:
        """Return the share of an edge's fringe that a neighbour in a gap, m, leaves.

        The fringe spreads over the distance ε/c to the substrate: 2/π · atan(0.69 · gap · c/ε), as
        magic's extractor has it (0.02 · c · gap, c in aF/µm², gap in µm).
        """
        return 2 / math.pi * math.atan(0.69 * gap * self.area / _OXIDE)


@dataclass(frozen=True)
class Roles:
    """Which layers make up wells, devices and wires."""

    well: str
    active: str
    gate: str
    nmos: str
    pmos: str
    wires: tuple[str, ...]
    cuts: tuple[str, ...]

    @property
    def strip(self) -> str:
        """The wire over contacts, across a row, and below rails."""
        return self.wires[1]

    @property
    def track(self) -> str:
        """The wire along a row, and rails."""
        return self.wires[2]

    @property
    def column(self) -> str:
        """The wire across rows."""
        return self.wires[3]

    @property
    def contact(self) -> str:
        """The cut from devices to strips."""
        return self.cuts[0]

    @property
    def above_strip(self) -> str:
        """The cut from strips to tracks."""
        return self.cuts[1]

    @property
    def above_track(self) -> str:
        """The cut from tracks to columns."""
        return self.cuts[2]


@dataclass(frozen=True)
class DeckKind:
    """A deck of a foundry: what it judges, and how it is run."""

    name: str
    #: File patterns below one of the decks' folders, several ways: the first that is whole is it.
    parts: tuple[tuple[str, ...], ...]
    leave_out: tuple[str, ...]  #: Names of files that patterns do not mean.
    options: Mapping[str, str]
    smallest: int  #: Categories that a whole report has at least: one that runs none looks clean.
    match: str  #: What it prints where netlists match; empty where it compares none.


@dataclass(frozen=True)
class Decks:
    """A foundry's own decks."""

    given: DeckKind  #: Of a file that is named.
    folders: tuple[str, ...]  #: Below ``$PDK_ROOT``.
    kinds: tuple[DeckKind, ...]  #: Of those folders.


@dataclass(frozen=True, eq=False)
class Process:
    """Layers, drawing, rules and wires of a technology."""

    name: str
    source: str
    grid: int  #: Of manufacture, nm; the database unit is 1 nm.
    layers: Layers  #: GDS layer and datatype by name.
    label_datatype: int  #: Of names of nets, on the layer of the wire.
    boundary: tuple[int, int]  #: Layer of a block's outline.
    lef: Mapping[str, str]  #: Names of wires in LEF.
    roles: Roles
    drawing: Drawing
    derived: Mapping[str, Operation]  #: Layers made of others, in order.
    rules: tuple[Rule, ...]
    wires: Mapping[str, WireCapacitance]
    #: Capacitance between an upper and a lower layer, F/m².
    overlaps: Mapping[tuple[str, str], float]
    #: Capacitance of an edge of a layer to another one beside it, F/m.
    fringes: Mapping[tuple[str, str], float]
    reach: float  #: Gap beyond which wires do not see each other sideways, m.
    decks: Decks

    def snap(self, nm: float) -> int:
        """Round a length in nm down to the grid."""
        return int(nm // self.grid) * self.grid


def load_process(technology: Technology) -> Process:
    """Read the layout data of a technology.

    Raises
    ------
    ConfigurationError
        It has none, or they are not whole.
    """
    folder = (pdks() / technology.name) if technology.description is None else None
    place = Path(str(folder)) if folder else technology.description.parent  # type: ignore[union-attr]
    path = place / FILE
    if not path.is_file():
        known = sorted(p.parent.name for p in Path(str(pdks())).glob(f"*/{FILE}"))
        raise ConfigurationError(
            str(place),
            [
                f"holds no {FILE}: layers and design rules of {technology.title} are not known; "
                f"write one, or choose a technology that has it ({', '.join(known)}); "
                "docs/layout.md says what netgen cannot draw yet"
            ],
        )
    try:
        return process_of(tomllib.loads(path.read_text(encoding="utf-8")), technology.name, path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(path), [f"cannot be read ({error})"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), [f"is not valid TOML: {error}"]) from None


def process_of(data: Table, name: str, path: Path) -> Process:
    """Turn the tables of a ``layout.toml`` into a process.

    Raises
    ------
    ConfigurationError
        A key is missing or no such thing.
    """
    try:
        return _process(data, name, str(path))
    except KeyError as error:
        problem = f"{error.args[0]}: is missing"
    except (TypeError, ValueError, AttributeError) as error:
        problem = f"is damaged: {error}"
    raise ConfigurationError(str(path), [problem])


def _process(data: Table, name: str, source: str) -> Process:
    drawing, roles = data["drawing"], data["roles"]
    unknown = sorted(set(drawing) - {each.name for each in fields(Drawing)})
    if unknown:
        raise ConfigurationError(source, [f"drawing.{key}: nothing reads it" for key in unknown])
    wires = {
        layer: WireCapacitance(
            entry["area"] * 1e-6, entry["edge"] * 1e-12, entry["side"] * 1e-18,
            entry["offset"] * 1e-6,
        )
        for layer, entry in data["capacitance"]["wires"].items()
    }  # fmt: skip
    table = data["capacitance"]["overlaps"]["table"]
    process = Process(
        name=name,
        source=source,
        grid=_nm(data["grid"]),
        layers={layer: (int(a), int(b)) for layer, (a, b) in data["layers"].items()},
        label_datatype=int(data["label_datatype"]),
        boundary=(int(data["boundary"][0]), int(data["boundary"][1])),
        lef={str(layer): str(word) for layer, word in data["lef"].items()},
        roles=Roles(**{**roles, "wires": tuple(roles["wires"]), "cuts": tuple(roles["cuts"])}),
        drawing=Drawing(**{each.name: _nm(drawing[each.name]) for each in fields(Drawing)}),
        derived={key: tuple(value) for key, value in data["derived"].items()},
        rules=tuple(Rule(n, kind, tuple(rest)) for n, kind, *rest in data["rules"]["table"]),
        wires=wires,
        overlaps={(a, b): c * 1e-6 for a, b, c, *_ in table},
        fringes={
            pair: value * 1e-12
            for a, b, _, *ends in table
            for pair, value in zip(((a, b), (b, a)), ends, strict=False)
        },
        reach=data["capacitance"]["reach"] * 1e-6,
        decks=_decks(data.get("decks", {})),
    )
    _check_names(process)
    return process


def _decks(data: Table) -> Decks:
    def kind(entry: Table) -> DeckKind:
        options = {**data.get("options", {}), **entry.get("options", {})}
        return DeckKind(
            str(entry.get("name", "design rules")),
            tuple(tuple(map(str, parts)) for parts in entry.get("parts", ())),
            tuple(map(str, entry.get("leave_out", ()))),
            {str(key): str(value) for key, value in options.items()},
            int(entry.get("smallest", 0)),
            str(entry.get("match", "")),
        )

    folders = tuple(map(str, data.get("folders", ())))
    given = kind({"smallest": data.get("smallest", 0)})
    return Decks(given, folders, tuple(kind(entry) for entry in data.get("kinds", ())))


def _check_names(process: Process) -> None:
    """See that roles and rules name layers that exist."""
    known = {*process.layers, *process.derived}
    roles = process.roles
    if len(roles.wires) < 4 or len(roles.cuts) != len(roles.wires) - 1:
        problem = "roles: wants four wires at least, the gate's first, and a cut between any two"
        raise ConfigurationError(process.source, [problem])
    named = [
        roles.well,
        roles.active,
        roles.gate,
        roles.nmos,
        roles.pmos,
        *roles.wires,
        *roles.cuts,
    ]
    problems = [f"roles: there is no layer {name!r}" for name in named if name not in known]
    used = [(f"rules.{rule.name}", rule.operands) for rule in process.rules]
    used += [(f"derived.{name}", operation[1:]) for name, operation in process.derived.items()]
    for where, operands in used:
        words = [word for word in operands if isinstance(word, str)]
        problems += [f"{where}: there is no layer {word!r}" for word in words if word not in known]
    if problems:
        raise ConfigurationError(process.source, problems)


def _nm(value: float) -> int:
    return round(value * 1000)


def klayout() -> Any:
    """Return the module ``klayout.db``.

    Raises
    ------
    ToolMissingError
        It is not installed.
    """
    try:
        import klayout.db as db
    except ImportError:
        raise ToolMissingError(
            f"a layout needs the package klayout, which is not installed; run: {install('layout')}"
        ) from None
    return db
