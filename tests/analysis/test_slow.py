"""States that a cell does not reach in time, and candidates on the wrong side of a threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compared import NONE, one_cell, run, sample_of, two_cells
from fake_technology import fake_times
from ideal_twin import CELL, twin_of
from synthetic_traces import traces_of

from netgen.analysis import compare
from netgen.analysis.comparison.slow import frame_needed, late_thresholds, slow_states
from netgen.characterise import CellSpeed, cell_speeds
from netgen.circuit.blocks.schmitt9 import Bmru
from netgen.model import Model, evaluate

OVERDRIVES = np.log([0.01, 1.0])


def speed(at_one_per_cent: float, units: int = 1, output: float = 0.0) -> CellSpeed:
    """Cells whose time goes with one over the overdrive; seconds at 1 %."""
    times = at_one_per_cent * np.array([1.0, 0.01])
    storage = np.broadcast_to(np.log(times), (2, units, 2))
    own = np.broadcast_to(np.array([[20e-15], [10e-15]]), (2, units))
    return CellSpeed(OVERDRIVES, storage, np.full((2, units), output), own)


# One cell's times


def bmru_of(model: Model) -> Bmru:
    """Return the model's only node of cells."""
    (cell,) = model.cells
    assert isinstance(cell, Bmru)
    return cell


def test_time_falls_with_the_overdrive_and_continues_straight() -> None:
    rise, fall = speed(5e-3).time(np.array([[0.01], [0.1], [1.0], [10.0], [0.001]]))
    np.testing.assert_allclose(rise[:, 0], [5e-3, 5e-4, 5e-5, 5e-6, 5e-2])
    np.testing.assert_allclose(fall, rise)


@pytest.mark.parametrize("overdrive", [0.0, -0.3])
def test_without_overdrive_a_cell_never_answers(overdrive: float) -> None:
    rise, fall = speed(5e-3).time(np.array([overdrive]))
    assert np.isinf(rise).all()
    assert np.isinf(fall).all()


def test_overdrive_is_the_inverse_of_the_time() -> None:
    cells = speed(5e-3, units=3, output=1e-4)
    for within in (5e-4, 2e-3, 0.1):
        rise, fall = cells.overdrive(within)
        for found in (*cells.time(rise), *cells.time(fall)):
            np.testing.assert_allclose(found, within, rtol=1e-9)


def test_an_output_that_is_slower_than_the_frame_never_answers() -> None:
    rise, _ = speed(5e-3, output=1e-3).overdrive(9e-4)
    assert np.isinf(rise).all()


def test_wires_slow_a_cell_by_their_share_of_its_own_capacitance() -> None:
    cells = speed(1e-3, units=2, output=1e-4)
    rise, fall = cells.loaded(np.array([0.0, 20e-15])).time(np.full(2, 0.01))
    np.testing.assert_allclose(rise, [1.1e-3, 2.1e-3], rtol=1e-9)
    np.testing.assert_allclose(fall, [1.1e-3, 3.1e-3], rtol=1e-9)


# The cause "slow"; frames last 10 ms, β_hi = 0.4


@pytest.mark.parametrize(
    ("seconds", "cause"),
    [
        (0.011, "slow"),  # at 3 % overdrive; the state is read after 9.9 ms
        (0.0098, "clear"),
        (0.0004, "clear"),
    ],
)
def test_a_state_is_slow_only_if_its_time_is_longer_than_the_frame(
    seconds: float, cause: str
) -> None:
    x = np.array([0.1, 0.412, 0.3, 0.1, 0.1])  # 3 % above β_hi in frame 1, then in the band
    samples = sample_of(x)
    states = {"state": np.zeros((5, 1), dtype=bool)}
    traces = traces_of(one_cell(), samples.x[0], states=states)
    result = compare(one_cell(), samples, [traces], speeds={"state": speed(3 * seconds)})
    (entry,) = result.samples
    assert entry.slow_forecast == (cause == "slow")
    assert entry.flips == NONE | {cause: 1, "propagated": 1}
    assert entry.unexplained == (cause == "clear")
    assert result.state_agreement_clear == (1.0 if cause == "slow" else 4 / 5)


