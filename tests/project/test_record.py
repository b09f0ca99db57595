"""The integrity record: what is damaged, edited, mixed or interrupted is refused or made again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import netgen, says
from fake_tools import FakeSimulator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netgen.analysis import Tolerances
from netgen.document import table_at
from netgen.errors import ConfigurationError, NetgenError, UsageError
from netgen.files import sha256_of
from netgen.model import Model, Samples, check_samples
from netgen.netlist import SimulatorOptions
from netgen.project import (
    BuildOptions,
    MonteCarlo,
    SimulationChoices,
    build,
    compare,
    export,
    prepared,
    read_build,
    read_runs,
    simulate,
    simulate_population,
)
from netgen.project.lock import FILE as LOCK
from netgen.project.lock import locked
from netgen.project.population.simulate import read_population
from netgen.project.reading import recorded_models
from netgen.project.record import BUILD, Kind, read_record, rewritten
from netgen.technology import Geometry, Variation

CHOICES = SimulationChoices(jobs=1)
OTHER = BuildOptions(unit=Geometry(5e-6, 5e-6))
CHIPS = MonteCarlo(Variation(seed=1), 2)


pytestmark = pytest.mark.usefixtures("simulator")


def samples_of(model: Model, seed: int = 1, count: int = 2) -> Samples:
    x = np.random.default_rng(seed).uniform(0, 1.5, (count, 4, 3))
    return check_samples(x, None, tuple(f"s{i}" for i in range(count)), model)


def sim(folder: Path, seed: int = 1, edited: bool = False) -> None:
    made = read_build(folder, edited)
    for step in simulate(made, samples_of(made.model, seed), [0, 1], CHOICES):
        assert step.failure is None


def chips(folder: Path) -> None:
    made = read_build(folder)
    for step in simulate_population(made, samples_of(made.model), [0, 1], CHIPS, CHOICES):
        assert step.failure is None


def report(folder: Path, edited: bool = False) -> dict[str, Any]:
    compare(read_build(folder, edited), Tolerances(), {"model": "m", "samples": "s"}, ())
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


# The record itself


def test_record_is_incomplete_until_its_last_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with rewritten(path, BUILD) as draft:
        draft.write("a", "text")
        assert (tmp_path / "a").read_text() == "text"
        with pytest.raises(ConfigurationError, match="is not complete; build again"):
            read_record(path, BUILD)
    assert set(table_at(read_record(path, BUILD), "files")) == {"a"}


def test_files_of_an_earlier_record_do_not_outlive_it(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with rewritten(path, BUILD) as draft:
        for name in "abc":
            draft.write(name, name)
    (tmp_path / "c").write_text("somebody's own by now")
    (tmp_path / "d").write_text("never ours")
    with rewritten(path, BUILD) as draft:
        draft.write("a", "new")
    assert sorted(p.name for p in tmp_path.glob("?")) == ["a", "c", "d"]


def test_files_of_an_interrupted_record_do_not_outlive_it(tmp_path: Path) -> None:
    path = tmp_path / "record.json"

    def interrupted() -> None:
        with rewritten(path, BUILD) as draft:
            draft.write("half", "done")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with rewritten(path, BUILD) as draft:
        draft.write("a", "whole")
    assert not (tmp_path / "half").exists()


def test_record_names_no_file_outside_of_its_folder(tmp_path: Path) -> None:
    own = tmp_path / "mine.txt"
    own.write_text("mine")
    digest = sha256_of(own)
    folder = tmp_path / "folder"
    folder.mkdir()
    names = {"../mine.txt": digest, str(own): digest, "..": digest, "": digest, "a\0b": digest}
    (folder / "record.json").write_text(json.dumps({"files": names}))
    with rewritten(folder / "record.json", BUILD) as draft:
        draft.write("a", "text")
    assert own.read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "is no record of netgen-build; build again"),
        ({"version": 1}, "has format version 1, this netgen reads 3; build again"),
        ({"version": "2"}, "has format version '2'"),
        ({"complete": False}, "is not complete; build again"),
        ({"complete": 1}, "is not complete; build again"),
        ({"pdk": "other"}, "was changed since it was written; build again"),
        ({"seal": None}, "was changed since it was written; build again"),
    ],
)
def test_record_that_is_not_as_it_was_written(
    built: Path, change: dict[str, Any], said: str
) -> None:
    record = json.loads((built / "build.json").read_text())
    (built / "build.json").write_text(json.dumps(record | change))
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_build(built)
    assert len(str(caught.value).splitlines()) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_changed_byte_is_told(built: Path, data: st.DataObject) -> None:
    """Whatever file of a build, whatever place: refused by name, with status 3."""
    names = sorted(p.name for p in built.iterdir() if p.is_file() and p.name != LOCK)
    path = built / data.draw(st.sampled_from(names))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    spoiled = bytearray(whole)
    spoiled[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(spoiled)
    try:
        same = path.name == "build.json" and json.loads(spoiled) == json.loads(whole)
    except ValueError:
        same = False
    try:
        if not same:  # white space is no content
            with pytest.raises(NetgenError) as caught:
                read_build(built)
            assert caught.value.exit_status == 3
            assert path.name in str(caught.value)
    finally:
        path.write_bytes(whole)


def test_every_reader_takes_only_what_is_recorded(built: Path) -> None:
    """Also a file that is changed after the folder was opened."""
    made = read_build(built)
    for name in ("netlist.cir", "mapping.json"):
        with (built / name).open("a") as file:
            file.write(" ")
        with pytest.raises(ConfigurationError, match="was changed since it was written"):
            made.read(name)


# Edited by hand


@pytest.mark.parametrize("command", ["sim", "compare", "power", "variability", "twin"])
def test_edited_netlist_needs_the_option(
    built: Path, tmp_path: Path, model: Model, command: str
) -> None:
    sim(built)
    samples = samples_of(model)
    np.savez(tmp_path / "s.npz", x=samples.x, id=np.array(samples.ids))
    with (built / "netlist.cir").open("a") as file:
        file.write("* mine\n")
    more = [tmp_path / "s.npz"] if command in ("sim", "twin") else []
    result = netgen(command, built, *more)
    assert result.exit_code == 3
    (line,) = says(result)
    assert line.endswith(
        "netlist.cir: was edited since it was built; build again, or take it with --edited-netlist"
    )


def test_edited_netlist_is_said_everywhere(built: Path, tmp_path: Path, model: Model) -> None:
    samples = samples_of(model)
    np.savez(tmp_path / "s.npz", x=samples.x, id=np.array(samples.ids))
    with (built / "netlist.cir").open("a") as file:
        file.write("* mine\n")
    assert netgen("sim", built, tmp_path / "s.npz", "--edited-netlist").exit_code == 0
    result = netgen("compare", built, "--edited-netlist")
    assert result.exit_code == 0
    assert "netlist.cir was edited by hand since it was built" in result.output
    said = json.loads((built / "report.json").read_text())
    assert said["provenance"]["edited"] == ["netlist.cir"]
    assert "Edited by hand since the circuit was built: netlist.cir" in (
        built / "report.html"
    ).read_text().replace("\n", " ")
    junit = (built / "junit.xml").read_text()
    assert '<skipped message="edited by hand since it was built" />' in junit


@pytest.mark.parametrize("name", ["model.json", "mapping.json", "hysteresis.csv"])
def test_only_netlists_may_be_edited(built: Path, name: str) -> None:
    with (built / name).open("a") as file:
        file.write("\n")
    with pytest.raises(ConfigurationError, match=f"{name}: was changed since it was built"):
        read_build(built, edited=True)


def test_build_keeps_an_edited_netlist(built: Path, model: Model) -> None:
    for text in ("* first\n", "* second\n"):
        (built / "netlist.cir").write_text(text)
        made = build(model, built, BuildOptions())
        (kept,) = made.kept
        assert kept.read_text() == text
    assert sorted(p.name for p in built.glob("*.edited-*")) == [
        "netlist.cir.edited-1",
        "netlist.cir.edited-2",
    ]
    assert build(model, built, BuildOptions()).kept == ()


# What belongs together


def test_results_of_another_circuit_are_gone(built: Path, model: Model) -> None:
    sim(built)
    report(built)
    build(model, built, BuildOptions())
    assert (built / "report.json").is_file()  # the same circuit: still true
    build(model, built, OTHER)
    for name in ("report.json", "report.html", "junit.xml"):
        assert not (built / name).exists()
    with pytest.raises(ConfigurationError, match="anew, or edited by hand, since; run netgen sim"):
        read_runs(read_build(built))


def test_exported_files_do_not_outlive_their_circuit(built: Path, model: Model) -> None:
    (file, *others), _ = export(read_build(built), ["spectre"])
    assert file.name == "made_up.scs"
    assert {each.name for each in others} == {"models.cir", "netlist.cir"}
    build(model, built, BuildOptions())
    assert file.exists(), "the same circuit"
    build(model, built, OTHER)
    assert not file.exists()
    read_build(built)


def test_other_samples_start_afresh(built: Path) -> None:
    sim(built)
    (built / "sim" / "sample_0009.npz").write_bytes(b"left over")
    (built / "sim" / "sample_of_mine.npz").write_bytes(b"not ours")
    report(built)
    sim(built, seed=2)
    assert not (built / "report.json").exists()
    assert not (built / "sim" / "sample_0009.npz").exists()
    assert (built / "sim" / "sample_of_mine.npz").exists()
    assert report(built)["decision_agreement"] == 1


def test_traces_of_other_samples_are_not_judged_as_these(built: Path, tmp_path: Path) -> None:
    """As two simulations side by side left them when nothing kept them apart."""
    sim(built, seed=2)
    others = {p.name: p.read_bytes() for p in (built / "sim").glob("*.npz")}
    sim(built)
    for sample in (0, 1):
        name = f"sample_{sample:04d}.npz"
        (built / "sim" / name).write_bytes(others[name])
    with pytest.raises(ConfigurationError, match="samples 0, 1 are not simulated yet"):
        report(built)
    (built / "sim" / "sample_0000.npz").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"sample_0000\.npz: is no whole trace file"):
        report(built)
    (built / "sim" / "samples.npz").write_bytes(others["samples.npz"])
    with pytest.raises(ConfigurationError, match=r"samples\.npz: was changed"):
        report(built)


def test_traces_of_one_sample_are_not_another_s(built: Path) -> None:
    sim(built)
    runs = read_runs(read_build(built))
    runs.folder.traces(0).write_bytes(runs.folder.traces(1).read_bytes())
    assert not runs.holds(0)
    with pytest.raises(ConfigurationError, match="is of another run"):
        runs.traces(0)


def test_edited_traces_are_told_and_made_again(built: Path, simulator: FakeSimulator) -> None:
    sim(built)
    path = built / "sim" / "sample_0001.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["frames/logits"] = arrays["frames/logits"][:, ::-1]
    np.savez_compressed(path, **arrays)
    with pytest.raises(ConfigurationError, match=r"sample_0001\.npz: is no whole trace file"):
        report(built)
    simulator.done.clear()
    sim(built)
    assert simulator.done == [1]
    assert report(built)["decision_agreement"] == 1


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_flipped_bits_in_traces(built: Path, data: st.DataObject) -> None:
    """PhaseProgress by name, or without any effect on what is read."""
    if not (built / "sim").exists():
        sim(built)
    path = built / "sim" / "sample_0000.npz"
    whole = path.read_bytes()
    before = read_runs(read_build(built)).traces(0)
    spoiled = bytearray(whole)
    spoiled[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(spoiled)
    with suppress(ConfigurationError):
        found = read_runs(read_build(built)).traces(0)
        for name, values in before.frames.items():
            assert np.array_equal(values, found.frames[name])
    path.write_bytes(whole)


def test_old_chips_do_not_pass_as_new_ones(
    built: Path, model: Model, simulator: FakeSimulator
) -> None:
    """Ctrl-C right after the start: the record is new, and not one of the runs is."""
    chips(built)
    build(model, built, OTHER)
    simulator.interrupt_at = 0
    with pytest.raises(KeyboardInterrupt):
        chips(built)
    found = read_population(read_build(built), CHIPS.name)
    assert [found.traces(case, 0) for case in found.variants] == [None, None]


def test_old_chips_that_still_lie_there_are_not_read(built: Path, model: Model) -> None:
    chips(built)
    old = {p: p.read_bytes() for p in built.glob("variability/*/chip_*/*.npz")}
    build(model, built, OTHER)
    chips(built)
    for path, data in old.items():
        path.write_bytes(data)
    found = read_population(read_build(built), CHIPS.name)
    assert [found.traces(case, 0) for case in found.variants] == [None, None]


def test_damaged_failure_of_a_chip_is_a_missing_run(built: Path, simulator: FakeSimulator) -> None:
    simulator.failing = {1: "timeout"}
    made = read_build(built)
    list(simulate_population(made, samples_of(made.model), [0, 1], CHIPS, CHOICES))
    assert len(read_population(made, CHIPS.name).failures) == 2
    first, second = built.glob("variability/*/chip_*/sample_0001.json")
    first.write_bytes(b"\xff")
    second.write_text(second.read_text().replace('"key": "', '"key": "0'))
    assert not read_population(made, CHIPS.name).failures


def test_new_statistics_are_new_chips(
    built: Path, simulator: FakeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    chips(built)
    simulator.done.clear()
    load = netgen_options().load_technology

    def wider(*_: object) -> Any:
        found = load()
        law = replace(found.mismatch["nmos"], threshold=9e-9)
        return replace(found, mismatch={**found.mismatch, "nmos": law})

    monkeypatch.setattr(netgen_options(), "load_technology", wider)
    chips(built)
    assert len(simulator.done) == 4


def netgen_options() -> Any:
    return import_module("netgen.project.options")


# Model files


def test_record_names_every_model_file_with_its_digest(built: Path, tmp_path: Path) -> None:
    files = recorded_models(read_build(built).record)
    assert {path.name for path, _ in files} == {"design.sp", "models.lib"}
    assert all(digest == sha256_of(path) for path, digest in files)


def test_other_models_than_those_of_the_build_are_refused(
    built: Path, simulator: FakeSimulator, tmp_path: Path, model: Model
) -> None:
    sim(built)
    with simulator.models.open("a") as file:
        file.write("* another release\n")
    said = f"{simulator.models}: is not the file that {built} was built with; build again"
    samples = samples_of(model)
    np.savez(tmp_path / "s.npz", x=samples.x, id=np.array(samples.ids))
    for words in (("sim", built, tmp_path / "s.npz"), ("compare", built),
                  ("sim", built, tmp_path / "s.npz", "--monte-carlo", 1),
                  ("twin", built, tmp_path / "s.npz", "--chips", 1)):  # fmt: skip
        result = netgen(*words)
        assert result.exit_code == 3
        assert says(result) == [f"netgen: {said}"]
    build(model, built, BuildOptions())
    prepared(read_build(built))


def test_models_that_moved_are_the_same(built: Path, simulator: FakeSimulator, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    load = netgen_options().load_technology
    (tmp_path / "pdk").rename(tmp_path / "elsewhere")
    monkeypatch.setattr(
        netgen_options(),
        "load_technology",
        lambda *_: replace(load(), folder=tmp_path / "elsewhere"),
    )
    prepared(read_build(built))


def test_models_that_change_under_way_give_no_result(
    built: Path, simulator: FakeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = simulator.answer

    def slow(job: Any) -> Any:
        with simulator.models.open("a") as file:
            file.write("* an update\n")
        return answer(job)

    monkeypatch.setattr(simulator, "answer", slow)
    with pytest.raises(ConfigurationError, match="was changed while netgen worked with it"):
        sim(built)
    assert not list((built / "sim").glob("sample_0*.npz"))


# Interruptions


def state_of(folder: Path) -> dict[str, bytes]:
    """Return all that later commands read of a folder, but times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LOCK and path.suffix != ".npz"
    }


