"""What a worker of a cluster must have: the caller's versions, and the caller's model files."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from netgen.errors import ConfigurationError
from netgen.files import sha256_of
from netgen.simulators import Attempt, Job, Requirements

HERE = {"netgen": "1", "ngspice": "ngspice-39"}


@pytest.fixture(autouse=True)
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("netgen.simulators.cluster"), "required_versions", HERE.copy)


def job(deck: str = "a deck") -> Job:
    return Job("circuit", (Attempt("default", deck),), ("a",), 1e-3, 20.0)


def test_same_machine() -> None:
    Requirements((), HERE).check(job())


@pytest.mark.parametrize(("tool", "other"), [("netgen", "2"), ("ngspice", "ngspice-42")])
def test_other_versions_are_refused(tool: str, other: str) -> None:
    with pytest.raises(ConfigurationError, match=f"has {tool} {HERE[tool]}, not {other}") as caught:
        Requirements((), HERE | {tool: other}).check(job())
    assert caught.value.exit_status == 3
    assert len(str(caught.value).splitlines()) == 1


def test_model_files_of_decks_that_name_them(tmp_path: Path) -> None:
    models = tmp_path / "models.lib"
    models.write_text("* models\n")
    required = Requirements(((str(models), sha256_of(models)),), HERE)
    deck = job(f'.lib "{models}" tt')
    required.check(deck)
    models.write_text("* others\n")
    with pytest.raises(ConfigurationError, match=r"has another .*models\.lib than the caller"):
        required.check(deck)
    models.unlink()
    with pytest.raises(ConfigurationError, match="cannot read"):
        required.check(deck)
    required.check(job())  # a deck that holds its models itself reads no file