def test_without_measured_times_no_state_is_slow() -> None:
    x = np.array([0.1, 0.412, 0.1, 0.1, 0.1])
    result = run(one_cell(), sample_of(x), {0: [0, 0, 0, 0, 0]})
    assert result.samples[0].flips == NONE | {"clear": 1}


def test_the_larger_overdrive_of_software_and_circuit_counts() -> None:
    """The circuit's own candidate is higher: by that the cell would have been in time."""
    x = np.array([0.1, 0.412, 0.1, 0.1, 0.1])
    speeds = {"state": speed(0.04)}  # 13.3 ms at 3 %, 8 ms at 5 %
    samples, states = sample_of(x), {"state": np.zeros((5, 1), dtype=bool)}
    added = {"cand": np.array([0, 0.008, 0, 0, 0])[:, None]}
    for extra, cause in ((None, "slow"), (added, "clear")):
        traces = traces_of(one_cell(), samples.x[0], states=states, added=extra)
        result = compare(one_cell(), samples, [traces], speeds=speeds)
        assert result.samples[0].flips == NONE | {cause: 1}


def test_a_slow_fall() -> None:
    x = np.array([0.5, 0.18, 0.3, 0.3, 0.1])  # 0.02 below β_lo is 5 % of β_hi
    samples, states = sample_of(x), {"state": np.array([1, 1, 1, 1, 0])[:, None] > 0}
    traces = traces_of(one_cell(), samples.x[0], states=states)
    late = compare(one_cell(), samples, [traces], speeds={"state": speed(0.06)})
    assert late.samples[0].flips == NONE | {"slow": 1, "propagated": 2}
    fast = compare(one_cell(), samples, [traces], speeds={"state": speed(0.04)})
    assert fast.samples[0].flips == NONE | {"clear": 1, "propagated": 2}


def test_a_layer_has_what_the_layers_below_leave_of_the_frame() -> None:
    """Cell "low" changes at 50 % overdrive, cell "high" at 125 % before and 25 % after that."""
    model, samples = two_cells()
    model = replace(model, frame_period=0.01)
    x = samples.x.copy()
    x[0, 1:] = [0.6, 1.1]  # with "low" high the candidate of "high" is 0.5
    values = evaluate(model, x)
    states = {cell.name: values[cell.name] > 0 for cell in model.cells}
    for lower, upper, expected in (
        (0.2, 0.15, True),  # 4 ms below leave 5.9 ms: 6 ms are too long
        (0.1, 0.15, False),
        (0.2, 0.1, False),
    ):
        speeds = {"low": speed(lower), "high": speed(upper)}
        found = slow_states(model, states, values, values, speeds)
        assert not found["low"].any()
        assert found["high"][0, :, 0].tolist() == [False, expected, False]


def test_cells_are_released_inside_the_first_frame() -> None:
    x = np.array([0.6, 0.6, 0.6, 0.6, 0.6])  # 50 % above β_hi from the start; released at 2 ms
    model = one_cell()
    values = evaluate(model, x[None, :, None])
    states = {"state": values["state"] > 0}
    for seconds, expected in ((0.0082, True), (0.0078, False)):
        speeds = {"state": speed(50 * seconds)}
        found = slow_states(model, states, values, values, speeds)
        assert found["state"][0, :, 0].tolist() == [expected, False, False, False, False]


# A spoiled threshold is not excused


@pytest.mark.parametrize("spoiled", [1.03, 0.97])
def test_a_threshold_off_by_three_per_cent_is_not_slow(spoiled: float) -> None:
    """Cells as fast as measured ones at 1 nA: 1 ms at 1 %. The candidate is not off."""
    model, random = one_cell(), np.random.default_rng(1)
    x = random.uniform(0.37, 0.43, (40, 60))
    x[:, ::3] = 0.1  # cells fall again
    wrong = replace(bmru_of(model), beta_hi=model.cells[0].rising * spoiled)
    nodes = tuple(wrong if node.name == wrong.name else node for node in model.nodes)
    samples = sample_of(*x)
    states = evaluate(replace(model, nodes=nodes), samples.x)["state"] > 0
    traces = [traces_of(model, samples.x[i], i, {"state": states[i]}) for i in range(len(x))]
    result = compare(model, samples, traces, speeds={"state": speed(1e-3)})
    flips = {cause: sum(entry.flips[cause] for entry in result.samples) for cause in NONE}
    assert flips["slow"] == flips["candidate_error"] == flips["race"] == 0
    assert flips["clear"] > 50
    assert result.state_agreement_clear is not None
    assert result.state_agreement_clear < 1


