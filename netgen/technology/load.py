"""Find a technology's data in ``pdk/`` and its model files in a wheel or under ``$PDK_ROOT``."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from netgen.errors import ToolMissingError, UsageError
from netgen.resources import pdks
from netgen.technology.data import POLARITIES, Device, Geometry, Technology

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT = "gf180mcu"


def technologies() -> tuple[str, ...]:
    """Return the names of the technologies that netgen has data for."""
    return tuple(sorted(e.name for e in pdks().iterdir() if (e / "technology.toml").is_file()))


def load_technology(name: str = DEFAULT) -> Technology:
    """Return a technology with its model files found.

    Raises
    ------
    UsageError
        netgen has no data for ``name``.
    ToolMissingError
        The model files are not installed.
    """
    if name not in technologies():
        raise UsageError(f"no technology {name!r}; choose one of {', '.join(technologies())}")
    data = tomllib.loads((pdks() / name / "technology.toml").read_text(encoding="utf-8"))
    return _technology(data, _model_folder(name, data["files"]))


def _model_folder(name: str, files: dict[str, Any]) -> Path:
    wanted = [*files["includes"], files["library"]]
    root = os.environ.get("PDK_ROOT")
    places: list[Path] = [Path(root) / place for place in files["roots"]] if root else []
    # find_spec on the parent package only: importing it would load a whole PDK framework
    spec = importlib.util.find_spec(files["package"]) if _importable(files["package"]) else None
    if spec is not None and spec.submodule_search_locations:
        places += [Path(e) / files["package_folder"] for e in spec.submodule_search_locations]
    for place in places:
        if all((place / file).is_file() for file in wanted):
            return place
    looked = f"$PDK_ROOT ({root}) and the" if root else "the"
    raise ToolMissingError(
        f"the model files of {name} ({', '.join(wanted)}) are in none of {looked} installed "
        f"packages; run: pip install {files['distribution']}"
    )


def _importable(package: str) -> bool:
    parent = package.rpartition(".")[0]
    try:
        return not parent or importlib.util.find_spec(parent) is not None
    except ModuleNotFoundError:
        return False


def _technology(data: dict[str, Any], folder: Path) -> Technology:
    geometry = data["geometry"]
    return Technology(
        name=data["name"],
        title=data["title"],
        vdd=data["vdd"],
        temperature=data["temperature"],
        model_temperature=data["model_temperature"],
        nominal_corner=data["nominal_corner"],
        corners=data["corners"],
        parameters=data["parameters"],
        devices={polarity: Device(**data["devices"][polarity]) for polarity in POLARITIES},
        grid=geometry["grid"],
        width=tuple(geometry["width"]),
        length=tuple(geometry["length"]),
        diffusion=geometry["diffusion"],
        unit=Geometry(*geometry["unit"]),
        reset=Geometry(*geometry["reset"]),
        sizing={p: tuple(map(tuple, data["sizing"][p])) for p in POLARITIES},
        max_multiplicity=data["sizing"]["max_multiplicity"],
        folder=folder,
        includes=tuple(data["files"]["includes"]),
        library=data["files"]["library"],
        distribution=data["files"]["distribution"],
    )
