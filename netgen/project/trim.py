"""Trim of a build's chips: codes from measurements or by trial, kept in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from netgen.behavioural import Twin
from netgen.behavioural.cells import TwinCells
from netgen.behavioural.fast import FastChips, fast_chips
from netgen.behavioural.settings import ChipSettings
from netgen.circuit import Circuit
from netgen.circuit.blocks.dac import DacRange
from netgen.document import Json, WrongKindError, list_at, number_at, texts_at, whole_at
from netgen.errors import ConfigurationError, UsageError
from netgen.files import write_whole
from netgen.model import Model, decide, evaluate
from netgen.model.graph import Floats, Integers
from netgen.project.population.variants import Programmed
from netgen.project.reading import Build, held, prepared, variation_of
from netgen.project.record import read_json
from netgen.project.twin import twin_of_build
from netgen.schema import head
from netgen.technology import Variation, sample_deviations
from netgen.trim import CellFigures, CodeRange, Codes, nominal_codes, trim_inputs, trim_measured

FILE = "trim.json"
POINTS = 24
"""Frames at which inputs are measured."""
MEASUREMENTS = "netgen-measurements"
_FIGURES = ("rising", "falling", "output")
_CURRENTS = "currents below 1 A, above 0 (falling is null where the cell never falls)"


@dataclass(frozen=True, eq=False)
class SampledChips:
    """Chips of a build by the fast chip model."""

    model: Model
    fast: FastChips
    errors: Floats  #: Log errors of their devices, (chips, devices).

    def __len__(self) -> int:
        return len(self.errors)

    def logits(self, x: Floats, settings: ChipSettings | None) -> Floats:
        """Take recordings through all chips: (chips, samples, frames, classes)."""
        return self.fast.run(self.errors, x, settings).compared

    def cells(self, settings: ChipSettings) -> Mapping[str, CellFigures]:
        """Measure the cells of all chips."""
        return {
            layer.layer.node: CellFigures(*self.fast.thresholds(layer, self.errors, settings))
            for layer in self.fast.layers
            if isinstance(layer, TwinCells)
        }

    def with_inputs(self, codes: Codes, x: Floats, error: float = 0.0, seed: int = 0) -> Codes:
        """Return codes with those of input gains, by ``x``, (samples, frames, channels)."""
        flat = x.reshape(-1, x.shape[2])
        points = flat[np.linspace(0, len(flat) - 1, POINTS).astype(np.intp)]
        nodes = [cell.candidate for cell in self.fast.twin.circuit.cells]

        def software(x: Floats, _: ChipSettings | None) -> Floats:
            signals = evaluate(self.model, x)
            return np.concatenate([signals[node] for node in nodes], axis=2)[np.newaxis]

        measured = partial(self.fast.candidates, self.errors)
        return trim_inputs(codes, points, measured, software, error, seed)

    def decisions(self, x: Floats, settings: ChipSettings | None) -> Integers:
        """Return the class that each chip decides for, (chips, samples)."""
        logits = self.logits(x, settings)
        flat = decide(self.model.readout, logits.reshape(-1, *logits.shape[2:]))
        return flat.reshape(len(self), -1)


def sampled_chips(build: Build, variation: Variation, chips: int) -> SampledChips:
    """Return the chips that ``netgen sim --monte-carlo`` simulates with the same variation."""
    twin: Twin = twin_of_build(build)
    fast = fast_chips(twin)
    shifts = sample_deviations(twin.technology, variation, twin.netlist.transistors, 0, chips)
    return SampledChips(build.model, fast, fast.errors(shifts))


def circuit_of(build: Build) -> Circuit:
    """Return what a build's model needs of units and cells."""
    _, _, unit = prepared(build)
    return build.options.circuit(build.model, unit)


@dataclass(frozen=True, eq=False)
class Trim:
    """Codes of chips, and whose they are."""

    codes: Codes
    names: tuple[str, ...] = ()  #: Of measured chips; empty for chips sampled by ``variation``.
    variation: Variation | None = None  #: What drew them; None for measured ones.

    def __len__(self) -> int:
        return len(next(iter(self.codes.biases.values())))

    def programmed(self, chip: int) -> Programmed:
        """Return the factors that are set on a chip."""
        settings = self.codes.settings
        biases = tuple(
            (node, tuple(map(tuple, np.exp(logs[chip]).tolist())))
            for node, logs in settings.biases.items()
        )
        if settings.inputs is None:
            return Programmed(biases)
        return Programmed(biases, tuple(np.exp(settings.inputs[chip]).tolist()))