class Killed(BaseException):
    """The process ends here; nothing after it is done."""


def killed_after(patch: pytest.MonkeyPatch, count: int) -> None:
    """End the process before its n-th change of a file."""
    left = iter(range(count))
    rename, unlink = Path.replace, Path.unlink

    def die_or(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(path: Path, *rest: Any, **more: Any) -> Any:
            if ".netgen-part" in path.name and change is unlink:
                return change(path, *rest, **more)
            if next(left, None) is None:
                raise Killed
            return change(path, *rest, **more)

        return changed

    patch.setattr(Path, "replace", die_or(rename))
    patch.setattr(Path, "unlink", die_or(unlink))


@pytest.mark.parametrize("count", range(14))
def test_build_killed_at_any_file_is_refused_or_whole(
    built: Path, tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    sim(built)
    report(built)
    build(model, tmp_path / "wanted", OTHER)
    done = True
    with monkeypatch.context() as patch:
        killed_after(patch, count)
        try:
            build(model, built, OTHER)
        except Killed:
            done = False
    if count > 0 and not done:
        with pytest.raises(ConfigurationError, match="is not complete; build again"):
            read_build(built)
    else:  # the old one, whole, or the new one
        assert read_build(built).options.unit == Geometry(
            *(2e-6, 2e-6) if not done else (5e-6, 5e-6)
        )
    build(model, built, OTHER)
    new = state_of(built)
    for name, data in state_of(tmp_path / "wanted").items():
        assert new[name] == data, name
    assert not set(new) & {"report.json", "report.html", "junit.xml"}
    sim(built)
    assert report(built)["decision_agreement"] == 1


@pytest.mark.parametrize("count", range(12))
def test_simulation_killed_at_any_file_goes_on(
    built: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    sim(built, seed=2)
    done = True
    with monkeypatch.context() as patch:
        killed_after(patch, count)
        try:
            sim(built)
        except Killed:
            done = False
    if count > 0 and not done:
        with pytest.raises(ConfigurationError, match=r"not complete|not simulated yet"):
            report(built)
    sim(built)
    assert read_runs(read_build(built)).samples.x == pytest.approx(
        samples_of(read_build(built).model).x
    )
    assert report(built)["decision_agreement"] == 1


# One writer


def test_second_writer_is_told_who_is_first(built: Path) -> None:
    code = (
        "import sys, pathlib; from netgen.project.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, built], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        for attempt in (lambda: sim(built), lambda: build(read_build(built).model, built, OTHER)):
            with pytest.raises(UsageError, match=f"is in use by .*process {other.pid}") as caught:
                attempt()
            assert "wait until it ends, or use another folder" in str(caught.value)
        other.kill()
        other.wait()
    sim(built)  # a lock ends with its process


def test_a_killed_writer_may_linger_in_what_it_had_just_started(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys, time; from netgen.project.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        " if os.fork() == 0: time.sleep(0.7); os._exit(0)\n"  # before it runs another program
        " print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        other.kill()
        other.wait()
        with locked(tmp_path):
            pass


def test_same_thread_may_lock_again(tmp_path: Path) -> None:
    with locked(tmp_path), locked(tmp_path / "."):
        pass
    with locked(tmp_path):
        pass


def test_what_a_killed_process_left_half_written_is_removed(built: Path) -> None:
    scratch = built / f".netlist.{os.getpid()}.17.netgen-part.cir"
    scratch.write_text("half")
    own = built / ".notes.1.2.txt"
    own.write_text("mine")
    build(read_build(built).model, built, BuildOptions())
    assert not scratch.exists()
    assert own.exists()


def test_other_kinds_name_their_own_cure(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{")
    with pytest.raises(ConfigurationError, match="is not JSON; wind it up"):
        read_record(tmp_path / "r.json", Kind("x", 1, "wind it up"))


def test_other_options_are_recorded(built: Path) -> None:
    made = read_build(built)
    choices = SimulationChoices(1, options=SimulatorOptions(reltol=1e-4))
    list(simulate(made, samples_of(made.model), [0], choices))
    record = json.loads((built / "sim" / "sim.json").read_text())
    assert record["options"]["reltol"] == 1e-4
    assert record["simulator"] == "ngspice-0"
    assert set(record["files"]) == {"samples.npz"}
