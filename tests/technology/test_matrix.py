"""Every technology with every engine: nominal, with mirrored biases, as a chip, in a corner."""

from __future__ import annotations

import numpy as np
import pytest

from netgen.analysis import compare
from netgen.errors import ToolMissingError
from netgen.model import Cell, Model, Samples
from netgen.model.random import random_model
from netgen.netlist import Conditions
from netgen.project import (
    Build,
    BuildOptions,
    SimulationChoices,
    build,
    read_build,
    simulate,
    simulate_population,
)
from netgen.project.population.variants import Corner, Corners, MonteCarlo
from netgen.simulation import Traces, load_traces
from netgen.simulation.engines import AUTO, ENGINES
from netgen.technology import Variation, load_technology, technologies

pytestmark = [pytest.mark.ngspice, pytest.mark.slow]

FRAMES = 8
CHIP = MonteCarlo(Variation(seed=4, mismatch=True, process=False), 1)


def network() -> tuple[Model, Samples]:
    """Return a small network with all kinds of nodes; both of its cells rise, neither by a hair."""
    return random_model(4, state=2, layers=1, classes=2, inputs=2, frames=FRAMES)


@pytest.fixture(scope="module", params=technologies())
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Build:
    try:
        load_technology(request.param)
    except ToolMissingError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp(request.param)
    build(network()[0], folder, BuildOptions(request.param))
    return read_build(folder)


def whole_and_others(built: Build, variant: str) -> dict[str, Traces]:
    """Return what every engine gives for the first sample in a variant of the circuit."""
    _, samples = network()
    found = {}
    for engine in (*ENGINES, AUTO):
        choices = SimulationChoices(1, engine=engine)
        if variant == "nominal":
            (step,) = simulate(built, samples, [0], choices)
            failure, path = step.failure, built.folder.traces(0)
        else:
            (run,) = simulate_population(built, samples, [0], population(built, variant), choices)
            failure, path = run.failure, run.run.traces
        assert failure is None, (engine, failure)
        found[engine] = load_traces(path)[0]
    return found


def states(traces: Traces, cell: Cell) -> np.ndarray:
    high: np.ndarray = traces.frames[cell.name] > cell.level / 2
    return high


def population(built: Build, variant: str) -> MonteCarlo | Corners:
    technology = load_technology(built.options.technology)
    if variant == "chip":
        return CHIP
    if variant == "mirrored":
        at = Conditions(technology.nominal_corner, technology.temperature, technology.vdd)
        return Corners((Corner(at, "mirrored"),))
    slow = next(name for name in technology.corners if name == "ss")
    return Corners((Corner(Conditions(slow, 85.0, 0.9 * technology.vdd), "ideal"),))


@pytest.mark.parametrize("variant", ["nominal", "mirrored", "chip", "corner"])
def test_every_engine_gives_the_same(built: Build, variant: str) -> None:
    model, samples = network()
    found = whole_and_others(built, variant)
    whole = found["monolithic"]
    logits = model.readout.node
    for engine, traces in found.items():
        assert set(traces.frames) == set(whole.frames), engine
        for cell in model.cells:
            np.testing.assert_array_equal(states(traces, cell), states(whole, cell), engine)
        error = np.abs(traces.frames[logits] - whole.frames[logits]).max()
        assert error < 5e-3 * np.ptp(whole.frames[logits]), engine
        if variant == "nominal":
            assert all(np.diff(states(traces, cell), axis=0).any() for cell in model.cells)
            comparison = compare(model, samples.pick([0]), [traces])
            assert comparison.decision_agreement == 1
            assert comparison.state_agreement == 1
            assert comparison.logit_rmse_same_state_fs_max is not None
            assert comparison.logit_rmse_same_state_fs_max < 0.01
