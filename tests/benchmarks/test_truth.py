"""The benchmark of truth counts what it says, in both directions."""

from __future__ import annotations

import numpy as np
import truth
from small_models import small_model

from netgen.model import evaluate, from_dict
from netgen.netlist import SimulatorOptions


def test_both_kinds_of_wrong_states_are_told_apart() -> None:
    model = from_dict(small_model())
    x = np.random.default_rng(2).uniform(0, 1.5, (4, 3))
    software = {name: value[0] for name, value in evaluate(model, x[np.newaxis]).items()}

    def answer(*flipped: tuple[int, int]) -> truth.Answer:
        frames = {name: value.copy() for name, value in software.items()}
        alpha = model.cells[0].level
        for frame, unit in flipped:
            state = frames["state"]
            state[frame, unit] = alpha[unit] - state[frame, unit]
        return truth.Answer(frames, cpu_s=2.0, unseen=5)

    tally = truth.Tally()
    # one difference is seen, two are not, one is made up
    reference = answer((0, 0), (1, 0), (2, 1))
    tally.add(model, x, answer((0, 0), (3, 1)), reference)
    assert (tally.states, tally.truly, tally.said) == (8, 3, 2)
    assert (tally.equal_differs, tally.different_equal) == (2, 1)
    assert (tally.samples, tally.unseen, tally.cpu_s, tally.decisions) == (1, 5, 2.0, 0)
    tally.add(model, x, reference, reference)
    assert (tally.equal_differs, tally.different_equal, max(tally.error)) == (2, 1, 0.0)
    assert tally.line("any").count("|") == truth.HEADER.splitlines()[0].count("|")


def test_a_decision_unlike_the_reference_counts() -> None:
    model = from_dict(small_model())
    x = np.random.default_rng(2).uniform(0, 1.5, (4, 3))
    software = {name: value[0] for name, value in evaluate(model, x[np.newaxis]).items()}
    turned = software | {"logits": software["logits"][:, ::-1]}
    tally = truth.Tally()
    tally.add(model, x, truth.Answer(software, 1.0), truth.Answer(turned, 1.0))
    assert (tally.decisions, tally.equal_differs, tally.different_equal) == (1, 0, 0)
    assert max(tally.error) > 0


def test_the_reference_is_another_method_and_tighter() -> None:
    """The reference's integration method, tolerances and step are not those of the engines."""
    options = truth.TIGHT
    usual = SimulatorOptions()
    assert options.method != usual.method
    assert options.reltol < usual.reltol
    assert not options.bypass
    assert options.abstol <= usual.abstol
    assert truth.TIGHTER.reltol < options.reltol
    assert truth.SMALLER_STEP < truth.STEP
