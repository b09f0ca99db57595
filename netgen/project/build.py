"""From a model to a build folder: characterise, size, write."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from netgen._version import __version__
from netgen.analysis import Tolerances, keep_tolerances
from netgen.arrays import Floats
from netgen.characterise import CellBench, Characterisation, characterise, characterise_diodes
from netgen.characterise.responses import with_responses
from netgen.circuit import Bias, Circuit, Readout
from netgen.circuit.grouping import refuse_groups
from netgen.circuit.netlist import Netlist
from netgen.circuit.synthesis import synthesise
from netgen.document import Json
from netgen.errors import InputError, UsageError
from netgen.model import Model, Samples, to_dict
from netgen.model.decision import with_currents
from netgen.netlist import Conditions, mapping
from netgen.netlist.write import network_bodies
from netgen.progress import announced
from netgen.project.design import design_text
from netgen.project.folder import EXPORTS, NETLIST, OTHER_BIAS, Folder, occupied
from netgen.project.limits import refuse_absurd
from netgen.project.lock import locked
from netgen.project.options import BESIDE, BuildOptions, decision_of, resolve_options
from netgen.project.origin import file_from
from netgen.project.power_documents import area_document, predicted_document
from netgen.project.reading import identity_of, read_build
from netgen.project.record import BUILD, rewritten
from netgen.project.results import MARK, write_results
from netgen.schema import head
from netgen.simulators import (
    Job,
    Waveforms,
    cache_folder,
    chosen_simulator,
    run_job,
    simulator_version,
)
from netgen.sizing import (
    BelowFloor,
    PredictedPower,
    calibration_inputs,
    measure_activity,
    predict_power,
    size_circuit,
)
from netgen.technology import Geometry, Technology, sizes_of

_USUAL = {"mirror": 2.0, "cell characterisation": 9.0, "times": 4.0, "gate": 2.0, "noise": 5.0}
"""CPU seconds that a characterisation takes about, by a word in its name."""
POWER_FRAMES = 500
"""So many frames are enough for a mean power."""


@dataclass(frozen=True, eq=False)
class Design:
    """A sized circuit with all that a simulation or a report needs to know of it."""

    circuit: Circuit
    technology: Technology
    conditions: Conditions
    below_floor: tuple[BelowFloor, ...]
    known: Characterisation
    inputs: Floats  #: What it was sized for, (samples, frames, channels).
    #: Files that were edited by hand, moved aside by the build that wrote them anew.
    kept: tuple[Path, ...] = ()

    @cached_property
    def netlist(self) -> Netlist:
        """Its transistors, bias sources and blocks."""
        return synthesise(self.circuit, self.technology)

    @cached_property
    def power(self) -> PredictedPower:
        """The supply power to expect over the inputs."""
        stride = max(1, self.inputs.shape[0] * self.inputs.shape[1] // POWER_FRAMES)
        at = self.technology, self.known.mirrors, self.conditions.vdd
        return predict_power(self.circuit, *at, self.inputs, stride)


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
        See :func:`resolve_options`.

    Raises
    ------
    ModelError
        The technology cannot realise the model's parameters.
    UsageError
        The supply is above what the devices stand, or the model's readout cannot be decided so.
    SimulationError
        The characterisation failed.
    """
    technology, at, unit = resolve_options(options, models)
    refuse_absurd(model, technology, at)
    refuse_readout(model, options.readout)
    inputs = calibration_inputs(model) if calibration is None else calibration
    model = model if options.readout == "currents" else with_currents(model, inputs)
    circuit = options.circuit(model, unit)
    refuse_groups(circuit)
    bench = bench_of(technology, at, unit, model.unit_current)
    known = characterise(bench, circuit)
    if circuit.dac is not None:
        known = replace(known, diodes=characterise_diodes(bench))
    circuit, known = with_responses(circuit, known, bench)
    activity = measure_activity(circuit, inputs)
    sized, below = size_circuit(circuit, technology, known, activity, at.vdd)
    return Design(sized, technology, at, below, known, inputs)


