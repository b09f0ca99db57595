"""Nothing of a stranger's is run: netlists, decks, technologies and their models, packages."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_technology import OWN, changed

from netgen.errors import ConfigurationError, SimulationError, ToolMissingError
from netgen.netlist.statements import check_statements
from netgen.simulators import Attempt, Job, run_job
from netgen.technology import load_technology
from netgen.technology.commands import check_models, command_in, included
from netgen.technology.links import plain_folder

GOOD = (
    "* a network\n\n.subckt network vdd vss\n+ x_0_n\nR1 vdd vss 1k ; *# of no use\n.ends network\n"
)
COMMANDS = (
    ".control\nshell touch {mark}\n.endc\n",
    "  .CONTROL\nshell touch {mark}\n.endc\n",
    "\t.Control\nshell touch {mark}\n.endc\n",
    "*# shell touch {mark}\n",
    " *#shell touch {mark}\n",
    "* x\r.control\rshell touch {mark}\r.endc\r\n",
    "* x\x0b.control\nshell touch {mark}\n.endc\n",
    "* x\u2028.control\nshell touch {mark}\n.endc\n",
    ".exec touch {mark}\n",
    "a1 [a] [b] p\n.model p d_process (process_file=\"touch {mark}\")\n",
)  # fmt: skip
READING = (
    '.include "/etc/passwd"', ".inc /etc/passwd", ".lib '/etc/passwd' tt", ".INCLUDE x", ".incx y",
    ".tran 1u 1m", ".save all", ".csparam a=1", ".measure x", ".end", "a1 b c d", "N1 a b c d",
    "% x", "\x00", "R1 a b 1\x1b[2J",
)  # fmt: skip


@pytest.fixture
def outsider(tmp_path: Path) -> Path:
    """Return a folder with a stranger's copy of the generic technology."""
    return Path(shutil.copytree(OWN, tmp_path / "mine"))


def test_network_as_netgen_writes_it_is_taken() -> None:
    check_statements(GOOD, "netlist.cir")
    check_statements(GOOD.replace("\n", "\r\n"), "netlist.cir")


@pytest.mark.parametrize("bad", [*COMMANDS, *READING])
@pytest.mark.parametrize("place", [0, 2, 6])
def test_network_that_acts_is_refused(bad: str, place: int) -> None:
    lines = GOOD.split("\n")
    text = "\n".join([*lines[:place], bad, *lines[place:]])
    with pytest.raises(ConfigurationError, match=r"netlist\.cir: line \d+: ") as caught:
        check_statements(text, "netlist.cir")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 3


@given(st.text(alphabet=st.sampled_from(" \t\n\r*#.+;aA$"), max_size=12))
def test_whatever_stands_before_a_command_it_is_found(before: str) -> None:
    ends = ("\n", "\r")
    separated = not before.strip(" \t") or before.rstrip(" \t").endswith(ends)
    assert (command_in(f"{before}.control") is not None) >= separated
    for comment in ("* .control", "r1 a b c ; .control", "+ .control", "* a *# b"):
        assert command_in(comment) is None


@pytest.mark.parametrize("bad", COMMANDS)
def test_deck_that_acts_is_not_run(tmp_path: Path, bad: str) -> None:
    """The last gate: whatever made the deck, in this process or sent to it."""
    mark = tmp_path / "mark"
    deck = f"t\n{bad.format(mark=mark)}v1 a 0 1\nr1 a 0 1k\n.tran 1u 1m\n.save a\n.end\n"
    job = Job("circuit", (Attempt("default", deck),), ("a",), 1e-3, 20.0)
    with pytest.raises((ConfigurationError, ToolMissingError)) as caught:
        run_job(job)
    assert not mark.exists()
    if isinstance(caught.value, ConfigurationError):
        assert "is a command to ngspice; netgen runs none" in str(caught.value)


# Technologies


def injected(folder: Path, text: str) -> None:
    for file in folder.glob("*.spice"):
        with file.open("a", encoding="utf-8", newline="") as models:
            models.write(f"\n{text}")


@pytest.mark.parametrize("bad", COMMANDS)
def test_models_that_act_are_refused(outsider: Path, bad: str) -> None:
    injected(outsider, bad.format(mark=outsider / "mark"))
    with pytest.raises(ConfigurationError, match="is a command to ngspice") as caught:
        load_technology(outsider)
    assert "cards.spice: line" in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        ".include evil", '.include "evil"', ".INC 'evil'", ".incx evil", ".lib evil tt",
        '.lib "evil" tt', '.lib "evil b" tt', "  .include\tevil", '.include"evil"',
        ".include {root}/evil", ".include {bare}/evil",
    ],
)  # fmt: skip
def test_models_that_include_what_acts_are_refused(outsider: Path, statement: str) -> None:
    (outsider / "evil").write_text("*# shell true\n")
    injected(outsider, statement.format(root=outsider, bare=str(outsider)[1:]) + "\n")
    with pytest.raises(ConfigurationError, match="is a command to ngspice"):
        load_technology(outsider)


