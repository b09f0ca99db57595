"""Engines: tasks in a pool, and the proof that parts give what the whole gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netgen.analysis import Comparison, compare
from netgen.circuit.netlist import SUPPLIES
from netgen.errors import SimulationError, UsageError
from netgen.model import Model, Samples
from netgen.model.random import random_model
from netgen.netlist.meters import INPUT_METER
from netgen.project import BuildOptions, SimulationChoices, build, read_build, simulate
from netgen.project.reading import Wires
from netgen.project.simulate import chosen_engine, workbench
from netgen.simulation import Traces, load_traces
from netgen.simulation.engines import ENGINES, WHOLE, Task, choose, run_tasks
from netgen.simulators import Attempt, Job, Waveforms, run_job


class CountingPool:
    """Runs the newest job first, so that batches mix; a job called bad fails."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.jobs: list[Job] = []
        self.most = 0
        self.dismissed = False

    def put(self, job: Job) -> None:
        self.jobs.append(job)
        self.most = max(self.most, len(self.jobs))

    def next_result(self) -> tuple[Job, Waveforms | SimulationError]:
        job = self.jobs.pop()
        if job.name == "bad":
            return job, SimulationError("timeout", "simulation bad failed")
        return job, Waveforms(np.zeros(1), {}, job.name, {}, 1.0, "fake")

    def dismiss(self) -> None:
        self.dismissed = True


def job(name: str) -> Job:
    return Job(name, (Attempt("default", ""),), (), None, 1.0)


def stages(number: int, bad: bool = False) -> Task:
    """Two jobs, then a third that needs both; the results are in the order of the jobs."""
    left, right = yield [job(f"{number} left"), job(f"{number} right")]
    assert (left.attempt, right.attempt) == (f"{number} left", f"{number} right")
    (last,) = yield [job("bad" if bad else f"{number} last")]
    nothing = np.zeros(0)
    return Traces(number, {}, {}, nothing, {}, 0.0, 3.0, last.attempt, "fake")


def test_tasks_run_side_by_side_and_in_order() -> None:
    pool = CountingPool(2)
    results = dict(run_tasks(((n, stages(n)) for n in range(9)), pool))
    assert sorted(results) == list(range(9))
    for number, traces in results.items():
        assert isinstance(traces, Traces)
        assert traces.attempt == f"{number} last"
    assert pool.most <= 2 * pool.workers + 1  # a task may bring more than one job
    assert pool.dismissed


def test_a_job_that_fails_ends_its_task_only() -> None:
    results = dict(run_tasks(((n, stages(n, bad=n == 1)) for n in range(4)), CountingPool(3)))
    failed = {n for n, result in results.items() if isinstance(result, SimulationError)}
    assert failed == {1}
    assert len(results) == 4


def test_a_failure_drops_the_other_jobs_of_its_batch() -> None:
    def both() -> Task:
        yield [job("first"), job("bad")]
        raise AssertionError("goes on without a result")

    pool = CountingPool(4)
    results = dict(run_tasks([(0, both()), (1, stages(1))], pool))
    assert isinstance(results[0], SimulationError)
    assert isinstance(results[1], Traces)


def test_closing_dismisses_the_pool() -> None:
    pool = CountingPool(1)
    running: Iterator[object] = run_tasks(((n, stages(n)) for n in range(3)), pool)
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert pool.dismissed


def test_auto_goes_by_size() -> None:
    assert choose("auto", 1) == choose("auto", WHOLE) == "monolithic"
    assert choose("auto", WHOLE + 1) == "staged"
    assert choose("staged", 1) == "staged"


# The proof: on ngspice, network by network


def simulated(
    folder: Path, model: Model, samples: Samples, engine: str
) -> tuple[Traces, Comparison]:
    build(model, folder, BuildOptions("generic180"))
    made = read_build(folder)
    steps = list(simulate(made, samples, [0], SimulationChoices(2, engine=engine)))
    assert [step.failure for step in steps] == [None]
    traces, _ = load_traces(made.folder.traces(0))
    return traces, compare(model, samples.pick([0]), [traces])


