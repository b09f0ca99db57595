"""The synthetic corpus: what is checked without espeak-ng, and a small one spoken with it."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("soundfile")

from click.testing import CliRunner

from netgen.commands.synth import synth_command
from netgen.errors import ToolMissingError, UsageError
from netgen.training import synth as room
from netgen.training.audio import read_clip
from netgen.training.corpus import SPLITS
from netgen.training.opening import open_corpus
from netgen.training.synth import OTHERS, RATE, Script, make_script, speak

needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng")


def test_a_keyword_is_told_from_other_words() -> None:
    script = make_script(["yes", "no", "yes"], [], 8, 0)
    assert script.keywords == ("yes", "no")
    assert "no" in OTHERS
    assert "no" not in script.others
    assert script.recordings == 8 * (2 * script.takes + len(script.others) * script.other_takes)


@pytest.mark.parametrize("word", ["", "-v", "a/b", "..", "two words"])
def test_a_word_names_a_folder_and_no_option(word: str) -> None:
    with pytest.raises(UsageError, match="is no word"):
        make_script([word], ["no"], 8, 0)


def test_a_keyword_may_not_be_another_word() -> None:
    with pytest.raises(UsageError, match="'yes' is a keyword and another word"):
        make_script(["yes"], ["no", "yes"], 8, 0)


def test_without_espeak_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="apt-get install espeak-ng"):
        speak(make_script(["yes"], ["no"], 8, 0), tmp_path / "corpus")


def test_a_voice_that_is_missing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    fake = programs / "espeak-ng"
    fake.write_text("#!/bin/sh\necho 'no such voice' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    with pytest.raises(ToolMissingError, match=r"cannot speak with voice .*: no such voice"):
        speak(make_script(["yes"], ["no"], 8, 0), tmp_path / "corpus")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin"]


@needs_espeak
def test_a_corpus_holds_out_its_voices_and_repeats(tmp_path: Path) -> None:
    script = Script(("yes",), ("no", "up"), speakers=8, seed=1, takes=2, other_takes=1)
    spoken: list[int] = []
    speak(script, tmp_path / "a", lambda: spoken.append(1))
    assert len(spoken) == script.recordings == 32
    corpus = open_corpus(tmp_path / "a")
    counts = {
        split: dict(Counter(r.label for r in corpus.recordings if r.split == split))
        for split in SPLITS
    }
    assert counts == {
        "train": {"yes": 12, "no": 6, "up": 6},
        "validation": {"yes": 2, "no": 1, "up": 1},
        "test": {"yes": 2, "no": 1, "up": 1},
    }
    speakers = [{r.speaker for r in corpus.recordings if r.split == split} for split in counts]
    assert not speakers[0] & speakers[1]
    assert not speakers[0] & speakers[2]
    assert len(corpus.noise) == 2
    clip = read_clip(corpus.recordings[0].path, RATE)
    assert clip.repairs == ()
    assert 0.2 < len(clip.sound) / RATE < 2
    speak(script, tmp_path / "b")
    for recording in corpus.recordings:
        twin = tmp_path / "b" / recording.path.relative_to(tmp_path / "a")
        assert twin.read_bytes() == recording.path.read_bytes()


@needs_espeak
def test_the_command_speaks_and_refuses_a_full_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.Script, "takes", 1)
    arguments = ["yes", "--other", "no", "--speakers", "8", "-o", str(tmp_path / "c")]
    done = CliRunner().invoke(synth_command, arguments)
    assert done.exit_code == 0, done.output
    assert "recordings of 2 words by 8 voices" in done.output
    again = CliRunner().invoke(synth_command, arguments)
    assert isinstance(again.exception, UsageError)
    assert "is not empty" in str(again.exception)
