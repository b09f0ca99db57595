"""A keyword corpus spoken by espeak-ng, for those who have no recordings."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

import numpy as np

from netgen.errors import ToolMissingError, UsageError
from netgen.files import folder_beside, write_whole
from netgen.training.audio import Sound, read_clip
from netgen.training.augment import coloured
from netgen.training.corpus import NOISE_FOLDER, TESTING_LIST, VALIDATION_LIST
from netgen.training.needs import need

PROGRAM = "espeak-ng"
RATE = 16_000
ACCENTS = (
    "en-gb",
    "en-us",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-029",
    "en-us-nyc",
)
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5")
SPEAKERS = len(ACCENTS) * len(VARIANTS)
"""Different speakers at most: every accent with every variant of the voice."""
OTHERS = (
    *("no", "up", "down", "left", "right", "on", "off", "stop", "go"),
    *("zero", "one", "two", "three", "four", "house", "bed", "bird", "happy", "tree", "yet"),
)
"""Words to tell keywords from, where none are given."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}")
_WORDS_A_MINUTE = (120, 200)
_PITCH = (25, 75)
_SHARE = 0.15  # of the speakers, for validation and for test
_NOISE_SECONDS = 20


@dataclass(frozen=True)
class Script:
    """What is to be spoken."""

    #: ``keywords``, ``others``: each speaker says a keyword ``takes`` times and every other word
    #: ``other_takes`` times, at a speed and pitch of its own each time.
    keywords: tuple[str, ...]
    others: tuple[str, ...]
    speakers: int
    seed: int
    takes: int = 8
    other_takes: int = 2

    @property
    def recordings(self) -> int:
        """How many recordings that makes."""
        takes = self.takes * len(self.keywords) + self.other_takes * len(self.others)
        return self.speakers * takes


def make_script(keywords: Sequence[str], others: Sequence[str], speakers: int, seed: int) -> Script:
    """Check the words and return the script; without ``others``, :data:`OTHERS` are taken.

    Raises
    ------
    UsageError
        A word is none, or a keyword is among the others.
    """
    chosen = tuple(dict.fromkeys(others)) or tuple(w for w in OTHERS if w not in keywords)
    for word in (*keywords, *chosen):
        if not _WORD.fullmatch(word):
            raise UsageError(f"{word!r} is no word; use letters, digits and - (it names a folder)")
    both = sorted(set(keywords) & set(chosen))
    if both:
        raise UsageError(f"{both[0]!r} is a keyword and another word at once; drop one of them")
    return Script(tuple(dict.fromkeys(keywords)), chosen, speakers, seed)


def speak(script: Script, folder: Path, spoken: Callable[[], None] = lambda: None) -> None:
    """Write the corpus in the layout of Speech Commands, whole or not at all.

    Speakers are held out for validation and test and named in the two lists, so the test set is
    spoken by voices that training never hears. ``spoken`` is called after each recording.

    Raises
    ------
    ToolMissingError
        espeak-ng is not installed or lacks a voice.
    UsageError
        The folder is not empty.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise ToolMissingError(f"{PROGRAM} is not installed: apt-get install {PROGRAM}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is not empty; choose another folder for the corpus")
    with folder_beside(folder) as scratch:
        _speak_into(scratch, script, program, spoken)


def _speak_into(folder: Path, script: Script, program: str, spoken: Callable[[], None]) -> None:
    rng = np.random.default_rng(script.seed)
    voices = [f"{accent}+{variant}" for accent in ACCENTS for variant in VARIANTS]
    order = [voices[place] for place in rng.permutation(len(voices))[: script.speakers]]
    held = max(1, round(_SHARE * script.speakers))
    lists: dict[str, list[str]] = {TESTING_LIST: [], VALIDATION_LIST: []}
    for number, voice in enumerate(order):
        listed = (TESTING_LIST, VALIDATION_LIST)[number // held] if number < 2 * held else None
        speaker = sha1(voice.encode()).hexdigest()[:8]
        for word in (*script.keywords, *script.others):
            takes = script.takes if word in script.keywords else script.other_takes
            for take in range(takes):
                name = f"{word}/{speaker}_nohash_{take}.wav"
                _write(folder / name, _say(program, word, voice, rng))
                if listed is not None:
                    lists[listed].append(name)
                spoken()
    for colour, sound in _noises(rng).items():
        _write(folder / NOISE_FOLDER / f"{colour}_noise.wav", sound)
    for name, entries in lists.items():
        (folder / name).write_text("".join(f"{entry}\n" for entry in sorted(entries)))


def _say(program: str, word: str, voice: str, rng: np.random.Generator) -> Sound:
    speed, pitch = rng.integers(*_WORDS_A_MINUTE), rng.integers(*_PITCH)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "word.wav"
        command = [program, "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", str(path), word]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not path.is_file():
            messages = done.stderr.strip().splitlines() or ["no sound came out"]
            raise ToolMissingError(f"{PROGRAM} cannot speak with voice {voice}: {messages[0]}")
        return read_clip(path, RATE).sound


def _noises(rng: np.random.Generator) -> dict[str, Sound]:
    """White and pink noise, quiet enough to be a room."""
    return {
        colour: np.float32(0.03) * coloured(_NOISE_SECONDS * RATE, tilt, rng)
        for colour, tilt in (("white", 0.0), ("pink", 1.0))
    }


def _write(path: Path, sound: Sound) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()  # libsndfile names no reason when a disk is full
    need("soundfile").write(buffer, sound, RATE, subtype="PCM_16", format="WAV")
    write_whole(path, buffer.getvalue())