def refuse_readout(model: Model, readout: Readout) -> None:
    """Refuse what cannot decide as the model does.

    Raises
    ------
    UsageError
        It is so.
    """
    block, only = decision_of(readout)
    if only and model.readout.rule == "mean":
        name = readout.partition("-")[0]
        raise UsageError(f"readout {readout}: a mean over frames decides by currents; use {name}")
    count = model.sizes[model.readout.node]
    if block is not None and block.classes not in (None, count):
        problem = f"decides between {block.classes} classes, the model has {count}; use wta"
        raise UsageError(f"readout {readout}: {problem}")


def bench_of(
    technology: Technology, at: Conditions, unit: Geometry, unit_current: float, kept: bool = True
) -> CellBench:
    """Return the bench of a technology's blocks; the cache keeps its results if ``kept``."""
    folder = cache_folder() if kept else None
    return CellBench(technology, at, unit, unit_current, folder, guarded(technology))


def guarded(technology: Technology) -> Callable[[Job], Waveforms]:
    """Return :func:`netgen.simulators.run_job` with a check that the model files are as they were.

    Raises
    ------
    ConfigurationError
        (by what is returned) A file was changed meanwhile.
    """

    def checked(job: Job) -> Waveforms:
        seconds = next((time for word, time in _USUAL.items() if word in job.name), 1.0)
        with announced(f"{technology.name}: {job.name}", seconds):
            result = run_job(job)
        technology.check_unchanged()
        return result

    return checked


def build(
    model: Model,
    path: Path,
    options: BuildOptions,
    calibration: Samples | None = None,
    tolerances: Tolerances | None = None,
    source: Path | None = None,
) -> Design:
    """Write a build folder: netlist, mapping, build record, model, a cell's hysteresis curve.

    An earlier build in the folder stays whole until the new circuit is sized.

    Parameters
    ----------
    tolerances
        What the folder keeps for comparisons; None: what it has.
    source
        The model's file, for the record; see :func:`netgen.project.origin.replaced`.

    Raises
    ------
    UsageError
        The folder cannot be used.
    """
    with occupied(path) as folder:
        sized = design(model, options, None if calibration is None else calibration.x, folder.path)
        kept = write_build(sized, folder, options, calibration, tolerances, source)
    return replace(sized, kept=kept)


def write_build(
    design: Design,
    folder: Folder,
    options: BuildOptions,
    calibration: Samples | None = None,
    tolerances: Tolerances | None = None,
    source: Path | None = None,
) -> tuple[Path, ...]:
    """Write all files of a build folder that was claimed; return edited ones, moved aside."""
    texts: dict[str, str | bytes] = {**_texts(design, options)}
    if calibration is not None:
        texts[folder.calibration.name] = _inputs_file(calibration)
    file = None if source is None else file_from(folder.path, source)
    content = _content(design, options, calibration is not None, file)
    design.technology.check_unchanged()
    with locked(folder.path):
        before = _recorded_identity(folder)
        with rewritten(folder.build, BUILD) as draft:
            for name, text in texts.items():
                draft.write(name, text)
            if design.technology.origin and design.technology.folder == folder.path.resolve():
                draft.adopt(design.technology.library)
            draft.content = dict(content)
            if tolerances is not None:  # never an earlier build's beside this one
                keep_tolerances(folder.tolerances, tolerances)
            if before != identity_of(content, draft.files):
                folder.remove_reports(circuit=True)
                if (folder.path / EXPORTS / MARK).is_file():
                    write_results(folder.path / EXPORTS, EXPORTS, {})
    return tuple(draft.kept)


def _recorded_identity(folder: Folder) -> str | None:
    """Return the identity of the build that a folder holds; None where it holds no whole one."""
    try:
        return read_build(folder.path, edited=True).identity
    except InputError:
        return None


