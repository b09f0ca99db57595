"""netgen train and netgen listen, end to end on two tones."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("kaldi_native_fbank")

from formats import check_files, problems
from full_disk import files_end_at
from training_data import label_folders, tone, write_wav

from netgen.commands.listen import listen_command
from netgen.commands.stream import _opened, stream_command
from netgen.commands.synth import synth_command
from netgen.commands.train import train_command
from netgen.errors import InputError, ModelError, NetgenError, UsageError
from netgen.model import decide, evaluate, load_model, load_samples
from netgen.project.reading import calibrated_for, read_build
from netgen.training import passages
from netgen.training.network import Architecture
from netgen.training.recipe import default_recipe
from netgen.training.structured import ChipErrors

QUICK = ("--steps", "40", "--seeds", "2")


def run(command: object, *arguments: object) -> Result:
    result = CliRunner().invoke(command, [str(each) for each in arguments])  # type: ignore[arg-type]
    if result.exception is not None and not isinstance(result.exception, NetgenError | SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return label_folders(tmp_path_factory.mktemp("tones"), kinds=("up", "down", "hiss"))


@pytest.fixture(scope="module")
def trained(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("out") / "run"
    return folder, run(train_command, tones, "-k", "up", "-o", folder, *QUICK)


def test_few_recordings_a_class_are_warned_about(trained: tuple[Path, Result]) -> None:
    assert "warning: test: the class up has 1 recordings; with fewer than" in trained[1].output


def test_help_says_the_defaults_of_the_recipe() -> None:
    told = " ".join(run(train_command, "--help").output.split())
    for units in (1, 4, 16, 64):
        arch = Architecture(13, units, 2, 2)
        recipe = default_recipe(arch)
        assert recipe.starts == max(1, min(32, 128 // units))
        assert default_recipe(arch, fine_tune=True).starts == max(1, min(4, 16 // units))
        assert recipe.phases[0].steps == 3000
        assert recipe.phases[1].steps == (700 if units >= 16 else 500)
        errors = ChipErrors((0.0,), (0.1,), (0.1,), 0.07, 0.06)
        first, second = default_recipe(arch, errors=errors, fine_tune=True).phases
        assert first == recipe.phases[1]
        assert (second.structured, second.nominal, second.chips) == (True, 4, 16)
        assert second.steps == 2 * first.steps
    assert "[default: 128 / units, 32 at most; to fine-tune 16 / units, 4 at most]" in told
    assert "[default: 3000, and 500, from 16 units on 700; twice as many with structured" in told


def test_training_leaves_a_model_samples_and_a_report(trained: tuple[Path, Result]) -> None:
    folder, result = trained
    assert result.exit_code == 0, result.output
    model = load_model(folder / "model.json")
    assert model.name == "kws-up-d4"
    assert model.classes == ("other", "up")
    samples = load_samples(folder / "samples.npz", model)
    assert len(samples) == 3
    assert samples.y is not None
    validation = load_samples(folder / "validation.npz", model)
    assert validation.y is not None
    assert not set(validation.ids) & set(samples.ids)
    report = json.loads((folder / "training.json").read_text())
    assert problems(report) == []
    logits = evaluate(model, samples.x)[model.readout.node]
    right = decide(model.readout, logits) == samples.y
    assert report["accuracy_test"] == pytest.approx(right.mean())
    assert np.sum(report["confusion_test"]) == 3
    assert [each["spread"] for each in report["virtual_chips"]] == [0, 0.02, 0.05, 0.1]
    assert report["virtual_chips"][0]["states"] == 1
    assert report["virtual_chips"][2]["chips"] == 200
    page = (folder / "training.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 2 * 4  # wide and narrow
    assert not re.search(r'(src|href)="(?!data:|#)', page), "the page stands alone"
    assert sorted(p.name for p in (folder / "training-plots").iterdir()) == [
        "chips.png",
        "confusion.png",
        "curves.png",
        "distances.png",
    ]


def test_training_says_what_it_read_and_repaired(trained: tuple[Path, Result]) -> None:
    output = trained[1].output
    assert "30 training, 3 validation, 3 test samples at 8000 Hz" in output
    assert "36 recordings shorter than one second: centred in silence" in output
    assert "200 virtual chips off by 5 %" in output
    assert "report: " in output


def test_the_same_command_continues_and_gives_the_same_model(
    trained: tuple[Path, Result], tones: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained[0], tmp_path / "again")
    again = run(train_command, tones, "-k", "up", "-o", folder, *QUICK)
    assert re.search(r"continued from step (\d+) of \1\b", again.output)
    assert (folder / "model.json").read_bytes() == (trained[0] / "model.json").read_bytes()
    for options, problem in (
        (("-k", "up", *QUICK, "--seed", "5"), "belongs to a run with other options or data"),
        (("-k", "down", *QUICK), "holds results about kws-up-d4"),
    ):
        other = run(train_command, tones, "-o", folder, *options)
        assert isinstance(other.exception, UsageError)
        assert problem in str(other.exception)


@pytest.mark.parametrize("memory", [(), ("--memory", "ladder:1")], ids=len)
def test_a_new_run_gives_the_same_model(
    trained: tuple[Path, Result], tones: Path, tmp_path: Path, memory: tuple[str, ...]
) -> None:
    run(train_command, tones, "-k", "up", "-o", tmp_path / "new", *memory, *QUICK)
    new, old = (tmp_path / "new" / "model.json"), (trained[0] / "model.json")
    assert new.read_bytes() == old.read_bytes()


def test_a_model_can_be_hardened(trained: tuple[Path, Result], tones: Path, tmp_path: Path) -> None:
    base = trained[0] / "model.json"
    result = run(train_command, tones, "-k", "up", "-o", tmp_path, "--fine-tune", base, *QUICK)
    assert result.exit_code == 0, result.output
    model = load_model(tmp_path / "model.json")
    assert model.meta["features"] == load_model(base).meta["features"]
    assert model.digest != load_model(base).digest
    wrong = run(
        train_command, tones, "-k", "down", "-o", tmp_path / "b", "--fine-tune", base, *QUICK
    )
    assert isinstance(wrong.exception, UsageError)
    assert "tells other, up apart, but the task is other, down" in str(wrong.exception)


def test_ladders_are_trained_and_hardened(tones: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    chosen = ("-k", "up", "-o")
    result = run(train_command, tones, *chosen, first, "-d", "3", "--memory", "ladder:2", *QUICK)
    assert result.exit_code == 0, result.output
    model = load_model(first / "model.json")
    assert model.name == "kws-up-d3-ladder2"
    assert [(cell.op, cell.size, cell.rungs) for cell in model.cells] == [("ladder", 3, 2)] * 2
    base = first / "model.json"
    hardened = ("--chips", "structured", "--fine-tune", base, *QUICK)
    result = run(train_command, tones, *chosen, second, *hardened)
    assert result.exit_code == 0, result.output
    again = load_model(second / "model.json")
    assert [cell.rungs for cell in again.cells] == [2, 2]
    assert again.digest != model.digest


def test_hardening_hears_sound_that_does_not_end(
    tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages, "MINUTES", {"train": 1, "validation": 1})
    results = [
        run(train_command, tones, "-k", "up", "-o", tmp_path / name, "--streams", *QUICK)
        for name in ("first", "second")
    ]
    for result in results:
        assert result.exit_code == 0, result.output
    models = [(tmp_path / name / "model.json").read_bytes() for name in ("first", "second")]
    assert models[0] == models[1], "the second one finds the stream on disk"
    trigger = json.loads(models[0])["meta"]["trigger"]
    assert [rate for rate, _, _ in trigger] == [1, 2, 5, 10, 20, 50]
    assert all(0 <= missed <= 1 for _, _, missed in trigger)
    told = f"at 50 false alarms an hour (netgen stream --offset {trigger[-1][1]:g})"
    assert told in results[0].output
    assert json.loads((tmp_path / "first" / "training.json").read_text())["cpu_s"]["streams"] > 0
    plain = run(
        train_command, tones, "-k", "up", "-o", tmp_path / "no", "--plain", "--chips", "trimmed"
    )
    assert "--plain trains without regard to the circuit: leave --chips" in str(plain.exception)
    for options in (("--task", "labels"), ("-k", "up", "--plain")):
        wrong = run(train_command, tones, "-o", tmp_path / "no", "--streams", *options)
        assert "--streams: is for --task keyword and hardening" in str(wrong.exception)


def test_plain_training_of_every_label(tones: Path, tmp_path: Path) -> None:
    result = run(
        train_command, tones, "--task", "labels", "-d", "3", "-n", "1", "--plain", "--no-augment",
        "--name", "plain", "--samples", "2", "-o", tmp_path, *QUICK,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    model = load_model(tmp_path / "model.json")
    assert (model.name, model.classes) == ("plain", ("down", "hiss", "up"))
    assert [len(cell.level) for cell in model.cells] == [3]
    assert len(load_samples(tmp_path / "samples.npz", model)) == 2
    report = json.loads((tmp_path / "training.json").read_text())
    assert report["data"]["altered copies"].startswith("0 ")
    assert [phase["spread"] for phase in report["recipe"]["phases"]] == [0]


def test_files_left_out_are_named(tones: Path, tmp_path: Path) -> None:
    root = shutil.copytree(tones, tmp_path / "tones")
    (root / "hiss" / "broken.wav").write_bytes(b"RIFF")
    result = run(train_command, root, "-k", "up", "-o", tmp_path / "out", *QUICK)
    assert "1 files left out" in result.output
    assert "hiss/broken.wav: cannot be read as sound" in result.output
    report = json.loads((tmp_path / "out" / "training.json").read_text())
    assert "hiss/broken.wav" in report["data"]["left out"]


@pytest.mark.parametrize(
    ("arguments", "error", "problem"),
    [
        (("-k", "left"), InputError, "has no recordings of 'left'; it has: down, hiss, up"),
        ((), UsageError, "needs --keyword WORD"),
        (("-k", "up", "--memory", "ladder:0"), UsageError, "use ladder:K with K of 1 … 8"),
        (("-k", "up", "--name", "a/b"), UsageError, "--name a/b: use A-Z"),
        (("-k", "up", "--plain", "--fine-tune", "m.json"), UsageError, "drop --plain"),
        (("-k", "up", "--fine-tune", "gone.json"), ModelError, "gone.json: cannot be read"),
        (("-k", "up", "--test-speaker", "zoe"), InputError, "speaker zoe is not in it"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(
    tones: Path, tmp_path: Path, arguments: tuple[str, ...], error: type[Exception], problem: str
) -> None:
    result = run(train_command, tones, "-o", tmp_path / "out", *arguments)
    assert isinstance(result.exception, error)
    assert problem in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder_for_results(tones: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(train_command, tones, "-k", "up", "-o", tmp_path / "file", *QUICK)
    assert isinstance(result.exception, UsageError)
    assert "file is a file; choose a folder with -o" in str(result.exception)


def test_listening(trained: tuple[Path, Result], tmp_path: Path) -> None:
    model = trained[0] / "model.json"
    sound = np.stack([tone("up", 3, rate=16000)] * 2, axis=1)
    result = run(listen_command, model, write_wav(tmp_path / "up.wav", sound, 16000))
    assert result.exit_code == 0
    assert re.fullmatch(r"(other|up) \(leads by \S+ % of the votes\)", result.stdout.strip())
    assert "2 channels averaged into one" in result.stderr
    assert "resampled from 16000 Hz to 8000 Hz" in result.stderr


def test_listening_gives_the_decision_of_training(
    trained: tuple[Path, Result], tones: Path
) -> None:
    model = load_model(trained[0] / "model.json")
    samples = load_samples(trained[0] / "samples.npz", model)
    logits = evaluate(model, samples.x)[model.readout.node]
    for name, decision in zip(samples.ids, decide(model.readout, logits), strict=True):
        result = run(listen_command, trained[0] / "model.json", tones / name)
        assert result.stdout.split()[0] == model.classes[decision]


def test_listening_to_nothing(trained: tuple[Path, Result], tmp_path: Path) -> None:
    model = trained[0] / "model.json"
    silent = run(listen_command, model, write_wav(tmp_path / "silent.wav", np.zeros(4000)))
    assert "is silent" in str(silent.exception)
    gone = run(listen_command, model, tmp_path / "gone.wav")
    assert "gone.wav: is no file" in str(gone.exception)


@pytest.fixture(scope="module")
def mixed(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("mixed") / "stream"
    options = ("--stream", tones, "--minutes", "2", "--babble", "20", "--an-hour", "120")
    return folder, run(synth_command, "up", "-o", folder, *options)


def test_a_stream_to_test_on(mixed: tuple[Path, Result], tones: Path, tmp_path: Path) -> None:
    folder, result = mixed
    assert result.exit_code == 0, result.output
    assert "2 min in 1 files" in result.output
    assert "of which 4 keywords" in result.output
    record = json.loads((folder / "stream.json").read_text())
    assert problems(record) == []
    assert (record["snr"], record["babble"], record["files"]) == (10.0, 20.0, ["stream-000.flac"])
    again = tmp_path / "again"
    options = ("--stream", tones, "--minutes", "2", "--babble", "20", "--an-hour", "120")
    run(synth_command, "up", "-o", again, *options)
    for name in ("stream-000.flac", "labels.txt"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), "the seed decides"
    refused = run(synth_command, "up", "-o", folder, *options)
    assert isinstance(refused.exception, UsageError)
    absent = run(synth_command, "cat", "-o", tmp_path / "cat", "--stream", tones)
    assert "its test split has no recording of 'cat'" in str(absent.exception)


def test_listening_to_a_stream(
    trained: tuple[Path, Result], mixed: tuple[Path, Result], tmp_path: Path
) -> None:
    model, folder = trained[0] / "model.json", mixed[0]
    record, points = tmp_path / "found.jsonl", tmp_path / "curve.json"
    options = ("--labels", folder / "labels.txt", "--json", record, "--curve", points)
    result = run(stream_command, model, folder, *options)
    assert result.exit_code == 0, result.output
    assert "0.03 h, 4 keywords, " in result.output
    found = [json.loads(line) for line in record.read_text().splitlines()]
    assert f", {len(found)} detection" in result.output  # how many is the network's affair
    assert check_files([record, points]) >= {"netgen-stream-curve"}
    assert all(entry["class"] == "up" for entry in found)
    curve = json.loads(points.read_text())["points"]
    alarms = [point["false_alarms"] + 4 - point["missed"] for point in curve]
    assert alarms[0] == 0
    assert curve[0]["offset_a"] == pytest.approx(curve[0]["offset_units"] * 1e-9)
    assert isinstance(run(stream_command, model, folder, *options).exception, UsageError), (
        "is there"
    )


def test_a_stream_that_finds_no_room_leaves_nothing(tones: Path, tmp_path: Path) -> None:
    options = ("--stream", tones, "--minutes", "1", "-o", tmp_path / "stream")
    with files_end_at(4096):
        full = CliRunner().invoke(synth_command, ["up", *map(str, options)]).exception
    assert isinstance(full, OSError)
    assert Path(str(full.filename)).name == "stream-000.flac"
    assert list(tmp_path.iterdir()) == []


def test_labels_without_a_keyword_count_no_misses(
    trained: tuple[Path, Result], tmp_path: Path
) -> None:
    """Their false alarms are counted; 0 % missed would be an answer to nothing."""
    model, points = trained[0] / "model.json", tmp_path / "curve.json"
    sound = write_wav(tmp_path / "a.wav", np.concatenate([tone("down", 0, 1.0)] * 3))
    labels = tmp_path / "labels.txt"
    for text in ("", "0.5\t1\tdown\n0.6\t0.9\tUP\n"):
        labels.write_text(text)
        result = run(stream_command, model, sound, "--labels", labels, "--curve", points)
        assert result.exit_code == 0, result.output
        assert "warning: the labels name none of up: no misses are counted" in result.output
        assert "0 keywords" in result.output
        assert " missed" not in result.output
        assert "moved by" not in result.output
        check_files([points])
        assert {each["miss_share"] for each in json.loads(points.read_text())["points"]} == {None}
        points.unlink()


def test_streams_that_end_before_their_labels_or_before_a_frame(
    trained: tuple[Path, Result], tmp_path: Path
) -> None:
    model, labels = trained[0] / "model.json", tmp_path / "labels.txt"
    sound = write_wav(tmp_path / "a.wav", tone("up", 0, 1.0))
    labels.write_text("7\t8\tdown\n0.9\t2\tup\n")
    late = run(stream_command, model, sound, "--labels", labels)
    assert isinstance(late.exception, InputError)
    assert "a word at 7 s, and the sound ends at 1.000 s" in str(late.exception)
    whole = sound.read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    cut = run(stream_command, model, tmp_path / "cut.wav")
    assert cut.exit_code == 0, cut.output
    assert "cut.wav is cut short: its header names more sound than there is" in cut.output
    labels.write_text("0\t0\tup\n")
    record = tmp_path / "found.jsonl"
    short = write_wav(tmp_path / "short.wav", np.ones(1))
    nothing = run(stream_command, model, short, "--labels", labels, "--json", record)
    assert isinstance(nothing.exception, InputError)
    assert "short.wav: holds no sound that lasts a frame" in str(nothing.exception)
    assert not record.exists(), "the same command may be given again"
    empty = CliRunner().invoke(stream_command, [str(model), "-"], input=b"\x00")
    assert "-: holds no sound that lasts a frame" in str(empty.exception)


@pytest.mark.ngspice
def test_chips_and_circuit_hear_the_stream(trained: tuple[Path, Result], tmp_path: Path) -> None:
    """The circuit is sized with the sound, so that it does what software does."""
    model, out = trained[0] / "model.json", tmp_path / "out"
    sound = write_wav(tmp_path / "a.wav", np.concatenate([tone(w, 0, 1.0) for w in ("up", "down")]))
    words = (model, sound, "-o", out, "--circuit", "0.5:0.9", "--part", "0.2")
    told = run(stream_command, *words, "--chips", "2")
    assert told.exit_code == 0, told.output
    record = json.loads((out / "seconds-0.5-0.9.json").read_text())
    assert record["states_agree"] > 0.97
    assert record["frames_agree"] > 0.9
    assert len(record["power_w"]) == 2
    assert record["twin_the_same"] == len(record["detections_twin"])
    check_files([out / "chips.json", out / "seconds-0.5-0.9.json"])
    parts = [read_build(out / "seconds-0.5-0.9" / f"part-{first:08d}") for first in (0, 20)]
    heard = [calibrated_for(part) for part in (*parts, read_build(out / "circuit"))]
    assert all(np.array_equal(each, heard[0]) for each in heard), "one circuit"
    assert heard[0].shape[:2] == (2, 100)
    again = run(stream_command, *words, "--calibration", trained[0] / "samples.npz")
    assert again.exit_code == 0, again.output
    part = read_build(out / "seconds-0.5-0.9" / "part-00000000")
    assert part.identity != parts[0].identity, "other devices"
    assert not (out / "chips.json").exists(), "of another circuit"


def test_an_interrupt_leaves_no_empty_record(tmp_path: Path) -> None:
    record = tmp_path / "found.jsonl"
    with pytest.raises(KeyboardInterrupt), _opened(record):
        raise KeyboardInterrupt
    assert not record.exists()
    with contextlib.suppress(KeyboardInterrupt), _opened(record) as file:
        file.write("{}\n")
        raise KeyboardInterrupt
    assert record.read_text() == "{}\n", "what was found stays"
    with pytest.raises(UsageError, match="is there already"), _opened(record):
        pass
    record.write_text("")  # of a command that was ended by a signal
    with _opened(record) as file:
        file.write("{}\n")
    assert record.read_text() == "{}\n"


def test_streams_that_cannot_be(trained: tuple[Path, Result], tmp_path: Path) -> None:
    model = trained[0] / "model.json"
    more = run(stream_command, model, "x.wav", "--votes", "31")
    assert "--votes 31 is more than --frames 30" in str(more.exception)
    pipe = run(stream_command, model, "-", "--labels", "x")
    assert "one source without --labels" in str(pipe.exception)
    gone = run(stream_command, model, tmp_path / "gone.wav")
    assert "gone.wav: is no file" in str(gone.exception)
    nowhere = run(stream_command, model, "x.wav", "--chips", "3")
    assert "--chips and --circuit need files, and -o DIR" in str(nowhere.exception)
    for_nothing = run(stream_command, model, "x.wav", "--calibration", "x.npz")
    assert "--calibration is for --chips and --circuit" in str(for_nothing.exception)
    rate = run(stream_command, model, "x.wav", "--rate", "16000")
    assert "--rate is of raw PCM from a pipe" in str(rate.exception)
    curve = tmp_path / "curve.json"
    for options, words in (
        (("--curve", curve), "add --labels"),
        (("--curve", curve, "--labels", "x", "--json", curve), "curve.json: is --json too"),
        (("--curve", tmp_path / "no" / "c", "--labels", "x"), "its folder is not there"),
    ):
        assert words in str(run(stream_command, model, "x.wav", *options).exception)
    for window in ("5", "5:3", "a:b", "-1:3", "1:1.004", "0.0051:0.0149"):
        wrong = run(stream_command, model, "x.wav", "-o", tmp_path, "--circuit", window)
        assert isinstance(wrong.exception, UsageError)
        assert f"--circuit {window}: " in str(wrong.exception)
    sound = write_wav(tmp_path / "a.wav", tone("up", 0, 1.0))
    for window in ("0.5:2", "3:4", "1:1.01"):
        late = run(stream_command, model, sound, "-o", tmp_path / "out", "--circuit", window)
        assert f"--circuit {window}: the sound ends at 1.000 s" in str(late.exception)
