"""Nothing of the user's is overwritten or removed: folders of results, and pictures in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import netgen, says, write_model, write_samples
from fake_tools import FakeSimulator, install

from netgen.errors import UsageError
from netgen.project.results import MARK, claim_results
from netgen.report.pictures import PICTURE_LIST, write_pictures


@pytest.fixture(autouse=True)
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSimulator:
    (tmp_path / "pdk").mkdir()
    return install(monkeypatch, tmp_path / "pdk")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    "mine",
    ["notes.txt", "sweep.json", "noise.json", "scaling.json", "model.json", "build.json", MARK],
)
@pytest.mark.parametrize("command", ["sweep", "noise", "scaling"])
def test_folder_of_somebody_else_stays_as_it_is(tmp_path: Path, command: str, mine: str) -> None:
    model, samples = write_model(tmp_path / "model"), write_samples(tmp_path / "samples.npz")
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / mine).write_text("{}")
    before = contents(folder)
    inputs = [] if command == "scaling" else [model, samples]
    result = netgen(command, *inputs, "-o", folder)
    assert result.exit_code == 2
    (line,) = says(result)
    assert f"holds files that are not results of netgen {command}; choose an empty folder" in line
    assert contents(folder) == before


def test_kinds_of_results_do_not_mix(tmp_path: Path) -> None:
    claim_results(tmp_path / "out", "sweep")
    (tmp_path / "out" / "sweep.json").write_text("kept")
    claim_results(tmp_path / "out", "sweep")
    with pytest.raises(UsageError, match="not results of netgen train"):
        claim_results(tmp_path / "out", "train")
    result = netgen("build", write_model(tmp_path / "model"), "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert (tmp_path / "out" / "sweep.json").read_text() == "kept"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b"\xff", b"null"])
def test_damaged_mark_is_nobodys(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MARK).write_bytes(content)
    with pytest.raises(UsageError):
        claim_results(tmp_path / "out", "sweep")


def test_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        claim_results(tmp_path / "out", "noise")
    with pytest.raises(UsageError, match="cannot be written"):
        claim_results(tmp_path / "out" / "below", "noise")
    assert (tmp_path / "out").read_text() == "mine"


def test_only_own_pictures_are_removed(tmp_path: Path) -> None:
    tmp_path /= "plots"
    write_pictures(tmp_path, "power", {"shares.png": b"s"})
    write_pictures(tmp_path, "compare", {"a.png": b"1", "b.png": b"2", "c.png": b"3"})
    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / "b.png").write_bytes(b"edited")
    write_pictures(tmp_path, "compare", {"a.png": b"4"})
    assert contents(tmp_path).keys() == {PICTURE_LIST, "shares.png", "a.png", "b.png", "mine.png"}
    assert (tmp_path / "a.png").read_bytes() == b"4"
    assert (tmp_path / "b.png").read_bytes() == b"edited"


@pytest.mark.parametrize(
    "record",
    [b"", b"[]", b"\xff", b'{"compare": 1}', b'{"compare": {"../mine.png": "0"}}', b"[" * 9999],
)
def test_damaged_list_of_pictures_removes_nothing(tmp_path: Path, record: bytes) -> None:
    (tmp_path / "mine.png").write_bytes(b"mine")
    plots = tmp_path / "plots"
    plots.mkdir()
    (plots / PICTURE_LIST).write_bytes(record)
    (plots / "old.png").write_bytes(b"old")
    write_pictures(plots, "compare", {"a.png": b"1"})
    assert (tmp_path / "mine.png").exists()
    assert contents(plots).keys() == {PICTURE_LIST, "old.png", "a.png"}


def test_compare_leaves_a_users_picture(tmp_path: Path) -> None:
    model, samples = write_model(tmp_path / "model"), write_samples(tmp_path / "samples.npz")
    assert netgen("run", model, samples, "-o", tmp_path / "out").exit_code in (0, 1)
    (tmp_path / "out" / "plots").mkdir(exist_ok=True)
    (tmp_path / "out" / "plots" / "poster.png").write_bytes(b"mine")
    assert netgen("compare", tmp_path / "out").exit_code in (0, 1)
    assert (tmp_path / "out" / "plots" / "poster.png").read_bytes() == b"mine"


def test_curve_of_a_stream_overwrites_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "curve.json"
    mine.write_text("mine")
    model = write_model(tmp_path / "model")
    result = netgen("stream", model, tmp_path / "a.wav", "--labels", mine, "--curve", mine)
    assert result.exit_code == 2
    assert says(result)[0].endswith("curve.json: is there already; choose another --curve")
    assert mine.read_text() == "mine"
