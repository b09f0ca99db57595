"""Circuit against software, sample by sample: the numbers of ``report.json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import MappingProxyType

import numpy as np

from netgen.analysis.comparison.limits import LimitTally, Settling
from netgen.analysis.comparison.metrics import error_figures, is_constant, mean, rms, share
from netgen.analysis.comparison.nodes import unexercised, unit_errors
from netgen.analysis.comparison.race import NEAR
from netgen.analysis.comparison.results import (
    LISTED,
    Comparison,
    Divergence,
    NodeComparison,
    SampleComparison,
    SimulationCost,
    UnexplainedState,
)
from netgen.analysis.comparison.settled import SettledTraces, has_gate_net, observe
from netgen.analysis.comparison.slow import frame_needed
from netgen.analysis.comparison.states import CAUSES, Cause, CellStates, read_states
from netgen.analysis.comparison.ties import leaders, possible_classes, tied
from netgen.analysis.comparison.winners import WinnerTally
from netgen.characterise import CellSpeed
from netgen.errors import UsageError
from netgen.model import Cell, Model, Samples, decide, evaluate, margin, op_of, states_before
from netgen.model.graph import Bools, Floats
from netgen.simulation.traces import Traces, shows_transients


def compare(
    model: Model,
    samples: Samples,
    traces: Iterable[Traces],
    failures: Mapping[int, str] = MappingProxyType({}),
    speeds: Mapping[str, CellSpeed] | None = None,
) -> Comparison:
    """Compare the circuit with the software model.

    Parameters
    ----------
    samples
        The samples that were simulated.
    traces
        Their traces, in the same order; consumed one by one, only settled values are kept.
    failures
        Class of failure by index (in the samples file) of every sample that gave no traces.
    speeds
        Measured times of cells by cell node, see :func:`netgen.characterise.cell_speeds`.

    Raises
    ------
    ConfigurationError
        Traces do not fit the model or the samples.
    UsageError
        There is neither a trace nor a failure.
    """
    if not len(samples) and not failures:
        raise UsageError("no sample was simulated; run netgen sim first")
    tally, winners = LimitTally(model), WinnerTally()
    settled = observe(model, samples.x, winners.watched(tally.watched(traces)))
    needed = None if speeds is None else frame_needed(model, speeds)
    readings = _readings(model, samples, settled, speeds)
    states, entries = readings.states, readings.entries()
    free = np.array([entry.logit_rmse_fs for entry in entries])
    same = np.array([entry.logit_rmse_same_state_fs for entry in entries])
    over_range = _over_range(readings, same)
    output = model.readout.node
    named = winners.agreement(
        settled.values[output], readings.software[output], readings.full_scale
    )
    agreeing = [reading.circuit == reading.software for reading in states.values()]
    expected = [(r.circuit == r.expected)[r.clear] for r in states.values()]
    return Comparison(
        samples=entries,
        nodes=_nodes(readings) if entries else (),
        unexplained=tuple(islice(_unexplained(readings), LISTED)),
        failures=dict(sorted(failures.items())),
        frames=samples.x.shape[1],
        units=sum(cell.size for cell in model.cells),
        readout_frames=(model.readout.start, model.readout.stop),
        logit_full_scale=readings.full_scale,
        ties=sum(bool(entry.tie) for entry in entries),
        tied_frames=sum(entry.tied_frames for entry in entries),
        decision_agreement=share(np.array([e.agrees for e in entries if not e.undecided])),
        frame_agreement=mean(np.array(_known([entry.frame_agreement for entry in entries]))),
        state_agreement=share(_joined(agreeing)),
        state_agreement_clear=share(_joined(expected)),
        state_clear_share=share(_joined([reading.clear for reading in states.values()])),
        winner_agreement=named.circuit,
        winner_agreement_software=named.software,
        logit_rmse_fs=mean(free),
        logit_rmse_fs_max=float(free.max()) if entries else None,
        logit_rmse_same_state_fs=mean(same),
        logit_rmse_same_state_fs_max=float(same.max()) if entries else None,
        logit_rmse_same_state_own=mean(over_range),
        logit_rmse_same_state_own_max=float(over_range.max()) if over_range.size else None,
        changes_software=_changes(model, {n: r.software for n, r in states.items()}),
        changes_circuit=_changes(model, {n: r.circuit for n, r in states.items()}),
        accuracy_software=_accuracy(samples, [entry.class_software for entry in entries]),
        accuracy_circuit=_accuracy(samples, [entry.class_circuit for entry in entries]),
        power_w=mean(settled.power_w),
        energy_j=mean(np.array([entry.energy_j for entry in entries])),
        unit_errors=unit_errors(model, settled) if entries else (),
        unexercised=unexercised(model, settled) if entries else (),
        power=settled.power,
        settling=Settling(model.frame_period, needed, tally.moving()),
        cost=_cost(settled),
        software=readings.software,
        same_state=readings.same_state,
        circuit=settled.values,
        states=states,
    )


@dataclass(frozen=True, eq=False)
class _Readings:
    """What all figures are made of; makes the sample-by-sample entries."""

    model: Model
    samples: Samples
    settled: SettledTraces
    software: Mapping[str, Floats]
    same_state: Mapping[str, Floats]
    states: Mapping[str, CellStates]
    full_scale: float

    def entries(self) -> tuple[SampleComparison, ...]:
        if not len(self.samples):
            return ()
        readout = self.model.readout
        free, circuit = self.software[readout.node], self.settled.values[readout.node]
        classes = decide(readout, free), decide(readout, circuit)
        margins = margin(readout, free), margin(readout, circuit)
        return tuple(
            self.entry(at, *(int(c[at]) for c in classes), *(float(m[at]) for m in margins))
            for at in range(len(self.samples))
        )

    def entry(
        self, at: int, soft: int, circ: int, margin_soft: float, margin_circ: float
    ) -> SampleComparison:
        model, settled = self.model, self.settled
        name, window = model.readout.node, slice(model.readout.start, model.readout.stop)
        circuit = settled.values[name][at]
        same_winner = self.software[name][at].argmax(1) == circuit.argmax(1)
        undecided = self.undecided[at]
        duration = circuit.shape[0] * model.frame_period
        readings = self.states.values()
        return SampleComparison(
            sample=settled.sample[at],
            id=self.samples.ids[at],
            label=None if self.samples.y is None else int(self.samples.y[at]),
            class_software=soft,
            class_circuit=circ,
            margin_software=margin_soft,
            margin_circuit=margin_circ,
            tie=self.tie(at),
            tied_frames=int(tied(self.leaders[at, window]).sum()),
            frame_agreement=share(same_winner[window][~undecided[window]]),
            logit_rmse_fs=rms(circuit - self.software[name][at]) / self.full_scale,
            logit_rmse_same_state_fs=rms(circuit - self.same_state[name][at]) / self.full_scale,
            flips=count_causes(reading.cause[at] for reading in readings),
            unexplained=sum(int(reading.unexplained[at].sum()) for reading in readings),
            race_forecast=sum(int(reading.race_forecast[at].sum()) for reading in readings),
            slow_forecast=sum(int(reading.slow_forecast[at].sum()) for reading in readings),
            first_divergence=self.first_divergence(at),
            power_w=float(settled.power_w[at]),
            energy_j=float(settled.power_w[at]) * duration,
            cpu_s=float(settled.cpu_s[at]),
            timepoints=int(settled.timepoints[at]),
            attempt=settled.attempts[at],
        )

    @cached_property
    def leaders(self) -> Bools:
        """Classes that software does not tell from the largest, (samples, frames, classes)."""
        return leaders(self.software[self.model.readout.node], self.full_scale)

    @cached_property
    def undecided(self) -> Bools:
        """Frames tied in which the circuit's largest is one of those tied, (samples, frames)."""
        winner = self.settled.values[self.model.readout.node].argmax(axis=2)
        inside = np.take_along_axis(self.leaders, winner[..., np.newaxis], axis=2)[..., 0]
        undecided: Bools = tied(self.leaders) & inside
        return undecided

    def tie(self, at: int) -> tuple[int, ...]:
        """Return the classes between which a sample is tied; () where software decides."""
        readout = self.model.readout
        logits = self.software[readout.node][at : at + 1]
        possible = np.flatnonzero(possible_classes(readout, logits, self.full_scale)[0])
        return tuple(map(int, possible)) if len(possible) > 1 else ()

    def first_divergence(self, at: int) -> Divergence | None:
        divergences = []
        for order, node in enumerate(self.model.nodes):
            if isinstance(node, Cell):
                causes = self.states[node.name].cause[at]
                places = np.argwhere(causes)
                if len(places):
                    frame, trigger = (int(index) for index in places[0])
                    unit = trigger // node.rungs
                    cause = CAUSES[causes[frame, unit] - 1]
                    divergences.append((frame, order, Divergence(frame, node.name, unit, cause)))
            if node.name == self.model.readout.node:
                readout = self.readout_divergence(at)
                if readout is not None:
                    divergences.append((readout.frame, order, readout))
        return min(divergences, key=lambda entry: entry[:2])[2] if divergences else None

    def readout_divergence(self, at: int) -> Divergence | None:
        """The first frame of the readout's window whose largest unit differs."""
        readout = self.model.readout
        free, circuit, same = (
            values[readout.node][at]
            for values in (self.software, self.settled.values, self.same_state)
        )
        for frame in range(readout.start, readout.stop):
            winner, expected = int(circuit[frame].argmax()), int(free[frame].argmax())
            if winner == expected or self.undecided[at, frame]:
                continue
            lead = free[frame, expected] - free[frame, winner]
            if same[frame].argmax() == winner:
                cause: Cause = "propagated"
            elif lead <= NEAR * self.full_scale:
                cause = "near_threshold"
            else:
                cause = "clear"
            return Divergence(frame, readout.node, winner, cause)
        return None