def states(model: Model, traces: Traces) -> np.ndarray:
    cells = [traces.frames[cell.name] > cell.level / 2 for cell in model.cells]
    return np.concatenate(cells, axis=1)


def check_agreement(folder: Path, model: Model, samples: Samples) -> None:
    found = {engine: simulated(folder / engine, model, samples, engine) for engine in ENGINES}
    whole, comparison = found["monolithic"]
    logits = whole.frames[model.readout.node]
    clear = np.concatenate([comparison.states[c.name].clear[0] for c in model.cells], axis=1)
    for engine, (parts, judged) in found.items():
        assert parts.engine == engine
        assert parts.shows_transients == (engine != "staged") == bool(parts.extremes)
        different = states(model, parts) != states(model, whole)
        assert bool(parts.unseen) == (engine == "staged")  # of these networks some are open
        assert judged.cost.unseen_states == parts.unseen
        assert parts.input_edge == pytest.approx(1e-4)
        # staged may only differ where the predictor warned of a race, and in what follows from it
        assert judged.state_agreement_clear in (None, comparison.state_agreement_clear)
        assert not (different & clear)[: np.argmax(different.any(axis=1)) + 1].any()
        same = ~different.any(axis=1)
        assert same.sum() >= len(same) // 2
        error = np.abs(parts.frames[model.readout.node] - logits)[same]
        assert error.max() < 1e-3 * np.ptp(logits)
        assert parts.power_w == pytest.approx(whole.power_w, rel=0.01)
        assert set(parts.frames) == set(whole.frames) == set(parts.waves)
        check_power(parts, whole)


def check_power(parts: Traces, whole: Traces) -> None:
    """The meters' sum is the supply power, and every branch takes the same in any engine."""
    power = parts.power
    assert power.average_w.sum() == pytest.approx(parts.power_w, rel=1e-9)
    assert power.wave_w.shape == (len(parts.time), len(power.branches))
    assert len(set(power.branches)) == len(power.branches)
    expected = dict(zip(whole.power.branches, whole.power.average_w, strict=True))
    assert set(power.branches) == set(expected)
    # settled values without transients do not see the hold of up to .6 of the first frame
    startup = 0.0 if parts.shows_transients else 0.6 / len(parts.frames["logits"])
    for branch, watts in zip(power.branches, power.average_w, strict=True):
        close = (0.01 + startup) * abs(expected[branch]) + 0.001 * whole.power_w
        assert watts == pytest.approx(expected[branch], abs=close), branch
    # over time, too: on a common grid the points are coarser than the simulator's own
    over_time = np.trapezoid(power.wave_w.sum(axis=1), parts.time) / parts.time[-1]
    assert over_time == pytest.approx(parts.power_w, rel=0.02)


@pytest.mark.ngspice
def test_parts_give_what_the_whole_gives(tmp_path: Path) -> None:
    check_agreement(tmp_path, *random_model(2, state=4, layers=2, classes=3, frames=8))


@pytest.mark.ngspice
def test_wires_slow_both_engines_alike(tmp_path: Path) -> None:
    model, samples = random_model(3, state=2, layers=1, classes=2, inputs=2, frames=3)
    build(model, tmp_path, BuildOptions("generic180"))
    plain = read_build(tmp_path)
    devices = workbench(plain, "monolithic").network.netlist.transistors.values()
    driven = {"0", *SUPPLIES, *(d.gate for d in devices if d.role == "start")}
    nets = {net for device in devices for net in device.terminals} - driven
    wired = replace(plain, wires=Wires(dict.fromkeys(nets, 200e-15), "some layout"))
    lines = [line.text for line in workbench(wired, "monolithic").network.plain.whole]
    parts = [line.text for own in workbench(wired, "monolithic").network.plain.units.values()
             for line in own.elements]  # fmt: skip
    for found in (lines, parts):  # each net of the flat circuit once, whole or in parts
        text = "\n".join(found)
        assert len(re.findall(r"(?m)^Cw_", text)) == len(nets)
    settled = {}
    for engine in ENGINES:
        for name, made in (("plain", plain), ("wired", wired)):
            (step,) = simulate(made, samples, [0], SimulationChoices(1, engine=engine))
            assert step.failure is None
            assert step.fresh  # wires are part of the key
            settled[engine, name] = load_traces(made.folder.traces(0))[0]
    logits = {key: traces.frames[model.readout.node] for key, traces in settled.items()}
    scale = np.ptp(logits["monolithic", "plain"])
    for traces in logits.values():
        assert np.abs(traces - logits["monolithic", "plain"]).max() < 2e-3 * scale
    same = [states(model, settled[engine, "wired"]) for engine in ENGINES]
    np.testing.assert_array_equal(same[0], same[1])
    waves = [settled["monolithic", name] for name in ("plain", "wired")]
    times = np.linspace(0.0, 3.0, 3000) * model.frame_period
    moving = [np.interp(times, t.time, t.waves[model.readout.node][:, 0]) for t in waves]
    assert np.abs(moving[0] - moving[1]).max() > 0.01 * scale


