"""Noise in a whole network, by the software model: decisions and states against noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from netgen.analysis.noise.devices import SummingNoise
from netgen.analysis.noise.statistics import Interval, share_interval
from netgen.arrays import Floats
from netgen.model import Cell, Model, Samples, decide, evaluate, graph, node_value
from netgen.technology.variation import normals

Values: TypeAlias = Mapping[str, Floats]
Sigma: TypeAlias = Callable[[str, Values], Floats | float]
"""Noise of a row (or of the input), units rms, from its node's name and the values before it."""
Place: TypeAlias = Literal["inputs", "candidates", "rows"]
PLACES: tuple[Place, ...] = ("inputs", "candidates", "rows")
"""Where noise is added: to x, to the rows that feed cells, to every row."""


@dataclass(frozen=True, eq=False)
class Case:
    """A network and what it is tried on."""

    model: Model
    samples: Samples


@dataclass(frozen=True)
class NoiseSampling:
    """How noise is sampled."""

    seed: int = 1  #: Seed of every sample.
    repeats: int = 5  #: Noise samples for each sample of the file.
    #: Independent values in a frame: 2·B·T for white noise up to B. Cells see all of them, rows are
    #: read at the last.
    per_frame: int = 1


@dataclass(frozen=True)
class Immunity:
    """What a network does under noise, against itself without."""

    case: str  #: Name of the model.
    #: ``layers``, ``cells``: BMRU nodes, and their units altogether.
    layers: int
    cells: int
    place: str  #: Where the noise is; ``"intrinsic"`` for that of the circuit's own rows.
    level: float  #: Units rms; of intrinsic noise the mean over rows.
    #: ``decisions``, ``states``: share of equal decisions, and of equal (sample, frame, cell)
    #: states.
    decisions: Interval
    states: Interval | None
    accuracy: Interval | None  #: Share of right decisions, where the samples are labelled.


def rows(model: Model) -> tuple[str, ...]:
    """Return the nodes that are rows of the circuit: each ReLU, and the readout."""
    relus = (node.name for node in model.nodes if isinstance(node, graph.Relu))
    return (*relus, model.readout.node)


def places(model: Model) -> dict[Place, frozenset[str]]:
    """Return where each place is in a model, by the names of nodes."""
    fed = frozenset(cell.input for cell in model.cells)
    return {"inputs": frozenset([graph.INPUT]), "candidates": fed, "rows": frozenset(rows(model))}


def gross_current(model: Model, name: str, values: Values) -> Floats:
    """Return the sum of the magnitudes of all copies that meet in a row, (…, units).

    A row's noise comes from every mirror in it, also where their currents cancel.
    """
    node = model.by_name.get(name)
    if isinstance(node, graph.Linear):
        weighed: Floats = np.abs(values[node.input]) @ np.abs(node.weight).T
        return weighed + np.abs(node.bias)
    if isinstance(node, graph.Add):
        parts = [gross_current(model, source, values) for source in node.inputs]
        return sum(parts[1:], parts[0])
    return np.abs(values[name])


def intrinsic(model: Model, noise: SummingNoise) -> Sigma:
    """Return the noise of the circuit's own rows.

    Each row is taken for a unit row that carries all of its gross current: its diode carries
    less, so this is an estimate from above as far as its mirrors are unit mirrors.
    """
    nodes = frozenset(rows(model))

    def sigma(name: str, values: Values) -> Floats | float:
        if name not in nodes:
            return 0.0
        node = model.by_name[name]
        source = node.input if isinstance(node, graph.Relu) else name
        current = gross_current(model, source, values) * model.unit_current
        return noise.at(current) / model.unit_current

    return sigma


def uniform(names: frozenset[str], level: float) -> Sigma:
    """Return the same noise at some nodes, and none elsewhere."""
    return lambda name, values: level if name in names else 0.0