def test_sections_are_no_files(tmp_path: Path) -> None:
    names = {path.name for path in included(".lib tt\n.endl tt\n.include a.b\n", tmp_path)}
    assert {"a.b"} <= names <= {"a.b", "tt"}


def test_models_are_looked_at_again_when_they_change(tmp_path: Path) -> None:
    models = tmp_path / "m.lib"
    models.write_text("* fine\n")
    check_models([models])
    models.write_text("*# shell true\n")
    with pytest.raises(ConfigurationError):
        check_models([models])


INJECTED = "x\\n.control\\nshell true\\n.endc"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "generic180"', f'name = "{INJECTED}"'),
        ('name = "generic180"', 'name = "../../x"'),
        ('title = "generic 180 nm, no foundry\'s process"', f'title = "{INJECTED}"'),
        ('tt = "tt"', f'tt = "{INJECTED}"'),
        ('tt = "tt"', f'tt = "tt"\n"{INJECTED}" = "tt"'),
        ("[parameters]", f'[parameters]\n"{INJECTED}" = 1'),
        ('model = "nch"', f'model = "{INJECTED}"'),
        ('model = "nch"', f'model = "nch"\ninner = "{INJECTED}"'),
        ('model = "nch"', f'model = "nch"\nlvs = "{INJECTED}"'),
        ('model = "nch"', 'model = "nch a b"'),
        ('library = "models.lib"', f'library = "{INJECTED}"'),
        ('library = "models.lib"', 'library = "/etc/passwd"'),
        ('library = "models.lib"', 'library = "models.lib tt"'),
        ("includes = []", f'includes = ["{INJECTED}"]'),
        ("includes = []", 'includes = ["a\\u2028b"]'),
        ("includes = []", 'includes = []\npackage = "a/../.."'),
        ("includes = []", "includes = []\npackage = 1"),
        ("includes = []", 'includes = []\nfolder = "a\\u0000b"'),
        ("includes = []", 'includes = []\npdk_root = "x"'),
        ("includes = []", 'includes = []\npdk_root = ["/etc"]'),
        ("includes = []", f'includes = []\ndistribution = "{INJECTED}"'),
    ],
)
def test_description_that_would_break_out_is_refused(outsider: Path, old: str, new: str) -> None:
    changed(outsider, old, new)
    with pytest.raises(ConfigurationError) as caught:
        load_technology(outsider)
    assert all(str(line).startswith(str(outsider)) for line in str(caught.value).splitlines())


def test_package_of_the_current_folder_is_neither_imported_nor_taken(
    outsider: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(outsider, "includes = []", 'includes = []\npackage = "stranger.models"')
    for parent in (tmp_path / "here", tmp_path / "there"):
        package = parent / "stranger" / "models"
        package.mkdir(parents=True)
        for folder in (package, package.parent):
            (folder / "__init__.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
        for file in outsider.iterdir():
            (package / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path / "here")
    for entry in ("", ".", str(tmp_path / "here")):
        monkeypatch.setattr(sys, "path", [entry, *sys.path])
    with pytest.raises(ToolMissingError):
        load_technology(outsider)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "there")])
    assert load_technology(outsider).folder == tmp_path / "there" / "stranger" / "models"
    assert "stranger" not in sys.modules
    assert not (tmp_path / "mark").exists()


# Paths that ngspice cannot read


@pytest.mark.parametrize("name", ["my pdk", "it's", 'a"b', "naïve", "a\nb", "x;y", "$HOME"])
def test_any_path_of_models_works(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "m.lib").write_text("x")
    plain = plain_folder(folder)
    assert (plain / "m.lib").read_text() == "x"
    assert not set(str(plain)) & set(" '\"\n;$")
    assert plain_folder(folder) == plain


def test_plain_path_is_left_alone(tmp_path: Path) -> None:
    assert plain_folder(tmp_path) == tmp_path


@pytest.mark.ngspice
@pytest.mark.parametrize("name", ["my pdk", "it's mine", "größe"])
def test_simulator_reads_models_from_any_path(outsider: Path, tmp_path: Path, name: str) -> None:
    moved = outsider.rename(tmp_path / name)
    folder = plain_folder(load_technology(moved).folder)
    deck = (
        f't\n.lib "{folder}/models.lib" tt\nv1 d 0 1\nm1 d d 0 0 nch w=1u l=1u\n'
        ".tran 1u 1m\n.save d\n.end\n"
    )
    assert run_job(Job("m", (Attempt("default", deck),), ("d",), 1e-3, 20.0)).timepoints > 10


@pytest.mark.ngspice
def test_file_that_is_no_model_is_not_shown(outsider: Path) -> None:
    injected(outsider, "root:x:0:0:hunter2\nhunter3 hunter4 hunter5\n")
    folder = load_technology(outsider).folder
    deck = f't\n.lib "{folder}/models.lib" tt\nv1 d 0 1\nr1 d 0 1\n.tran 1u 1m\n.save d\n.end\n'
    with pytest.raises(SimulationError) as caught:
        run_job(Job("m", (Attempt("default", deck),), ("d",), 1e-3, 20.0))
    assert "hunter" not in str(caught.value)
    assert not any("hunter" in line for line in caught.value.tail)