def _readings(
    model: Model, samples: Samples, settled: SettledTraces, speeds: Mapping[str, CellSpeed] | None
) -> _Readings:
    software = evaluate(model, samples.x)
    same_state = evaluate(model, samples.x, settled.states)
    return _Readings(
        model=model,
        samples=samples,
        settled=settled,
        software=software,
        same_state=same_state,
        states=read_states(model, samples.x, software, same_state, settled, speeds),
        full_scale=full_scale(software[model.readout.node]),
    )


def _over_range(readings: _Readings, same: Floats) -> Floats:
    """Return same-state errors as shares of each sample's own range, where it has one."""
    logits = readings.software[readings.model.readout.node]
    moving = [at for at in range(len(same)) if not is_constant(logits[at])]
    ranges = np.array([np.ptp(logits[at]) for at in moving])
    over_range: Floats = same[moving] * readings.full_scale / ranges
    return over_range


def _changes(model: Model, states: Mapping[str, Bools]) -> int:
    """Count how often a trigger takes another state than the frame before."""
    return sum(int((states[c.name] != states_before(c, states[c.name])).sum()) for c in model.cells)


def _known(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _joined(parts: list[Bools]) -> Bools:
    return np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0, np.bool_)


def _accuracy(samples: Samples, classes: list[int]) -> float | None:
    return None if samples.y is None else share(np.array(classes) == samples.y)