def evaluate_noisy(
    model: Model, x: Floats, sigma: Sigma, sampling: NoiseSampling, repeat: int
) -> Values:
    """Run the model with noise in its rows.

    A row's noise is added to its sum, before the ReLU; a disturbed input stays above 0. Inputs
    are in units, (samples, frames, channels).

    Returns
    -------
    Mapping
        As :func:`netgen.model.evaluate`, at the end of each frame.
    """

    def sampled(name: str, shape: tuple[int, ...]) -> Floats:
        count = -(-int(np.prod(shape)) // 2)
        flat = normals(sampling.seed, name, repeat * count, count).reshape(-1)
        return flat[: int(np.prod(shape))].reshape(shape)

    def value(node: graph.Node, values: Values) -> Floats:
        spread = sigma(node.name, values)
        if not np.any(spread):
            return node_value(node, values)
        if isinstance(node, graph.Relu):
            row = values[node.input]
            return np.maximum(row + spread * sampled(node.name, row.shape), 0.0)
        ideal = node_value(node, values)
        return ideal + spread * sampled(node.name, ideal.shape)

    held = np.repeat(x, sampling.per_frame, axis=1)
    spread = sigma(graph.INPUT, {graph.INPUT: held})
    if np.any(spread):
        held = np.maximum(held + spread * sampled(graph.INPUT, held.shape), 0.0)
    values = evaluate(model, held, value=value)
    last = sampling.per_frame - 1
    return {name: each[:, last :: sampling.per_frame] for name, each in values.items()}


def study(
    cases: Sequence[Case],
    chosen: Sequence[Place],
    levels: Sequence[float],
    sampling: NoiseSampling,
    noise: Callable[[Model], SummingNoise],
) -> Iterator[Immunity]:
    """Yield what each network does with its own noise, then at each place and level.

    Parameters
    ----------
    levels
        Units rms.
    noise
        Gives the noise of the rows of a model's circuit.
    """
    for case in cases:
        model = case.model
        ideal = evaluate(model, case.samples.x)
        deviation = intrinsic(model, noise(model))
        level = float(np.mean([np.mean(deviation(name, ideal)) for name in rows(model)]))
        yield immunity(case, ideal, deviation, sampling, ("intrinsic", level))
        for place in chosen:
            for level in levels:
                sigma = uniform(places(model)[place], level)
                yield immunity(case, ideal, sigma, sampling, (place, level))


def result_count(cases: Sequence[Case], chosen: Sequence[Place], levels: Sequence[float]) -> int:
    """Return how many results :func:`study` yields."""
    return len(cases) * (1 + len(chosen) * len(levels))


def immunity(
    case: Case, ideal: Values, sigma: Sigma, sampling: NoiseSampling, what: tuple[str, float]
) -> Immunity:
    """Compare a network under noise with its ideal values."""
    model, samples = case.model, case.samples
    expected = decide(model.readout, ideal[model.readout.node])
    decisions, states, right = [], [], []
    for repeat in range(sampling.repeats):
        values = evaluate_noisy(model, samples.x, sigma, sampling, repeat)
        decided = decide(model.readout, values[model.readout.node])
        decisions.append(decided == expected)
        states.append(_equal_states(model.cells, values, ideal))
        if samples.y is not None:
            right.append(decided == samples.y)
    return Immunity(
        model.name,
        len(model.cells),
        sum(cell.size for cell in model.cells),
        *what,
        share_interval(np.mean(decisions, axis=0)),
        share_interval(np.mean(states, axis=0)) if model.cells else None,
        share_interval(np.mean(right, axis=0)) if right else None,
    )


def _equal_states(cells: Sequence[Cell], values: Values, ideal: Values) -> Floats:
    """Return the share of equal states of each sample, (samples,)."""
    equal = [cell.read(values[cell.name]) == cell.read(ideal[cell.name]) for cell in cells]
    return np.concatenate(equal, axis=2).mean(axis=(1, 2)) if equal else np.ones(0)
