"""What the report says of parameters, scope, ranges and changes; corners have no intervals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from synthetic_traces import traces_of

import netgen.report.comparison.write
from netgen.analysis import Comparison, Tolerances, Verification, compare, verdict
from netgen.analysis.comparison.verification import CellFigure, MirrorFigure, SumFigure
from netgen.analysis.variability.proportions import Proportion
from netgen.model import Model, Samples, random_model
from netgen.report import BuildSummary, Provenance, write_report
from netgen.report.comparison.parameters import parameters, signed
from netgen.report.variability.write import _proportion


@pytest.fixture(scope="module")
def made() -> tuple[Model, Samples, Comparison]:
    model, samples = random_model(3, state=2, layers=1, frames=12, inputs=3, samples=2)
    traces = [traces_of(model, samples.x[at], at) for at in range(2)]
    return model, samples, compare(model, samples, traces)


def found(off: float = 0.0) -> Verification:
    return Verification(
        (
            MirrorFigure("l1.relu", 0, "x", 0, "proj.weight[0][0]", 0.5, 0.5, 0.5 * (1 + off), 1.0),
            MirrorFigure("l1.relu", 1, "x", 0, "proj.weight[1][0]", 0.5, 0.5, 0.5, 1.0),
        ),
        (SumFigure("l1.relu", 0, 0.001, 1.0),),
        (CellFigure("l1.state", 1, "[1]", 0.5, 0.2, 1.0, 0.51, 0.2, 1.0),),
        cpu_s=0.5,
    )


def write(
    folder: Path, made: tuple[Model, Samples, Comparison], verification: Verification | None
) -> bool:
    model, samples, comparison = made
    build = BuildSummary("fake", "typical", {}, {}, 10, {"mirror": 10}, (), None)
    origin = Provenance("model.json", "samples.npz", "2024-01-01", (), build)
    checks = verdict(comparison, Tolerances(), verification)
    write_report(
        folder,
        comparison,
        model,
        checks,
        origin,
        lambda at: traces_of(model, samples.x[at], at),
        verification=verification,
    )
    return all(check.passed for check in checks)


def test_a_spoiled_weight_is_in_every_report(
    tmp_path: Path, made: tuple[Model, Samples, Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netgen.report.comparison.write, "plot_all", lambda *_: [])
    assert not write(tmp_path, made, found(0.05))
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert document["verdict"] == "fail"
    checks = {check["name"]: check for check in document["checks"]}
    (place,) = checks["mirror_error_max"]["places"]
    assert place["node"] == "l1.relu"
    assert place["what"] == "l1.relu[0]: proj.weight[0][0]"
    assert place["error"] == pytest.approx(0.05)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "l1.relu[0]: proj.weight[0][0]: +5.00 %" in page
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    (suite,) = (s for s in root if s.get("name", "").endswith(".nodes"))
    assert [case.get("name") for case in suite] == [node.name for node in made[0].nodes]
    assert [case.get("name") for case in suite if len(case)] == ["l1.relu", "l1.state"]


def test_a_cell_off_its_threshold_is_named(made: tuple[Model, Samples, Comparison]) -> None:
    checks = {c.name: c for c in verdict(made[2], Tolerances(), found())}
    assert [place.what for place in checks["threshold_error_max"].places] == ["l1.state[1]"]
    assert checks["mirror_error_max"].passed


def test_the_document_says_what_it_is_about(
    tmp_path: Path, made: tuple[Model, Samples, Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netgen.report.comparison.write, "plot_all", lambda *_: [])
    assert write(tmp_path, made, None)
    model, _, comparison = made
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert document["scope"] == "nominal, ideal bias currents: no mismatch, no wires"
    assert document["readout_frames"] == [model.readout.start, model.readout.stop]
    assert document["verification"] is None
    states = np.concatenate([s.software for s in comparison.states.values()], axis=2)
    before = np.zeros_like(states)
    before[:, 1:] = states[:, :-1]
    initial = np.concatenate([cell.initial_state for cell in model.cells])
    before[:, 0] = initial
    assert document["state_changes"]["software"] == int((states != before).sum())
    assert document["state_differences"] == {"primary": 0, "propagated": 0}
    own = [np.ptp(comparison.software[model.readout.node][at]) for at in range(2)]
    assert document["logit_rmse_same_state_own"] == pytest.approx(0.0, abs=1e-9)
    assert max(own) <= comparison.logit_full_scale
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "nominal, ideal bias currents: no mismatch, no wires" in page
    assert "were not measured" in page


def test_the_error_over_each_samples_own_range() -> None:
    model, samples = random_model(3, state=2, layers=1, frames=12, inputs=3, samples=2)
    off = {model.readout.node: np.full((12, len(model.classes)), 0.01)}
    traces = [traces_of(model, samples.x[at], at, added=off) for at in range(2)]
    result = compare(model, samples, traces)
    logits = result.software[model.readout.node]
    ranges = np.array([np.ptp(logits[at]) for at in range(2)])
    assert result.logit_rmse_same_state_own == pytest.approx(float(np.mean(0.01 / ranges)))
    assert result.logit_rmse_same_state_own_max == pytest.approx(float(0.01 / ranges.min()))
    assert result.logit_rmse_same_state_fs == pytest.approx(0.01 / result.logit_full_scale)


def test_parameters_as_text(made: tuple[Model, Samples, Comparison]) -> None:
    shown = parameters(made[2], found(0.05))
    assert shown.weights[0][-1] == "+5.00 %"
    assert shown.cells[0][2] == "+2.00 %"
    assert "2 weights, 1 rows and 1 cells" in shown.measured
    assert parameters(replace(made[2], unexercised=()), None).unused == ()
    assert signed(-0.031) == "-3.10 %"


def test_corners_have_no_confidence_interval() -> None:
    share = Proportion(3, 4, (0.3, 0.9), (0.2, 0.99))
    assert _proportion(share, "chips")["wilson"] == (0.3, 0.9)
    assert _proportion(share, "corners") == {
        "hits": 3, "trials": 4, "wilson": None, "exact": None, "share": 0.75,
    }  # fmt: skip
