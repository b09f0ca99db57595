"""Read ``technology.toml``: every fact of a process that netgen uses, checked one by one."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard, TypeVar

from netgen.document import Json, list_at, number_at, table_at, text_at, texts_at, whole_at
from netgen.errors import ConfigurationError
from netgen.technology.data import (
    POLARITIES,
    DeviceModel,
    Geometry,
    Mismatch,
    ProcessSpread,
    Technology,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
Check = Callable[[object], bool]


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _positive(value: object) -> bool:
    return _number(value) and value > 0


def _text(value: object) -> TypeGuard[str]:
    """A text on one line: a line break in it would start a statement of its own in a netlist."""
    return isinstance(value, str) and value != "" and value.isprintable()


_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:+-]*")
_FILE = re.compile(r"""[^\s"'`]+""")
_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def _word(value: object) -> bool:
    return isinstance(value, str) and bool(_WORD.fullmatch(value))


def _file(value: object) -> bool:
    """The name of a file; ngspice ends it at a space or a quote."""
    return _text(value) and bool(_FILE.fullmatch(value)) and not value.startswith(("/", "~"))


def _files(value: object) -> bool:
    return isinstance(value, list) and all(map(_file, value))


def _pair(value: object) -> TypeGuard[list[float]]:
    return isinstance(value, list) and len(value) == 2 and all(map(_positive, value))


def _limits(value: object) -> bool:
    return _pair(value) and bool(value[0] < value[1])


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(map(_text, value))


def _words(value: object) -> bool:
    return isinstance(value, dict) and all(map(_word, [*value, *value.values()]))


def _path(value: object) -> bool:
    point = re.compile(r"[0-9.]+(e-?[0-9]+)?u?")
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(_texts(p) and len(p) == 2 and all(map(point.fullmatch, p)) for p in value)
    )


_REQUIRED: dict[str, tuple[Check, str]] = {
    "name": (_word, "a word"),
    "title": (_text, "a text on one line"),
    "vdd": (_positive, "a voltage"),
    "temperature": (_number, "a temperature in °C"),
    "model_temperature": (_number, "a temperature in °C"),
    "nominal_corner": (_text, "one of the corners"),
    "corners": (lambda v: _words(v) and v != {}, "a table of corner = \"section\""),
    "parameters": (lambda v: isinstance(v, dict) and all(map(_number, v.values()))
                   and all(map(_word, v)), "a table of numbers"),
    "library": (_file, "the name of a file below the models' folder, without spaces and quotes"),
    "includes": (_files, "a list of names of such files"),
    "geometry.grid": (_positive, "a length in metres"),
    "geometry.width": (_limits, "[smallest, largest] in metres"),
    "geometry.length": (_limits, "[smallest, largest] in metres"),
    "geometry.diffusion": (lambda v: _number(v) and v >= 0, "a length in metres, or 0"),
    "geometry.unit": (_pair, "[W, L] in metres"),
    "geometry.reset": (_pair, "[W, L] in metres"),
    "sizing.max_multiplicity": (lambda v: isinstance(v, int) and v >= 1, "a whole number"),
}  # fmt: skip
for _polarity in POLARITIES:
    _REQUIRED |= {
        f"devices.{_polarity}.model": (_word, "a word"),
        f"devices.{_polarity}.prefix": (lambda v: v in ("X", "M"), '"X" or "M"'),
        f"mismatch.{_polarity}.threshold": (_positive, "a number in V·m"),
        f"mismatch.{_polarity}.current_factor": (lambda v: _number(v) and v >= 0, "metres"),
        f"sizing.{_polarity}": (_path, 'points such as ["1u", "5e-6"]'),
    }