# The cause "candidate_error"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (-0.014, "candidate_error"),  # 0.414 becomes 0.400: on the threshold
        (-0.011, "clear"),  # 0.403 is 0.75 % above it: the cell should have risen
        (-0.1, "clear"),  # more than an analog error
        (0.02, "clear"),
    ],
)
def test_a_candidate_on_the_other_side_explains_a_state(error: float, cause: str) -> None:
    x = np.array([0.1, 0.414, 0.1, 1.0, 0.1])  # 3.5 % above β_hi; the largest candidate is 1.0
    samples, states = sample_of(x), {"state": np.array([0, 0, 0, 1, 0])[:, None] > 0}
    added = {"cand": np.array([0, error, 0, 0, 0])[:, None]}
    traces = traces_of(one_cell(), samples.x[0], states=states, added=added)
    result = compare(one_cell(), samples, [traces])
    assert result.samples[0].flips == NONE | {cause: 1}
    assert result.samples[0].unexplained == (cause == "clear")


def test_a_falling_cell_whose_candidate_is_off() -> None:
    x = np.array([1.0, 0.21, 0.3, 0.3, 0.3])  # 2.5 % of β_hi above β_lo: software stays high
    samples, states = sample_of(x), {"state": np.array([1, 0, 0, 0, 0])[:, None] > 0}
    added = {"cand": np.array([0, -0.012, 0, 0, 0])[:, None]}
    traces = traces_of(one_cell(), samples.x[0], states=states, added=added)
    result = compare(one_cell(), samples, [traces])
    assert result.samples[0].flips == NONE | {"candidate_error": 1, "propagated": 3}
    assert result.state_agreement_clear == 1.0


def test_equal_states_are_left_out_too_where_a_cause_could_decide_them() -> None:
    x = np.array([0.1, 0.414, 0.1, 1.0, 0.1])
    added = {0: {"cand": np.array([0, -0.014, 0, 0, 0])[:, None]}}
    result = run(one_cell(), sample_of(x), added=added)
    assert result.state_clear_share == 4 / 5
    assert result.state_agreement == result.state_agreement_clear == 1.0


def test_speeds_of_a_model_without_cells() -> None:
    model = replace(one_cell(), nodes=one_cell().nodes[:1])
    assert cell_speeds(model, None, None) == {}  # type: ignore[arg-type]


# Frames that are too short


def test_frame_needed_adds_up_the_layers() -> None:
    """The cells take 2 and 3 ms at 2 %; a state is read after 99 % of its frame."""
    model, _ = two_cells()
    speeds = {"low": speed(4e-3), "high": speed(6e-3)}
    assert frame_needed(model, speeds) == pytest.approx(5e-3 / 0.99)


def test_a_cell_with_a_small_beta_lo_has_no_more_than_that_to_fall() -> None:
    model = one_cell()
    cell = replace(bmru_of(model), beta_lo=np.array([0.004]))  # 1 % of β_hi
    nodes = tuple(cell if node.name == "state" else node for node in model.nodes)
    small = replace(model, nodes=nodes)
    assert frame_needed(small, {"state": speed(4e-3)}) == pytest.approx(4e-3 / 0.99)
    (late,) = late_thresholds(replace(small, frame_period=3e-3), {"state": speed(4e-3)})
    assert late.parameter == "state.beta_lo[0]"
    assert np.isinf(late.overdrive)
    assert "no candidate" in str(late)


def test_thresholds_that_take_longer_than_a_frame_are_named() -> None:
    model = replace(one_cell(), frame_period=1e-3 / 0.99)
    assert list(late_thresholds(model, {"state": speed(1.9e-3)})) == []
    rise, fall = late_thresholds(model, {"state": speed(3e-3)})
    assert (rise.parameter, fall.parameter) == ("state.beta_hi[0]", "state.beta_lo[0]")
    assert rise.overdrive == pytest.approx(0.03)
    assert str(rise).endswith("only a candidate that is 3.0% of beta_hi beyond it")


