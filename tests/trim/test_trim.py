"""Codes, trim by measurement and by trial, on chips whose devices are exponentials."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ideal_twin import CELL, TECHNOLOGY, twin_of
from small_models import small_model

from netgen.behavioural.fast import fast_chips
from netgen.behavioural.settings import ChipSettings
from netgen.errors import UsageError
from netgen.model import Model, Readout, decide, evaluate, from_dict, load_samples
from netgen.project.trim import SampledChips
from netgen.technology import Variation, sample_deviations
from netgen.trim import CodeRange, Codes, nominal_codes, trim_by_trial, trim_inputs, trim_measured
from netgen.trim.search import score

KEYWORD = Path(__file__).parents[2] / "examples" / "keyword"
CHIPS = 60


@pytest.fixture(scope="module")
def chips() -> SampledChips:
    twin = twin_of(CELL)
    fast = fast_chips(twin)
    shifts = sample_deviations(TECHNOLOGY, Variation(2), twin.netlist.transistors, 0, CHIPS)
    return SampledChips(CELL, fast, 2 * fast.errors(shifts))


def test_codes_have_equal_ratios_and_their_nearest_is_themselves() -> None:
    span = CodeRange(5, 0.5, 2.0)
    logs = span.logs(np.arange(32))
    np.testing.assert_allclose(np.exp(logs[[0, -1]]), [0.5, 2.0])
    np.testing.assert_allclose(np.diff(logs), span.step)
    np.testing.assert_array_equal(span.nearest(logs + 0.49 * span.step), np.arange(32))
    assert span.nearest(np.log([0.1, 9.0])).tolist() == [0, 31]
    assert span.beyond(np.log([0.1, 1.0, 9.0])) == 2


@pytest.mark.parametrize(
    "wrong", [(0, 0.5, 2.0), (13, 0.5, 2.0), (6, 1.2, 2.0), (6, 0.5, 0.9), (6, -1.0, 2.0)]
)
def test_ranges_that_are_none(wrong: tuple[int, float, float]) -> None:
    with pytest.raises(UsageError):
        CodeRange(*wrong)


def test_measured_cells_become_what_was_learned(chips: SampledChips) -> None:
    circuit = chips.fast.twin.circuit
    span = CodeRange(8, 0.3, 3.0)
    found = trim_measured(circuit, chips.cells, span, CHIPS)
    before = chips.cells(nominal_codes(circuit, span, CHIPS).settings)["h"]
    after = chips.cells(found.codes.settings)["h"]
    half = 0.51 * span.step
    assert np.abs(np.log(before.rising / 0.6)).max() > 5 * half
    np.testing.assert_allclose(np.log(after.rising / 0.6), 0, atol=half)
    np.testing.assert_allclose(np.log((after.rising - after.falling) / 0.3), 0, atol=half)
    np.testing.assert_allclose(np.log(after.output / 0.5), 0, atol=half)
    assert found.beyond == 0
    assert trim_measured(circuit, chips.cells, CodeRange(8, 0.9, 1.1), CHIPS).beyond > 0


def test_errors_of_measurement_stay(chips: SampledChips) -> None:
    circuit = chips.fast.twin.circuit
    span = CodeRange(10, 0.3, 3.0)
    found = trim_measured(circuit, chips.cells, span, CHIPS, error=0.05, seed=4)
    left = np.log(chips.cells(found.codes.settings)["h"].rising / 0.6)
    assert 0.035 < left.std() < 0.065
    again = trim_measured(circuit, chips.cells, span, CHIPS, error=0.05, seed=4)
    np.testing.assert_array_equal(found.codes.biases["h"], again.codes.biases["h"])


def test_input_gains_come_as_close_as_one_factor_can() -> None:
    """No other codes bring the candidates' currents closer to software's than those found."""
    model = from_dict(small_model())
    twin = twin_of(model)
    fast = fast_chips(twin)
    shifts = sample_deviations(TECHNOLOGY, Variation(2), twin.netlist.transistors, 0, CHIPS)
    chips = SampledChips(model, fast, 2 * fast.errors(shifts))
    x = np.random.default_rng(0).uniform(0.3, 1.2, (6, 4, 3))
    span = CodeRange(7, 0.4, 2.5)
    nominal = nominal_codes(twin.circuit, span, CHIPS)
    codes = chips.with_inputs(nominal, x)
    wanted = evaluate(model, x)["cand"]

    def off(codes: Codes) -> np.ndarray:
        found = fast.candidates(chips.errors, x, codes.settings) - wanted
        missed: np.ndarray = (found**2).mean(axis=(1, 2, 3))
        return missed

    assert off(codes).mean() < 0.7 * off(nominal).mean()
    again = chips.with_inputs(nominal, x)
    assert codes.inputs is not None
    np.testing.assert_array_equal(codes.inputs, again.inputs)
    misread = chips.with_inputs(nominal, x, error=0.3, seed=1)
    assert off(misread).mean() > off(codes).mean()
    no_errors = SampledChips(model, fast, 0 * chips.errors)
    found = no_errors.with_inputs(nominal, x)
    assert found.inputs is not None
    assert np.abs(span.logs(found.inputs)).max() <= 0.51 * span.step


def test_known_errors_of_inputs_are_taken_back_although_cells_switch_elsewhere() -> None:
    """Of a network of two layers: a cell that switches moves candidates more than an input does.

    Thresholds are 3 % off, so that cells switch between the moves where software's do not.
    """
    rng = np.random.default_rng(3)
    span = CodeRange(6, 0.5, 2.0)
    text = (KEYWORD / "model.json").read_text(encoding="utf-8")
    software = from_dict(json.loads(text))
    x = load_samples(KEYWORD / "samples.npz", software).x
    points = x.reshape(-1, x.shape[2])[:: x.shape[0] * x.shape[1] // 24]
    factors = np.exp(rng.normal(0.0, 0.15, (6, x.shape[2])))
    models = []
    for _ in factors:
        document = json.loads(text)
        for node in document["nodes"]:
            if node["op"] == "bmru":
                off = np.exp(rng.normal(0.0, 0.03, len(node["beta_hi"])))
                node["beta_hi"] = (np.array(node["beta_hi"]) * off).tolist()
        models.append(from_dict(document))

    def candidates(model: Model, x: np.ndarray) -> np.ndarray:
        signals = evaluate(model, x)
        return np.concatenate([signals[cell.input] for cell in model.cells], axis=2)

    def measured(x: np.ndarray, settings: ChipSettings | None) -> np.ndarray:
        assert settings is not None
        assert settings.inputs is not None
        gains = factors * np.exp(settings.inputs)
        chips = zip(models, gains, strict=True)
        return np.stack([candidates(model, x * gain) for model, gain in chips])

    codes = Codes(span, {"any": np.zeros((len(factors), 3, 1), dtype=np.intp)})
    found = trim_inputs(codes, points, measured, lambda x, _: candidates(software, x)[None], 0.0, 0)
    assert found.inputs is not None
    left = np.log(factors) + span.logs(found.inputs)
    assert np.abs(left).max() < 0.51 * span.step


def test_trial_finds_codes_from_labels_alone(chips: SampledChips) -> None:
    """The class is whether a pulse makes the cell rise; a code moves its threshold by 3.7 %."""
    readout = Readout("logits", "last", 0, 3)
    rng = np.random.default_rng(1)
    pulse = rng.permutation(np.linspace(0.45, 0.75, 40))
    x = np.stack([0 * pulse, pulse, 0.45 + 0 * pulse], axis=1)[..., np.newaxis]
    labels = (pulse > 0.6).astype(np.intp)

    def logits(settings: object) -> np.ndarray:
        own = chips.logits(x, settings)[..., :1]  # type: ignore[arg-type]
        return np.concatenate([0.25 + 0 * own, own], axis=3)

    def right(settings: object) -> float:
        found = logits(settings)
        decisions = decide(readout, found.reshape(-1, *found.shape[2:])).reshape(CHIPS, -1)
        return float((decisions == labels).mean())

    start = nominal_codes(chips.fast.twin.circuit, CodeRange(6, 0.3, 3.0), CHIPS)
    steps = list(trim_by_trial(readout, logits, labels, start, evaluations=150, seed=0))
    scores = np.array([step.score for step in steps])
    assert (np.diff(scores, axis=0) >= 0).all()
    assert [step.evaluations for step in steps] == list(range(1, 151))
    assert right(start.settings) < 0.85
    assert right(steps[-1].codes.settings) > 0.9


def test_the_score_weighs_classes_alike() -> None:
    readout = Readout("logits", "last", 0, 1)
    logits = np.array([[[[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.0]]]])
    often, once = (
        score(readout, logits, np.array([0, 0, 1])),
        score(readout, logits[:, 1:], np.array([0, 1])),
    )
    assert often == pytest.approx(once)