def full_scale(logits: Floats) -> float:
    """Return what logit errors are shares of: max − min of logits, any shape; 1.0 of constants."""
    if not logits.size or is_constant(logits):
        return 1.0
    return float(np.ptp(logits))


def _cost(settled: SettledTraces) -> SimulationCost:
    attempts = dict.fromkeys(settled.attempts, 0)
    for label in settled.attempts:
        attempts[label] += 1
    return SimulationCost(
        simulators=tuple(sorted(set(settled.simulators))),
        engines=tuple(sorted(set(settled.engines))),
        unseen=sum(not shows_transients(engine) for engine in settled.engines),
        unseen_states=sum(settled.unseen),
        input_edges=tuple(sorted(set(settled.input_edges))),
        cpu_s=float(settled.cpu_s.sum()),
        timepoints=int(settled.timepoints.sum()),
        attempts=attempts,
    )


def _nodes(readings: _Readings) -> tuple[NodeComparison, ...]:
    model, settled = readings.model, readings.settled
    comparisons = []
    for node in model.nodes:
        circuit, reading = settled.values[node.name], readings.states.get(node.name)
        comparisons.append(
            NodeComparison(
                node=node.name,
                op=op_of(node),
                units=model.sizes[node.name],
                observed="line" if has_gate_net(model, node.name) else "re-formed",
                free_running=error_figures(circuit, readings.software[node.name]),
                same_state=error_figures(circuit, readings.same_state[node.name]),
                flips=None if reading is None else count_causes([reading.cause]),
                races=None if reading is None else int(reading.race.sum()),
                transients=None if reading is None else int(reading.transient.sum()),
            )
        )
    return tuple(comparisons)


def _unexplained(readings: _Readings) -> Iterator[UnexplainedState]:
    for cell in readings.model.cells:
        reading = readings.states[cell.name]
        before = states_before(cell, reading.circuit)
        for at, frame, trigger in np.argwhere(reading.unexplained).tolist():
            unit = trigger // cell.rungs
            yield UnexplainedState(
                sample=readings.settled.sample[at],
                frame=frame,
                node=cell.name,
                unit=unit,
                candidate=float(readings.same_state[cell.input][at, frame, unit]),
                falling=float(cell.falling[trigger]),
                rising=float(cell.rising[trigger]),
                was_high=bool(before[at, frame, trigger]),
                high=bool(reading.circuit[at, frame, trigger]),
            )


def count_causes(causes: Iterable[np.ndarray]) -> dict[Cause, int]:
    """Count the causes in code arrays (see :class:`CellStates`) of any shape, all present."""
    codes = np.concatenate([np.ravel(part) for part in causes] or [np.empty(0, np.int8)])
    counts = np.bincount(codes, minlength=1 + len(CAUSES))
    return {cause: int(counts[1 + index]) for index, cause in enumerate(CAUSES)}
