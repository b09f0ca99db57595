"""Trimmed chips in SPICE are those of the twin, on a small network in the generic technology."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import netgen

from netgen.behavioural.settings import ChipSettings
from netgen.model.random import random_model
from netgen.project import Bias, BuildOptions, build, read_build
from netgen.project.population.simulate import read_population
from netgen.project.trim import read_trim
from netgen.project.twin import twin_of_build
from netgen.technology import Variation, sample_deviations

pytestmark = pytest.mark.ngspice

CHIPS = 3
MODEL, SAMPLES = random_model(2, state=2, layers=1, inputs=3, frames=30, samples=2)


HALF_STEP: dict[Bias, float] = {"ideal": 0.02, "programmable": 0.04}
"""What may be left of an output's error: half a code's step, with that of a DAC its mismatch."""


@pytest.mark.parametrize("bias", HALF_STEP)
def test_trimmed_chips_in_spice_are_those_of_the_twin(tmp_path: Path, bias: Bias) -> None:
    out, codes = tmp_path / "out", tmp_path / "codes.json"
    build(MODEL, out, BuildOptions("generic180", bias=bias), SAMPLES)
    file = tmp_path / "samples.npz"
    np.savez(file, x=SAMPLES.x)
    trim = netgen("trim", out, "--chips", CHIPS, "--seed", 11, "-o", codes)
    assert trim.exit_code == 0, trim.output
    chips = ("--monte-carlo", CHIPS, "--seed", 11)
    assert netgen("sim", out, file, *chips, "--trim", codes).exit_code == 0
    made = read_build(out)
    found = read_population(
        made, f"mismatch_seed_11{'' if bias == 'ideal' else '_programmable_bias'}_trimmed"
    )
    assert found.described["trimmed"]
    twin = twin_of_build(made)
    shifts = sample_deviations(twin.technology, Variation(11), twin.netlist.transistors, 0, CHIPS)
    settings = read_trim(made, codes).codes.settings
    expected, still = (twin.run(shifts, SAMPLES.x, settings=s) for s in (settings, None))
    for cell in MODEL.cells:
        spice = np.array(
            [
                [values(found, case, sample, cell.name) for sample in (0, 1)]
                for case in found.variants
            ]
        )
        states = spice > 0.5 * cell.level
        assert (states == expected.states[cell.name]).mean() > 0.98
        assert np.abs(np.log((spice / cell.level)[states])).max() < HALF_STEP[bias]
    moved = expected.logits - still.logits
    assert np.abs(moved).max() > 0.01  # codes do something
    for wrong in (("--monte-carlo", CHIPS + 1, "--seed", 11), ("--monte-carlo", 2, "--seed", 7)):
        assert netgen("sim", out, file, *wrong, "--trim", codes).exit_code == 2


def test_input_gains_of_chips_in_spice_are_those_of_the_twin(tmp_path: Path) -> None:
    out, codes = tmp_path / "out", tmp_path / "codes.json"
    build(MODEL, out, BuildOptions("generic180"), SAMPLES)
    file = tmp_path / "samples.npz"
    np.savez(file, x=SAMPLES.x[:1])
    trim = netgen("trim", out, "--chips", 1, "--seed", 11, "--inputs", "-o", codes)
    assert trim.exit_code == 0, trim.output
    assert (
        netgen("sim", out, file, "--monte-carlo", 1, "--seed", 11, "--trim", codes).exit_code == 0
    )
    made = read_build(out)
    found = read_population(made, "mismatch_seed_11_trimmed")
    twin = twin_of_build(made)
    shifts = sample_deviations(twin.technology, Variation(11), twin.netlist.transistors, 0, 1)
    settings = read_trim(made, codes).codes.settings
    assert settings.inputs is not None
    assert np.abs(settings.inputs).max() > 0.02
    expected, without = (
        twin.run(shifts, SAMPLES.x[:1], settings=own).logits[0, 0]
        for own in (settings, ChipSettings(settings.biases))
    )
    spice = values(found, found.variants[0], 0, MODEL.readout.node)
    missed, moved = np.median(np.abs(spice - expected)), np.median(np.abs(spice - without))
    assert missed < 0.2 * moved


def values(found: object, case: str, sample: int, node: str) -> np.ndarray:
    traces = found.traces(case, sample)  # type: ignore[attr-defined]
    frames: np.ndarray = traces.frames[node]
    return frames
