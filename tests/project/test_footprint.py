"""What a circuit takes of a chip: expected of a design, measured of a layout beside the build."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import netgen, write_model
from fake_tools import install
from small_models import small_model

from netgen.analysis.comparison.slow import frame_needed
from netgen.model import from_dict
from netgen.project import BuildOptions, design, read_build
from netgen.project.footprint import footprint_of, footprint_of_build
from netgen.project.layout import LAYOUT
from netgen.project.record import rewritten
from netgen.project.studies.times import speeds_of


@pytest.fixture(autouse=True)
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pdk").mkdir()
    install(monkeypatch, tmp_path / "pdk")


def test_expected_wires_lengthen_the_frame() -> None:
    made = design(from_dict(small_model()), BuildOptions())
    found = footprint_of(made)
    assert not found.measured
    assert found.wires_f > 0
    assert found.frame_s is not None
    assert found.frame_s > 1.05 * frame_needed(made.circuit.model, speeds_of(made))
    assert found.summary.startswith("laid out, expected: ")


def test_a_layout_beside_the_build_counts_until_the_circuit_is_another(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert netgen("build", write_model(tmp_path), "-o", folder).exit_code == 0
    build = read_build(folder)
    expected = footprint_of_build(build)
    assert expected is not None
    assert not expected.measured
    (folder / "layout").mkdir()
    laid = {"size": {"area_m2": 3e-9}, "wires": {"nets": {"state_0_v0": {"total_f": 4e-14}}}}
    for identity, measured in ((build.identity, True), ("another", False)):
        with rewritten(folder / "layout" / "layout.json", LAYOUT) as draft:
            draft.content = {"build": identity, **laid}
        found = footprint_of_build(build)
        assert found is not None
        assert (found.measured, found == expected) == (measured, not measured)
        if measured:
            assert (found.area_m2, found.wires_f) == (3e-9, 4e-14)
            assert found.facts[0] == ("area, laid out", "3000 µm²")
