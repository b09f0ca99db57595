"""Measure the mirrors and cells of a build's netlist against the learned values: no samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from netgen._version import __version__
from netgen.analysis.comparison.sum_plan import SumPart, SumPlan, operation, plan_sums
from netgen.analysis.comparison.verification import (
    CellFigure,
    MirrorFigure,
    SumFigure,
    Verification,
    never_started,
    read_cells,
    read_sums,
)
from netgen.arrays import Floats
from netgen.circuit import CellLayer, Circuit, GateNet, Layer, SummingLayer, parameter_path
from netgen.circuit.netlist import Netlist
from netgen.circuit.nets import net
from netgen.document import Json, WrongKindError, number_at, table_at, tables_at, text_at
from netgen.errors import ConfigurationError, SimulationError
from netgen.netlist import GateLoad, Network, Workbench
from netgen.netlist.characterisation import ACCURATE
from netgen.netlist.deck import Voltage
from netgen.netlist.verification import CellsBench, SummingBench, VerificationBench
from netgen.project.design import read_design, read_netlist
from netgen.project.reading import Build, calibrated_for, held, prepared
from netgen.project.record import VERIFICATION, read_record, write_sealed
from netgen.simulators import Job, Waveforms, job_of, key, run_all

T = TypeVar("T")
_STEP = 0.005
"""Step of the storage nodes' voltage, V."""
_RAMP = 401
"""Points of a ramp of candidates."""
_TIMEOUT = 600.0
"""Wall seconds for a layer, and :data:`_EACH` for every transistor of the network."""
_EACH = 0.1


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer under test, or some signals of it, with the job that measures it."""

    layer: Layer
    bench: SummingBench | CellsBench
    plan: SumPlan | None
    job: Job
    rung: int = 0
    part: SumPart | None = None


def verify(build: Build, workers: int, watch: Callable[[int, int], None]) -> Verification:
    """Measure a build's netlist, layer by layer, and write ``verify.json``.

    Parameters
    ----------
    workers
        Simulations at a time.
    watch
        Called with how many decks are done and how many there are.

    Raises
    ------
    ConfigurationError
        The netlist was edited so that its layers cannot be told apart, or its record is damaged.
    ToolMissingError
        The simulator or the PDK is missing.
    """
    technology, at, unit = prepared(build)
    circuit = build.options.circuit(build.model, unit)
    network = Network(read_netlist(build, technology), technology)
    bench = VerificationBench(Workbench(circuit, technology, at, network, GateLoad({}, {})))
    where = operation(circuit, calibrated_for(build))
    built, _ = read_design(build)
    timeout = _TIMEOUT + _EACH * build.transistors
    plans = {circuit.prefix(s): plan_sums(circuit, s, where) for s in circuit.summing_layers}
    decks = {prefix: list(plan.parts()) for prefix, plan in plans.items()}
    sources = _gate_jobs(bench, plans.values(), timeout)
    total = len(sources) + sum(map(len, decks.values())) + sum(c.cell.rungs for c in circuit.cells)
    gates: dict[str, dict[str, Floats]] = {}
    cpu_s = 0.0
    source_of = {job.name: source for source, job in sources.items()}
    for done, (job, result) in enumerate(run_all(list(sources.values()), workers), 1):
        watch(done, total)
        if not isinstance(result, SimulationError):  # without them the sources stand in the decks
            seen = {each.net: result[each] for each in job.names if isinstance(each, Voltage)}
            gates[source_of[job.name]] = seen
            cpu_s += result.cpu_s
    under_tests = _layers(circuit, bench, plans, decks, timeout, gates)
    layers = {each.job.name: each for each in under_tests}
    mirrors: list[MirrorFigure] = []
    rows: list[SumFigure] = []
    cells: list[CellFigure] = []
    failures: dict[str, str] = {}
    parts: dict[str, list[tuple[SumPart, Floats]]] = {}
    jobs = [each.job for each in layers.values()]
    for done, (job, result) in enumerate(run_all(jobs, workers), 1 + len(sources)):
        technology.check_unchanged()
        watch(done, total)
        under_test = layers[job.name]
        layer = under_test.layer
        if isinstance(result, SimulationError):
            failures[layer.node] = result.kind
            continue
        cpu_s += result.cpu_s
        if isinstance(layer, CellLayer):
            of_cells, never = _read_cells(circuit, under_test, result)
            cells += of_cells
            if never:
                known = [failures[layer.node]] if layer.node in failures else []
                failures[layer.node] = ", ".join([*known, *never])
        else:
            assert under_test.plan is not None
            assert under_test.part is not None
            measured = parts.setdefault(circuit.prefix(layer), [])
            measured.append((under_test.part, _sums(under_test.bench, result)))
            if len(measured) < len(decks[circuit.prefix(layer)]):
                continue
            sums = _assembled(under_test.plan, measured)
            if not np.isfinite(sums).all():
                failures[layer.node] = "not finite"
                continue
            drawn = _drawn(circuit, layer, built["ideal"])
            figures = read_sums(circuit, under_test.plan, where, sums, *drawn)
            mirrors += figures[0]
            rows += figures[1]
    order = {layer.node: place for place, layer in enumerate(circuit.layers)}
    verification = Verification(
        tuple(sorted(mirrors, key=lambda f: order[f.node])),
        tuple(sorted(rows, key=lambda f: order[f.node])),
        tuple(sorted(cells, key=lambda f: order[f.node])),
        dict(sorted(failures.items(), key=lambda f: order[f[0]])),
        cpu_s,
    )
    with held(build):
        write_sealed(build.folder.verification, VERIFICATION, _content(build, verification))
    return verification


def _sums(bench: SummingBench | CellsBench, result: Waveforms) -> Floats:
    assert isinstance(bench, SummingBench)
    sums = [np.sum([result[part] for part in parts], axis=0) for parts in bench.sums]
    return np.stack(sums, axis=1)


def _assembled(plan: SumPlan, parts: Sequence[tuple[SumPart, Floats]]) -> Floats:
    """Put the sums of all parts together. Without signals those with all mirrors count.

    Returns
    -------
    Floats
        A, (points, rows).
    """
    together = np.full((plan.points, plan.layer.size), np.nan)
    last = plan.points - 1
    for part, sums in sorted(parts, key=lambda each: each[0].points[-1] != last):
        if part.points[-1] == last:
            together[0, part.rows] = sums[0]
        together[np.ix_(part.points[1:], part.rows)] = sums[1:] - sums[0] + together[0, part.rows]
    return together


def _drawn(
    circuit: Circuit, layer: SummingLayer, built: Netlist
) -> tuple[dict[tuple[str, int, int], float], dict[tuple[str, int, int], str]]:
    """Return what is expected of a layer's mirrors, by (from, row, column), and their parameters.

    What was built counts, also where a netlist was edited since.
    """
    expected: dict[tuple[str, int, int], float] = {}
    names: dict[tuple[str, int, int], str] = {}
    realised = {
        (device.unit, device.parameter, device.gate): device.realised or 0.0
        for each in built.layers
        if each.prefix == circuit.prefix(layer)
        for unit in each.units
        for device in unit.devices
    }
    for mirrors in layer.mirrors:
        learned = bool(mirrors.chains[0])
        for row, column in np.argwhere((mirrors.weight != 0) | learned).tolist():
            path, place = parameter_path(mirrors, row, column), (mirrors.source, row, column)
            gate_net: GateNet = "p" if mirrors.weight[row, column] > 0 else "n"
            gate = net(circuit, mirrors.source, column, gate_net)
            expected[place] = expected.get(place, 0.0) + realised.get((row, path, gate), 0.0)
            names[place] = f"{names[place]} + {path}" if place in names else path
    return expected, names


def _gate_jobs(
    bench: VerificationBench, plans: Iterable[SumPlan], timeout: float
) -> dict[str, Job]:
    """Return the jobs that measure the gate nets of the sources of wide layers, by source.

    Without signals, then in each frame.
    """
    currents = {
        source: np.delete(each, np.arange(1, plan.alone), axis=0)
        for plan in plans
        if plan.wide
        for source, each in plan.currents.items()
    }
    named = ((source, f"verification of gates of {source}") for source in currents)
    return {
        source: job_of(name, bench.gates(source, currents[source]), ACCURATE.retries(), timeout)
        for source, name in named
    }


def _layers(
    circuit: Circuit,
    bench: VerificationBench,
    plans: Mapping[str, SumPlan],
    decks: Mapping[str, Sequence[SumPart]],
    timeout: float,
    gates: Mapping[str, Mapping[str, Floats]],
) -> Iterator[_Layer]:
    for layer in circuit.layers:
        name = f"verification of {circuit.prefix(layer)}"
        if isinstance(layer, CellLayer):
            for rung in range(layer.cell.rungs):
                cells = bench.cells(layer, _candidates(circuit, layer, rung), _STEP, rung)
                title = name if rung == 0 else f"{name}, rung {rung + 1}"
                yield _Layer(layer, cells, None, _job(title, cells, timeout), rung)
        else:
            plan = plans[circuit.prefix(layer)]
            for number, part in enumerate(decks[circuit.prefix(layer)]):
                currents = {source: each[part.points] for source, each in plan.currents.items()}
                held = plan.typical, plan.times[part.points], plan.above[part.points], part.stiff
                rows = bench.sums(layer, currents, held, part.rows, part.gates(plan, gates))
                title = name if number == 0 else f"{name}, part {number + 1}"
                yield _Layer(layer, rows, plan, _job(title, rows, timeout), part=part)


def _job(name: str, bench: SummingBench | CellsBench, timeout: float) -> Job:
    return job_of(name, bench.deck, ACCURATE.retries(), timeout)


def _candidates(circuit: Circuit, layer: CellLayer, rung: int) -> Floats:
    """Return the candidates of a bench, A: the thresholds, or a ramp to twice the upper one."""
    amperes, cell = circuit.model.unit_current, layer.cell
    thresholds = np.stack([cell.rising, cell.falling])[:, rung :: cell.rungs] * amperes
    if layer.block.storages:
        return thresholds
    ramp: Floats = np.linspace(0.0, 2.0, _RAMP)[:, np.newaxis] * thresholds[0]
    return ramp


def _read_cells(
    circuit: Circuit, under_test: _Layer, result: Waveforms
) -> tuple[list[CellFigure], list[str]]:
    layer, bench, rung = under_test.layer, under_test.bench, under_test.rung
    assert isinstance(layer, CellLayer)
    assert isinstance(bench, CellsBench)
    runs, points = bench.shape
    candidates = _candidates(circuit, layer, rung)
    if result.timepoints != runs * points:
        needed = np.full((layer.size, runs, points), np.nan)
        return read_cells(circuit, layer, candidates, needed, needed[:, 0], rung), []
    values = np.array([[result[each] for each in group] for group in bench.currents])
    needed, output = (values[:, place].reshape(-1, runs, points) for place in (0, -1))
    if not layer.block.storages:
        return read_cells(circuit, layer, candidates, needed, output[:, 0], rung), []
    figures = read_cells(circuit, layer, candidates, needed[:, :-1], output[:, 0], rung)
    return figures, never_started(layer, needed, rung)


def _identity(build: Build) -> str:
    mapped = build.digests[build.folder.design.name]
    calibration = build.digests.get(build.folder.calibration.name)
    return key(build.identity, mapped, calibration, __version__)


def _content(build: Build, verification: Verification) -> dict[str, object]:
    head = {
        "circuit": _identity(build),
        "failures": dict(verification.failures),
        "cpu_s": verification.cpu_s,
    }
    figures: dict[str, Sequence[MirrorFigure | SumFigure | CellFigure]] = {
        "mirrors": verification.mirrors,
        "rows": verification.sums,
        "cells": verification.cells,
    }
    kinds = {name: [_finite(each) for each in listed] for name, listed in figures.items()}
    return head | kinds


def _finite(figure: MirrorFigure | SumFigure | CellFigure) -> dict[str, object]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(figure).items()
    }


def read_verification(build: Build) -> Verification | None:
    """Return what was measured of a build's netlist.

    None where it was not, is another since, or where the record of it is damaged: it can be
    measured again.
    """
    try:
        data = read_record(build.folder.verification, VERIFICATION)
        if data["circuit"] != _identity(build):
            return None
        failures = table_at(data, "failures")
        return Verification(
            tuple(_figure(MirrorFigure, record) for record in tables_at(data, "mirrors")),
            tuple(_figure(SumFigure, record) for record in tables_at(data, "rows")),
            tuple(_figure(CellFigure, record) for record in tables_at(data, "cells")),
            {node: text_at(failures, node) for node in failures},
            number_at(data, "cpu_s"),
        )
    except (ConfigurationError, KeyError, TypeError, WrongKindError):
        return None


def _figure(make: Callable[..., T], record: Mapping[str, Json]) -> T:
    values = {
        name: math.nan if value is None and name.startswith("measured") else value
        for name, value in record.items()
    }
    return make(**values)
