"""The layouts of data sets on disk, and how each is split."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha1
from itertools import chain
from pathlib import Path
from posixpath import basename, dirname, join, normpath, splitext

from netgen.errors import InputError
from netgen.training.corpus import (
    NOISE_FOLDER,
    SPLITS,
    TESTING_LIST,
    VALIDATION_LIST,
    Corpus,
    Recording,
    Split,
)

SUFFIXES = frozenset(
    (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".w64", ".caf")
)
"""Sound files that libsndfile reads."""
PART_FOLDERS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),  # type: ignore[dict-item]  # str for Split
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Folders that name a split, each with label folders of its own."""

_DIGIT_FILE = re.compile(r"(\d)_([A-Za-z]+)_(\d+)")
_NUMBERED = re.compile(r"([A-Za-z][A-Za-z0-9]*?)[-_]?\d+")
_FSDD_TEST, _FSDD_VALIDATION = range(0, 5), range(5, 10)
_SHARE = 0.1  # of speakers, or of a label's files, for validation and for test
_FEWEST_SPEAKERS = 3
_NAMED = 3


class Tree:
    """The files of a data set: sounds by their path below the root, and all others.

    Paths are text with slashes: objects for them would take longer than the folders.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sounds: list[str] = []
        self.others: Counter[str] = Counter()

        def fail(error: OSError) -> None:
            raise error

        for folder, folders, files in os.walk(root, onerror=fail, followlinks=True):
            folders.sort()
            below = Path(folder).relative_to(root).as_posix()
            hidden = any(part.startswith(".") for part in below.split("/") if below != ".")
            below = "" if below == "." else f"{below}/"
            for name in sorted(files):
                suffix = splitext(name)[1].lower()
                if suffix in SUFFIXES and not hidden and not name.startswith("."):
                    self.sounds.append(below + name)
                elif below + name not in (TESTING_LIST, VALIDATION_LIST):
                    self.others[suffix or name] += 1

    def path(self, sound: str) -> Path:
        """Return where a sound lies."""
        return Path(join(self.root, sound))

    def remarks(self, used: Iterable[str]) -> list[str]:
        """Count what is not used: sounds by their folder, other files by their kind."""
        unread = set(self.sounds) - set(used)
        remarks = []
        if unread:
            by_folder = Counter(dirname(path) or "." for path in unread)
            remarks.append(f"{len(unread)} sound files not read: {_listed(by_folder)}")
        if self.others:
            total = sum(self.others.values())
            remarks.append(f"{total} files that are no sound not read: {_listed(self.others)}")
        return remarks


def _listed(counts: Counter[str]) -> str:
    shown = [f"{count} in {name}/" if name == "." or "." not in name else f"{count} {name}"
             for name, count in counts.most_common(_NAMED)]  # fmt: skip
    return ", ".join(shown) + (", …" if len(counts) > _NAMED else "")


def read_layout(root: Path) -> Corpus:
    """Read a data set in whichever layout it has.

    Raises
    ------
    InputError
        The folder holds no known layout, or a label has no recording.
    OSError
        A folder or list cannot be read.
    """
    tree = Tree(root)
    if not tree.sounds:
        wanted = "wanted label/*.wav folders, Speech Commands or Free Spoken Digits"
        raise InputError(str(root), [f"holds no recordings; {wanted}"])
    if (root / TESTING_LIST).is_file() or (root / VALIDATION_LIST).is_file():
        return _speech_commands(tree)
    digits = [path for path in tree.sounds if _is_digit_file(path)]
    if digits:
        return _spoken_digits(tree, digits)
    tops = {path.partition("/")[0] for path in tree.sounds if "/" in path} - {NOISE_FOLDER}
    if tops and all(name.lower() in PART_FOLDERS for name in tops):
        return _part_folders(tree)
    if len(tops) == 1 and (root / next(iter(tops)) / TESTING_LIST).is_file():
        below = read_layout(root / next(iter(tops)))
        return replace(below, remarks=(f"read in its folder {next(iter(tops))}/", *below.remarks))
    return _label_folders(tree)


# Labels


def _by_label(tree: Tree, below: str = "") -> dict[str, list[str]]:
    """Return the sounds of every label folder, at any depth below it.

    Raises
    ------
    InputError
        A label folder holds no sound, or there is no label folder.
    """
    depth = 1 if below else 0
    by_label: dict[str, list[str]] = {}
    for path in tree.sounds:
        parts = path.split("/")
        inside = not below or parts[0] == below
        if inside and len(parts) > depth + 1 and parts[depth][0] != "_":
            by_label.setdefault(parts[depth], []).append(path)
    root = tree.root / below
    empty = [p.name for p in root.iterdir() if p.is_dir() and p.name[0] not in "._"
             and p.name not in by_label]  # fmt: skip
    if empty:
        kinds = ", ".join(sorted(SUFFIXES))
        raise InputError(
            str(root),
            [f"class {name!r} has no sound file ({kinds}); add some or remove it"
             for name in sorted(empty)],
        )  # fmt: skip
    if not by_label:
        raise InputError(str(root), ["holds no label folders; wanted label/*.wav"])
    return dict(sorted(by_label.items()))


def _corpus(
    tree: Tree,
    layout: str,
    recordings: Sequence[Recording],
    used: Iterable[str],
    remarks: Sequence[str],
) -> Corpus:
    """Return a corpus with the background noise of its folder, and what to say of other files."""
    noise = _noise(tree)
    remarks = (*remarks, *tree.remarks([*used, *noise]))
    return Corpus(tree.root, layout, tuple(recordings), tuple(map(tree.path, noise)), remarks)


def _noise(tree: Tree) -> list[str]:
    return [path for path in tree.sounds if f"/{NOISE_FOLDER}/" in f"/{path}"]


def _stem(path: str) -> str:
    return splitext(basename(path))[0]


# Speakers


def speaker_of(name: str, label: str, known: frozenset[str] = frozenset()) -> str:
    """Return the speaker that a file's name carries, "" for none.

    ``HASH_nohash_N`` (Speech Commands), ``LABEL_SPEAKER_N`` (Free Spoken Digits), or a name of
    ``known`` followed by a number.
    """
    stem = _stem(name)
    speaker, marker, _ = stem.partition("_nohash_")
    if marker:
        return speaker
    parts = stem.split("_")
    if len(parts) == 3 and parts[0].lower() == label.lower() and parts[2].isdigit():
        return parts[1]
    numbered = _NUMBERED.fullmatch(stem)
    return numbered.group(1) if numbered and numbered.group(1) in known else ""


def known_speakers(labels: dict[str, list[str]]) -> frozenset[str]:
    """Find names that look like speakers: NAME-NUMBER, three of them, each in two labels.

    A name that is a label's own, or is found with one label alone, says nothing of a speaker.
    """
    places: dict[str, set[str]] = {}
    for label, paths in labels.items():
        for path in paths:
            numbered = _NUMBERED.fullmatch(_stem(path))
            if numbered and numbered.group(1).lower() not in {name.lower() for name in labels}:
                places.setdefault(numbered.group(1), set()).add(label)
    names = frozenset(name for name, where in places.items() if len(where) > 1)
    return names if len(names) >= _FEWEST_SPEAKERS else frozenset()


def _recordings(tree: Tree, labels: dict[str, list[str]], split: Split) -> list[Recording]:
    known = known_speakers(labels)
    return [
        Recording(tree.path(path), label, speaker_of(path, label, known), split)
        for label, paths in labels.items()
        for path in paths
    ]


# Splits


def carve(recordings: Sequence[Recording], wanted: Sequence[Split]) -> tuple[list[Recording], str]:
    """Send a tenth of the speakers (or of a label's files) to each of ``wanted``, from training.

    Speakers are ordered by a hash of their names, so that a new one moves few others. Where some
    recordings carry no speaker, those are sent by a hash of the file's name, label by label.

    Returns
    -------
    tuple
        All recordings, and a sentence about the split.
    """
    training = [r for r in recordings if r.split == "train"]
    speakers = sorted({r.speaker for r in training} - {""}, key=_hash)
    place: dict[str, Split] = {}
    by_speaker = len(speakers) > len(wanted)
    if by_speaker:
        share = max(1, round(_SHARE * len(speakers)))
        for number, split in enumerate(wanted):
            place |= dict.fromkeys(speakers[number * share : (number + 1) * share], split)
    moved: dict[Path, Split] = {}
    for label in sorted({r.label for r in training}):
        nameless = [r for r in training if r.label == label and not (by_speaker and r.speaker)]
        nameless.sort(key=lambda r: _hash(r.path.name))
        share = max(1, round(_SHARE * len(nameless))) if nameless else 0
        for number, split in enumerate(wanted):
            for recording in nameless[number * share : (number + 1) * share]:
                moved[recording.path] = split
    done = [
        r if r.split != "train"
        else replace(r, split=moved.get(r.path) or place.get(r.speaker, "train"))
        for r in recordings
    ]  # fmt: skip
    names = " and ".join(wanted)
    if by_speaker:
        return done, f"{names}: a tenth of the {len(speakers)} speakers each, by a hash"
    return done, f"{names}: a tenth of each label's files each, by a hash; no name says who speaks"


def _hash(name: str) -> bytes:
    return sha1(os.fsencode(name)).digest()


# Layouts


def _speech_commands(tree: Tree) -> Corpus:
    """Read Google Speech Commands: label folders and two lists that name validation and test.

    Where one list is missing, a tenth of the speakers of the rest takes its place.
    """
    listed: dict[str, Split] = {}
    missing: list[Split] = []
    remarks = []
    lists: tuple[tuple[str, Split], ...] = ((VALIDATION_LIST, "validation"), (TESTING_LIST, "test"))
    for name, part in lists:
        if not (tree.root / name).is_file():
            missing.append(part)
            continue
        listed |= dict.fromkeys(read_list(tree.root / name), part)
    recordings, used = [], []
    for label, paths in _by_label(tree).items():
        used += paths
        for path in paths:
            split_ = listed.pop(path, "train")
            recordings.append(Recording(tree.path(path), label, speaker_of(path, label), split_))
    if listed:
        shown = ", ".join(list(listed)[:_NAMED]) + (", …" if len(listed) > _NAMED else "")
        remarks.append(f"{len(listed)} files of the lists are not there: {shown}")
    if missing:
        name = VALIDATION_LIST if missing[0] == "validation" else TESTING_LIST
        recordings, sentence = carve(recordings, missing)
        remarks.append(f"{name} is missing; {sentence}")
    return _corpus(tree, "Speech Commands", recordings, used, remarks)


def read_list(path: Path) -> list[str]:
    """Read a list of files, one a line, as any editor or system writes it.

    Raises
    ------
    InputError
        It is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(str(path), [f"is no UTF-8 text ({error.reason}); save it again"]) from None
    lines = (line.strip().replace("\\", "/") for line in text.splitlines())
    return [normpath(line) for line in lines if line]


def _is_digit_file(path: str) -> bool:
    inside = dirname(path) in ("", "recordings")
    return inside and _DIGIT_FILE.fullmatch(_stem(path)) is not None


def _spoken_digits(tree: Tree, digits: Sequence[str]) -> Corpus:
    """Read Free Spoken Digits; its official test split is indices 0–4, validation is 5–9."""
    recordings = []
    for path in digits:
        match = _DIGIT_FILE.fullmatch(_stem(path))
        assert match is not None
        label, speaker, index = match.group(1), match.group(2), int(match.group(3))
        split: Split = "train"
        if index in _FSDD_TEST or index in _FSDD_VALIDATION:
            split = "test" if index in _FSDD_TEST else "validation"
        recordings.append(Recording(tree.path(path), label, speaker, split))
    return _corpus(tree, "Free Spoken Digits", recordings, digits, ())


def _part_folders(tree: Tree) -> Corpus:
    """Read folders that name a split, such as ``train/label/*.wav`` and ``test/label/*.wav``."""
    tops = sorted({path.partition("/")[0] for path in tree.sounds} - {NOISE_FOLDER})
    recordings: list[Recording] = []
    used: list[str] = []
    for top in (name for name in tops if name.lower() in PART_FOLDERS):
        labels = _by_label(tree, top)
        recordings += _recordings(tree, labels, PART_FOLDERS[top.lower()])
        used += chain.from_iterable(labels.values())
    if not any(r.split == "train" for r in recordings):
        raise InputError(str(tree.root), ["has no folder for training; name it train"])
    remarks = []
    missing = [split for split in SPLITS if not any(r.split == split for r in recordings)]
    if missing:
        recordings, sentence = carve(recordings, missing)
        remarks.append(f"no folder for {' and '.join(missing)}; {sentence}")
    names = {split: {(r.label, r.path.name) for r in recordings if r.split == split}
             for split in SPLITS}  # fmt: skip
    twice = names["test"] & (names["train"] | names["validation"])
    if twice:
        remarks.append(f"{len(twice)} test recordings have the name of one in training")
    return _corpus(tree, "part and label folders", recordings, used, remarks)


def _label_folders(tree: Tree) -> Corpus:
    """Read ``label/*.wav``; a tenth of the speakers each goes to validation and to test."""
    labels = _by_label(tree)
    for label, paths in labels.items():
        if len(paths) < len(SPLITS):
            problem = f"class {label!r} has {len(paths)} recordings; training, validation and test"
            raise InputError(str(tree.root), [f"{problem} need at least one each"])
    recordings, sentence = carve(_recordings(tree, labels, "train"), ("test", "validation"))
    used = chain.from_iterable(labels.values())
    return _corpus(tree, "label folders", recordings, used, (sentence,))
