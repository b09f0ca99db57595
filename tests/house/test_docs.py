"""The documentation: the site builds without a warning, links lead somewhere, Python runs.

A block that reads out/set-reset needs the build of the demonstration.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netgen.commands import main
from netgen.schema import schema, schema_names

BUILD = "out/set-reset"
DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), DOCS.parent / "README.md"])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_to_files(page: Path) -> None:
    for target in LINK.findall(text(page)):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def blocks() -> list[Any]:
    """The Python of all pages; what needs a circuit is marked."""
    found = []
    for page in PAGES:
        for index, code in enumerate(BLOCK.findall(text(page))):
            marks = [pytest.mark.ngspice] if BUILD in code or "netgen.build(" in code else []
            found.append(pytest.param(page, code, id=f"{page.name}-{index}", marks=marks))
    return found


@pytest.mark.parametrize(("page", "code"), blocks())
def test_python_of_the_pages_runs(
    page: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "import torch" in code:
        pytest.importorskip("torch")
    (tmp_path / "examples").symlink_to(DOCS.parent / "examples")
    monkeypatch.chdir(tmp_path)
    if BUILD in code:
        with pytest.raises(SystemExit) as status:
            main(["build", "examples/set-reset/model.json", "-o", BUILD])
        assert status.value.code == 0
    exec(compile(code, str(page), "exec"), {"__name__": page.stem})


def test_pages_of_formats_have_every_field_of_their_schemas() -> None:
    page = runpy.run_path(str(DOCS / "formats.py"))["page"]
    for name in schema_names():
        rows = page(name)
        assert all(f"| `{key}` |" in rows for key in _fields(schema(name))), name


def _fields(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part.get("properties", {})
    for inner in part.values() if isinstance(part, dict) else part:
        if isinstance(inner, dict | list):
            yield from _fields(inner)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    from subprocess import run
    from sys import executable

    command = [executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(tmp_path)]
    found = run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "reference" / "commands.html").is_file()