def by_kind(build: Build, codes: Codes) -> dict[str, Integers]:
    """Return the codes of all chips and units by what they set, (codes,) each."""
    by_word: dict[str, list[Integers]] = {}
    for layer in circuit_of(build).cells:
        unit_codes = np.moveaxis(codes.biases[layer.node], 1, 0)
        for bias, each in zip(layer.block.biases, unit_codes, strict=True):
            by_word.setdefault(bias.name, []).append(each.ravel())
    if codes.inputs is not None:
        by_word["inputs"] = [codes.inputs.ravel()]
    return {kind: np.concatenate(parts) for kind, parts in by_word.items()}


def trim_of_chips(build: Build, path: Path, variation: Variation, chips: int) -> Trim:
    """Read the codes of sampled chips.

    Raises
    ------
    ConfigurationError
        They are of another circuit, or damaged.
    UsageError
        They are of other chips, or of fewer.
    """
    trim = read_trim(build, path)
    if trim.variation is None:
        raise UsageError(f"{path} holds codes of measured chips, not of chips of a seed")
    if trim.variation != variation:
        made_for = trim.variation
        kinds = f"seed {made_for.seed}, {'' if made_for.mismatch else 'no '}mismatch"
        kinds += f", {'' if made_for.process else 'no '}process"
        raise UsageError(f"{path} holds codes of other chips ({kinds})")
    if len(trim) < chips:
        raise UsageError(f"{path} holds codes of {len(trim)} chips; {chips} are asked for")
    return trim


def programmed_chips(
    build: Build, path: Path, variation: Variation, chips: int
) -> tuple[Programmed, ...]:
    """Return what is set on sampled chips, see :func:`trim_of_chips`."""
    trim = trim_of_chips(build, path, variation, chips)
    return tuple(trim.programmed(chip) for chip in range(chips))


def refuse_foreign(path: Path) -> None:
    """See that codes would replace nothing but codes.

    Raises
    ------
    UsageError
        There is a file of another kind.
    """
    if not path.is_file():
        return
    with suppress(ConfigurationError):
        if read_json(path).get("format") == head("trim")["format"]:
            return
    raise UsageError(f"{path} is no file of netgen trim and would be overwritten; choose another")


def write_trim(build: Build, trim: Trim, more: Mapping[str, object], path: Path) -> None:
    """Write codes as JSON; ``more`` are the fields of the schema that say how they were found."""
    refuse_foreign(path)
    span, variation = trim.codes.span, trim.variation
    document = {
        **head("trim"),
        "circuit": build.identity,
        "edited": list(build.edited),
        "chips": len(trim),
        "names": list(trim.names),
        "seed": None if variation is None else variation.seed,
        "mismatch": variation is not None and variation.mismatch,
        "process": variation is not None and variation.process,
        "bits": span.bits,
        "low": span.low,
        "high": span.high,
        "biases": {node: codes.tolist() for node, codes in trim.codes.biases.items()},
        "inputs": None if trim.codes.inputs is None else trim.codes.inputs.tolist(),
        **more,
    }
    with held(build):
        write_whole(path, json.dumps(document) + "\n")


def read_trim(build: Build, path: Path) -> Trim:
    """Read codes that ``netgen trim`` wrote for this circuit.

    Raises
    ------
    ConfigurationError
        The file is damaged, of another version, or of another circuit.
    """
    data = read_json(path, "run netgen trim again")
    expected = head("trim")
    if any(data.get(key) != value for key, value in expected.items()):
        raise ConfigurationError(str(path), ["is no file of netgen trim of this version"])
    if data.get("circuit") != build.identity:
        raise ConfigurationError(str(path), ["is of another circuit; run netgen trim again"])
    try:
        kind = DacRange if build.options.bias == "programmable" else CodeRange
        ends = float(number_at(data, "low")), float(number_at(data, "high"))
        span = kind(whole_at(data, "bits"), *ends)
        biases = {
            layer.node: _codes(list_at(data, "biases", layer.node), layer.wanted.shape, span)
            for layer in circuit_of(build).cells
        }
        inputs = None
        if data["inputs"] is not None:
            inputs = _codes(list_at(data, "inputs"), (build.model.input_size,), span)
        variation = None
        if data["seed"] is not None:
            variation = variation_of(data)
        trim = Trim(Codes(span, biases, inputs), texts_at(data, "names"), variation)
        if any(len(codes) != whole_at(data, "chips") for codes in biases.values()):
            raise ValueError(data["chips"])
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError(str(path), ["is damaged; run netgen trim again"]) from None
    return trim


