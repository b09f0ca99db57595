"""What tests of build folders share: the small model, built without tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_tools import FakeSimulator
from small_models import small_model

from netgen.model import Model, from_dict
from netgen.project import BuildOptions, build


@pytest.fixture
def model() -> Model:
    return from_dict(small_model())


@pytest.fixture
def built(tmp_path: Path, simulator: FakeSimulator, model: Model) -> Path:
    build(model, tmp_path / "out", BuildOptions())
    return tmp_path / "out"
