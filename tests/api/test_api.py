"""The public interface: light to import, and the same circuit as the command line's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import netgen
from netgen import api
from netgen.errors import UsageError

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset"


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, netgen; print([m for m in ('numpy', 'PySpice', 'torch') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_name_is_there_and_an_unknown_one_is_an_attribute_error() -> None:
    for name in dir(netgen):
        assert getattr(netgen, name) is not None
    everything: dict[str, object] = {}
    exec("from netgen import *", everything)
    assert set(dir(netgen)) == set(everything) - {"__builtins__"}
    assert set(dir(netgen)) == {"__version__", *api.__all__}
    with pytest.raises(AttributeError, match="nothing"):
        netgen.nothing  # noqa: B018


def test_arrays_become_samples() -> None:
    model = netgen.load_model(EXAMPLE / "model.json")
    samples = netgen.make_samples(np.zeros((2, 12, 3), np.float32), np.array([0, 1]), model)
    assert len(samples) == 2
    assert netgen.make_samples(np.zeros((2, 12, 3)).tolist(), [0, 1], model).y is not None
    with pytest.raises(Exception, match="negative"):
        netgen.make_samples(-np.ones((1, 12, 3)), None, model)


@pytest.mark.ngspice
def test_a_script_does_what_the_command_line_does(tmp_path: Path) -> None:
    model = netgen.load_model(EXAMPLE / "model.json")
    samples = netgen.load_samples(EXAMPLE / "samples.npz", model).pick([1, 3])
    circuit = netgen.build(model, tmp_path / "out", calibration=samples)
    seen: list[tuple[int, int]] = []
    fresh = netgen.simulate(circuit, samples, progress=lambda *at: seen.append(at))
    assert (fresh, seen) == (2, [(1, 2), (2, 2)])
    assert netgen.simulate(netgen.open_build(tmp_path / "out"), samples) == 0
    result = netgen.compare(circuit)
    assert result.passed
    assert [row["agrees"] for row in result.rows()] == [True, True]
    assert result.logits.shape == result.logits_software.shape == (2, 12, 4)
    assert "agree" in result._repr_html_()
    assert result.plot().axes
    assert not netgen.compare(circuit, {"logit_rmse_same_state_fs_max": 0.0}).passed
    chips = netgen.monte_carlo(circuit, samples, chips=2)
    predicted = netgen.twin(circuit, samples, chips=2)
    assert chips.agrees.shape == predicted.agrees.shape == (2, 2)
    assert len(chips.rows()) == 4
    for each in (circuit, chips, predicted):
        assert each._repr_html_().startswith("<table>")


def test_options_of_a_build_that_are_none(tmp_path: Path) -> None:
    model = netgen.load_model(EXAMPLE / "model.json")
    for wrong, said in (
        ({"bias": "mirored"}, "ideal, mirrored, programmable"),
        ({"readout": "winner"}, "currents, wta"),
        ({"bias": "mirrored", "bias_bits": 4}, "programmable"),
        ({"bias": "programmable", "bias_range": (1.2, 1.8)}, "lower end"),
        ({"sizes": {"y": 2.0}}, "no group of devices 'y'"),
    ):
        with pytest.raises(UsageError, match=said):
            netgen.build(model, tmp_path / "out", **wrong)
    with pytest.raises(UsageError, match=r"model is a PosixPath.*netgen\.load_model"):
        netgen.build(EXAMPLE / "model.json", tmp_path / "out")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"circuit is a PosixPath.*netgen\.open_build"):
        netgen.compare(tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"calibration is a ndarray.*netgen\.make_samples"):
        netgen.build(model, tmp_path / "out", calibration=np.zeros((1, 1, 3)))  # type: ignore[arg-type]


@pytest.mark.ngspice
def test_sizes_by_group_with_mirrored_biases_and_a_decision_on_the_chip(tmp_path: Path) -> None:
    model = netgen.load_model(EXAMPLE / "model.json")
    samples = netgen.load_samples(EXAMPLE / "samples.npz", model)
    circuit = netgen.build(
        model,
        tmp_path / "out",
        bias="mirrored",
        readout="wta",
        sizes={"x": 2.0, "thresh": 2.5},
        calibration=samples,
    )
    assert netgen.simulate(circuit, samples.pick([1])) == 1
    result = netgen.compare(circuit)
    assert result.passed
    assert result.comparison.winner_agreement == 1
    text = (tmp_path / "out" / "netlist.cir").read_text(encoding="utf-8")
    for part in ("w=4e-06 l=4e-06", "w=5e-06 l=5e-06", "subckt wta_class", "_mirror "):
        assert part in text.lower(), part
