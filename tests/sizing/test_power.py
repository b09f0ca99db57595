"""The power model: on a technology made by a formula, and against ngspice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_technology import UNIT, fake_characterisation, fake_technology
from small_models import document, linear

from netgen.circuit import REFERENCE, Circuit, build_circuit
from netgen.model import Model, Samples, from_dict
from netgen.model.random import random_model
from netgen.netlist import SupplyBranch
from netgen.project import BuildOptions, SimulationChoices, build, read_build, simulate
from netgen.simulation import load_traces
from netgen.sizing import PredictedPower, measure_activity, predict_power, size_circuit

TECHNOLOGY = fake_technology()
VDD = 1.8
NANO = 1e-9


def sized(model: Model, x: np.ndarray) -> Circuit:
    circuit = build_circuit(model, UNIT)
    known = fake_characterisation(TECHNOLOGY)
    activity = measure_activity(circuit, x)
    return size_circuit(circuit, TECHNOLOGY, known, activity, VDD)[0]


def predicted(model: Model, x: np.ndarray, stride: int = 1) -> PredictedPower:
    known = fake_characterisation(TECHNOLOGY)
    return predict_power(sized(model, x), TECHNOLOGY, known.mirrors, VDD, x, stride)


def one_row() -> Model:
    """A row of 0.5·x0 − 0.25·x1 + 0.75, read out."""
    return from_dict(
        document(
            "row",
            [linear("y", "x", [[0.5, -0.25]], [0.75])],
            size=2,
            frames=(0, 2),
            classes=("one",),
            maximum=2.0,
        )
    )


def test_a_row_by_hand() -> None:
    x = np.array([[[1.0, 2.0], [2.0, 0.4]]])
    found = predicted(one_row(), x)
    expected = {
        SupplyBranch("x", "input"): VDD * (3.0 + 2.4) / 2,
        SupplyBranch(REFERENCE, "bias"): VDD,
        SupplyBranch("y", "mirror"): VDD * 0.5 * 1.5,
        SupplyBranch("y", "bias"): VDD * 0.75,
        # half the supply takes what remains of each row: positive minus negative copies
        SupplyBranch("y", "readout"): -VDD / 2 * (0.75 + 0.75 - 0.25 * 1.2),
    }
    for branch, watts in expected.items():
        assert found.watts[branch][0] == pytest.approx(watts * NANO, rel=0.02), branch
    # x0 and the reference have a second line, x1 has none
    line = found.watts[SupplyBranch("x", "line")][0]
    assert line == pytest.approx(VDD * 1.5 * NANO, rel=0.2)
    assert found.average_w == pytest.approx(sum(w.mean() for w in found.watts.values()))
    assert sum(found.by_kind.values()) == pytest.approx(found.average_w)


def test_what_a_row_sinks_goes_by_the_gain_of_nmos() -> None:
    x = np.array([[[1.0, 2.0], [2.0, 0.4]]])
    circuit, known = sized(one_row(), x), fake_characterisation(TECHNOLOGY).mirrors
    tripled = {
        (line, polarity): replace(table, gain=3 * table.gain) if polarity == "nmos" else table
        for (line, polarity), table in known.tables.items()
    }
    found = predict_power(circuit, TECHNOLOGY, replace(known, tables=tripled), VDD, x)
    assert found.watts[SupplyBranch("y", "mirror")][0] == pytest.approx(VDD * 0.75 * NANO, rel=0.02)
    readout = -VDD / 2 * (0.75 + 0.75 - 3 * 0.25 * 1.2) * NANO
    assert found.watts[SupplyBranch("y", "readout")][0] == pytest.approx(readout, rel=0.02)


def test_samples_are_predicted_as_if_alone() -> None:
    model, samples = random_model(3, state=3, layers=2, classes=2, inputs=4, frames=9, samples=3)
    circuit = sized(model, samples.x)
    known = fake_characterisation(TECHNOLOGY)
    together = predict_power(circuit, TECHNOLOGY, known.mirrors, VDD, samples.x)
    for at in range(3):
        alone = predict_power(circuit, TECHNOLOGY, known.mirrors, VDD, samples.x[at : at + 1])
        assert set(alone.watts) <= set(together.watts)
        for branch, watts in together.watts.items():
            own = alone.watts[branch][0] if branch in alone.watts else 0.0
            assert own == pytest.approx(watts[at], rel=1e-9, abs=1e-18)


def test_a_stride_only_leaves_out_frames() -> None:
    x = np.repeat(np.random.default_rng(0).uniform(0, 1.5, (2, 4, 2)), 3, axis=1)
    every, third = predicted(one_row(), x), predicted(one_row(), x, stride=3)
    for branch, watts in every.watts.items():
        np.testing.assert_allclose(third.watts[branch], watts, rtol=1e-9)


def test_the_biases_of_cells_always_flow() -> None:
    model, _ = random_model(5, state=2, layers=1, classes=2, inputs=3, frames=6, samples=1)
    (cell,) = model.cells
    off, on = (np.full((1, 6, 3), level) for level in (0.0, 1.5))
    bias = SupplyBranch(cell.name, "bias")
    wanted = VDD * float((2 * cell.rising - cell.falling + cell.level).sum()) * NANO
    for x in (off, on):
        assert predicted(model, x).watts[bias][0] == pytest.approx(wanted, rel=0.05)


@pytest.mark.ngspice
def test_the_model_is_within_five_per_cent_of_ngspice(tmp_path: Path) -> None:
    model, samples = random_model(2, state=3, layers=2, classes=2, inputs=4, frames=10, samples=1)
    measured, model_power = both(tmp_path, model, samples)
    assert model_power.average_w == pytest.approx(sum(measured.values()), rel=0.05)
    total = sum(measured.values())
    for branch, watts in measured.items():
        own = float(model_power.watts.get(branch, np.zeros(1)).mean())
        assert own == pytest.approx(watts, rel=0.05, abs=0.005 * total), branch
    assert set(model_power.watts) <= set(measured)


def both(
    folder: Path, model: Model, samples: Samples
) -> tuple[dict[SupplyBranch, float], PredictedPower]:
    """Build and simulate a sample: measured power by branch, and the model's."""
    made = build(model, folder, BuildOptions("generic180"))
    opened = read_build(folder)
    (step,) = simulate(opened, samples, [0], SimulationChoices(1, engine="staged"))
    assert step.failure is None
    power = load_traces(opened.folder.traces(0))[0].power
    at = made.technology, made.known.mirrors, made.conditions.vdd
    measured = dict(zip(power.branches, power.average_w.tolist(), strict=True))
    return measured, predict_power(made.circuit, *at, samples.x[:1])
