"""Find a technology's description, and its model files: beside it, in a wheel, in a PDK_ROOT."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from netgen.document import Json, tables_at
from netgen.errors import ConfigurationError, ToolMissingError, UsageError
from netgen.resources import pdks
from netgen.technology.commands import check_models
from netgen.technology.data import Technology
from netgen.technology.description import ModelsPlace, described, parse, place_of

DESCRIPTION = "technology.toml"
PREFERRED = "default"
"""A file in ``pdk/`` with the names of technologies; the first that is installed is the default."""


def technologies() -> tuple[str, ...]:
    """Return the names of the technologies that netgen has data for."""
    return tuple(sorted(e.name for e in pdks().iterdir() if (e / DESCRIPTION).is_file()))


def default_technology() -> str:
    """Return the technology to take where none is named: the first preferred one installed.

    Raises
    ------
    ToolMissingError
        ``$PDK_ROOT`` is no folder.
    """
    names = preferred()
    pdk_root()
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
        The description is wrong, or a model file holds commands to ngspice.
    ToolMissingError
        The model files are not installed, or ``$PDK_ROOT`` is no folder.
    """
    folder, data = _described(default_technology() if place is None else place)
    tables = tables_at(data, "models")
    del data["models"]
    if any("pdk_root" in models for models in tables):
        pdk_root()
    for models in tables:
        merged = {**data, **models}
        where = place_of(merged, str(folder / DESCRIPTION))
        technology = described(merged, folder / DESCRIPTION)
        for candidate, description in _places(folder, where):
            if all((candidate / file).is_file() for file in technology.model_files):
                technology = replace(
                    technology, folder=candidate.absolute(), model_origin=description
                )
                check_models(technology.files)
                return technology
    raise ToolMissingError(
        f"the model files of {technology.name} ({', '.join(technology.model_files)}) are not "
        f"there; {_hint(technology.distribution)}"
    )


def _described(place: str | Path) -> tuple[Path, dict[str, Json]]:
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


def _places(folder: Path, where: ModelsPlace) -> Iterator[tuple[Path, str]]:
    """Yield the folders where one ``[[models]]`` table looks for its files, and how to say so."""
    if where.pdk_root is not None:
        if root := pdk_root():
            yield from ((Path(root) / place, "$PDK_ROOT") for place in where.pdk_root)
        return
    if not where.package:
        yield folder / where.folder, "the technology's folder"
        return
    other = os.environ.get("PDK_ROOT")
    package = f"the package {where.package}" + (f"; $PDK_ROOT, {other}, has none" if other else "")
    for entry in _installed():
        yield entry.joinpath(*where.package.split("."), where.folder), package


def pdk_root() -> str:
    """Return ``$PDK_ROOT``; one that is wrong is told, so that no other PDK stands in unseen.

    Raises
    ------
    ToolMissingError
        It is no folder.
    """
    root = os.environ.get("PDK_ROOT", "")
    if root and not Path(root).is_dir():
        raise ToolMissingError(f"$PDK_ROOT is {root}, which is no folder; correct or unset it")
    return root


def _installed() -> Iterator[Path]:
    """Yield where installed packages lie: not the current folder, which may be a stranger's.

    A package is looked for by its folder's name and nothing of it is imported: importing one would
    run what it holds, and load a whole PDK framework.
    """
    try:
        here: Path | None = Path.cwd()
    except OSError:
        here = None  # the current folder is gone
    for entry in filter(None, sys.path):
        path = Path(entry)
        if path.is_absolute() and path.resolve() != here and path.is_dir():
            yield path


def _hint(package: str) -> str:
    root = os.environ.get("PDK_ROOT")
    looked = f" ($PDK_ROOT is {root})" if root else ""
    if not package:
        return f"put them where the [[models]] of its {DESCRIPTION} say{looked}"
    return f"run: pip install {package}{looked}"