@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize(("state", "frames"), [(8, 8), (16, 5)])
def test_larger_networks(tmp_path: Path, state: int, frames: int) -> None:
    check_agreement(tmp_path, *random_model(1, state=state, layers=2, classes=4, frames=frames))


@pytest.mark.ngspice
def test_an_engine_is_part_of_the_key_and_raw_needs_the_whole(tmp_path: Path) -> None:
    model, samples = random_model(3, state=2, layers=1, classes=2, inputs=2, frames=3)
    build(model, tmp_path, BuildOptions("generic180"))
    made = read_build(tmp_path)

    def fresh(engine: str) -> bool:
        (step,) = simulate(made, samples, [0], SimulationChoices(1, engine=engine))
        assert step.failure is None
        return step.fresh

    assert [fresh(e) for e in ("staged", "staged", "monolithic")] == [True, False, True]
    assert chosen_engine(made, SimulationChoices(1, raw=True)) == "monolithic"
    with pytest.raises(UsageError, match="--raw and --nodes need --engine monolithic"):
        chosen_engine(made, SimulationChoices(1, raw=True, engine="staged"))


@pytest.mark.ngspice
def test_a_trimmed_deck_gives_the_very_same_numbers(tmp_path: Path) -> None:
    model, samples = random_model(4, state=2, layers=1, classes=2, inputs=3, frames=3)
    build(model, tmp_path, BuildOptions("generic180"))
    made = read_build(tmp_path)
    (step,) = simulate(made, samples, [0], SimulationChoices(1, engine="monolithic"))
    assert step.failure is None
    traces, _ = load_traces(made.folder.traces(0))
    # the testbench beside it brings the foundry's library and the network as they are
    deck = made.folder.testbench(0).read_text(encoding="utf-8")
    include = '.include "../netlist.cir"'
    assert include in deck
    network = made.folder.netlist.read_text(encoding="utf-8")
    metered = "\n".join(line.text for line in workbench(made, "monolithic").network.plain.whole)
    with_meters = re.sub(r"(?m)^(Ix_\d+_n) vdd ", rf"\1 {INPUT_METER.net} ", deck)
    assert with_meters != deck
    time, logits = logits_of(with_meters.replace(include, metered), model)
    np.testing.assert_array_equal(time, traces.time)
    np.testing.assert_array_equal(logits, traces.waves[model.readout.node])
    # meters change nothing but the last bits, which the choice of time steps makes more of
    time, logits = logits_of(deck.replace(include, network), model)
    settled = (np.arange(3) + 0.99) * model.frame_period
    shown = np.stack([np.interp(settled, time, each) for each in logits.T], axis=1)
    np.testing.assert_allclose(shown, traces.frames[model.readout.node], rtol=1e-5, atol=1e-6)


def logits_of(deck: str, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Run a deck of three frames; return its time points and logits."""
    vectors = tuple(re.findall(r"(?m)^\.save (\S+)", deck))
    result = run_job(Job("plain", (Attempt("default", deck),), vectors, 0.03, 60.0))
    outputs = np.stack([result.vectors[f"vlogits_{k}_out#branch"] for k in range(2)], axis=1)
    return result.scale, (outputs / model.unit_current).astype(np.float32)
