"""What a layout leaves when it is ended: nothing or all of it; what is said without klayout."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import fake_klayout
import pytest
from command_line import netgen, write_model
from fake_tools import install
from layout_cases import quiet, simple
from layout_records import picture

import netgen.project.layout as project
import netgen.project.tapeout as tapeout
from netgen.document import table_at, tables_at
from netgen.errors import ConfigurationError
from netgen.files import sha256_of
from netgen.layout.assemble import Choices
from netgen.layout.deck import Opinion
from netgen.layout.make import Laid, lay_out
from netgen.layout.process import load_process
from netgen.project.reading import Build, read_build
from netgen.technology import load_technology


@pytest.fixture(scope="module")
def laid() -> Laid:
    pytest.importorskip("klayout.db")
    technology = load_technology("gf180mcu")
    choices = Choices(effort=0.0)
    return lay_out(simple(), technology, load_process(technology), choices, quiet)


def killed_at(moment: int, work: Callable[[], object]) -> bool:
    """Do work in a process that dies, half a file written, at its ``moment``-th file.

    Returns
    -------
    Whether it died; otherwise the work was done.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fork beside threads: the child only writes files
        child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    count, write = 0, Path.write_bytes

    def writing(path: Path, data: bytes) -> int:
        nonlocal count
        count += 1
        if count == moment:
            write(path, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(path, data)

    def writing_text(path: Path, text: str, encoding: str = "utf-8") -> int:
        return writing(path, text.encode(encoding))

    Path.write_bytes = writing  # type: ignore[method-assign, assignment]
    Path.write_text = writing_text  # type: ignore[method-assign, assignment]
    try:
        work()
    finally:
        os._exit(0)


@pytest.fixture
def build(tmp_path: Path, laid: Laid, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return a build whose layout is ready at once: only its files are written."""
    (tmp_path / "pdk").mkdir()
    install(monkeypatch, tmp_path / "pdk")
    made = netgen("build", write_model(tmp_path), "-o", tmp_path / "dir")
    assert made.exit_code == 0, made.output
    technology = load_technology("gf180mcu")
    monkeypatch.setattr(project, "layout_inputs", lambda _: (simple(), technology, laid.process))
    monkeypatch.setattr(project, "lay_out", lambda *_: laid)
    monkeypatch.setattr(project, "_with_wires", lambda *_: "* wires\n")
    monkeypatch.setattr(project, "draw_picture", lambda _, image, *__: image.write_bytes(picture()))
    return read_build(tmp_path / "dir")


def whole(build: Build) -> bool:
    """Tell whether a build's layout is whole; see that its files are those of its record."""
    try:
        record = project.layout_record(build)
    except ConfigurationError:
        return False
    files = table_at(record, "files")
    folder = project.layout_folder(build)
    assert all(sha256_of(folder / name) == digest for name, digest in files.items())
    page = build.folder.path / "layout.html"
    assert not page.exists() or page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    return True


@pytest.mark.parametrize("earlier", [False, True], ids=["first", "again"])
def test_a_layout_killed_at_any_file_is_whole_or_said_not_to_be(
    build: Build, earlier: bool
) -> None:
    folder, deaths = project.layout_folder(build), 0
    for moment in range(1, 60):
        shutil.rmtree(folder, ignore_errors=True)
        if earlier:
            project.layout(build, Choices(seed=7), quiet)
        done = not killed_at(moment, lambda: project.layout(build, Choices(), quiet))
        deaths += not done
        assert whole(build) or not done
        project.layout(build, Choices(), quiet)
        assert whole(build)
        assert len(table_at(project.layout_record(build), "files")) == 6
        left = {each.name for each in folder.iterdir()}
        assert left == {*table_at(project.layout_record(build), "files"), "layout.json"}
        if done:
            break
    assert done
    assert deaths > 12


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (" ".join("R" * 700), 0, "design rules: 0 errors in 700 rules"),
        (" ".join("R" * 700) + " M1.1! M1.1!", 1, "M1.1!: 2"),
        ("fails", 4, "no opinion: it failed in KLayout 9.8.7"),
        ("R", 4, "it reported 1 rules"),
    ],
    ids=["clean", "errors", "failed", "few"],
)
def test_what_a_deck_says_is_told_recorded_and_shown(
    build: Build,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    status: int,
    said: str,
) -> None:
    fake_klayout.install(tmp_path, monkeypatch)
    deck = tmp_path / "rules.drc"
    deck.write_text(words, encoding="utf-8")
    done = netgen("layout", build.folder.path, "--deck", deck)
    assert done.exit_code == status, done.output
    assert said in done.output
    record = project.layout_record(build)
    checks = table_at(record, "checks")
    (found,) = tables_at(checks, "decks")
    assert checks["clean"] is (status != 1)
    assert table_at(found, "errors") == ({"M1.1!": 2} if status == 1 else {})
    assert table_at(record, "tools")["klayout (program)"] == "9.8.7"
    page = (build.folder.path / "layout.html").read_text(encoding="utf-8")
    shown = {0: "700 rules", 1: "design rules, M1.1!: 2", 4: "not run: "}
    assert shown[status] in page