_OPTIONAL: dict[str, tuple[Check, str]] = {
    "geometry.pmos_length": (_positive, "a ratio"),
    "geometry.steering": (_pair, "[W, L] in metres"),
    "sizing.max_series": (lambda v: isinstance(v, int) and v >= 1, "a whole number"),
    "vdd_max": (_positive, "a voltage"),
    "bins": (
        lambda v: isinstance(v, dict) and all(map(_word, v)) and _files([*v.values()]),
        'a table of corner = "file"',
    ),
    "distribution": (lambda v: v == "" or _word(v), "the name of a package"),
}
for _polarity in POLARITIES:
    _OPTIONAL |= {
        f"devices.{_polarity}.inner": (lambda v: v == "" or _word(v), "a word"),
        f"devices.{_polarity}.pins": (
            lambda v: isinstance(v, str) and sorted(v) == sorted("dgsb"), 'such as "dgsb"'),
        f"devices.{_polarity}.length_unit": (_positive, "metres"),
        f"devices.{_polarity}.lvs": (_word, "a word"),
        f"mismatch.{_polarity}.width": (_number, "metres"),
        f"mismatch.{_polarity}.length": (_number, "metres"),
        f"process.{_polarity}.threshold": (_positive, "a voltage"),
        f"process.{_polarity}.current_factor": (lambda v: _number(v) and v >= 0, "a share"),
    }  # fmt: skip


def parse(text: str, source: str) -> dict[str, Json]:
    """Return the tables of a ``technology.toml``.

    Raises
    ------
    ConfigurationError
        It is no TOML, or says nowhere where its model files are.
    """
    try:
        data: dict[str, Json] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(source, [f"is not valid TOML: {error}"]) from None
    places = data.get("models")
    if not isinstance(places, list) or not all(isinstance(p, dict) for p in places) or not places:
        problem = "models: must be one or more [[models]] tables that say where the files are"
        raise ConfigurationError(source, [problem])
    return data


@dataclass(frozen=True)
class ModelsPlace:
    """Where the files of a ``[[models]]`` table lie."""

    folder: str = ""  #: Below the package or the description's folder; empty for these themselves.
    package: str = ""  #: Dotted name of an installed package; empty for none.
    #: Folders below ``$PDK_ROOT``; None where it is not looked at.
    pdk_root: tuple[str, ...] | None = None


def place_of(models: dict[str, Json], source: str) -> ModelsPlace:
    """Take out of a ``[[models]]`` table where its files lie.

    Raises
    ------
    ConfigurationError
        It does not say so in the form wanted.
    """
    where = {key: models.pop(key, None) for key in _PLACES}
    problems = [
        f"models.{key}: must be {wanted}, not {where[key]!r}"
        for key, (check, wanted) in _PLACES.items()
        if where[key] is not None and not check(where[key])
    ]
    if problems:
        raise ConfigurationError(source, problems)
    folder, package, pdk_root = (where[key] for key in _PLACES)
    return ModelsPlace(
        folder if _text(folder) else "",
        package if _text(package) else "",
        tuple(pdk_root) if _texts(pdk_root) else None,
    )


_PLACES: dict[str, tuple[Check, str]] = {
    "folder": (_text, "the path of a folder"),
    "package": (lambda v: isinstance(v, str) and bool(_PACKAGE.fullmatch(v)),
                "the dotted name of a package"),
    "pdk_root": (lambda v: _texts(v) and not any(p.startswith("/") for p in v),
                 "a list of folders below $PDK_ROOT"),
}  # fmt: skip


