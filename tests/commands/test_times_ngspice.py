"""Frames that are too short for the cells, through ``netgen run``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import netgen, write_samples
from small_models import bmru, document, linear

pytestmark = pytest.mark.ngspice

EXAMPLE = Path(__file__).parents[2] / "examples" / "set-reset"


def test_a_circuit_that_does_not_settle_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netgen.report.comparison.write.plot_all", lambda *_: [])
    files = EXAMPLE / "model.json", EXAMPLE / "samples.npz"
    where = "-o", tmp_path / "out", "--pdk", "gf180mcu", "--frame-period", "0.001"
    result = netgen("run", *files, *where)
    assert result.exit_code == 1
    assert "the circuit does not settle within a frame of 1 µs: its cells take" in result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert 3e-4 < report["settling"]["needed"] < 1e-3
    flips = [sample["flips_by_cause"] for sample in report["per_sample"]]
    assert sum(each["slow"] for each in flips) > 0
    assert not report["unexplained"]
    assert "does not settle" in (tmp_path / "out" / "report.html").read_text()


CELL = document(
    "one-cell",
    [
        {"name": "cand", "op": "relu", "input": "x"},
        bmru("state", "cand", [0.5], [0.2], [0.4]),
        linear("logits", "state", [[2.0], [0.0]], [0.0, 0.5]),
    ],
    frames=(0, 5),
)
X = np.array([0.1, 0.4095, 0.1, 0.391, 0.1])
"""2.4 % above β_hi and 2.25 % below it: states 0 1 0 0 0."""


@pytest.mark.parametrize(
    ("factor", "unexplained"),
    [(1.0, 0), (1.03, 1), (0.97, 1)],
    ids=["as sized", "3 % more", "3 % less"],
)
def test_a_spoiled_threshold_is_not_excused_as_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float, unexplained: int
) -> None:
    monkeypatch.setattr("netgen.report.comparison.write.plot_all", lambda *_: [])
    model, out = tmp_path / "model.json", tmp_path / "out"
    model.write_text(json.dumps(CELL))
    samples = write_samples(tmp_path / "samples.npz", X[np.newaxis, :, np.newaxis])
    options = "--pdk", "gf180mcu", "--calibration", samples
    assert netgen("build", model, "-o", out, *options).exit_code == 0
    netlist = out / "netlist.cir"

    def spoiled(found: re.Match[str]) -> str:
        return f"{found[1]}{factor * float(found[2]):.9g}"

    text, count = re.subn(r"(?m)^(I\S*thresh \S+ \S+ )(\S+)$", spoiled, netlist.read_text())
    assert count == 1
    netlist.write_text(text)
    assert netgen("sim", out, samples, "--edited-netlist").exit_code == 0
    result = netgen("compare", out, "--edited-netlist")
    assert result.exit_code == (1 if unexplained else 0)
    (sample,) = json.loads((out / "report.json").read_text())["per_sample"]
    assert sample["unexplained"] == unexplained
    assert sample["flips_by_cause"]["slow"] == sample["flips_by_cause"]["candidate_error"] == 0
