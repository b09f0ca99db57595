"""Files with tolerances: a designer's, and the one that a build folder keeps."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from netgen.analysis.comparison.tolerances import LIMITS, Tolerances, override
from netgen.errors import ConfigurationError
from netgen.files import write_whole
from netgen.keys import decode_json, shown_key, unknown_keys
from netgen.schema import head

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = ("netgen.toml", "netgen.json")
TABLE = "tolerances"
SOURCES = "from"


def load_tolerances(folder: Path, base: Tolerances | None = None) -> Tolerances:
    """Read the ``[tolerances]`` of ``netgen.toml`` or ``netgen.json`` in ``folder``.

    Parameters
    ----------
    base
        What holds where the file says nothing, or is absent; None: the defaults.

    Raises
    ------
    ConfigurationError
        Both files are there, one cannot be read, or it holds anything unknown.
    """
    base = Tolerances() if base is None else base
    present = [folder / name for name in FILES if (folder / name).exists()]
    if not present:
        return base
    if len(present) > 1:
        raise ConfigurationError(str(present[0]), [f"{FILES[1]} is there as well; keep one"])
    (path,) = present
    data = _read(path)
    unknown = [f"{shown_key(key)}: is not known; the only table is [{TABLE}]"
               for key in data if key != TABLE]  # fmt: skip
    if unknown:
        raise ConfigurationError(str(path), unknown)
    return override(base, _table(data, path), str(path), TABLE)


def keep_tolerances(path: Path, tolerances: Tolerances) -> None:
    """Write tolerances and their sources, for :func:`kept_tolerances`."""
    limits = {name: getattr(tolerances, name) for name in LIMITS}
    content = head("tolerances") | {TABLE: limits, SOURCES: dict(tolerances.sources)}
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def kept_tolerances(path: Path) -> Tolerances:
    """Return the tolerances that a build or run kept; the defaults where the file is absent.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or it holds anything unknown.
    """
    if not path.exists():
        return Tolerances()
    data = _read(path)
    sources = data.get(SOURCES, {})
    texts = isinstance(sources, dict) and all(isinstance(each, str) for each in sources.values())
    sources = sources if isinstance(sources, dict) else {}
    known = head("tolerances")
    problems = [*unknown_keys(data, (TABLE, SOURCES, *known))]
    problems += [
        f"{key}: {shown_key(str(data[key]))} is not {value!r}, which this netgen reads; build again"
        for key, value in known.items()
        if key in data and data[key] != value
    ]
    if not texts or set(sources) - set(LIMITS):
        problems.append(f"{SOURCES}: must be a table of a text for each tolerance")
    if problems:
        raise ConfigurationError(str(path), problems)
    limits = override(Tolerances(), _table(data, path), str(path), TABLE)
    defaults = Tolerances()
    changed = [name for name in LIMITS if getattr(limits, name) != getattr(defaults, name)]
    unnamed = {name: str(path) for name in changed if name not in sources}  # edited by hand
    return replace(limits, sources={**unnamed, **sources})


def _table(data: Mapping[str, object], path: Path) -> Mapping[str, object]:
    table = data.get(TABLE, {})
    if not isinstance(table, dict):
        raise ConfigurationError(str(path), [f"{TABLE}: must be a table"])
    return table


def _read(path: Path) -> Mapping[str, object]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        repeated: tuple[str, ...] = ()  # of TOML the parser says so itself
        if path.suffix == ".toml":
            data: object = tomllib.loads(text)
        else:
            data, repeated = decode_json(text)
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), [f"not UTF-8 text (byte {error.start})"]) from None
    except RecursionError:
        raise ConfigurationError(str(path), ["nested too deeply"]) from None
    except ValueError as error:  # of either parser
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise ConfigurationError(str(path), [f"not {kind}: {error}"]) from None
    if not isinstance(data, dict):
        raise ConfigurationError(str(path), ["must be an object"])
    if repeated:
        raise ConfigurationError(str(path), repeated)
    return data
