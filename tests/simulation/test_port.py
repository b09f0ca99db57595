"""The port of simulators: another simulator, found by its entry point, does all the work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import behavioural
import fake_tools
import numpy as np
import pytest
from small_models import small_model

from netgen.analysis import Tolerances
from netgen.errors import SimulationError, UsageError
from netgen.model import Samples, check_samples, from_dict
from netgen.project import BuildOptions, SimulationChoices, build, compare, read_build, simulate
from netgen.simulation import load_traces
from netgen.simulators import LocalPool, chosen_simulator, port, required_versions, runner
from netgen.simulators.ngspice.server import Server

MODEL = from_dict(small_model())
SIMULATOR = behavioural.SIMULATOR
NAMES = {"model": "model.json", "samples": "samples.npz"}


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[behavioural.Behavioural]:
    """Choose the behavioural simulator; ngspice cannot be started, as where it is missing."""
    (tmp_path / "pdk").mkdir()
    build_module, simulate_module = map(
        import_module, ("netgen.project.build", "netgen.project.simulate")
    )
    kept = {m: m.simulator_version for m in (build_module, simulate_module)}
    fake_tools.install(monkeypatch, tmp_path / "pdk")
    for module, version in kept.items():  # the port's own again
        monkeypatch.setattr(module, "simulator_version", version)
    monkeypatch.setattr(simulate_module, "LocalPool", LocalPool)
    entry = EntryPoint("behaviour", "behavioural:SIMULATOR", port.GROUP)
    monkeypatch.setattr(port, "entry_points", lambda group: [entry] if group == port.GROUP else [])
    monkeypatch.setenv(port.CHOICE, "behaviour")

    def missing(*_: object) -> None:
        raise AssertionError("ngspice was started")

    monkeypatch.setattr(Server, "__init__", missing)
    port._installed.cache_clear()
    SIMULATOR.model, SIMULATOR.broken = MODEL, False
    SIMULATOR.texts.clear()
    yield SIMULATOR
    port._installed.cache_clear()
    runner._idle.pop("behaviour", None)


def samples() -> Samples:
    x = np.random.default_rng(1).uniform(0, 1.5, (3, 4, 3))
    return check_samples(x, None, ("a", "b", "c"), MODEL)


def test_simulate_and_compare_run_on_another_simulator(
    other: behavioural.Behavioural, tmp_path: Path
) -> None:
    build(MODEL, tmp_path / "out", BuildOptions())
    made = read_build(tmp_path / "out")
    steps = list(simulate(made, samples(), [0, 1, 2], SimulationChoices(jobs=2)))
    assert [step.failure for step in steps] == [None] * 3
    assert len(other.texts) == 3
    for text in other.texts:
        assert ".observe <SourceCurrent(source='vvdd')>" in text
        assert ".save" not in text
        assert "#branch" not in text
    traces, _ = load_traces(made.folder.traces(0))
    assert traces.simulator == "behaviour-1"
    comparison, _ = compare(made, Tolerances(), NAMES, ("netgen run",))
    assert comparison.decision_agreement == 1
    tools = json.loads(made.folder.build.read_text())["tools"]
    assert tools["behaviour"] == "behaviour-1"
    assert tools["behaviour-package"] == "2.0"
    assert "ngspice" not in tools
    assert required_versions()["behaviour"] == "behaviour-1"


def test_a_failure_of_another_simulator_is_told_in_its_words(
    other: behavioural.Behavioural, tmp_path: Path
) -> None:
    build(MODEL, tmp_path / "out", BuildOptions())
    runner._idle.pop("behaviour", None)
    other.broken = True
    made = read_build(tmp_path / "out")
    (step,) = simulate(made, samples(), [0], SimulationChoices(jobs=1))
    assert isinstance(step.failure, SimulationError)
    assert step.failure.kind == "load"
    assert "no such element; behaviour: what?" in str(step.failure)


def test_raw_files_need_a_simulator_that_has_them(
    other: behavioural.Behavioural, tmp_path: Path
) -> None:
    build(MODEL, tmp_path / "out", BuildOptions())
    made = read_build(tmp_path / "out")
    with pytest.raises(UsageError, match="behaviour has no waveform files"):
        list(simulate(made, samples(), [0], SimulationChoices(jobs=1, raw=True)))


def test_ngspice_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(port.CHOICE, raising=False)
    assert chosen_simulator().name == "ngspice"


def test_an_unknown_simulator_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(port.CHOICE, "nosuch")
    with pytest.raises(UsageError, match=r"NETGEN_SIMULATOR=nosuch: .* known: .*ngspice"):
        chosen_simulator()
