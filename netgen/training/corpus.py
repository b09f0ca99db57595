"""Data sets: which recordings there are, what is said in them, and their split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from netgen.errors import InputError

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
NOISE_FOLDER = "_background_noise_"
TESTING_LIST, VALIDATION_LIST = "testing_list.txt", "validation_list.txt"


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
        What was not read or was decided while looking through the folders, each with its count.
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
    """Look through a data set: Speech Commands, Free Spoken Digits or label folders.

    Every file that is not read is counted in the remarks, with the reason.

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
    from netgen.training.layouts import read_layout

    if not root.is_dir():
        raise InputError(str(root), ["is no folder; name the folder of the data set"])
    try:
        corpus = read_layout(root)
    except OSError as error:
        problem = f"cannot be read ({error.filename}: {error.strerror}); check its permissions"
        raise InputError(str(root), [problem]) from None
    corpus = replace(corpus, remarks=(*corpus.remarks, *_heard_in_training(corpus)))
    return _leave_out(corpus, test_speakers) if test_speakers else corpus


def _heard_in_training(corpus: Corpus) -> list[str]:
    """Say how many test recordings are of speakers who are in training too."""
    heard = {r.speaker for r in corpus.recordings if r.split == "train"} - {""}
    tests = [r for r in corpus.recordings if r.split == "test"]
    count = sum(r.speaker in heard for r in tests)
    return [f"{count} of {len(tests)} test recordings are by speakers of training"] if count else []


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
            kept.append(replace(recording, split="test"))
        elif recording.split != "test":
            kept.append(recording)
    dropped = len(corpus.recordings) - len(kept)
    remarks = [remark for remark in corpus.remarks if not remark.endswith("speakers of training")]
    remarks.append(f"{dropped} test recordings of the other speakers left out")
    return replace(corpus, recordings=tuple(kept), remarks=tuple(remarks))


def split_counts(corpus: Corpus) -> dict[Split, Counter[str]]:
    """Count the recordings of every label in every part."""
    return {
        split: Counter(r.label for r in corpus.recordings if r.split == split) for split in SPLITS
    }
