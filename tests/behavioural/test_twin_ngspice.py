"""The twin against SPICE: a small network in the generic technology, chip by chip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netgen.model import decide, evaluate
from netgen.model.random import random_model
from netgen.project import BIASES, Bias, BuildOptions, SimulationChoices, build, read_build
from netgen.project.population.variants import Chip, Networks
from netgen.project.simulate import plain_engine, pool, workbench
from netgen.project.twin import twin_of_build
from netgen.simulation import Traces
from netgen.simulation.engines import run_tasks
from netgen.technology import Variation, sample_deviations

pytestmark = pytest.mark.ngspice

CHIPS = 4
VARIATION = Variation(11)
MODEL, SAMPLES = random_model(2, state=2, layers=1, inputs=3, frames=30, samples=2)


@pytest.mark.parametrize("bias", BIASES)
def test_twin_and_spice_have_the_same_chips(tmp_path: Path, bias: Bias) -> None:
    build(MODEL, tmp_path / "b", BuildOptions("generic180", bias=bias), SAMPLES)
    made = read_build(tmp_path / "b")
    nominal = workbench(made, "staged")
    choices = SimulationChoices(2).scaled(MODEL)
    networks = Networks.of(nominal, made)
    benches = [Chip(chip, VARIATION, bias).bench(nominal, networks) for chip in range(CHIPS)]
    tasks = (
        (at, plain_engine("staged", bench, choices, 30).task(SAMPLES.x[at % 2], at % 2))
        for at, bench in enumerate([*benches, nominal, nominal])
    )
    found = dict(run_tasks(tasks, pool(choices, nominal.technology)))
    spice = np.array([_logits(found[at]) for at in range(CHIPS + 2)])

    twin = twin_of_build(made)
    names = twin.netlist.transistors
    chips = twin.run(sample_deviations(twin.technology, VARIATION, names, 0, CHIPS), SAMPLES.x)
    still = twin.run({}, SAMPLES.x)
    own = np.array([*(chips.logits[at, at % 2] for at in range(CHIPS)), *still.logits[0]])

    software = evaluate(MODEL, SAMPLES.x)["logits"]
    full = np.ptp(software)
    ideal = software[[*(at % 2 for at in range(CHIPS)), 0, 1]]
    assert np.corrcoef(own.ravel(), spice.ravel())[0, 1] > 0.99
    assert (decide(MODEL.readout, own) == decide(MODEL.readout, spice)).all()
    # where no state flips, what is left of the deviations is far smaller than they are
    close = np.median(np.abs(own - spice)[:CHIPS]) / full
    assert close < 0.004
    assert close < 0.1 * np.median(np.abs(spice - ideal)[:CHIPS]) / full
    assert np.median(np.abs(own - spice)[CHIPS:]) / full < 0.003


def _logits(result: object) -> np.ndarray:
    assert isinstance(result, Traces)
    return result.frames["logits"]
