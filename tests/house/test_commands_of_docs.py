"""Every shell command in README and documentation is right, and runs.

A block runs in a folder with the examples, in the order of its page, unless the comment before it
says ``commands: long`` (it runs with NETGEN_LONG_COMMANDS=1: ``./run commands``) or ``commands:
system`` (it installs something, or needs a microphone or the reader's own files). Of those the
shell's syntax and the options are checked.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import pytest
from command_line import netgen
from onnx_files import digits

from netgen.commands import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
    ]
)
BLOCK = re.compile(
    r"^(?:<!-- commands: (?P<mark>\w+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LONG = os.environ.get("NETGEN_LONG_COMMANDS", "") not in ("", "0")
EXAMPLE = ROOT / "examples" / "set-reset"


@dataclass(frozen=True)
class Block:
    """Commands of a page."""

    page: Path
    number: int
    mark: str
    text: str

    @property
    def lines(self) -> list[str]:
        """The commands, without remarks and joined where they go on."""
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line.strip()]

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}-{self.number}"


def blocks(language: str = "sh") -> Iterator[Block]:
    for page in PAGES:
        if "files" in page.parts:  # made of schemas
            continue
        found = BLOCK.finditer(page.read_text(encoding="utf-8"))
        for number, match in enumerate(m for m in found if m["language"] == language):
            yield Block(page, number, match["mark"] or "", match["text"])


ALL = list(blocks())


def runnable() -> list[Any]:
    """Return the pages with commands that run now."""
    marks = {"", "long"} if LONG else {""}
    pages: dict[Path, list[Block]] = {}
    for block in ALL:
        if block.mark in marks:
            pages.setdefault(block.page, []).append(block)
    return [pytest.param(own, id=str(page.relative_to(ROOT))) for page, own in pages.items()]


def test_there_are_commands_and_their_marks_are_known() -> None:
    assert len(ALL) > 20
    assert {block.mark for block in ALL} == {"", "long", "system"}
    assert len(runnable()) > 5
    shell = re.compile(r"^(netgen|python3? |pip |sudo |\./run)", re.MULTILINE)
    assert [b.name for b in blocks("") if shell.match(b.text)] == [], "say sh"


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.name)
def test_syntax_and_options_are_right(block: Block) -> None:
    found = subprocess.run(
        ["bash", "-n"], input=block.text, text=True, capture_output=True, check=False
    )
    assert found.returncode == 0, found.stderr
    for line in block.lines:
        for words in _netgen_commands(line):
            _parse(words)


def test_what_continuous_integration_takes_is_short() -> None:
    """A whole workflow, with a baseline, is ten lines; its inputs are those of the action."""
    own = [b for b in blocks("yaml") if b.page.name == "continuous-integration.md"]
    assert len(own) == 2
    assert max(len(block.lines) for block in own) <= 10
    action = (ROOT / "action.yml").read_text(encoding="utf-8")
    github, gitlab = (block.text for block in own)
    for name in re.findall(r"^ {10}([\w-]+):", github, re.MULTILINE):
        assert f"\n  {name}: {{ description" in action
    job = (ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8")
    for name in re.findall(r"^ {4}([A-Z_]+):", gitlab, re.MULTILINE):
        assert f"${{{name}:" in job


def _netgen_commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&")
    lexer.whitespace_split = True
    for ends, part in groupby(lexer, lambda word: set(word) <= set("|;&")):
        words = [] if ends else list(part)
        while words and re.fullmatch(r"\w+=\S*", words[0]):
            words.pop(0)
        if words and Path(words[0]).name in ("netgen", "fqnetgen"):
            yield words[1:]


def _parse(words: list[str]) -> None:
    """See that a command is there and knows all its options."""
    assert isinstance(main, click.Group)
    context = click.Context(main, info_name="netgen")
    if words[0].startswith("-"):
        return
    command = main.get_command(context, words[0])
    assert command is not None, words[0]
    own = click.Context(command, info_name=words[0], resilient_parsing=True)
    command.make_parser(own).parse_args(words[1:])  # an unknown option is an error


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built, simulated and compared."""
    out = tmp_path_factory.mktemp("compared") / "set-reset"
    assert netgen("run", EXAMPLE / "model.json", EXAMPLE / "samples.npz", "-o", out).exit_code == 0
    return out


@pytest.mark.ngspice
@pytest.mark.parametrize("own", runnable())
def test_commands_of_a_page_run(
    own: list[Block], compared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = own[0].page.read_text(encoding="utf-8")
    _prepare(tmp_path, text, compared)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    for block in own:
        for line in block.lines:
            words = shlex.split(line, comments=True)
            plain = not re.search(r"[|;&$]", line)
            if plain and words[:1] == ["netgen"]:  # without the start of another Python
                result = netgen(*map(_path, words[1:]))
                print(f"$ {line}\n{result.output}")  # ./run commands -rP shows it
                assert result.exit_code == 0, f"{line}\n{result.output}"
            elif "ngspice" in words and shutil.which("ngspice") is None:
                pytest.skip("the program ngspice is not installed, the library alone")
            elif words:
                found = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", line],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                print(f"$ {line}\n{found.stdout}{found.stderr}")
                assert found.returncode == 0, f"{line}\n{found.stdout}{found.stderr}"


@pytest.mark.ngspice
def test_the_netlist_that_the_tutorial_quotes_is_the_one_that_is_written(compared: Path) -> None:
    """Another simulator may move a width or a length by some per cent, and nothing else."""
    page = (ROOT / "docs" / "tutorial-set-reset.md").read_text(encoding="utf-8")
    (quoted,) = re.findall(r"^```\n(\* row 0\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    written = (compared / "netlist.cir").read_text().split("* row 0\n")[1].splitlines()
    number = re.compile(r"[-+]?\d\.?\d*(?:e-\d+)?$")
    for said, line in zip(quoted.splitlines()[1:], written, strict=False):
        words, there = (re.split(r"[ =]+", text) for text in (said, line))
        assert len(words) > 3
        for word, own in zip(words, there, strict=False):
            if number.match(word):
                assert float(word) == pytest.approx(float(own), rel=0.05)
            else:
                assert word == own


def _path(word: str) -> str | Path:
    """Return a path where a word is one: the JSON files below it are checked."""
    return Path(word) if Path(word).is_dir() else word


def _prepare(folder: Path, text: str, compared: Path) -> None:
    """Lay out what a reader has: the checkout, a model with samples, an earlier report."""
    for name in ("examples", "pdk", "benchmarks"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("model.json", "samples.npz"):
        shutil.copy(EXAMPLE / name, folder / name)
    shutil.copy(EXAMPLE / "model.json", folder / "MODEL.json")
    shutil.copy(EXAMPLE / "samples.npz", folder / "validation.npz")
    if "out/set-reset" in text:
        shutil.copytree(compared, folder / "out" / "set-reset")
    if "digits.onnx" in text and LONG:
        digits(folder)
    if "good/report.json" in text:
        (folder / "good").mkdir()
        shutil.copy(compared / "report.json", folder / "good" / "report.json")
