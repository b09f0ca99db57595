"""From a model to a build folder: characterise, size, write."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from netgen._version import __version__
from netgen.circuit import Circuit, build_circuit
from netgen.circuit.netlist import Netlist
from netgen.circuit.rows import Floats
from netgen.errors import ConfigurationError, UsageError
from netgen.files import write_whole, written_beside
from netgen.model import Model, Samples, load_model, to_dict
from netgen.netlist import Conditions, mapping, netlist_of, nominal
from netgen.netlist.area import areas
from netgen.netlist.write import network_body
from netgen.project.design import Bias, check_design, design_text
from netgen.project.folder import FORMAT, Folder, claim, read_json
from netgen.project.limits import refuse_absurd
from netgen.project.power_documents import area_document, predicted_document
from netgen.simulation import cache_folder, run, simulator_version
from netgen.sizing import (
    BelowFloor,
    Characterisation,
    PredictedPower,
    calibration_inputs,
    characterise_cells,
    characterise_mirrors,
    hysteresis_curve,
    measure_activity,
    predict_power,
    size_circuit,
)
from netgen.technology import Geometry, Technology, load_technology, with_bins

TEMPERATURES = (-60.0, 160.0)
"""°C; device models are not made for what lies beyond."""
SUPPLIES = (0.5, 5.0)
"""V."""
POWER_FRAMES = 500
"""So many frames are enough for a mean power."""


@dataclass(frozen=True)
class BuildOptions:
    """What a designer chooses; None is the technology's own value.

    Attributes
    ----------
    technology
        Name of the PDK, or the folder of one that netgen has no data for.
    corner, temperature, vdd
        Conditions the circuit is sized for and simulated at (°C, V).
    unit
        Geometry of the unit mirror: larger matches better and settles more slowly.
    """

    technology: str | Path | None = None
    corner: str | None = None
    temperature: float | None = None
    vdd: float | None = None
    unit: Geometry | None = None


@dataclass(frozen=True, eq=False)
class Design:
    """A sized circuit with all that a simulation or a report needs to know of it.

    Attributes
    ----------
    inputs
        What it was sized for, (samples, frames, channels).
    """

    circuit: Circuit
    technology: Technology
    conditions: Conditions
    below_floor: tuple[BelowFloor, ...]
    known: Characterisation
    inputs: Floats

    @cached_property
    def netlist(self) -> Netlist:
        """Its transistors, bias sources and blocks."""
        return netlist_of(self.circuit, self.technology)

    @cached_property
    def mirrored_bias(self) -> Netlist:
        """The same with the cells' bias currents mirrored from one reference."""
        return netlist_of(self.circuit, self.technology, mirrored_bias=True)

    @cached_property
    def power(self) -> PredictedPower:
        """The supply power to expect over the inputs."""
        stride = max(1, self.inputs.shape[0] * self.inputs.shape[1] // POWER_FRAMES)
        at = self.technology, self.known.mirrors, self.conditions.vdd
        return predict_power(self.circuit, *at, self.inputs, stride)


def prepare(
    options: BuildOptions, models: Path | None = None
) -> tuple[Technology, Conditions, Geometry]:
    """Return technology, conditions and unit mirror of the options.

    Parameters
    ----------
    models
        Where to write model files of a technology that has too many; None: in the cache.

    Raises
    ------
    UsageError
        An unknown technology or corner, or a value out of its range.
    ToolMissingError
        The PDK is not installed.
    """
    technology = load_technology(options.technology)
    usual = nominal(technology)
    at = Conditions(
        technology.corner(options.corner),
        usual.temperature if options.temperature is None else options.temperature,
        usual.vdd if options.vdd is None else options.vdd,
    )
    check_conditions(at)
    unit = technology.check_unit(options.unit or technology.unit)
    return with_bins(technology, unit, models or cache_folder() / "models"), at, unit


def check_conditions(at: Conditions) -> Conditions:
    """Return conditions under which a circuit can be simulated.

    Raises
    ------
    UsageError
        A value out of its range.
    """
    for name, value, (low, high) in (
        ("temperature", at.temperature, TEMPERATURES),
        ("vdd", at.vdd, SUPPLIES),
    ):
        if not low <= value <= high:
            raise UsageError(f"{name} = {value:g}; choose a value between {low:g} and {high:g}")
    return at


def design(
    model: Model,
    options: BuildOptions,
    calibration: Floats | None = None,
    models: Path | None = None,
) -> Design:
    """Size every device of a model's circuit.

    Parameters
    ----------
    calibration
        Inputs (samples, frames, channels) that show at which currents the circuit works;
        synthetic ones where None.
    models
        See :func:`prepare`.

    Raises
    ------
    ModelError
        The technology cannot realise the model's parameters.
    UsageError
        The supply is above what the devices stand.
    SimulationError
        The characterisation failed.
    """
    technology, at, unit = prepare(options, models)
    refuse_absurd(model, technology, at)
    circuit = build_circuit(model, unit)
    where = (technology, at, unit, model.unit_current, cache_folder(), run)
    known = Characterisation(characterise_mirrors(*where), characterise_cells(*where))
    inputs = calibration_inputs(model) if calibration is None else calibration
    activity = measure_activity(circuit, known.mirrors.currents, inputs)
    sized, below = size_circuit(circuit, technology, known, activity, at.vdd)
    return Design(sized, technology, at, below, known, inputs)


def build(
    model: Model, path: Path, options: BuildOptions, calibration: Samples | None = None
) -> Design:
    """Write a build folder: netlist, mapping, build record, model, a cell's hysteresis curve.

    Raises
    ------
    UsageError
        The folder cannot be used.
    """
    folder = claim(path)
    made = design(model, options, None if calibration is None else calibration.x, folder.path)
    write_build(made, folder, options, calibration)
    return made


def write_build(
    made: Design, folder: Folder, options: BuildOptions, calibration: Samples | None = None
) -> None:
    """Write all files of a build folder that was claimed."""
    circuit, model = made.circuit, made.circuit.model
    write_whole(folder.netlist, network_body(made.netlist, made.technology))
    write_whole(folder.mirrored_bias, network_body(made.mirrored_bias, made.technology))
    write_whole(folder.model, json.dumps(to_dict(model), indent=1) + "\n")
    records = mapping(circuit, made.technology, _realised_cells(made))
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    write_whole(folder.mapping, f"[\n{lines}\n]\n")
    networks: dict[Bias, Netlist] = {"ideal": made.netlist, "mirrored": made.mirrored_bias}
    digests = model.digest, made.technology.digest
    write_whole(folder.design, design_text(folder, networks, *digests))
    if calibration is None:
        folder.calibration.unlink(missing_ok=True)
    else:
        with written_beside(folder.calibration) as scratch:
            np.savez_compressed(scratch, x=calibration.x)
    if circuit.cells:
        write_whole(folder.hysteresis, _hysteresis(made))
    else:
        folder.hysteresis.unlink(missing_ok=True)
    # last: a folder with a build record is a complete one
    own = options.technology.resolve() if isinstance(options.technology, Path) else None
    content = _record(made, calibration is not None, own)
    content |= {
        "area": area_document(areas(made.netlist, made.technology)),
        "predicted_power": predicted_document(made.power),
    }
    record = json.dumps(content, indent=1, ensure_ascii=False)
    write_whole(folder.build, record + "\n")


def _realised_cells(made: Design) -> dict[str, Floats]:
    realised = {}
    for layer in made.circuit.cells:
        assert layer.bias is not None
        threshold, width, gain = layer.bias
        rising, falling = made.known.cells.thresholds(threshold, width)
        realised[layer.node] = np.array([rising, rising - falling, made.known.cells.output(gain)])
    return realised


def _hysteresis(made: Design) -> str:
    """Return the first cell's states as CSV: candidate and output in software units."""
    cell = made.circuit.cells[0]
    assert cell.bias is not None
    unit = made.circuit.model.unit_current
    bias = cell.bias[:, 0]
    candidate, output = hysteresis_curve(
        made.technology, made.conditions, made.circuit.unit, bias, run
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["candidate", "output"])
    writer.writerows(np.stack([candidate, output], axis=1) / unit)
    return text.getvalue()


def _record(made: Design, calibrated: bool, folder: Path | None) -> dict[str, Any]:
    circuit, technology, at = made.circuit, made.technology, made.conditions
    counts = made.netlist.counts
    return {
        "format": FORMAT,
        "version": 1,
        "model": {"name": circuit.model.name, "sha256": circuit.model.digest},
        "pdk": technology.name,
        "technology_folder": None if folder is None else str(folder),
        "corner": at.corner,
        "options": {
            "temperature": at.temperature,
            "vdd": at.vdd,
            "unit_width": circuit.unit.width,
            "unit_length": circuit.unit.length,
            "calibration": "samples" if calibrated else "synthetic",
        },
        "tools": tools(technology),
        "devices": {"total": sum(counts.values()), "by_block": counts},
        "below_floor": [str(entry) for entry in made.below_floor],
    }


def tools(technology: Technology) -> dict[str, str]:
    """Return the versions of everything a result depends on."""
    found = {"netgen": __version__, "python": platform.python_version()}
    found["ngspice"] = simulator_version()
    for package in ("PySpice", "numpy", "scipy"):
        found[package] = version(package)
    with suppress(PackageNotFoundError, ValueError):  # from elsewhere: their hash says which
        found[technology.distribution] = version(technology.distribution)
    return found | {"pdk_sha256": technology.digest}


@dataclass(frozen=True, eq=False)
class Build:
    """A build folder that was read back."""

    folder: Folder
    model: Model
    options: BuildOptions
    record: Mapping[str, Any]


def read_build(path: Path) -> Build:
    """Read a build folder.

    Raises
    ------
    ConfigurationError
        It is none, or it was changed so that its parts no longer belong together.
    """
    folder = Folder(path)
    if not folder.build.is_file():
        raise ConfigurationError(str(path), ["is no build folder; run netgen build first"])
    record = read_json(folder.build)
    try:
        digest, options = record["model"]["sha256"], record["options"]
        own = record.get("technology_folder")
        chosen = BuildOptions(
            Path(own) if own else str(record["pdk"]),
            record["corner"],
            float(options["temperature"]),
            float(options["vdd"]),
            Geometry(float(options["unit_width"]), float(options["unit_length"])),
        )
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError(str(folder.build), ["is not complete; build again"]) from None
    model = load_model(folder.model)
    if digest != model.digest:
        raise ConfigurationError(str(folder.model), ["is not what was built; build again"])
    if not folder.netlist.is_file():
        raise ConfigurationError(str(folder.netlist), ["is missing; build again"])
    check_design(folder)
    return Build(folder, model, chosen, record)