def test_interrupted_layout_ends_with_130_and_leaves_the_earlier_one(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.layout(build, Choices(), quiet)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(project, "lay_out", interrupted)
    done = netgen("layout", build.folder.path)
    assert done.exit_code == 130
    assert "interrupted" in done.output
    assert whole(build)


@pytest.fixture
def ready(build: Build, laid: Laid, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return a build whose block is ready at once for a tapeout."""
    inputs = (simple(), load_technology("gf180mcu"), laid.process)
    monkeypatch.setattr(tapeout, "layout_inputs", lambda _: inputs)
    monkeypatch.setattr(tapeout, "lay_out", lambda *_: laid)
    return build


@pytest.mark.parametrize("step", ["lay_out", "run_decks", "lef_text", "write_gds"])
def test_interrupted_tapeout_ends_with_130_and_leaves_no_folder(
    ready: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = set(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(tapeout, step, interrupted)
        words = ("tapeout", ready.folder.path, "--target", "block", "-o", tmp_path / "block")
        done = netgen(*words)
    assert done.exit_code == 130
    assert "interrupted" in done.output
    assert set(tmp_path.iterdir()) == before
    assert netgen(*words).exit_code == 0
    assert (tmp_path / "block" / "devices.gds").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "status"), [(" ".join("R" * 700), 0), (" ".join("R" * 700) + " M1.1!", 1), ("R", 4)]
)
def test_a_tapeout_says_what_decks_found_and_what_was_not_run(
    ready: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, status: int
) -> None:
    fake_klayout.install(tmp_path, monkeypatch)
    deck = tmp_path / "rules.drc"
    deck.write_text(words, encoding="utf-8")
    done = netgen("tapeout", ready.folder.path, "--target", "block", "-o", tmp_path / "block",
                  "--deck", deck)  # fmt: skip
    assert done.exit_code == status, done.output
    assert (tmp_path / "block" / "devices.gds").is_file()
    assert "the foundry's deck of antenna" in done.output
    assert ("the foundry's deck of design rules" in done.output) is (status == 4)


def test_a_sheet_says_what_was_run_and_what_was_not() -> None:
    found = (Opinion("design rules", 651), Opinion("antenna", problem="it failed"))
    sheet = tapeout._checks(found)
    assert "design rules: 0 errors in 651 rules" in sheet
    assert "(magic, yosys, the foundry's deck of antenna, density)" in sheet
    assert "deck of design rules" in tapeout._checks(())


def test_a_tapeout_killed_at_any_file_leaves_no_folder(tmp_path: Path, laid: Laid) -> None:
    path = tmp_path / "block"

    def write() -> None:
        tapeout._write(None, laid, None, path)  # type: ignore[arg-type]

    for moment in (1, 2):
        assert killed_at(moment, write)
        assert not path.exists()
    write()
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