def described(data: Mapping[str, Json], path: Path) -> Technology:
    """Return the technology that a description's tables tell of, its models beside it.

    Raises
    ------
    ConfigurationError
        Keys that are missing, wrong or unknown, all of them.
    """
    problems = [*_wrong(data), *_unknown(data)]
    if not problems and text_at(data, "nominal_corner") not in table_at(data, "corners"):
        problems.append(f"nominal_corner: {data['nominal_corner']!r} is none of the corners")
    process = data.get("process")
    process = process if isinstance(process, Mapping) else {}
    problems += _incomplete(process)
    if problems:
        raise ConfigurationError(str(path), problems)
    geometry, sizing, parameters = (table_at(data, n) for n in ("geometry", "sizing", "parameters"))
    return Technology(
        text_at(data, "name"),
        text_at(data, "title"),
        number_at(data, "vdd"),
        number_at(data, "temperature"),
        number_at(data, "model_temperature"),
        text_at(data, "nominal_corner"),
        _strings(data, "corners"),
        {key: number_at(parameters, key) for key in parameters},
        {each: _parsed(DeviceModel, data, "devices", each) for each in POLARITIES},
        mismatch={each: _parsed(Mismatch, data, "mismatch", each) for each in POLARITIES},
        process={
            each: _parsed(ProcessSpread, process, each) for each in POLARITIES if each in process
        },
        grid=number_at(geometry, "grid"),
        width=_two(geometry, "width"),
        length=_two(geometry, "length"),
        diffusion=number_at(geometry, "diffusion"),
        unit=Geometry(*_two(geometry, "unit")),
        reset=Geometry(*_two(geometry, "reset")),
        sizing={each: _points(sizing, each) for each in POLARITIES},
        max_multiplicity=whole_at(sizing, "max_multiplicity"),
        max_series=whole_at({"max_series": 1, **sizing}, "max_series"),
        folder=path.parent,
        includes=texts_at(data, "includes"),
        library=text_at(data, "library"),
        distribution=text_at({"distribution": "", **data}, "distribution"),
        bins=_strings({"bins": {}, **data}, "bins"),
        vdd_max=number_at({"vdd_max": math.inf, **data}, "vdd_max"),
        pmos_length=number_at({"pmos_length": 1.0, **geometry}, "pmos_length"),
        steering=Geometry(*_two(geometry, "steering")) if "steering" in geometry else None,
        description=path,
    )


def _parsed(make: Callable[..., T], data: Json, *path: str) -> T:
    """Make a record of a table whose keys and values have been checked."""
    return make(**table_at(data, *path))


def _strings(data: Json, key: str) -> dict[str, str]:
    return {name: text_at(data, key, name) for name in table_at(data, key)}


def _two(data: Json, key: str) -> tuple[float, float]:
    return number_at(data, key, 0), number_at(data, key, 1)


def _points(data: Json, polarity: str) -> tuple[tuple[str, str], ...]:
    points = range(len(list_at(data, polarity)))
    return tuple((text_at(data, polarity, n, 0), text_at(data, polarity, n, 1)) for n in points)


_MISSING = object()


def _at(data: Json, path: str) -> object:
    for key in path.split("."):
        if not isinstance(data, Mapping) or key not in data:
            return _MISSING
        data = data[key]
    return data


def _wrong(data: Mapping[str, Json]) -> list[str]:
    problems = []
    for path, (check, wanted) in (_REQUIRED | _OPTIONAL).items():
        value = _at(data, path)
        if value is _MISSING:
            if path in _REQUIRED:
                problems.append(f"{path}: is missing; write {wanted}")
        elif not check(value):
            problems.append(f"{path}: must be {wanted}, not {value!r}")
    return problems


def _incomplete(process: Mapping[str, Json]) -> list[str]:
    """Name what is missing of an optional table that must be whole."""
    wanted = {
        f"{polarity}.{key}" for polarity in POLARITIES for key in ProcessSpread.__dataclass_fields__
    }
    if not process:
        return []
    return [
        f"process.{path}: is missing" for path in sorted(wanted) if _at(process, path) is _MISSING
    ]


def _unknown(data: Mapping[str, Json]) -> list[str]:
    """Name the keys that nothing reads: most likely they are misspelt."""
    known = {*_REQUIRED, *_OPTIONAL}
    inner = {path.rpartition(".")[0] for path in known}
    problems = []

    def visit(table: Mapping[str, Json], prefix: str) -> None:
        for key, value in table.items():
            path = f"{prefix}{key}"
            if path in known:
                continue
            below = any(entry == path or entry.startswith(f"{path}.") for entry in inner)
            if below and isinstance(value, Mapping):
                visit(value, f"{path}.")
            else:
                problems.append(f"{path}: netgen knows no such key")

    visit(data, "")
    return problems