def _texts(design: Design, options: BuildOptions) -> dict[str, str]:
    """Return the files of a build by name."""
    circuit, technology = design.circuit, design.technology
    records = mapping(circuit, technology, design.netlist)
    mapping_head = json.dumps(head("mapping")).removesuffix("}")
    lines = ",\n".join(map(json.JSONEncoder(ensure_ascii=False).encode, records))
    bias, other = options.bias, BESIDE[options.bias]
    beside = synthesise(circuit.biased(other, options.codes), technology, design.netlist)
    beside = replace(beside, blocks=design.netlist.blocks)  # the record holds them once
    networks: dict[Bias, Netlist] = {bias: design.netlist, other: beside}
    bodies = dict(zip(networks, network_bodies(networks.values(), technology), strict=True))
    texts = {
        NETLIST: bodies[bias],
        OTHER_BIAS[bias]: bodies[other],
        "model.json": json.dumps(to_dict(circuit.model), indent=1) + "\n",
        "mapping.json": f'{mapping_head}, "parameters": [\n{lines}\n]}}\n',
        "design.json": design_text(bodies, networks, circuit.model.digest, technology.digest),
    }
    return texts | ({"hysteresis.csv": _hysteresis(design)} if circuit.cells else {})


def _inputs_file(samples: Samples) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=samples.x)
    return buffer.getvalue()


def _hysteresis(design: Design) -> str:
    """Return the first cell's states as CSV: candidate and output in software units."""
    layer = design.circuit.cells[0]
    assert layer.bias is not None
    unit = design.circuit.model.unit_current
    sizes = design.circuit.cell_unit(layer)
    bench = bench_of(design.technology, design.conditions, sizes, unit, kept=False)
    candidate, output = layer.block.curve(bench, layer.block.biased(*layer.bias[:, 0]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["candidate", "output"])
    writer.writerows(np.stack([candidate, output], axis=1) / unit)
    return text.getvalue()


def _content(
    design: Design, options: BuildOptions, calibrated: bool, file: str | None
) -> dict[str, Json]:
    """Return what the build record says, besides its files."""
    circuit, technology, at, known = (
        design.circuit,
        design.technology,
        design.conditions,
        design.known,
    )
    counts = {str(kind): count for kind, count in design.netlist.counts.items()}
    folder = options.technology.resolve() if isinstance(options.technology, Path) else None
    return {
        "model": {"name": circuit.model.name, "sha256": circuit.model.digest, "file": file},
        "pdk": technology.name,
        "technology_folder": None if folder is None else str(folder),
        "models": {
            "found": technology.model_origin,
            "files": [{"path": str(f.path), "sha256": f.sha256} for f in technology.sources],
        },
        "corner": at.corner,
        "options": {
            "temperature": at.temperature,
            "vdd": at.vdd,
            "unit_width": circuit.unit.width,
            "unit_length": circuit.unit.length,
            "readout": options.readout,
            "sizes": {
                group: [size.width, size.length] for group, size in sizes_of(circuit.unit).items()
            },
            "calibration": "samples" if calibrated else "synthetic",
            "bias": options.bias,
            "input_ratio": options.input_ratio,
            "divider_error": known.divider.error if known.divider else None,
            "comparator_error": known.comparator.error if known.comparator else None,
            "codes": asdict(options.codes) if options.bias == "programmable" else None,
        },
        "tools": tools(technology),
        "devices": {"total": sum(counts.values()), "by_block": counts},
        "below_floor": [str(entry) for entry in design.below_floor],
        "area": area_document(design.netlist, technology),
        "predicted_power": predicted_document(design.power),
    }


def tools(technology: Technology) -> dict[str, str]:
    """Return the versions of everything a result depends on."""
    versions = {"netgen": __version__, "python": platform.python_version()}
    simulator = chosen_simulator()
    versions |= {simulator.name: simulator_version(), **simulator.packages()}
    for package in ("numpy", "scipy"):
        versions[package] = version(package)
    with suppress(PackageNotFoundError, ValueError):  # from elsewhere: their hash says which
        versions[technology.distribution] = version(technology.distribution)
    return versions | {"pdk_sha256": technology.digest}
