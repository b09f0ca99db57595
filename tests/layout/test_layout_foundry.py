"""Layouts by a foundry's own decks: the examples where one is there, and what is made of any."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_klayout import install
from layout_cases import drawn, quiet, simple
from netlists import mirrored

from netgen.errors import ToolMissingError, UsageError
from netgen.layout.assemble import Choices
from netgen.layout.canvas import Canvas, layout_of, write_gds
from netgen.layout.deck import Opinion, RuleDeck, find_decks, run_deck, run_decks
from netgen.layout.lvs import dummies, reference_text
from netgen.layout.make import lay_out
from netgen.layout.process import DeckKind, Process, load_process
from netgen.model import load_model
from netgen.project import BuildOptions, design
from netgen.technology import Polarity, load_technology

pytest.importorskip("klayout.db")
EXAMPLES = Path(__file__).parents[2] / "examples"
DECK = Path(os.environ.get("NETGEN_FOUNDRY_DECK", "absent"))
needs_deck = pytest.mark.skipif(
    not DECK.is_file() or shutil.which("klayout") is None,
    reason="NETGEN_FOUNDRY_DECK names no deck, or there is no program klayout",
)
MODELS: dict[Polarity, str] = {"nmos": "nfet_03v3", "pmos": "pfet_03v3"}


@pytest.fixture(scope="module")
def process() -> Process:
    return load_process(load_technology("gf180mcu"))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a made-up KLayout on the path; return what it was given."""
    return install(tmp_path, monkeypatch)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an installed PDK's folder of decks, in parts that its runner joins."""
    folder = tmp_path / "pdks" / "gf180mcuD/libs.tech/klayout/tech"
    rules = folder / "drc" / "rule_decks"
    rules.mkdir(parents=True)
    (folder / "lvs").mkdir()
    for name, words in (("main", "M"), ("tail", "T"), ("comp", " ".join("C" * 640)),
                        ("antenna", " ".join("A" * 12)), ("density", "D!"),
                        ("layers_def", "L!")):  # fmt: skip
        (rules / f"{name}.drc").write_text(words, encoding="utf-8")
    (folder / "lvs" / "gf180mcu.lvs").write_text("compare", encoding="utf-8")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path / "pdks"))
    return folder


def calls(log: Path) -> list[tuple[list[str], dict[str, str]]]:
    lines = log.read_text(encoding="utf-8").splitlines()
    return [(text.split(), given) for text, given in map(json.loads, lines)]


def opinion(text: str, tmp_path: Path, smallest: int = 1, match: str = "") -> Opinion:
    deck = tmp_path / "deck.drc"
    deck.write_text(text, encoding="utf-8")
    kind = DeckKind("made up", (), (), {}, smallest, match)
    return run_deck(RuleDeck(kind, (deck,)), tmp_path / "layout.gds", "block", ".SUBCKT block")


@needs_deck
@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("name", ["set-reset", "keyword"])
def test_example_has_no_error_in_the_foundrys_deck(name: str, tmp_path: Path) -> None:
    made = design(load_model(EXAMPLES / name / "model.json"), BuildOptions("gf180mcu"))
    process = load_process(made.technology)
    netlist = mirrored(made.circuit, made.technology)
    laid = lay_out(netlist, made.technology, process, Choices(), quiet)
    assert laid.checks.clean
    write_gds(laid.layout, tmp_path / "layout.gds")
    decks = find_decks([str(DECK)], process)
    (found,) = run_decks(decks, tmp_path / "layout.gds", laid.task.name, "", quiet)
    assert found.categories >= 690
    assert found.errors == {}


@needs_deck
def test_the_deck_finds_a_fault(tmp_path: Path) -> None:
    case = drawn(simple())
    canvas = Canvas(case.made.canvas.boxes, case.made.canvas.labels)
    canvas.box("metal2", -5_000, -5_000, -4_000, -4_900)
    write_gds(layout_of(canvas, case.process, "block"), tmp_path / "layout.gds")
    decks = find_decks([str(DECK)], case.process)
    (found,) = run_decks(decks, tmp_path / "layout.gds", "block", "", quiet)
    assert {"M2.1", "M2.3"} <= set(found.errors)


