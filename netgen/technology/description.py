"""Read ``technology.toml``: every fact of a process that netgen uses, checked one by one."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from netgen.errors import ConfigurationError
from netgen.technology.data import POLARITIES, DeviceModel, Geometry, Mismatch, ProcessSpread

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Check = Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


def _text(value: Any) -> bool:
    """A text on one line: a line break in it would start a statement of its own in a netlist."""
    return isinstance(value, str) and value != "" and value.isprintable()


_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:+-]*")
_FILE = re.compile(r"""[^\s"'`]+""")
_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def _word(value: Any) -> bool:
    return isinstance(value, str) and bool(_WORD.fullmatch(value))


def _file(value: Any) -> bool:
    """The name of a file; ngspice ends it at a space or a quote."""
    return _text(value) and bool(_FILE.fullmatch(value)) and not value.startswith(("/", "~"))


def _files(value: Any) -> bool:
    return isinstance(value, list) and all(map(_file, value))


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_positive, value))


def _limits(value: Any) -> bool:
    return _pair(value) and bool(value[0] < value[1])


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _words(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_word, [*value, *value.values()]))


def _path(value: Any) -> bool:
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
    "corners": (lambda v: _words(v) and len(v) > 0, "a table of corner = \"section\""),
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


def parse(text: str, source: str) -> dict[str, Any]:
    """Return the tables of a ``technology.toml``.

    Raises
    ------
    ConfigurationError
        It is no TOML, or says nowhere where its model files are.
    """
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(source, [f"is not valid TOML: {error}"]) from None
    places = data.get("models")
    if not isinstance(places, list) or not all(isinstance(p, dict) for p in places) or not places:
        problem = "models: must be one or more [[models]] tables that say where the files are"
        raise ConfigurationError(source, [problem])
    return data


def place_of(models: dict[str, Any], source: str) -> dict[str, Any]:
    """Take out of a ``[[models]]`` table where its files lie: folder, package, pdk_root, or None.

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
    return where


_PLACES: dict[str, tuple[Check, str]] = {
    "folder": (_text, "the path of a folder"),
    "package": (lambda v: isinstance(v, str) and bool(_PACKAGE.fullmatch(v)),
                "the dotted name of a package"),
    "pdk_root": (lambda v: _texts(v) and not any(p.startswith("/") for p in v),
                 "a list of folders below $PDK_ROOT"),
}  # fmt: skip


def facts(data: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the arguments of a :class:`Technology`, all but its folder.

    Raises
    ------
    ConfigurationError
        Keys that are missing, wrong or unknown, all of them.
    """
    problems = [*_wrong(data), *_unknown(data)]
    if not problems and data["nominal_corner"] not in data["corners"]:
        problems.append(f"nominal_corner: {data['nominal_corner']!r} is none of the corners")
    problems += _incomplete(data.get("process", {}))
    if problems:
        raise ConfigurationError(source, problems)
    geometry, sizing, process = data["geometry"], data["sizing"], data.get("process", {})
    plain = ("name", "title", "vdd", "temperature", "model_temperature", "nominal_corner")
    return {
        **{key: data[key] for key in (*plain, "corners", "parameters", "library")},
        "devices": {polarity: DeviceModel(**data["devices"][polarity]) for polarity in POLARITIES},
        "mismatch": {polarity: Mismatch(**data["mismatch"][polarity]) for polarity in POLARITIES},
        "process": {polarity: ProcessSpread(**process[polarity]) for polarity in process},
        "grid": geometry["grid"],
        "width": tuple(geometry["width"]),
        "length": tuple(geometry["length"]),
        "diffusion": geometry["diffusion"],
        "unit": Geometry(*geometry["unit"]),
        "reset": Geometry(*geometry["reset"]),
        "sizing": {polarity: tuple(map(tuple, sizing[polarity])) for polarity in POLARITIES},
        "max_multiplicity": sizing["max_multiplicity"],
        "max_series": sizing.get("max_series", 1),
        "includes": tuple(data["includes"]),
        "distribution": data.get("distribution", ""),
        "bins": data.get("bins", {}),
        "vdd_max": data.get("vdd_max", math.inf),
        "pmos_length": geometry.get("pmos_length", 1.0),
        "steering": Geometry(*geometry["steering"]) if "steering" in geometry else None,
    }


_MISSING = object()


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(data, Mapping) or key not in data:
            return _MISSING
        data = data[key]
    return data


def _wrong(data: Mapping[str, Any]) -> list[str]:
    problems = []
    for path, (check, wanted) in (_REQUIRED | _OPTIONAL).items():
        value = _at(data, path)
        if value is _MISSING:
            if path in _REQUIRED:
                problems.append(f"{path}: is missing; write {wanted}")
        elif not check(value):
            problems.append(f"{path}: must be {wanted}, not {value!r}")
    return problems


def _incomplete(process: Any) -> list[str]:
    """Name what is missing of an optional table that must be whole."""
    wanted = {
        f"{polarity}.{key}" for polarity in POLARITIES for key in ProcessSpread.__dataclass_fields__
    }
    if not process:
        return []
    return [
        f"process.{path}: is missing" for path in sorted(wanted) if _at(process, path) is _MISSING
    ]


def _unknown(data: Mapping[str, Any]) -> list[str]:
    """Name the keys that nothing reads: most likely they are misspelt."""
    known = {*_REQUIRED, *_OPTIONAL}
    inner = {path.rpartition(".")[0] for path in known}
    problems = []

    def visit(table: Mapping[str, Any], prefix: str) -> None:
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
