"""What a layout leaves when it is ended: nothing or all of it; what is said without klayout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import netgen, write_model
from fake_tools import install
from layout_cases import quiet, simple

import netgen.project.tapeout as tapeout
from netgen.layout.assemble import Choices
from netgen.layout.make import Laid, lay_out
from netgen.layout.process import load_process
from netgen.technology import load_technology


class Killed(BaseException):
    """Stands for a signal that no process survives."""


@pytest.fixture
def laid() -> Laid:
    pytest.importorskip("klayout.db")
    technology = load_technology("gf180mcu")
    choices = Choices(effort=0.0)
    return lay_out(simple(), technology, load_process(technology), choices, quiet)


def test_killed_tapeout_leaves_no_folder(
    tmp_path: Path, laid: Laid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_: object) -> None:
        raise Killed

    path = tmp_path / "block"
    with monkeypatch.context() as patch:
        patch.setattr(tapeout, "write_gds", dying)
        with pytest.raises(Killed):
            tapeout._write(None, laid, None, path)  # type: ignore[arg-type]
    assert not path.exists()
    tapeout._write(None, laid, None, path)  # type: ignore[arg-type]
    assert sorted(each.name for each in path.iterdir()) == [
        "devices.gds", "devices.lef", "devices.v"
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("command", ["layout", "tapeout"])
def test_without_klayout_the_way_out_is_told(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pdk").mkdir()
    install(monkeypatch, tmp_path / "pdk")
    folder = tmp_path / "dir"
    made = netgen("build", write_model(tmp_path), "-o", folder)
    assert made.exit_code == 0, made.output
    monkeypatch.setitem(sys.modules, "klayout", None)
    monkeypatch.setitem(sys.modules, "klayout.db", None)
    more = ("--target", "block") if command == "tapeout" else ()
    done = netgen(command, folder, *more)
    assert done.exit_code == 4
    assert "klayout, which is not installed; run: pip install" in done.output.replace("\n", " ")
    assert not (folder / command).exists()