def test_decks_of_an_installed_pdk_are_found_joined_and_run(
    tmp_path: Path, process: Process, log: Path, root: Path
) -> None:
    decks = find_decks(["pdk"], process)
    shares: list[float] = []
    rules, antenna, lvs = run_decks(
        decks, tmp_path / "layout.gds", "block", ".SUBCKT block", lambda _, x: shares.append(x)
    )
    assert rules == Opinion("design rules", 642)  # the density's and the layers' files are not run
    assert antenna == Opinion("antenna", 12)
    assert lvs == Opinion("LVS", match=True)
    assert not any(each.adverse for each in (rules, antenna, lvs))
    (text, given), _, (_, compared) = calls(log)
    assert (text[0], text[-1], len(text)) == ("M", "T", 642)
    assert (given["topcell"], given["table_name"]) == ("block", "main")
    assert given["input"] == str(tmp_path / "layout.gds")
    assert compared["lvs_sub"] == "vss"
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_an_edition_in_one_file_is_taken_first(
    tmp_path: Path, process: Process, log: Path, root: Path
) -> None:
    (root / "drc" / "gf180mcu.drc").write_text("ONE", encoding="utf-8")
    rules, *_ = find_decks(["pdk"], process)
    assert [file.name for file in rules.files] == ["gf180mcu.drc"]


def test_what_is_missing_is_said_before_anything_runs(
    tmp_path: Path, process: Process, log: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        find_decks([str(tmp_path / "absent.drc")], process)
    (root / "drc" / "rule_decks" / "antenna.drc").unlink()
    with pytest.raises(ToolMissingError, match="has no deck of antenna"):
        find_decks(["pdk"], process)
    monkeypatch.setenv("PDK_ROOT", "")
    with pytest.raises(ToolMissingError, match="set PDK_ROOT"):
        find_decks(["pdk"], process)
    deck = tmp_path / "deck.drc"
    deck.touch()
    assert len(find_decks([str(deck)], process)) == 1
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="apt-get install klayout"):
        find_decks([str(deck)], process)


def test_errors_are_counted_by_rule(tmp_path: Path, log: Path) -> None:
    found = opinion("A B! C! B!", tmp_path)
    assert found.errors == {"B!": 2, "C!": 1}
    assert found.adverse
    assert str(found) == "made up: 3 errors in 4 rules"


def test_a_deck_that_runs_too_little_is_no_opinion(tmp_path: Path, log: Path) -> None:
    found = opinion("A B", tmp_path, smallest=3)
    assert "reported 2 rules, a whole deck has at least 3" in found.problem
    assert not found.adverse


def test_a_deck_that_fails_midway_is_no_opinion(tmp_path: Path, log: Path) -> None:
    found = opinion("fails", tmp_path)
    assert "in KLayout 9.8.7: ERROR: In the deck: undefined method `new_check'" in found.problem


def test_netlists_that_do_not_match_speak_against_the_layout(tmp_path: Path, log: Path) -> None:
    found = opinion("A", tmp_path, match="Netlists are one")
    assert found.match is False
    assert found.adverse
    assert "do NOT match" in str(found)


def test_the_netlist_of_a_foreign_layout_has_its_dummies(process: Process) -> None:
    case = drawn(simple())
    found = [*case.task.fingers, *dummies(case.checks().extraction)]
    sizes = [
        sorted(line.split()[1:] for line in text.splitlines() if line.startswith("M"))
        for text in (reference_text(case.task, each, MODELS) for each in (found, case.made.fingers))
    ]
    assert sizes[0] == sizes[1]
    assert len(found) > len(case.task.fingers)


def test_an_interrupt_ends_the_deck(tmp_path: Path, log: Path) -> None:
    deck = tmp_path / "deck.drc"
    deck.write_text("sleeps", encoding="utf-8")
    script = (
        "import sys; from pathlib import Path\n"
        "from netgen.layout.deck import RuleDeck, run_deck\n"
        "from netgen.layout.process import DeckKind\n"
        "kind = DeckKind('made up', (), (), {}, 1, '')\n"
        "run_deck(RuleDeck(kind, (Path(sys.argv[1]),)), Path('a.gds'), 'a')\n"
    )
    running = subprocess.Popen([sys.executable, "-c", script, str(deck)], stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not log.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)  # ends only when the deck's program has
    assert b"KeyboardInterrupt" in said