def test_a_narrow_band_asks_for_less_overdrive() -> None:
    model = one_cell()
    cell = replace(bmru_of(model), beta_lo=np.array([0.396]))  # a band of 1 % of β_hi
    nodes = tuple(cell if node.name == "state" else node for node in model.nodes)
    narrow = replace(model, nodes=nodes, frame_period=1e-3 / 0.99)
    assert len(list(late_thresholds(narrow, {"state": speed(1.5e-3)}))) == 2
    assert not list(late_thresholds(narrow, {"state": speed(0.9e-3)}))


def test_a_comparison_says_that_the_circuit_does_not_settle() -> None:
    samples = sample_of(np.array([0.1, 0.5, 0.3, 0.1, 0.3]))
    traces = [traces_of(one_cell(), samples.x[0])]
    fine = compare(one_cell(), samples, traces, speeds={"state": speed(1e-3)})
    assert fine.settling.summary() is None
    short = compare(one_cell(), samples, traces, speeds={"state": speed(0.03)})
    said = short.settling.summary()
    assert said is not None
    assert said.startswith("the circuit does not settle within a frame of 10 ms: its cells take 15")
    wave = {k: (v * 0.9).astype(np.float32) for k, v in traces[0].waves.items()}
    moving = compare(one_cell(), samples, [replace(traces[0], waves=wave)])
    assert "of its signals still move by 2% over its last tenth" in str(moving.settling.summary())


def test_one_cell_that_is_caught_at_its_threshold_is_no_circuit_that_does_not_settle() -> None:
    x = np.tile([0.1, 0.5, 0.3, 0.1, 0.3], 20)
    samples = sample_of(x)
    traces = traces_of(one_cell(), samples.x[0])
    wave = traces.waves["state"].copy()
    wave[10:16] = 0  # frame 1: nothing until it is read
    late = replace(traces, waves={**traces.waves, "state": wave})
    result = compare(one_cell(), samples, [late])
    assert result.settling.moving == pytest.approx(1 / (99 * 4))
    assert result.settling.summary() is None


# The twin


def test_the_twin_of_cells_that_are_slow_keeps_their_state() -> None:
    """A charge of 8 fC at the overdrive: 1 ms takes 8 pA."""
    twin = twin_of(CELL)
    cell = CELL.cells[0]
    rise, fall = replace(twin, times={"h": fake_times()}).least[cell.name]
    period = CELL.frame_period
    short = replace(CELL, frame_period=period / 100)
    slower = replace(twin, circuit=replace(twin.circuit, model=short), times={"h": fake_times()})
    later = slower.least[cell.name]
    np.testing.assert_allclose(later[0], 100 * rise, rtol=1e-6)
    np.testing.assert_allclose(later[1], 100 * fall, rtol=1e-6)
    threshold, low = float(cell.rising[0]), float(cell.falling[0])
    above, below = threshold + later[0][0], low - later[1][0]
    for x, expected in (
        ([above * 0.99, 0.0], [False, False]),
        ([above * 1.01, 0.5 * (threshold + low)], [True, True]),
        ([2 * above, below * 1.02], [True, True]),
        ([2 * above, below * 0.98], [True, False]),
    ):
        candidates = np.array(x)[None, :, None]
        states = slower.run({}, candidates).states[cell.name][0, 0, :, 0]
        assert states.tolist() == expected


def test_a_node_that_is_off_does_not_count_as_moving() -> None:
    """A leak of a millionth of a unit that doubles in a frame is nothing."""
    samples = sample_of(np.array([0.1, 0.5, 0.3, 0.1, 0.3]))
    traces = traces_of(one_cell(), samples.x[0])
    leak = np.full((5, 1), 1e-6)
    wave = np.full((len(traces.time), 1), 5e-7, np.float32)
    off = replace(
        traces, frames={**traces.frames, "cand": leak}, waves={**traces.waves, "cand": wave}
    )
    assert compare(one_cell(), samples, [off]).settling.summary() is None
