"""Data sets on disk: which recordings there are, what is said in them, and their split."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Literal, TypeAlias

from netgen.errors import InputError

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
NOISE_FOLDER = "_background_noise_"
TESTING_LIST, VALIDATION_LIST = "testing_list.txt", "validation_list.txt"

_DIGIT_FILE = re.compile(r"(\d)_([A-Za-z]+)_(\d+)\.wav", re.IGNORECASE)
_FSDD_TEST, _FSDD_VALIDATION = range(0, 5), range(5, 10)
_SHARE = 0.1  # of a folder without lists, for validation and for test


@dataclass(frozen=True)
class Recording:
    """One sound file, what is said in it, who says it ("" where not known) and its split."""

    path: Path
    label: str
    speaker: str
    split: Split


@dataclass(frozen=True)
class Corpus:
    """A data set.

    Attributes
    ----------
    root, layout
        Where it lies and which layout it was read as.
    noise
        Long recordings without speech (Speech Commands' background noise).
    remarks
        What was left aside while looking through the folders, each with its count.
    """

    root: Path
    layout: str
    recordings: tuple[Recording, ...]
    noise: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({recording.label for recording in self.recordings}))

    @property
    def speakers(self) -> tuple[str, ...]:
        """The known speakers, sorted."""
        return tuple(sorted({recording.speaker for recording in self.recordings} - {""}))

    @property
    def tests_unheard(self) -> bool:
        """Whether the test set is spoken by speakers who are known not to be in training."""
        speakers = {
            split: {r.speaker for r in self.recordings if r.split == split} for split in SPLITS
        }
        known = all("" not in group for group in speakers.values())
        return known and not speakers["train"] & speakers["test"]


def open_corpus(root: Path, test_speakers: Sequence[str] = ()) -> Corpus:
    """Look through a data set: Speech Commands, Free Spoken Digits or ``label/*.wav`` folders.

    Parameters
    ----------
    test_speakers
        Speakers to keep out of training and validation; the test set is then all they say.

    Raises
    ------
    InputError
        The folder is missing or empty, holds no known layout, a label has no recording, or a
        speaker is not in it.
    """
    if not root.is_dir():
        raise InputError(str(root), ["is no folder; name the folder of the data set"])
    try:
        reader = _layout(root)
        if reader is None:
            wanted = "wanted label/*.wav folders, Speech Commands or Free Spoken Digits"
            raise InputError(str(root), [f"holds no recordings; {wanted}"])
        corpus = reader(root)
    except OSError as error:
        problem = f"cannot be read ({error.filename}: {error.strerror}); check its permissions"
        raise InputError(str(root), [problem]) from None
    return _leave_out(corpus, test_speakers) if test_speakers else corpus


def _layout(root: Path) -> Callable[[Path], Corpus] | None:
    if (root / TESTING_LIST).is_file() or (root / VALIDATION_LIST).is_file():
        return _speech_commands
    if any(_DIGIT_FILE.fullmatch(path.name) for path in _sounds(_digits_folder(root))):
        return _spoken_digits
    return _label_folders if any(path.is_dir() for path in root.iterdir()) else None


def _sounds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav")


def _digits_folder(root: Path) -> Path:
    return root / "recordings" if (root / "recordings").is_dir() else root


def _by_label(root: Path) -> dict[str, list[Path]]:
    """Return the recordings of every label folder; a label without any is an error."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] not in "._")
    found = {folder.name: _sounds(folder) for folder in folders}
    empty = [name for name, paths in found.items() if not paths]
    if empty:
        problems = [f"class {name!r} has no .wav file; add some or remove it" for name in empty]
        raise InputError(str(root), problems)
    if not found:
        raise InputError(str(root), ["holds no label folders; wanted label/*.wav"])
    return found


def _speech_commands(root: Path) -> Corpus:
    """Read Google Speech Commands: label folders and two lists that name validation and test."""
    listed: dict[str, Split] = {}
    lists: tuple[tuple[str, Split], ...] = (
        (VALIDATION_LIST, "validation"),
        (TESTING_LIST, "test"),
    )
    for name, split in lists:
        try:
            lines = (root / name).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problem = f"{name}: cannot be read ({error}); Speech Commands needs both lists"
            raise InputError(str(root), [problem]) from None
        listed |= {line.strip(): split for line in lines if line.strip()}
    recordings = [
        Recording(path, label, _speaker(path), listed.pop(f"{label}/{path.name}", "train"))
        for label, paths in _by_label(root).items()
        for path in paths
    ]
    remarks = (f"{len(listed)} files of the official lists are not there",) if listed else ()
    folder = root / NOISE_FOLDER
    noise = tuple(_sounds(folder)) if folder.is_dir() else ()
    return Corpus(root, "Speech Commands", tuple(recordings), noise, remarks)


def _speaker(path: Path) -> str:
    """Return the speaker's hash in a Speech Commands name, ``HASH_nohash_N.wav``."""
    speaker, marker, _ = path.stem.partition("_nohash_")
    return speaker if marker else ""


def _spoken_digits(root: Path) -> Corpus:
    """Read Free Spoken Digits; its official test split is indices 0–4, validation is 5–9."""
    recordings, others = [], 0
    for path in _sounds(_digits_folder(root)):
        match = _DIGIT_FILE.fullmatch(path.name)
        if match is None:
            others += 1
            continue
        label, speaker, index = match.group(1), match.group(2), int(match.group(3))
        split: Split = "train"
        if index in _FSDD_TEST or index in _FSDD_VALIDATION:
            split = "test" if index in _FSDD_TEST else "validation"
        recordings.append(Recording(path, label, speaker, split))
    remarks = (f"{others} files not named DIGIT_SPEAKER_INDEX.wav left out",) if others else ()
    return Corpus(root, "Free Spoken Digits", tuple(recordings), remarks=remarks)


def _label_folders(root: Path) -> Corpus:
    """Read ``label/*.wav``; a hash of the name sends a tenth of each label to either other part."""
    recordings: list[Recording] = []
    for label, paths in _by_label(root).items():
        if len(paths) < len(SPLITS):
            problem = f"class {label!r} has {len(paths)} recordings; training, validation and test"
            raise InputError(str(root), [f"{problem} need at least one each"])
        share = max(1, round(_SHARE * len(paths)))
        ordered = sorted(paths, key=lambda path: sha1(os.fsencode(path.name)).digest())
        for place, path in enumerate(ordered):
            split: Split = "train"
            if place < 2 * share:
                split = "test" if place < share else "validation"
            recordings.append(Recording(path, label, _speaker(path), split))
    strays = len(_sounds(root))
    remarks = (f"{strays} .wav files outside the label folders left out",) if strays else ()
    return Corpus(root, "label folders", tuple(recordings), remarks=remarks)


def _leave_out(corpus: Corpus, test_speakers: Sequence[str]) -> Corpus:
    """Make the test set what ``test_speakers`` say, and nothing else."""
    unknown = sorted(set(test_speakers) - set(corpus.speakers))
    if unknown:
        known = ", ".join(corpus.speakers[:8]) or "none is known in this layout"
        problem = f"speaker {', '.join(unknown)} is not in it (speakers: {known})"
        raise InputError(str(corpus.root), [problem])
    kept: list[Recording] = []
    for recording in corpus.recordings:
        if recording.speaker in test_speakers:
            kept.append(Recording(recording.path, recording.label, recording.speaker, "test"))
        elif recording.split != "test":
            kept.append(recording)
    dropped = len(corpus.recordings) - len(kept)
    remark = f"{dropped} test recordings of the other speakers left out"
    return Corpus(corpus.root, corpus.layout, tuple(kept), corpus.noise, (*corpus.remarks, remark))


def split_counts(corpus: Corpus) -> dict[Split, Counter[str]]:
    """Count the recordings of every label in every part."""
    return {
        split: Counter(r.label for r in corpus.recordings if r.split == split) for split in SPLITS
    }
