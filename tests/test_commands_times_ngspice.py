"""Frames that are too short for the cells, through ``netgen run``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import netgen

pytestmark = pytest.mark.ngspice

EXAMPLE = Path(__file__).parent.parent / "examples" / "set-reset"


def test_a_circuit_that_does_not_settle_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netgen.report.write.draw_all", lambda *_: [])
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
