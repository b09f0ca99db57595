"""Populations of chips and corners: votes, yield with intervals, errors, sensitivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from synthetic_traces import traces_of

from netgen.analysis.variability.population import NONE, PopulationFigures, RunResult, lead, measure
from netgen.analysis.variability.proportions import proportion, spread
from netgen.analysis.variability.sensitivity import (
    CHIPS,
    LEVEL,
    Deviation,
    Sensitivity,
    sensitivity,
)
from netgen.errors import ConfigurationError
from netgen.model import Model, Readout, Samples, evaluate, margin, random_model
from netgen.model.graph import Floats

INDICES = (4, 7, 9)


@pytest.fixture(scope="module")
def network() -> tuple[Model, Samples]:
    model, samples = random_model(3, state=2, layers=1, frames=12, inputs=3, samples=3)
    return model, Samples(samples.x, np.zeros(3, dtype=int), ("a", "b", "c"))


def run(
    model: Model, samples: Samples, at: int, push: float = 0.0, power: float = 1e-7
) -> RunResult:
    """Return traces like software's; ``push`` moves the first class's logit against the rest."""
    width = len(model.classes)
    added = {model.readout.node: np.full((samples.x.shape[1], 1), push) * np.eye(width)[0]}
    return traces_of(model, samples.x[at], at, added=added, power_w=power)


def otherwise(model: Model, samples: Samples, at: int) -> RunResult:
    """Return traces that decide for the other class."""
    logits = evaluate(model, samples.x[at : at + 1])[model.readout.node]
    first = logits[0, model.readout.start : model.readout.stop].mean(0).argmax() == 0
    return run(model, samples, at, -9.0 if first else 9.0)


def figures_of(
    network: tuple[Model, Samples], outcomes: Sequence[Sequence[RunResult]]
) -> PopulationFigures:
    model, samples = network
    return measure(model, samples, INDICES, [f"chip_{i}" for i in range(len(outcomes))], outcomes)


@pytest.fixture(scope="module")
def mixed(network: tuple[Model, Samples]) -> PopulationFigures:
    """Five chips: right, one wrong, one failed run, failed and unfinished, unfinished."""
    right = [run(*network, at) for at in range(3)]
    return figures_of(
        network,
        [
            right,
            [right[0], otherwise(*network, 1), right[2]],
            [right[0], "timestep", right[2]],
            ["crash", None, right[2]],
            [right[0], right[1], None],
        ],
    )


# Shares and their intervals


@pytest.mark.parametrize(
    ("hits", "trials", "wilson", "exact"),
    [  # the textbook values, after Newcombe 1998 (81/263, 15/148, 0/20, 1/29)
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
        (20, 20, (0.8389, 1.0), (0.8316, 1.0)),
    ],
)
def test_intervals_are_those_of_the_textbook(
    hits: int, trials: int, wilson: tuple[float, float], exact: tuple[float, float]
) -> None:
    found = proportion(np.arange(trials) < hits)
    assert (found.hits, found.trials) == (hits, trials)
    assert found.share == hits / trials
    assert found.wilson == pytest.approx(wilson, abs=5e-5)
    assert found.exact == pytest.approx(exact, abs=5e-5)


def test_nothing_tried_has_no_share() -> None:
    found = proportion(np.zeros(0, dtype=bool))
    assert (found.share, found.wilson, found.exact) == (None, None, None)


def test_spread_leaves_missing_values_out() -> None:
    values = np.append(np.arange(101.0), np.nan)
    found = spread(values)
    assert found is not None
    assert (found.count, found.minimum, found.low, found.median) == (101, 0, 5, 50)
    assert (found.mean, found.high, found.maximum) == (50, 95, 100)
    assert spread(np.array([np.nan])) is None


# Runs that failed or are missing


def test_failed_runs_do_not_pass_and_missing_ones_are_not_judged(mixed: PopulationFigures) -> None:
    assert mixed.failures == {"crash": 1, "timestep": 1}
    assert int(mixed.done.sum()) == 13
    assert mixed.whole.tolist() == [True, True, True, False, False]
    assert (mixed.yielded.hits, mixed.yielded.trials) == (1, 3)
    assert (mixed.agreement.hits, mixed.agreement.trials) == (10, 13)
    assert [(vote.hits, vote.trials) for vote in mixed.votes()] == [(4, 5), (2, 4), (4, 4)]


def test_runs_without_traces_have_no_figures(mixed: PopulationFigures) -> None:
    for name in ("lead", "power_w", "logit_rmse_fs", "state_agreement"):
        assert np.array_equal(np.isnan(getattr(mixed, name)), ~mixed.simulated)
    assert (mixed.decision[~mixed.simulated] == NONE).all()


def test_failed_runs_are_not_right_either(mixed: PopulationFigures) -> None:
    assert mixed.labels is not None
    software = float(np.mean(mixed.labels == mixed.software))
    hits = (mixed.simulated & (mixed.decision == mixed.labels)).sum()
    assert mixed.accuracies() == (software, hits / 13)


def test_all_failed_yields_nothing(network: tuple[Model, Samples]) -> None:
    found = figures_of(network, [["timeout"] * 3] * 4)
    assert (found.yielded.hits, found.yielded.trials) == (0, 4)
    assert found.worst() == ()
    assert found.band(0) is None


def test_nothing_simulated_yet(network: tuple[Model, Samples]) -> None:
    found = figures_of(network, [[None] * 3] * 2)
    assert (found.yielded.share, found.agreement.share, found.accuracies()) == (None, None, None)


# Figures of runs


def test_chips_like_software_have_no_error(network: tuple[Model, Samples]) -> None:
    found = figures_of(network, [[run(*network, at) for at in range(3)]] * 2)
    assert found.agrees.all()
    assert (found.state_agreement == 1).all()
    assert (found.frame_agreement == 1).all()
    assert found.logit_rmse_fs == pytest.approx(0, abs=1e-12)
    assert found.lead_error_fs == pytest.approx(0, abs=1e-12)


def test_lead_moves_with_the_logits(network: tuple[Model, Samples]) -> None:
    model, samples = network
    found = figures_of(network, [[run(model, samples, at, 0.01) for at in range(3)]])
    sign = np.where(found.software == 0, 1, -1)
    assert found.lead_error_fs[0] == pytest.approx(sign * 0.01 / found.logit_full_scale)
    rms = 0.01 / np.sqrt(len(model.classes)) / found.logit_full_scale
    assert found.logit_rmse_fs[0] == pytest.approx(rms)
    assert found.logit_rmse_same_state_fs[0] == pytest.approx(rms)


def test_flipped_states_are_no_analog_error(network: tuple[Model, Samples]) -> None:
    model, samples = network
    (cell,) = model.cells
    states = evaluate(model, samples.x)[cell.name] > 0
    states[:, 5, 1] ^= True
    outcomes = [traces_of(model, samples.x[at], at, {cell.name: states[at]}) for at in range(3)]
    found = figures_of(network, [outcomes])
    assert found.state_agreement == pytest.approx(1 - 1 / (12 * 2))
    assert (found.logit_rmse_fs > 1e-3).any()
    assert found.logit_rmse_same_state_fs == pytest.approx(0, abs=1e-12)


def test_bands_hold_nine_chips_in_ten(network: tuple[Model, Samples]) -> None:
    pushes = np.linspace(-1, 1, 41)
    found = figures_of(network, [[run(*network, at, p) for at in range(3)] for p in pushes])
    band = found.band(2)
    assert band is not None
    assert band[1] == pytest.approx(found.logits_software[2], abs=1e-6)
    assert band[2, :, 0] - band[0, :, 0] == pytest.approx(0.9 * 2, abs=1e-5)
    assert band[2, :, 1:] == pytest.approx(band[0, :, 1:])


def test_the_worst_runs_are_named(network: tuple[Model, Samples]) -> None:
    outcomes = [[run(*network, at) for at in range(3)] for _ in range(4)]
    outcomes[2][1] = otherwise(*network, 1)
    outcomes[3][0] = run(*network, 0, power=3e-7)
    worst = {entry.quantity: entry for entry in figures_of(network, outcomes).worst()}
    assert (worst["power_w"].case, worst["power_w"].sample) == ("chip_3", 4)
    for name in ("lead_fs", "logit_rmse_fs", "frame_agreement"):
        assert (worst[name].case, worst[name].sample) == ("chip_2", 7)


def test_picked_samples_keep_their_figures(mixed: PopulationFigures) -> None:
    found = mixed.pick([9, 4])
    assert (found.samples, found.ids) == ((9, 4), ("c", "a"))
    assert [vote.hits for vote in found.votes()] == [4, 4]
    assert np.array_equal(found.lead, mixed.lead[:, [2, 0]], equal_nan=True)
    assert found.yielded.trials == 4  # the chip that only lacks sample 7 or has it failed


def test_traces_of_another_model_are_refused(network: tuple[Model, Samples]) -> None:
    other, samples = random_model(3, state=3, layers=1, frames=12, inputs=3, samples=3)
    with pytest.raises(ConfigurationError, match="run netgen sim again"):
        figures_of(network, [[traces_of(other, samples.x[0]), None, None]])


# The lead

LOGITS = np.array([[[0.0, 1.0, 5.0], [2.0, 1.0, 0.0], [4.0, 1.0, 3.0]]])


@pytest.mark.parametrize(
    ("rule", "own", "wanted"),
    [("mean", 0, 1.0), ("majority_vote", 1, -2.0), ("last", 0, 1.0), ("last", 2, -1.0)],
)
def test_lead_over_the_largest_other(rule: str, own: int, wanted: float) -> None:
    readout = Readout("logits", rule, 1, 3)  # type: ignore[arg-type]
    assert lead(readout, LOGITS, np.array([own])) == pytest.approx([wanted])


def test_lead_of_the_decided_class_is_the_margin() -> None:
    readout = Readout("logits", "last", 1, 3)
    assert lead(readout, LOGITS, np.array([0])) == pytest.approx(margin(readout, LOGITS))


def test_one_class_has_no_lead() -> None:
    readout = Readout("logits", "last", 1, 3)
    assert lead(readout, LOGITS[..., :1], np.array([0])) == pytest.approx([0.0])


# Sensitivity


def drawn(count: int, chips: int, seed: int = 5) -> list[Deviation]:
    random = np.random.default_rng(seed)
    return [
        Deviation(f"d{i}", f"p{i // 2}", "near" if i < 10 else "far", values)
        for i, values in enumerate(random.normal(0, 3e-3, (count, chips)))
    ]


def blamed(network: tuple[Model, Samples], pushes: Floats, deviations: list[Deviation]) -> (
    Sensitivity | None
):  # fmt: skip
    """Judge chips whose logits are moved, the same way in every sample."""
    outcomes = [[run(*network, at, float(push)) for at in range(3)] for push in pushes]
    return sensitivity(figures_of(network, outcomes), deviations)


def test_the_deviation_behind_the_error_is_found(network: tuple[Model, Samples]) -> None:
    deviations = drawn(60, 80)
    random = np.random.default_rng(1)
    push = 20 * deviations[7].shift + 0.02 * random.normal(size=80)
    found = blamed(network, push, deviations)
    assert found is not None
    first, second = found.deviations[:2]
    assert (first.name, first.group, first.node) == ("d7", "p3", "near")
    assert first.q < 1e-2 < second.q
    assert abs(first.rho) > 0.8
    assert found.chips == 80
    assert found.expected == pytest.approx(60 * LEVEL)
    assert found.groups[0].name == "p3"
    assert found.groups[0].devices == 2
    assert found.groups[0].share > 0.8 > found.groups[0].by_chance
    assert found.nodes[0].name == "near"


def test_effect_is_that_of_one_standard_deviation(network: tuple[Model, Samples]) -> None:
    deviations = drawn(1, 40)
    found = blamed(network, 20 * deviations[0].shift, deviations)
    assert found is not None
    scale = figures_of(network, [[None] * 3]).logit_full_scale
    wanted = 20 * deviations[0].shift.std(ddof=1) / scale
    assert found.deviations[0].effect_fs == pytest.approx(wanted, rel=1e-4)


def test_deviations_without_effect_are_found_as_often_as_chance_has_it(
    network: tuple[Model, Samples],
) -> None:
    count = found_at_all = believed = 0
    shares = []
    for seed in range(4):
        push = np.random.default_rng(100 + seed).normal(0, 0.02, 30)
        found = blamed(network, push, drawn(200, 30, seed))
        assert found is not None
        count += len(found.deviations)
        found_at_all += found.significant
        believed += sum(entry.q < 0.05 for entry in found.deviations)
        shares += [sum(group.share for group in found.nodes) / 200]
    assert 0 < found_at_all < 4 * LEVEL * count
    assert believed <= 1
    assert np.mean(shares) == pytest.approx(0, abs=0.01)


def test_chips_that_lack_a_sample_are_left_out(network: tuple[Model, Samples]) -> None:
    deviations = drawn(10, 30)
    push = 20 * deviations[3].shift
    outcomes = [[run(*network, at, float(p)) for at in range(3)] for p in push]
    outcomes[4][1], outcomes[9][2] = "timestep", None
    found = sensitivity(figures_of(network, outcomes), deviations)
    assert found is not None
    assert (found.chips, found.left_out) == (28, 2)
    assert found.deviations[0].name == "d3"


def test_too_little_to_correlate(network: tuple[Model, Samples]) -> None:
    random = np.random.default_rng(2)
    few = CHIPS - 1
    assert blamed(network, random.normal(size=few), drawn(5, few)) is None
    assert blamed(network, np.zeros(CHIPS), drawn(5, CHIPS)) is None
    still = [Deviation("d", "p", "n", np.zeros(CHIPS))]
    assert blamed(network, random.normal(size=CHIPS), still) is None
    assert blamed(network, random.normal(size=CHIPS), []) is None
