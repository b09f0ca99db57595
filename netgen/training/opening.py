"""Opening a data set: its layout, its speakers, and who is left out of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from netgen.errors import InputError
from netgen.training.corpus import Corpus, Recording
from netgen.training.layouts import read_layout


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
    if not root.is_dir():
        raise InputError(str(root), ["is no folder; name the folder of the data set"])
    try:
        corpus = read_layout(root)
    except OSError as error:
        problem = f"cannot be read ({error.filename}: {error.strerror}); check its permissions"
        raise InputError(str(root), [problem]) from None
    corpus = replace(corpus, remarks=(*corpus.remarks, *_speakers_in_training(corpus)))
    return _leave_out(corpus, test_speakers) if test_speakers else corpus


def _speakers_in_training(corpus: Corpus) -> list[str]:
    """Say how many test recordings are of speakers who are in training too."""
    speakers = {r.speaker for r in corpus.recordings if r.split == "train"} - {""}
    tests = [r for r in corpus.recordings if r.split == "test"]
    count = sum(r.speaker in speakers for r in tests)
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
