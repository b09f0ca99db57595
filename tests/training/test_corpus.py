"""Data sets on disk: layouts, splits, tasks, and what is said about bad ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from netgen.errors import InputError, UsageError
from netgen.training.corpus import Corpus, Recording
from netgen.training.opening import open_corpus
from netgen.training.task import COMMANDS, make_task


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def splits(corpus: Corpus) -> Counter[str]:
    return Counter(recording.split for recording in corpus.recordings)


def test_free_spoken_digits_by_index(tmp_path: Path) -> None:
    names = [
        f"recordings/{d}_{who}_{i}.wav" for d in (0, 7) for who in ("ann", "bo") for i in range(12)
    ]
    corpus = open_corpus(touch(tmp_path, *names, "recordings/notes.wav"))
    assert corpus.layout == "Free Spoken Digits"
    assert splits(corpus) == {"test": 20, "validation": 20, "train": 8}
    assert corpus.labels == ("0", "7")
    assert corpus.speakers == ("ann", "bo")
    assert corpus.remarks == (
        "1 sound files not read: 1 in recordings/",
        "20 of 20 test recordings are by speakers of training",
    )
    assert all(r.path.stem.endswith(tuple("01234")) for r in corpus.recordings if r.split == "test")


def test_a_speaker_left_out_is_the_whole_test_set(tmp_path: Path) -> None:
    names = [f"{d}_{who}_{i}.wav" for d in (0, 7) for who in ("ann", "bo") for i in range(12)]
    corpus = open_corpus(touch(tmp_path, *names), ["bo"])
    assert splits(corpus) == {"test": 24, "validation": 10, "train": 4}
    assert {r.speaker for r in corpus.recordings if r.split == "test"} == {"bo"}
    assert corpus.remarks == ("10 test recordings of the other speakers left out",)
    with pytest.raises(InputError, match=r"speaker zoe is not in it \(speakers: ann, bo\)"):
        open_corpus(tmp_path, ["zoe"])


def speech_commands(root: Path) -> Path:
    names = [f"{word}/{who}_nohash_0.wav" for word in ("yes", "no", "cat") for who in "abcdef"]
    touch(root, *names, "_background_noise_/hum.wav", "_background_noise_/README.md")
    (root / "testing_list.txt").write_text(
        "yes/a_nohash_0.wav\nno/a_nohash_0.wav\ncat/a_nohash_0.wav\n"
    )
    (root / "validation_list.txt").write_text(
        "yes/b_nohash_0.wav\nno/b_nohash_0.wav\ncat/gone.wav\n"
    )
    return root


def test_speech_commands_by_its_lists(tmp_path: Path) -> None:
    corpus = open_corpus(speech_commands(tmp_path))
    assert corpus.layout == "Speech Commands"
    assert splits(corpus) == {"test": 3, "validation": 2, "train": 13}
    assert [path.name for path in corpus.noise] == ["hum.wav"]
    assert corpus.speakers == tuple("abcdef")
    assert corpus.remarks == (
        "1 files of the lists are not there: cat/gone.wav",
        "1 files that are no sound not read: 1 .md",
    )


def test_it_is_known_whether_test_speakers_are_in_training(tmp_path: Path) -> None:
    assert open_corpus(speech_commands(tmp_path / "commands")).tests_unheard
    names = [f"{d}_{who}_{i}.wav" for d in (0, 7) for who in ("ann", "bo") for i in range(12)]
    digits = touch(tmp_path / "digits", *names)
    assert not open_corpus(digits).tests_unheard
    assert open_corpus(digits, ["bo"]).tests_unheard
    folders = touch(tmp_path / "folders", *(f"on/{i}.wav" for i in range(9)))
    assert not open_corpus(folders).tests_unheard, "nobody knows who speaks"


def test_one_list_alone_leaves_the_other_part_to_speakers_of_the_rest(tmp_path: Path) -> None:
    (speech_commands(tmp_path) / "validation_list.txt").unlink()
    corpus = open_corpus(tmp_path)
    assert splits(corpus) == {"test": 3, "validation": 3, "train": 12}
    assert corpus.remarks[0] == (
        "validation_list.txt is missing; validation: a tenth of the 5 speakers each, by a hash"
    )
    parts = {
        part: {r.speaker for r in corpus.recordings if r.split == part}
        for part in ("train", "validation", "test")
    }
    assert not parts["train"] & parts["validation"]


@pytest.mark.parametrize(
    ("before", "separator", "encoding"),
    [("", "/", "utf-8-sig"), ("./", "/", "utf-8"), ("", "\\", "utf-8"), ("", "/", "utf-8")],
)
def test_lists_as_any_editor_writes_them(
    tmp_path: Path, before: str, separator: str, encoding: str
) -> None:
    speech_commands(tmp_path)
    for name in ("testing_list.txt", "validation_list.txt"):
        lines = (tmp_path / name).read_text().splitlines()
        text = "\r\n".join(before + line.replace("/", separator) for line in lines)
        (tmp_path / name).write_text(text, encoding=encoding)
    corpus = open_corpus(tmp_path)
    assert splits(corpus) == {"test": 3, "validation": 2, "train": 13}
    (tmp_path / "testing_list.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"testing_list\.txt: is no UTF-8 text"):
        open_corpus(tmp_path)


def test_names_that_carry_a_speaker_split_by_speaker(tmp_path: Path) -> None:
    words, four = ("on", "off"), ("ann", "bo", "cy", "di")
    hashed = [f"{w}/{who}_nohash_{n}.wav" for w in words for who in "abcdefgh" for n in "01"]
    named = [f"{w}/{who}-{n}.wav" for w in words for who in four for n in range(3)]
    digits = [f"{w}/{w}_{who}_{n}.wav" for w in words for who in four for n in range(4)]
    for number, names in enumerate((hashed, named, digits)):
        corpus = open_corpus(touch(tmp_path / str(number), *names))
        assert corpus.tests_unheard
        assert all(splits(corpus)[part] for part in ("train", "validation", "test"))
        assert "speakers each, by a hash" in corpus.remarks[0]


def test_a_name_of_the_label_is_no_speaker(tmp_path: Path) -> None:
    names = [f"{label}/{label}-{n}.wav" for label in ("on", "off", "up") for n in range(9)]
    corpus = open_corpus(touch(tmp_path, *names, "_background_noise_/hum.wav"))
    assert corpus.speakers == ()
    assert "no name says who speaks" in corpus.remarks[0]
    assert [path.name for path in corpus.noise] == ["hum.wav"]


def test_nested_folders_and_other_formats_are_read(tmp_path: Path) -> None:
    names = [f"on/more/{n}.wav" for n in range(6)] + [f"on/{n}.flac" for n in range(6)]
    names += [f"off/{n}.OGG" for n in range(9)]
    names += ["off/a.txt", "off/b.m4a", "stray.wav", ".x/y.wav"]
    corpus = open_corpus(touch(tmp_path, *names))
    assert Counter(r.label for r in corpus.recordings) == {"on": 12, "off": 9}
    assert corpus.remarks[1] == "1 sound files not read: 1 in ./"
    assert corpus.remarks[2].startswith("3 files that are no sound not read: ")


def test_folders_that_name_the_parts(tmp_path: Path) -> None:
    parts = (("train", "abcdefghij"), ("test", "ajxy"))
    names = [
        f"{part}/{word}/{who}_nohash_0.wav"
        for part, speakers in parts
        for word in ("on", "off")
        for who in speakers
    ]
    corpus = open_corpus(touch(tmp_path, *names))
    assert corpus.layout == "part and label folders"
    assert splits(corpus) == {"train": 18, "validation": 2, "test": 8}
    assert corpus.labels == ("off", "on")
    assert corpus.remarks[0].startswith("no folder for validation; validation: a tenth")
    assert corpus.remarks[1] == "4 test recordings have the name of one in training"
    assert "test recordings are by speakers of training" in corpus.remarks[2]
    touch(tmp_path, "valid/on/v_nohash_0.wav", "valid/off/v_nohash_0.wav")
    assert splits(open_corpus(tmp_path)) == {"train": 20, "validation": 2, "test": 8}


def test_a_data_set_in_its_only_folder(tmp_path: Path) -> None:
    speech_commands(tmp_path / "v2")
    corpus = open_corpus(tmp_path)
    assert corpus.layout == "Speech Commands"
    assert corpus.remarks[0] == "read in its folder v2/"


def test_label_folders_give_a_tenth_of_each_label_to_either_part(tmp_path: Path) -> None:
    names = [f"{label}/{i}.wav" for label in ("on", "off") for i in range(30)]
    corpus = open_corpus(touch(tmp_path, *names, "stray.WAV", "on/readme.txt"))
    assert corpus.layout == "label folders"
    for label in ("on", "off"):
        counts = Counter(r.split for r in corpus.recordings if r.label == label)
        assert counts == {"train": 24, "validation": 3, "test": 3}
    assert corpus.remarks[1:] == (
        "1 sound files not read: 1 in ./",
        "1 files that are no sound not read: 1 .txt",
    )


def test_a_new_recording_moves_few_others(tmp_path: Path) -> None:
    def tests() -> set[str]:
        return {r.path.name for r in open_corpus(tmp_path).recordings if r.split == "test"}

    touch(tmp_path, *(f"on/{i}.wav" for i in range(40)))
    before = tests()
    touch(tmp_path, "on/another.wav")
    assert len(before - tests()) <= 1


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ((), "holds no recordings; wanted"),
        (("notes.txt",), "holds no recordings; wanted"),
        (("yes/a.wav", "no/readme.txt"), "class 'no' has no sound file"),
        (("yes/a.wav", "yes/b.wav"), "class 'yes' has 2 recordings; training, validation and test"),
        ((".hidden/a.wav",), "holds no recordings"),
    ],
)
def test_a_folder_that_is_no_data_set(tmp_path: Path, names: tuple[str, ...], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        open_corpus(touch(tmp_path, *names))


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: is no folder; name the folder of the data set"):
        open_corpus(tmp_path / "gone")


def corpus_of(*labels: str, noise: bool = False) -> Corpus:
    recordings = tuple(Recording(Path(f"{label}.wav"), label, "", "train") for label in labels)
    return Corpus(Path("data"), "label folders", recordings, (Path("hum.wav"),) if noise else ())


def test_keywords_against_the_rest() -> None:
    task = make_task(corpus_of("a", "b", "c"), "keyword", ["b", "b"])
    assert task.classes == ("other", "b")
    assert [task.class_of(label) for label in "abc"] == [0, 1, 0]
    assert task.silence is None
    assert make_task(corpus_of("a", "b", noise=True), "keyword", ["b"]).silence == "other"


def test_every_label_a_class() -> None:
    task = make_task(corpus_of("b", "a"), "labels", [])
    assert task.classes == ("a", "b")


def test_the_tasks_of_speech_commands() -> None:
    corpus = corpus_of(*COMMANDS, "cat", noise=True)
    ten = make_task(corpus, "commands-10", [])
    assert ten.classes == COMMANDS
    assert ten.class_of("cat") is None
    twelve = make_task(corpus, "commands-12", [])
    assert twelve.classes == ("other", *COMMANDS, "silence")
    assert twelve.class_of("cat") == 0
    assert twelve.silence == "silence"
    with pytest.raises(InputError, match="no background noise"):
        make_task(corpus_of(*COMMANDS, "cat"), "commands-12", [])


@pytest.mark.parametrize(
    ("kind", "keywords", "labels", "error", "problem"),
    [
        ("keyword", ["z"], "ab", InputError, "has no recordings of 'z'; it has: a, b"),
        ("keyword", ["a", "b"], "ab", InputError, "nothing but the keywords"),
        ("keyword", [], "ab", UsageError, "needs --keyword WORD"),
        ("labels", ["a"], "ab", UsageError, "--keyword belongs to --task keyword"),
        ("labels", [], "a", InputError, "one label only"),
        ("commands-10", [], "ab", InputError, "has no recordings of 'yes'"),
        ("keyword", ["other"], ("other", "b"), InputError, "may not be called 'other'"),
    ],
)
def test_tasks_that_cannot_be(
    kind: str, keywords: list[str], labels: str, error: type[Exception], problem: str
) -> None:
    with pytest.raises(error, match=problem):
        make_task(corpus_of(*labels), kind, keywords)  # type: ignore[arg-type]
