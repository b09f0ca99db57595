"""A command that is killed leaves a part of one set of files, never parts of two."""

from __future__ import annotations

import ast
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from command_line import netgen, says, write_model, write_samples
from fake_tools import FakeSimulator, install

import netgen as netgen_api
from netgen.analysis import Tolerances, kept_tolerances, load_tolerances
from netgen.errors import ConfigurationError, UsageError
from netgen.files import folder_beside, write_whole
from netgen.model import load_model
from netgen.project import read_build
from netgen.project.lock import FILE
from netgen.project.power import power
from netgen.project.reading import held
from netgen.project.record import BUILD, Draft, rewritten
from netgen.project.results import MARK, claim_results, results, write_results

ROOT = Path(__file__).parents[2]
OLD: dict[str, str | bytes] = {"a.json": "old a", "b.npz": b"old b", "plots/c.png": b"old c"}
NEW: dict[str, str | bytes] = {"a.json": "new a", "b.npz": b"new b", "plots/d.png": b"new d"}


class Killed(BaseException):
    """Stands for a signal that no process survives."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, module: str, write: int) -> Iterator[None]:
    """End at the given call of a module's ``write_whole``, before or after it wrote."""
    calls = 0

    def dying(path: Path, content: str | bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == write // 2 + 1:
            if write % 2:
                write_whole(path, content)
            raise Killed
        write_whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(f"{module}.write_whole", dying)
        yield


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSimulator:
    (tmp_path / "pdk").mkdir()
    return install(monkeypatch, tmp_path / "pdk")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (MARK, FILE, "netgen.log")
    }


def as_bytes(files: dict[str, str | bytes]) -> dict[str, bytes]:
    return {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}


def test_results_of_two_runs_never_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = 0
    for write in range(100):
        folder = tmp_path / str(write)
        claim_results(folder, "train")
        write_results(folder, "train", OLD)
        with killed_at(monkeypatch, "netgen.project.record", write):
            try:
                write_results(folder, "train", NEW)
            except Killed:
                ended += 1
            else:
                break
        found = contents(folder)
        assert any(found.items() <= as_bytes(files).items() for files in (OLD, NEW)), found
        claim_results(folder, "train")
        assert write_results(folder, "train", NEW) == []
        assert contents(folder) == as_bytes(NEW)
    assert ended == 16, "the record five times and three files, before and after each"


def test_edited_results_are_moved_aside(tmp_path: Path) -> None:
    claim_results(tmp_path, "train")
    write_results(tmp_path, "train", OLD)
    (tmp_path / "a.json").write_text("mine")
    assert write_results(tmp_path, "train", NEW) == [tmp_path / "a.json.edited-1"]
    assert contents(tmp_path) == as_bytes(NEW) | {"a.json.edited-1": b"mine"}


def test_file_that_the_record_does_not_know_is_moved_aside(tmp_path: Path) -> None:
    claim_results(tmp_path, "train")
    (tmp_path / "a.json").write_text("mine")
    assert write_results(tmp_path, "train", NEW) == [tmp_path / "a.json.edited-1"]


def test_results_of_the_same_stay_beside_each_other(tmp_path: Path) -> None:
    claim_results(tmp_path, "stream")
    write_results(tmp_path, "stream", {"chips.json": "1"}, of="one")
    write_results(tmp_path, "stream", {"seconds.json": "2"}, of="one")
    assert contents(tmp_path) == {"chips.json": b"1", "seconds.json": b"2"}
    write_results(tmp_path, "stream", {"seconds.json": "3"}, of="another")
    assert contents(tmp_path) == {"seconds.json": b"3"}


@pytest.mark.parametrize("complete", [True, False])
def test_record_of_results(tmp_path: Path, complete: bool) -> None:
    claim_results(tmp_path, "sweep")
    assert json.loads((tmp_path / MARK).read_text())["complete"] is False
    write_results(tmp_path, "sweep", {"sweep.json": "x"}, whole=complete)
    record = json.loads((tmp_path / MARK).read_text())
    assert (record["complete"], record["kind"]) == (complete, "sweep")
    assert list(record["files"]) == ["sweep.json"]


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "", "a//b", "."])
def test_record_names_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "out"
    claim_results(folder, "sweep")
    record = json.loads((folder / MARK).read_text()) | {"files": {name: "0" * 64}}
    (folder / MARK).write_text(json.dumps(record))
    (tmp_path / "a").write_text("mine")
    write_results(folder, "sweep", {"sweep.json": "x"})
    assert list(json.loads((folder / MARK).read_text())["files"]) == ["sweep.json"]
    assert (tmp_path / "a").read_text() == "mine"


