"""The examples' layouts by the foundry's own design rules, where the deck and its program are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from layout_cases import drawn, quiet, simple
from netlists import mirrored

from netgen.errors import ConfigurationError
from netgen.layout.assemble import Choices
from netgen.layout.canvas import Canvas, layout_of, write_gds
from netgen.layout.deck import run_deck
from netgen.layout.make import lay_out
from netgen.layout.process import load_process
from netgen.model import load_model
from netgen.project import BuildOptions, design

pytest.importorskip("klayout.db")
EXAMPLES = Path(__file__).parents[2] / "examples"
DECK = Path(os.environ.get("NETGEN_FOUNDRY_DECK", "absent"))
needs_deck = pytest.mark.skipif(
    not DECK.is_file() or shutil.which("klayout") is None,
    reason="NETGEN_FOUNDRY_DECK names no deck, or there is no program klayout",
)


@needs_deck
@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("name", ["set-reset", "keyword"])
def test_example_has_no_error_in_the_foundrys_deck(name: str, tmp_path: Path) -> None:
    made = design(load_model(EXAMPLES / name / "model.json"), BuildOptions("gf180mcu"))
    process = load_process(made.technology)
    netlist = mirrored(made.circuit, made.technology)
    laid = lay_out(netlist, made.technology, process, Choices(), quiet)
    assert laid.verdict.clean
    write_gds(laid.layout, tmp_path / "layout.gds")
    found = run_deck(tmp_path / "layout.gds", laid.task.name, DECK, process)
    assert found.categories >= 690
    assert found.errors == {}


@needs_deck
def test_the_deck_finds_a_fault(tmp_path: Path) -> None:
    case = drawn(simple())
    canvas = Canvas(case.made.canvas.boxes, case.made.canvas.labels)
    canvas.box("metal2", -5_000, -5_000, -4_000, -4_900)
    write_gds(layout_of(canvas, case.process, "block"), tmp_path / "layout.gds")
    found = run_deck(tmp_path / "layout.gds", "block", DECK, case.process)
    assert {"M2.1", "M2.3"} <= set(found.errors)


def test_a_deck_that_runs_nothing_is_no_opinion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "klayout"
    program.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case $word in report=*) file=${word#report=};; esac; done\n'
        'echo "<report-database><categories></categories><items></items></report-database>" '
        '>"$file"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    case = drawn(simple())
    write_gds(layout_of(case.made.canvas, case.process, "block"), tmp_path / "layout.gds")
    with pytest.raises(ConfigurationError, match="reported 0 rules"):
        run_deck(tmp_path / "layout.gds", "block", tmp_path / "deck.drc", case.process)
