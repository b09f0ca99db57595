"""What the circuit showed, as arrays over all samples: the settled values of every node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from netgen.analysis.power.consumption import PowerFigures, PowerTally
from netgen.errors import ConfigurationError
from netgen.model import INPUT, Model, is_signed, node_value
from netgen.model.graph import Bools, Floats
from netgen.simulation.traces import Traces


@dataclass(frozen=True, eq=False)
class SettledTraces:
    """The circuit's answers to several samples, without their waves."""

    sample: tuple[int, ...]  #: Index of each sample in its file, (samples,).
    #: Every node of the model, each (samples, frames, units), software units. Nodes without a
    #: gate net are re-formed, see :func:`observe`.
    values: Mapping[str, Floats]
    #: By cell node, (samples, frames, triggers), as the output current says: the cell is above half
    #: of its level.
    states: Mapping[str, Bools]
    #: Smallest and largest value in each frame of the nodes that drive cells (the exact input
    #: excepted), transients included, (samples, frames, units, 2). NaN, which crosses no threshold,
    #: where the engine does not show transients.
    extremes: Mapping[str, Floats]
    #: ``power_w``, ``cpu_s``, ``timepoints``: by sample, each (samples,).
    power_w: Floats
    cpu_s: Floats
    timepoints: np.ndarray
    #: ``attempts``, ``simulators``, ``engines``: the attempt of the retry sequence, the simulator
    #: and the engine that counted, by sample.
    attempts: tuple[str, ...]
    simulators: tuple[str, ...]
    engines: tuple[str, ...]
    #: How many states a transient could have decided that the engine does not show, by sample.
    unseen: tuple[int, ...]
    input_edges: tuple[float, ...]  #: Rise times of the input steps, s, by sample.
    power: PowerFigures | None  #: Where the supply power went; None where the traces do not tell.


def has_gate_net(model: Model, name: str) -> bool:
    """Tell whether a node's value flows somewhere in the circuit as one current.

    It does for relu nodes and cell nodes and for the readout. A signed sum that is not the readout
    exists only inside the row of each consumer.
    """
    return name == model.readout.node or not is_signed(model.by_name[name])


def observe(model: Model, x: Floats, traces: Iterable[Traces]) -> SettledTraces:
    """Stack traces, one a sample of ``x`` and in its order; each is let go of after reading.

    Signed nodes other than the readout are re-formed: the model's own weights on the circuit's
    first-quadrant signals (and on the exact input). A signed readout node that feeds further
    nodes gives them its re-formed value, as the circuit does, not the measured one. Inputs are in
    units, (samples, frames, channels).

    Raises
    ------
    ConfigurationError
        A trace lacks a node, has another shape, or holds a value that is not finite.
    ValueError
        There are not as many traces as samples.
    """
    count, frames = x.shape[:2]
    names = [node.name for node in model.nodes if has_gate_net(model, node.name)]
    currents = {name: np.empty((count, frames, model.sizes[name])) for name in names}
    driving = {cell.input for cell in model.cells} - {INPUT}
    extremes = {name: np.full((count, frames, model.sizes[name], 2), np.nan) for name in driving}
    scalars = []
    tally = PowerTally(model)
    for position, trace in enumerate(traces):
        if position >= count:
            raise ValueError(f"more traces than the {count} samples")
        _check(trace, trace.frames, {name: array.shape[1:] for name, array in currents.items()})
        if trace.shows_transients:
            shapes = {name: array.shape[1:] for name, array in extremes.items()}
            _check(trace, trace.extremes, shapes)
        for name in names:
            currents[name][position] = trace.frames[name]
        for name in trace.extremes:
            extremes[name][position] = trace.extremes[name]
        tally.add(trace)
        scalars.append(
            (
                trace.sample,
                trace.power_w,
                trace.cpu_s,
                trace.timepoints,
                trace.attempt,
                trace.simulator,
                trace.engine,
                trace.unseen,
                trace.input_edge,
            )
        )
    if len(scalars) < count:
        raise ValueError(f"{len(scalars)} traces for {count} samples")
    sample, power, cpu, points, attempts, simulators, engines, unseen, edges = (
        zip(*scalars, strict=True) if scalars else ((),) * 9
    )
    return SettledTraces(
        sample=sample,
        values=_reform(model, x, currents),
        states={cell.name: cell.read(currents[cell.name]) for cell in model.cells},
        extremes=extremes,
        power_w=np.array(power, dtype=np.float64),
        cpu_s=np.array(cpu, dtype=np.float64),
        timepoints=np.array(points, dtype=np.int64),
        attempts=attempts,
        simulators=simulators,
        engines=engines,
        unseen=unseen,
        input_edges=edges,
        power=tally.figures(),
    )


def _check(
    trace: Traces, signals: Mapping[str, Floats], expected: Mapping[str, tuple[int, ...]]
) -> None:
    problems = []
    for name, shape in expected.items():
        if name not in signals:
            problems.append(f"node {name!r} is missing")
        elif signals[name].shape != shape:
            problems.append(f"node {name!r} is {signals[name].shape}, not {shape}")
        elif not np.isfinite(signals[name]).all():
            problems.append(f"node {name!r} holds a value that is not finite")
    if problems:
        hint = "run netgen sim again with this build"
        source = f"traces of sample {trace.sample}"
        raise ConfigurationError(source, [f"{problem}; {hint}" for problem in problems])


def _reform(model: Model, x: Floats, currents: Mapping[str, Floats]) -> dict[str, Floats]:
    values: dict[str, Floats] = {INPUT: np.asarray(x, dtype=np.float64)}
    for node in model.nodes:
        values[node.name] = node_value(node, values) if is_signed(node) else currents[node.name]
    return values | {model.readout.node: currents[model.readout.node]}