def test_scratch_file_of_a_killed_claim_is_no_users_file(tmp_path: Path) -> None:
    for name in (".netgen-results.7.8.netgen-part.json", ".build.7.8.netgen-part.json", FILE):
        (tmp_path / name).write_text("{")
    claim_results(tmp_path, "sweep")
    with results(tmp_path, "sweep"):
        assert {path.name for path in tmp_path.iterdir()} == {MARK, FILE}


@pytest.mark.parametrize("command", ["sweep", "noise", "scaling"])
def test_one_writer_a_folder(tmp_path: Path, command: str, simulator: FakeSimulator) -> None:
    model, samples = write_model(tmp_path / "model"), write_samples(tmp_path / "samples.npz")
    inputs = [] if command == "scaling" else [model, samples]
    claim_results(tmp_path / "out", command)
    with (tmp_path / "out" / FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = netgen(command, *inputs, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "is in use by another netgen" in says(result)[0]


def test_file_of_a_killed_build_is_not_taken_for_an_edited_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for write in range(6):
        path = tmp_path / str(write) / "build.json"
        path.parent.mkdir()
        with rewritten(path, BUILD) as draft:
            draft.write("netlist.cir", "old")
        with (
            killed_at(monkeypatch, "netgen.project.record", write),
            pytest.raises(Killed),
            rewritten(path, BUILD) as draft,
        ):
            draft.write("netlist.cir", "new")
        with rewritten(path, BUILD) as draft:
            draft.write("netlist.cir", "new")
        assert draft.kept == []
        assert contents(path.parent).keys() == {"build.json", "netlist.cir"}


def test_users_file_in_a_build_folder_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "build.json"
    with rewritten(path, BUILD) as draft:
        draft.write("netlist.cir", "old")
    (tmp_path / "netlist.cdl").write_text("mine")
    draft = Draft(path, BUILD, draft.files)
    draft.write("netlist.cdl", "netgen's")
    assert draft.kept == [tmp_path / "netlist.cdl.edited-1"]
    assert draft.kept[0].read_text() == "mine"


def built(tmp_path: Path, tolerances: str = "") -> tuple[Path, Path, Path]:
    model, samples = write_model(tmp_path / "model"), write_samples(tmp_path / "samples.npz")
    if tolerances:
        (tmp_path / "model" / "netgen.toml").write_text(tolerances)
    assert netgen("run", model, samples, "-o", tmp_path / "out").exit_code == 0
    return tmp_path / "out", model, samples


def test_rebuild_takes_its_own_tolerances_or_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: FakeSimulator
) -> None:
    """A build that is killed before it keeps its tolerances does not go by those before it."""
    folder, model, _ = built(tmp_path, "[tolerances]\nstate_agreement_min = 0.5\n")
    assert kept_tolerances(folder / "tolerances.json").state_agreement_min == 0.5
    (tmp_path / "model" / "netgen.toml").unlink()

    def dying(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(import_module("netgen.project.build"), "keep_tolerances", dying)
        with pytest.raises(Killed):
            netgen("build", model, "-o", folder, "--vdd", "1.7")
    with pytest.raises(ConfigurationError, match="is not complete"):
        read_build(folder)
    assert netgen("build", model, "-o", folder).exit_code == 0
    assert kept_tolerances(folder / "tolerances.json") == load_tolerances(tmp_path, Tolerances())


def test_killed_report_is_never_beside_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: FakeSimulator
) -> None:
    folder, *_ = built(tmp_path)
    names = ("report.json", "junit.xml", "report.html")
    before = {name: (folder / name).read_bytes() for name in names}
    for write in range(6):
        room, own = ("comparison.write", write) if write < 4 else ("index", write - 4)
        with killed_at(monkeypatch, f"netgen.report.{room}", own), pytest.raises(Killed):
            netgen("compare", folder, "--tolerance", "state_agreement_min=0.123")
        there = [name for name in names if (folder / name).exists()]
        assert there == list(names[: (write + 1) // 2])
        assert all((folder / name).read_bytes() != before[name] for name in there)


def test_build_that_changes_meanwhile_gets_no_report(
    tmp_path: Path, simulator: FakeSimulator
) -> None:
    folder, model, _ = built(tmp_path)
    opened = read_build(folder)
    model.write_text(model.read_text().replace("0.5", "0.6"))
    assert netgen("build", model, "-o", folder).exit_code == 0
    with pytest.raises(ConfigurationError, match="another build than this command began with"):
        power(opened)
    assert not (folder / "power.json").exists()
    with held(read_build(folder)):
        pass


def test_same_model_twice_and_an_edited_model(tmp_path: Path, simulator: FakeSimulator) -> None:
    folder, model, samples = built(tmp_path)
    again = netgen("run", model, samples, "-o", folder)
    assert again.exit_code == 0
    assert "is replaced" not in again.output
    assert "4 taken over" in again.output
    model.write_text(model.read_text().replace("0.5", "0.6"))
    edited = netgen("run", model, samples, "-o", folder)
    assert edited.exit_code == 0, edited.output
    assert "or of an earlier state of this one, is replaced" in edited.output


@pytest.mark.parametrize("command", ["build", "run"])
@pytest.mark.parametrize("name", ["small", "another"])
def test_another_model_does_not_replace_a_build_unasked(
    tmp_path: Path, simulator: FakeSimulator, command: str, name: str
) -> None:
    folder, _, samples = built(tmp_path)
    before = contents(folder)
    other = write_model(tmp_path / "other", name=name, frame_period=0.02)
    words = [command, other, *([samples] if command == "run" else []), "-o", folder]
    refused = netgen(*words)
    assert refused.exit_code == 2
    (line,) = says(refused)
    assert f"{folder} holds the build of another model: small, read from" in line
    assert line.endswith("or replace them with --replace (in Python replace=True)")
    assert contents(folder) == before
    assert netgen(*words, "--replace").exit_code == 0
    assert read_build(folder).model.name == name
    assert netgen(*words).exit_code == 0


def test_project_that_moved_keeps_its_build(tmp_path: Path, simulator: FakeSimulator) -> None:
    (tmp_path / "project").mkdir()
    built(tmp_path / "project")
    moved = (tmp_path / "project").rename(tmp_path / "moved")
    model = moved / "model" / "model.json"
    model.write_text(model.read_text().replace("0.5", "0.6"))
    assert netgen("build", model, "-o", moved / "out").exit_code == 0


def test_traces_are_read_through_their_record() -> None:
    """Whoever loads traces compares their key: through Runs, PopulationRuns or the cache."""
    allowed = {"runs.py", "variability.py", "simulate.py", "traces.py", "__init__.py"}
    for path in [*(ROOT / "netgen").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]:
        names = {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Name | ast.Attribute)
        }
        assert "load_traces" not in names or path.name in allowed, path


@pytest.mark.parametrize("there", ["absent", "empty"])
def test_folder_is_whole_or_absent(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "corpus"
    if there == "empty":
        folder.mkdir()
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    left = tmp_path / f".corpus.{ended}.netgen-part"
    running = tmp_path / f".corpus.{os.getppid()}.netgen-part"
    for path in (left, running):
        path.mkdir()
        (path / "half").write_text("x")
    with pytest.raises(Killed):  # noqa: PT012, SIM117
        with folder_beside(folder) as scratch:
            (scratch / "a").write_text("1")
            raise Killed
    assert not (folder / "a").exists()
    assert not left.exists()
    with folder_beside(folder) as scratch:
        (scratch / "a").write_text("2")
    assert contents(folder) == {"a": b"2"}
    assert running.exists(), "another netgen is still at it"
    assert sorted(tmp_path.iterdir()) == [running, folder]


def test_init_goes_on_and_overwrites_nothing(tmp_path: Path) -> None:
    assert netgen("init", tmp_path / "new").exit_code == 0
    model, samples = tmp_path / "new" / "model.json", tmp_path / "new" / "samples.npz"
    first = samples.read_bytes()
    samples.unlink()  # as a kill between the two leaves it
    assert netgen("init", tmp_path / "new").exit_code == 0
    assert samples.read_bytes() == first
    model.write_text("mine")
    refused = netgen("init", tmp_path / "new")
    assert refused.exit_code == 2
    assert "model.json is there already" in says(refused)[0]
    assert model.read_text() == "mine"


def test_import_goes_on_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netgen.model import load_model

    source = load_model(write_model(tmp_path / "source"))
    monkeypatch.setattr("netgen.commands.import_.read_model", lambda *_: source)
    monkeypatch.setattr("netgen.commands.import_.rescale", lambda model, x: (model, 1.0))
    given = write_samples(tmp_path / "in.npz")
    words = ("import", tmp_path / "net.onnx", "-o", tmp_path / "m.json", "--samples", given)
    assert netgen(*words).exit_code == 0
    whole = (tmp_path / "m.json").read_bytes()
    (tmp_path / "m.json").unlink()  # killed between the two
    assert netgen(*words).exit_code == 0
    assert (tmp_path / "m.json").read_bytes() == whole
    write_samples(given, x=np.zeros((1, 4, 3)))
    refused = netgen(*words)
    assert refused.exit_code == 2
    assert "m-samples.npz is there already" in says(refused)[0]


def test_killed_training_leaves_no_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between model.json and samples.npz leaves neither with the other run's."""
    for module in ("torch", "soundfile", "kaldi_native_fbank"):
        pytest.importorskip(module)
    from training_data import label_folders

    tones = label_folders(tmp_path / "tones", each=12, kinds=("up", "down"))
    out = tmp_path / "out"

    def train(seed: int) -> int:
        words = ("train", tones, "-k", "up", "-o", out, "--steps", "3", "--seeds", "1")
        return netgen(*words, "--seed", seed).exit_code

    assert train(0) == 0
    first = contents(out)
    (out / "checkpoint.pt").unlink()
    with killed_at(monkeypatch, "netgen.project.record", 5), pytest.raises(Killed):
        train(1)
    there = contents(out)
    assert "model.json" in there
    assert there["model.json"] != first["model.json"]
    assert not {"training.json", "training.html"} & there.keys()
    assert train(1) == 0
    whole = contents(out)
    assert whole.keys() == first.keys()
    lists = {"checkpoint.pt", "index.html"}  # what they say depends on what was there
    assert not [name for name in there.keys() - lists if whole[name] != there[name]]


def test_second_writer_in_a_thread_is_refused(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with results(tmp_path, "train"), ThreadPoolExecutor(1) as pool:
        refused = pool.submit(write_results, tmp_path, "train", NEW).exception()
    assert isinstance(refused, UsageError)
    assert "in use by another thread" in str(refused)


def test_whole_results_about_another_model_stay(tmp_path: Path) -> None:
    with results(tmp_path, "sweep", "mine"):
        write_results(tmp_path, "sweep", {"sweep.json": "mine"})
    with (
        pytest.raises(UsageError, match=r"results about mine; .* with --replace"),
        results(tmp_path, "sweep", "other"),
    ):
        pass
    assert json.loads((tmp_path / MARK).read_text())["about"] == "mine"
    with results(tmp_path, "sweep", "mine"):
        write_results(tmp_path, "sweep", {"sweep.json": "again"})
    with results(tmp_path, "sweep", "other", replace=True):
        assert json.loads((tmp_path / MARK).read_text())["complete"] is False
        write_results(tmp_path, "sweep", {"sweep.json": "other"})
    record = json.loads((tmp_path / MARK).read_text())
    assert (record["complete"], record["about"]) == (True, "other")
    assert contents(tmp_path) == {"sweep.json": b"other"}


def test_interrupted_results_about_another_model_are_replaced(tmp_path: Path) -> None:
    with results(tmp_path, "sweep", "mine"):
        write_results(tmp_path, "sweep", {"sweep.json": "part"}, whole=False)
    with results(tmp_path, "sweep", "other"):
        write_results(tmp_path, "sweep", {"sweep.json": "other"})
    assert contents(tmp_path) == {"sweep.json": b"other"}


def test_a_script_replaces_the_build_of_another_model_only_when_asked(
    tmp_path: Path, simulator: FakeSimulator
) -> None:
    folder, _, _ = built(tmp_path)
    other = load_model(write_model(tmp_path / "other", name="another"))
    with pytest.raises(UsageError, match="holds the build of another model: small"):
        netgen_api.build(other, folder)
    assert netgen_api.build(other, folder, replace=True).model.name == "another"
    assert read_build(folder).model.name == "another"
