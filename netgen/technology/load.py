"""Find a technology's description, and its model files: beside it, in a wheel, in a PDK_ROOT."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netgen.errors import ConfigurationError, ToolMissingError, UsageError
from netgen.resources import pdks
from netgen.technology.data import Technology
from netgen.technology.description import facts, parse

DESCRIPTION = "technology.toml"
PREFERRED = "default"
"""A file in ``pdk/`` with the names of technologies; the first that is installed is the default."""


def technologies() -> tuple[str, ...]:
    """Return the names of the technologies that netgen has data for."""
    return tuple(sorted(e.name for e in pdks().iterdir() if (e / DESCRIPTION).is_file()))


def default_technology() -> str:
    """Return the technology to take where none is named: the first preferred one installed."""
    names = preferred()
    return next((name for name in names if _is_installed(name)), names[-1])


def preferred() -> tuple[str, ...]:
    """Return the technologies to take where none is named, best first."""
    return tuple((pdks() / PREFERRED).read_text(encoding="utf-8").split())


def load_technology(place: str | Path | None = None) -> Technology:
    """Return a technology with its model files found.

    Parameters
    ----------
    place
        The name of a technology that netgen has data for, or the path of a folder with a
        ``technology.toml``; None takes :func:`default_technology`.

    Raises
    ------
    UsageError
        netgen has no data for this name, or the folder is none.
    ConfigurationError
        The description is wrong.
    ToolMissingError
        The model files are not installed.
    """
    folder, data = _described(default_technology() if place is None else place)
    wanted: list[str] = []
    for models in data.pop("models"):
        merged = {**data, **models}
        where = {key: merged.pop(key, None) for key in ("folder", "package", "pdk_root")}
        found = facts(merged, str(folder / DESCRIPTION))
        wanted = [*found["includes"], found["library"], *found["bins"].values()]
        for candidate in _places(folder, where):
            if all((candidate / file).is_file() for file in wanted):
                return Technology(**found, folder=candidate)
    cure = _cure(data, found["distribution"])
    raise ToolMissingError(
        f"the model files of {found['name']} ({', '.join(dict.fromkeys(wanted))}) are not there; "
        f"{cure}"
    )


def _described(place: str | Path) -> tuple[Path, dict[str, Any]]:
    if isinstance(place, Path):
        folder = place.resolve()
        if not (folder / DESCRIPTION).is_file():
            raise UsageError(f"{place} is no technology: it holds no {DESCRIPTION}")
    else:
        if place not in technologies():
            raise UsageError(f"no technology {place!r}; choose one of {', '.join(technologies())}")
        folder = Path(str(pdks() / place))
    source = folder / DESCRIPTION
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(source), [f"cannot be read ({error})"]) from None
    return folder, parse(text, str(source))


def _is_installed(name: str) -> bool:
    try:
        load_technology(name)
    except ToolMissingError:
        return False
    return True


def _places(folder: Path, where: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the folders where one ``[[models]]`` table looks for its files."""
    root = os.environ.get("PDK_ROOT")
    if where["pdk_root"] is not None:
        if root:
            yield from (Path(root) / place for place in where["pdk_root"])
        return
    if where["package"] is None:
        yield folder / (where["folder"] or ".")
        return
    # find_spec on the parent package only: importing it would load a whole PDK framework
    spec = importlib.util.find_spec(where["package"]) if _importable(where["package"]) else None
    if spec is not None:
        for entry in spec.submodule_search_locations or ():
            yield Path(entry) / (where["folder"] or ".")


def _importable(package: str) -> bool:
    parent = package.rpartition(".")[0]
    try:
        return not parent or importlib.util.find_spec(parent) is not None
    except ModuleNotFoundError:
        return False


def _cure(data: Mapping[str, Any], package: str) -> str:
    root = os.environ.get("PDK_ROOT")
    looked = f" ($PDK_ROOT is {root})" if root else ""
    if not package:
        return f"put them where the [[models]] of its {DESCRIPTION} say{looked}"
    return f"run: pip install {package}{looked}"
