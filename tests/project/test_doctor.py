"""netgen doctor: each fault of an installation is named, with its status and a way out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from netgen.commands import main
from netgen.errors import ToolMissingError
from netgen.project import doctor
from netgen.project.doctor import diagnose
from netgen.simulators import Finding
from netgen.simulators.ngspice import simulator


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No simulator, a cache of its own, no PDK_ROOT."""
    monkeypatch.setattr(simulator, "simulator_version", lambda: "ngspice-44")
    monkeypatch.setattr(doctor, "_simulation", lambda: Finding("simulation", "ok", "tried"))
    monkeypatch.setenv("NETGEN_CACHE", str(tmp_path / "cache"))
    for name in ("PDK_ROOT", "SPICE_SCRIPTS"):
        monkeypatch.delenv(name, raising=False)


def found(subject: str) -> Finding:
    (finding,) = (each for each in diagnose() if each.subject == subject)
    return finding


def test_a_sound_installation_has_no_fault() -> None:
    assert [each for each in diagnose() if each.state == "fault"] == []


def test_a_missing_library_is_named_and_nothing_is_simulated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> str:
        raise ToolMissingError("libngspice.so.0 is not installed; run: apt install libngspice0")

    monkeypatch.setattr(simulator, "simulator_version", missing)
    assert found("ngspice").status == 4
    assert "apt install" in found("ngspice").summary
    assert found("simulation").state == "note"


def test_an_old_ngspice_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "simulator_version", lambda: "ngspice-36")
    finding = found("ngspice")
    assert (finding.state, finding.status) == ("fault", 4)
    assert "39 or later" in finding.hint


def test_a_wrong_pdk_root_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PDK_ROOT", str(tmp_path / "nowhere"))
    finding = found("PDK_ROOT")
    assert (finding.state, finding.status) == ("fault", 4)
    assert "nowhere" in finding.summary


def test_a_cache_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NETGEN_CACHE", str(tmp_path / "file" / "cache"))
    finding = found("cache")
    assert (finding.state, finding.status) == ("fault", 2)
    assert "NETGEN_CACHE" in finding.hint


def test_a_spinit_in_the_way_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "spinit").write_text("set trtol=7\n")
    monkeypatch.setenv("SPICE_SCRIPTS", str(tmp_path))
    assert str(tmp_path) in found("spinit").summary


def test_the_command_ends_with_the_status_of_the_first_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PDK_ROOT", os.devnull)
    with pytest.raises(SystemExit) as status:
        main(["doctor"])
    assert status.value.code == 4
    out = capsys.readouterr().out
    assert "FAULT" in out
    assert "→" in out


def test_findings_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(["doctor", "--json"])
    assert status.value.code == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"subject", "state", "said", "hint", "status"} == set(findings[0])


@pytest.mark.ngspice
def test_the_simulation_of_the_diagnosis_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert doctor._simulation().state == "ok"
