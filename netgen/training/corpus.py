"""Data sets: which recordings there are, what is said in them, and their split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

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
    """A data set."""

    #: ``root``, ``layout``: where it lies and which layout it was read as.
    root: Path
    layout: str
    recordings: tuple[Recording, ...]
    #: Long recordings without speech (Speech Commands' background noise).
    noise: tuple[Path, ...] = ()
    #: What was not read or was decided while looking through the folders, each with its count.
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
