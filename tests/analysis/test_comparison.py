"""Circuit against software: every number by hand, on traces with known deviations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from compared import NONE, one_cell, run, sample_of, two_cells
from hypothesis import given
from hypothesis import strategies as st
from small_models import document, linear
from synthetic_traces import traces_of

from netgen.analysis import Tolerances, compare, verdict
from netgen.analysis.comparison.results import Divergence
from netgen.analysis.comparison.states import Cause
from netgen.circuit.blocks.schmitt9 import Bmru
from netgen.errors import ConfigurationError, UsageError
from netgen.model import Linear, Model, Readout, Samples, evaluate, from_dict, random_model

X = np.array([0.1, 0.5, 0.3, 0.1, 0.3])  # states 0, 1, 1, 0, 0


def test_a_flip_nothing_explains() -> None:
    result = run(one_cell(), sample_of(X), {0: [0, 1, 0, 0, 0]})
    (entry,) = result.samples
    assert entry.first_divergence == Divergence(2, "state", 0, "clear")
    assert entry.flips == NONE | {"clear": 1}
    assert entry.unexplained == 1
    assert entry.sample == 10
    assert entry.id == "id 0"
    assert result.state_agreement == pytest.approx(4 / 5)
    assert result.state_agreement_clear == pytest.approx(4 / 5)
    assert result.state_clear_share == 1.0
    # Software votes high in frames 1 and 2 of 1 … 4 and low in 3 and 4: a tie, so class 0.
    # The circuit's winner differs in frame 2 alone: one vote against three.
    assert (entry.class_software, entry.class_circuit) == (0, 1)
    assert (entry.margin_software, entry.margin_circuit) == (0.0, 0.5)
    assert result.decision_agreement == 0.0
    assert result.frame_agreement == pytest.approx(3 / 4)
    # One of ten logits is off by 1.0, and the software range is 1.0 − 0.0.
    assert result.logit_full_scale == 1.0
    assert result.logit_rmse_fs == pytest.approx(np.sqrt(1 / 10))
    assert result.logit_rmse_same_state_fs == pytest.approx(0.0, abs=1e-15)
    (state,) = result.unexplained
    assert (state.sample, state.frame, state.node, state.unit) == (10, 2, "state", 0)
    assert (state.candidate, state.falling, state.rising) == (0.3, 0.2, 0.4)
    assert (state.was_high, state.high) == (True, False)


def test_a_near_threshold_flip_is_counted_once() -> None:
    x = np.array([0.1, 0.405, 0.3, 0.3, 0.3])  # software: 0 1 1 1 1; 0.405 is 1.25 % above β_hi
    result = run(one_cell(), sample_of(x), {0: [0, 0, 0, 0, 0]})
    (entry,) = result.samples
    assert entry.first_divergence == Divergence(1, "state", 0, "near_threshold")
    assert entry.flips == NONE | {"near_threshold": 1, "propagated": 3}
    assert entry.unexplained == 0
    assert result.state_agreement == pytest.approx(1 / 5)
    assert result.state_agreement_clear == 1.0
    assert result.state_clear_share == pytest.approx(4 / 5)
    assert result.logit_rmse_fs == pytest.approx(np.sqrt(4 / 10))
    assert result.logit_rmse_same_state_fs == pytest.approx(0.0, abs=1e-15)


def test_flip_figures_of_the_nodes() -> None:
    x = np.array([0.1, 0.405, 0.3, 0.3, 0.3])
    result = run(one_cell(), sample_of(x), {0: [0, 0, 0, 0, 0]})
    cand, state, logits = result.nodes
    assert (cand.node, cand.op, cand.units, cand.observed) == ("cand", "relu", 1, "line")
    assert cand.flips is None
    assert cand.races is None
    assert cand.free_running.rmse == 0.0
    assert cand.free_running.correlation == pytest.approx(1.0)
    assert state.flips == NONE | {"near_threshold": 1, "propagated": 3}
    assert state.races == 0
    assert state.free_running.rmse == pytest.approx(np.sqrt(4 * 0.25 / 5))
    assert state.free_running.max_error == 0.5
    assert state.free_running.at == (0, 1, 0)
    assert state.free_running.correlation is None  # the circuit's state never moves
    assert state.same_state.rmse == 0.0
    assert logits.op == "linear"
    assert logits.free_running.max_error == 1.0


def test_a_state_is_read_at_half_alpha() -> None:
    droop = {0: {"state": np.array([0.0, -0.24, -0.26, 0.24, 0.26])[:, None]}}
    result = run(one_cell(), sample_of(X), added=droop)
    assert result.states["state"].circuit[0, :, 0].tolist() == [False, True, False, False, True]
    # The same-state error is what remains against the forced states: α = 0.5.
    errors = np.array([0.0, -0.24, 0.24, 0.24, -0.24])
    expected = np.sqrt(np.mean(errors**2))
    assert result.nodes[1].same_state.rmse == pytest.approx(expected)


def test_full_scale_is_the_range_of_software_over_all_samples() -> None:
    # A sample that stays low gives logits 0 and 0.5; the other adds 1.0: the range is 1.0.
    low = np.full(5, 0.1)
    offset = {0: {"logits": np.full((5, 2), 0.01)}, 1: {"logits": np.full((5, 2), 0.03)}}
    result = run(one_cell(), sample_of(low, X), added=offset)
    assert result.logit_rmse_fs == pytest.approx(0.02)
    assert result.logit_rmse_fs_max == pytest.approx(0.03)
    assert result.logit_rmse_same_state_fs == pytest.approx(0.02)
    assert result.logit_rmse_same_state_fs_max == pytest.approx(0.03)
    alone = run(one_cell(), sample_of(low), added={0: offset[0]})
    assert alone.logit_full_scale == 0.5
    assert alone.logit_rmse_fs == pytest.approx(0.02)


def test_constant_logits_are_measured_in_units() -> None:
    model = replace(one_cell(), readout=Readout("state", "last", 0, 1), classes=("only",))
    offset = {0: {"state": np.full((1, 1), 0.02)}}
    result = run(model, sample_of(np.array([0.1])), added=offset)
    assert result.logit_full_scale == 1.0
    assert result.logit_rmse_fs == pytest.approx(0.02)
    assert result.decision_agreement == result.frame_agreement == 1.0
    assert result.samples[0].margin_software == 0.0
    assert result.nodes[1].free_running.correlation is None


def test_accuracy_power_and_cost() -> None:
    low = np.full(5, 0.1)
    samples = sample_of(X, low, low, y=[0, 1, 0])
    result = run(one_cell(), samples, {0: [0, 1, 0, 0, 0]})
    assert result.accuracy_software == pytest.approx(2 / 3)
    assert result.accuracy_circuit == pytest.approx(1 / 3)
    assert result.decision_agreement == pytest.approx(2 / 3)
    assert [entry.label for entry in result.samples] == [0, 1, 0]
    assert result.power_w == pytest.approx(1e-7)
    assert result.energy_j == pytest.approx(1e-7 * 5 * 0.01)
    assert result.cost.cpu_s == pytest.approx(7.5)
    assert result.cost.timepoints == 3 * 5 * 8
    assert result.cost.attempts == {"fast": 3}
    assert result.cost.simulators == ("ngspice-39",)
    assert (result.frames, result.units) == (5, 1)


def test_no_labels_no_accuracy() -> None:
    result = run(one_cell(), sample_of(X))
    assert result.accuracy_software is None
    assert result.accuracy_circuit is None


@pytest.mark.parametrize(
    ("rule", "frames", "software", "circuit", "tie"),
    [
        ("last", [0, 3], 0, 1, ()),
        ("last", [0, 4], 1, 1, ()),
        ("mean", [1, 3], 0, 0, ()),
        ("mean", [1, 5], 0, 1, (0, 1)),  # of software 0.5 and 0.5
    ],
)
def test_decisions_follow_the_rule(
    rule: str, frames: list[int], software: int, circuit: int, tie: tuple[int, ...]
) -> None:
    result = run(one_cell(rule=rule, frames=frames), sample_of(X), {0: [0, 1, 0, 0, 0]})
    (entry,) = result.samples
    assert (entry.class_software, entry.class_circuit) == (software, circuit)
    assert entry.tie == tie
    assert entry.agrees == (software == circuit or bool(tie))
    if tie:
        assert entry.undecided
        assert result.decision_agreement is None
        assert result.ties == 1


def test_a_race_is_known_for_what_it_is() -> None:
    model, samples = two_cells()
    states = {"low": np.array([[0], [1], [1]]) > 0, "high": np.array([[0], [1], [1]]) > 0}
    result = compare(model, samples, [traces_of(model, samples.x[0], states=states)])
    (entry,) = result.samples
    assert entry.first_divergence == Divergence(1, "high", 0, "race")
    assert entry.flips == NONE | {"race": 1, "propagated": 1}
    assert entry.race_forecast == 1
    assert entry.unexplained == 0
    assert result.state_agreement == pytest.approx(4 / 6)
    assert result.state_agreement_clear == 1.0
    assert result.state_clear_share == pytest.approx(5 / 6)
    assert next(node for node in result.nodes if node.node == "high").races == 1


def test_a_flip_below_propagates_within_the_frame() -> None:
    # Cell "low" fails to rise for no reason; so "high" sees 0.9 and rises as it should.
    model, samples = two_cells()
    states = {"low": np.zeros((3, 1), dtype=bool), "high": np.array([[0], [1], [1]]) > 0}
    result = compare(model, samples, [traces_of(model, samples.x[0], states=states)])
    (entry,) = result.samples
    assert entry.first_divergence == Divergence(1, "low", 0, "clear")
    assert entry.flips == NONE | {"clear": 2, "propagated": 2}
    assert result.state_agreement_clear == pytest.approx(4 / 6)


def test_signed_nodes_are_re_formed_from_the_circuits_currents() -> None:
    model, samples = two_cells()
    noise = np.array([0.01, -0.02, 0.03])[:, None]
    traces = traces_of(model, samples.x[0], added={"low": noise, "logits": 5 * noise[:, [0, 0]]})
    assert set(traces.frames) == {"first_relu", "low", "cand", "high", "logits"}
    result = compare(model, samples, [traces])
    found = {node.node: node for node in result.nodes}
    assert {name for name, node in found.items() if node.observed == "re-formed"} == {
        "first",
        "second",
        "back",
        "sum",
    }
    rms = float(np.sqrt(np.mean(noise**2)))
    assert found["first"].free_running.rmse == 0.0  # of the exact input alone
    assert found["back"].free_running.rmse == pytest.approx(0.6 * rms)
    assert found["sum"].free_running.rmse == pytest.approx(0.6 * rms)
    assert found["cand"].free_running.rmse == 0.0
    assert found["logits"].free_running.rmse == pytest.approx(5 * rms)


def test_a_signed_readout_is_measured_but_feeds_its_consumers_re_formed() -> None:
    model, samples = two_cells()
    longer = with_a_consumer(model)
    traces = traces_of(longer, samples.x[0], added={"logits": np.full((3, 2), 0.1)})
    found = {node.node: node for node in compare(longer, samples, [traces]).nodes}
    assert found["logits"].free_running.rmse == pytest.approx(0.1)
    assert found["after"].free_running.rmse == 0.0


def with_a_consumer(model: Model) -> Model:
    """The model with a signed node that follows its readout."""
    back = model.by_name["back"]
    assert isinstance(back, Linear)
    after = replace(back, name="after", input="logits", weight=np.ones((1, 2)))
    return replace(model, nodes=(*model.nodes, after))


def feed_forward(rule: str = "majority_vote") -> tuple[Model, Samples]:
    model = from_dict(
        document(
            "feed-forward",
            [linear("logits", "x", [[1.0], [0.0]], [0.0, 0.5])],
            frames=(1, 3),
            rule=rule,
            classes=("a", "b"),
        )
    )
    return model, Samples(np.array([[[0.49], [0.51], [1.0]]]), None, ("s",))


@pytest.mark.parametrize(
    ("offsets", "divergence"),
    [
        # Full scale is 1.0 − 0.49; software leads by 0.01 in frame 1, by 0.5 in frame 2.
        ([0.0, 0.0, 0.0], None),
        ([0.1, 0.0, 0.0], None),  # frame 0 is not the readout's
        ([0.0, -0.02, 0.0], Divergence(1, "logits", 1, "near_threshold")),
        ([0.0, 0.0, -0.6], Divergence(2, "logits", 1, "clear")),
    ],
)
def test_without_cells_the_readout_may_diverge(
    offsets: list[float], divergence: Divergence | None
) -> None:
    model, samples = feed_forward()
    added = {"logits": np.array(offsets)[:, None] * [1.0, 0.0]}
    result = compare(model, samples, [traces_of(model, samples.x[0], added=added)])
    assert result.samples[0].first_divergence == divergence
    assert result.units == 0
    assert result.state_agreement is None
    assert result.state_agreement_clear is None
    assert all(check.passed for check in verdict(result, Tolerances()) if check.value is None)


def test_the_earliest_frame_is_the_first_divergence() -> None:
    # The readout nearly ties in frame 1, before a state flips in frame 2.
    model = one_cell()
    logits = model.by_name["logits"]
    assert isinstance(logits, Linear)
    logits = replace(logits, bias=np.array([0.0, 0.99]))
    model = replace(model, nodes=(*model.nodes[:2], logits))
    result = run(
        model,
        sample_of(X),
        {0: [0, 1, 0, 0, 0]},
        {0: {"logits": np.array([0, -0.02, 0, 0, 0])[:, None] * [1.0, 0.0]}},
    )
    assert result.samples[0].first_divergence == Divergence(1, "logits", 1, "near_threshold")


def test_failures_are_kept_and_fail_the_verdict() -> None:
    result = run(one_cell(), sample_of(X), failures={14: "timeout", 3: "crash"})
    assert list(result.failures.items()) == [(3, "crash"), (14, "timeout")]
    assert len(result.samples) == 1
    checks = {check.name: check for check in verdict(result, Tolerances())}
    assert not checks["failures"].passed
    assert checks["failures"].value == 2
    assert all(check.passed for name, check in checks.items() if name != "failures")


def test_when_everything_failed_there_are_no_figures() -> None:
    samples = Samples(np.empty((0, 5, 1)), np.empty(0, dtype=int), ())
    result = compare(one_cell(), samples, [], {0: "timeout"})
    assert result.samples == ()
    assert result.nodes == ()
    for name in ("decision_agreement", "frame_agreement", "state_agreement", "logit_rmse_fs"):
        assert getattr(result, name) is None
    assert result.power_w is None
    assert not any(check.passed for check in verdict(result, Tolerances()))


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(UsageError, match="netgen sim"):
        compare(one_cell(), Samples(np.empty((0, 5, 1)), None, ()), [])


@pytest.mark.parametrize(
    ("frame", "peak", "cause", "clear"),
    [
        (2, 0.45, "race", 1.0),  # beyond β_hi, and beyond both settled values around it
        (2, 0.3985, "race", 1.0),  # within 0.5 % of β_hi below it
        (2, 0.3975, "clear", 4 / 5),
        (3, 0.45, "clear", 4 / 5),  # a transient elsewhere explains nothing here
    ],
)
def test_a_transient_of_the_candidate_explains_a_flip(
    frame: int, peak: float, cause: Cause, clear: float
) -> None:
    model = one_cell()
    x = np.array([0.1, 0.3, 0.3, 0.1, 0.1])  # software never sets the cell; it flips in frame 2
    samples = sample_of(x)
    states = {"state": np.array([0, 0, 1, 0, 0])[:, None] > 0}
    traces = traces_of(model, samples.x[0], states=states)
    extremes = traces.extremes["cand"].copy()
    assert compare(model, samples, [traces]).samples[0].flips["clear"] == 1
    extremes[frame, 0, 1] = peak
    result = compare(model, samples, [replace(traces, extremes={"cand": extremes})])
    assert result.samples[0].first_divergence == Divergence(2, "state", 0, cause)
    assert result.state_agreement_clear == pytest.approx(clear)
    assert result.nodes[1].races == 0
    assert result.nodes[1].transients == (1 if cause == "race" else 0)


def test_a_transient_below_the_band_may_reset() -> None:
    model = one_cell()
    samples = sample_of(np.array([0.5, 0.3, 0.3, 0.3, 0.3]))
    states = {"state": np.array([1, 1, 0, 0, 0])[:, None] > 0}
    traces = traces_of(model, samples.x[0], states=states)
    extremes = traces.extremes["cand"].copy()
    extremes[2, 0, 0] = 0.15
    result = compare(model, samples, [replace(traces, extremes={"cand": extremes})])
    assert result.samples[0].flips == NONE | {"race": 1, "propagated": 2}
    assert result.unexplained == ()


def test_passing_from_one_value_to_the_next_is_no_transient() -> None:
    # Frame 1 is near β_hi and the circuit misses it; frame 2 begins from there and falls to 0.3.
    model = one_cell()
    samples = sample_of(np.array([0.1, 0.405, 0.3, 0.3, 0.3]))
    states = {"state": np.zeros((5, 1), dtype=bool)}
    traces = traces_of(model, samples.x[0], states=states)
    assert traces.extremes["cand"][2, 0, 1] == pytest.approx(0.405)
    assert compare(model, samples, [traces]).nodes[1].transients == 0


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        ({"cand": None}, "'cand' is missing"),
        ({"state": np.zeros((4, 1))}, r"'state' is \(4, 1\), not \(5, 1\)"),
        ({"logits": np.full((5, 2), np.nan)}, "'logits' holds a value that is not finite"),
    ],
)
def test_traces_must_fit(frames: Mapping[str, Any], problem: str) -> None:
    model, samples = one_cell(), sample_of(X)
    traces = traces_of(model, samples.x[0], sample=7)
    kept = {**traces.frames, **frames}
    kept = {name: value for name, value in kept.items() if value is not None}
    with pytest.raises(ConfigurationError, match=f"sample 7: node {problem}.*netgen sim"):
        compare(model, samples, [replace(traces, frames=kept)])


def test_traces_must_tell_what_the_cells_saw() -> None:
    model, samples = one_cell(), sample_of(X)
    traces = traces_of(model, samples.x[0], sample=7)
    with pytest.raises(ConfigurationError, match="sample 7: node 'cand' is missing; run netgen"):
        compare(model, samples, [replace(traces, extremes={})])


def test_as_many_traces_as_samples() -> None:
    model, samples = one_cell(), sample_of(X, X)
    traces = traces_of(model, X[:, None])
    with pytest.raises(ValueError, match="1 traces for 2 samples"):
        compare(model, samples, [traces])
    with pytest.raises(ValueError, match="more traces"):
        compare(model, samples, [traces] * 3)


@given(
    seed=st.integers(0, 10_000),
    state=st.integers(1, 5),
    layers=st.integers(1, 3),
    classes=st.integers(1, 4),
    frames=st.integers(1, 30),
)
def test_software_agrees_with_itself(
    seed: int, state: int, layers: int, classes: int, frames: int
) -> None:
    model, samples = random_model(
        seed, state=state, layers=layers, classes=classes, frames=frames, samples=3, inputs=3
    )
    traces = [traces_of(model, samples.x[at], at) for at in range(3)]
    result = compare(model, samples, traces)
    assert result.decision_agreement in (1.0, None)  # None: ties of software's own
    assert result.frame_agreement in (1.0, None)
    assert result.state_agreement == 1.0
    assert result.state_agreement_clear in (1.0, None)  # None: every state near or in a race
    assert result.logit_rmse_fs_max == pytest.approx(0.0, abs=1e-12)
    assert result.logit_rmse_same_state_fs_max == pytest.approx(0.0, abs=1e-12)
    for entry in result.samples:
        assert entry.first_divergence is None
        assert entry.unexplained == 0
    for node in result.nodes:
        assert node.free_running.max_error == pytest.approx(0.0, abs=1e-12)
        assert node.free_running.correlation in (None, pytest.approx(1.0))


@given(seed=st.integers(0, 10_000), flips=st.floats(0.0, 0.3))
def test_every_flip_has_a_cause_and_the_first_is_no_consequence(seed: int, flips: float) -> None:
    model, samples = random_model(seed, state=3, layers=2, frames=20, samples=2, inputs=3)
    rng = np.random.default_rng(seed)
    values = evaluate(model, samples.x)
    traces = []
    for at in range(2):
        states = {
            cell.name: (values[cell.name][at] > 0) ^ (rng.uniform(size=(20, 3)) < flips)
            for cell in model.cells
        }
        traces.append(traces_of(model, samples.x[at], at, states))
    result = compare(model, samples, traces)
    for at, entry in enumerate(result.samples):
        differing = sum(int(r.flips[at].sum()) for r in result.states.values())
        assert sum(entry.flips.values()) == differing
        assert (entry.first_divergence is None) == (differing == 0)
        if entry.first_divergence is not None:
            assert entry.first_divergence.cause != "propagated"
        assert entry.unexplained >= entry.flips["clear"]
    # With its states forced, software gives these logits exactly.
    assert result.logit_rmse_same_state_fs == pytest.approx(0.0, abs=1e-12)


def test_perturbed_thresholds_flip_states_near_them() -> None:
    model, samples = random_model(4, frames=60, samples=6)
    shifted = [
        replace(node, beta_hi=1.01 * node.rising, beta_lo=0.99 * node.falling)
        if isinstance(node, Bmru)
        else node
        for node in model.nodes
    ]
    circuit = replace(model, nodes=tuple(shifted))
    traces = (traces_of(circuit, samples.x[at], at) for at in range(len(samples)))
    result = compare(model, samples, traces)
    assert result.state_agreement is not None
    assert result.state_agreement < 1.0
    assert result.state_agreement_clear == 1.0  # 1 % shifts stay within the 2 % margin
    assert result.logit_rmse_same_state_fs == pytest.approx(0.0, abs=1e-12)


def test_an_engine_without_transients_excuses_nothing_by_them() -> None:
    model, samples = one_cell(), sample_of(X)
    traces = [traces_of(model, x, index) for index, x in enumerate(samples.x)]
    settled = [replace(each, engine="staged", extremes={}, unseen=3) for each in traces]
    result = compare(model, samples, settled)
    assert result.cost.engines == ("staged",)
    assert result.cost.unseen == len(samples)
    assert not any(states.transient.any() for states in result.states.values())
    assert result.cost.unseen_states == 3 * len(samples)
    whole = compare(model, samples, traces).cost
    assert whole.unseen == whole.unseen_states == 0