def _codes(data: Json, shape: tuple[int, ...], span: CodeRange) -> Integers:
    codes = np.array(data, dtype=np.intp)
    if codes.shape[1:] != shape or codes.min() < 0 or codes.max() > span.last:
        raise ValueError(shape)
    return codes


@dataclass(frozen=True, eq=False)
class MeasuredChips:
    """What was measured of real chips at nominal codes."""

    names: tuple[str, ...]  #: Of the chips.
    cells: Mapping[str, CellFigures]  #: By cell node.
    #: Changes of the candidates' currents with each input over software's, (chips, channels).
    gains: Floats | None = None


def read_measurements(path: Path, model: Model, inputs: bool = False) -> MeasuredChips:
    """Read what was measured of real chips: a file of format ``netgen-measurements``.

    Parameters
    ----------
    inputs
        Whether the gains of inputs are needed too.

    Raises
    ------
    ConfigurationError
        The file is no such file, or lacks a cell or an input; every violation at its path in the
        file.
    """
    data = read_json(path, "netgen schema measurements tells what it must be")
    expected = head("measurements")
    if any(data.get(key) != value for key, value in expected.items()):
        problem = f"is no file of format {MEASUREMENTS}, version {expected['version']}"
        raise ConfigurationError(str(path), [problem])
    chips = data.get("chips")
    if not isinstance(chips, list) or not chips:
        raise ConfigurationError(str(path), ["chips: must be a list of measured chips"])
    entries = [chip if isinstance(chip, dict) else {} for chip in chips]
    problems: list[str] = []

    def measured(count: int, what: str, *place: str) -> Floats:
        values = [_measured(entry, place, count) for entry in entries]
        for at, each in enumerate(values):
            if each is None:
                problems.append(f"chips[{at}].{'.'.join(place)}: must be {count} {what}")
        return np.array([np.ones(count) if each is None else each for each in values])

    cells = {}
    for cell in model.cells:
        figures = (
            measured(cell.triggers, _CURRENTS, "cells", cell.name, key) / model.unit_current
            for key in _FIGURES
        )
        before = len(problems)
        each = cells[cell.name] = CellFigures(*figures)
        if len(problems) == before:
            above = np.flatnonzero((each.falling >= each.rising).any(axis=1))
            place = f"cells.{cell.name}.falling: must be below rising"
            problems += [f"chips[{at}].{place}" for at in above]
    gains = measured(model.input_size, "gains above 0", "inputs") if inputs else None
    if problems:
        raise ConfigurationError(str(path), problems)
    names = tuple(str(entry.get("name", at)) for at, entry in enumerate(entries))
    return MeasuredChips(names, cells, gains)


def _measured(entry: Mapping[str, Json], place: tuple[str, ...], count: int) -> Floats | None:
    """Return so many measured numbers, None if they are not there; only ``falling`` may be 0."""
    try:
        listed = list_at(entry, *place)
        values = np.array(
            [np.nan if v is None else number_at(listed, at) for at, v in enumerate(listed)]
        )
    except WrongKindError:
        return None
    falls = place[-1] == "falling"
    if falls:
        values = np.where(np.isnan(values), 0.0, values)
    most = 1.0 if place[0] == "cells" else np.inf
    legal = np.all(np.abs(values) < most) and (falls or np.all(values > 0))
    return values if values.shape == (count,) and legal else None


def trim_of_measurements(
    build: Build, path: Path, span: CodeRange, inputs: bool = False
) -> tuple[Trim, int]:
    """Return the codes of measured chips, and how many of them should be set further.

    Measurements at nominal codes are made once, so one step is all that they allow.
    """
    read = read_measurements(path, build.model, inputs)
    trimmed = trim_measured(
        circuit_of(build), lambda _: read.cells, span, len(read.names), rounds=1
    )
    codes, beyond = trimmed.codes, trimmed.beyond
    if read.gains is not None:
        logs = -np.log(read.gains)
        codes, beyond = replace(codes, inputs=span.nearest(logs)), beyond + span.beyond(logs)
    return Trim(codes, read.names), beyond


def initial_codes(chips: SampledChips, span: CodeRange, inputs: bool) -> Codes:
    """Return the codes that sampled chips begin with."""
    return nominal_codes(chips.fast.twin.circuit, span, len(chips), inputs)
