"""What is to be told apart: keywords from the rest, every label, or the Speech Commands tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from netgen.errors import InputError, UsageError
from netgen.training.corpus import Corpus

Kind: TypeAlias = Literal["keyword", "labels", "commands-10", "commands-12"]
KINDS: tuple[Kind, ...] = ("keyword", "labels", "commands-10", "commands-12")
OTHER, SILENCE = "other", "silence"
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
"""The ten words of the Speech Commands benchmark (P. Warden, arXiv:1804.03209)."""


@dataclass(frozen=True)
class TrainingTask:
    """Classes and the labels that belong to them."""

    kind: Kind
    classes: tuple[str, ...]  #: Names, in the order of the readout's units.
    named: tuple[str, ...]  #: Labels that are a class of their own; every other label is ``other``.
    #: The class of recordings without speech, cut from the background noise; None for none.
    silence: str | None

    def class_of(self, label: str) -> int | None:
        """Return the class index of a label; None where the task leaves it aside."""
        name = label if label in self.named else OTHER
        return self.classes.index(name) if name in self.classes else None


def make_task(corpus: Corpus, kind: Kind, keywords: Sequence[str]) -> TrainingTask:
    """Choose the classes.

    ``keyword`` tells the given keywords from ``other``; ``labels`` makes each label a class;
    ``commands-10`` and ``commands-12`` are the Speech Commands tasks (twelve with ``other`` and
    ``silence``). Where there is background noise, a keyword task counts it as ``other``.

    Raises
    ------
    InputError
        The data set lacks a keyword, or has nothing else, or has no noise for ``silence``.
    UsageError
        Keywords are missing, or given to a task that has its own.
    """
    keywords = tuple(dict.fromkeys(keywords))
    if (kind == "keyword") != bool(keywords):
        raise UsageError(
            "--task keyword needs --keyword WORD"
            if kind == "keyword"
            else f"--keyword belongs to --task keyword; {kind} has classes of its own"
        )
    named = {"keyword": keywords, "labels": corpus.labels}.get(kind, COMMANDS)
    absent = [word for word in named if word not in corpus.labels]
    source = str(corpus.root)
    if absent:
        shown = ", ".join(corpus.labels[:40])
        problem = f"has no recordings of {', '.join(map(repr, absent))}; it has: {shown}"
        raise InputError(source, [problem])
    if kind in ("labels", "commands-10"):
        if len(named) < 2:
            raise InputError(source, ["has one label only; a second is needed to tell it from"])
        return TrainingTask(kind, named, named, None)
    if OTHER in named or SILENCE in named:
        raise InputError(source, [f"a keyword may not be called {OTHER!r} or {SILENCE!r}"])
    if set(named) == set(corpus.labels):
        raise InputError(source, ["has nothing but the keywords; add folders of other words"])
    if kind == "commands-12":
        if not corpus.noise:
            raise InputError(source, ["has no background noise, which the class 'silence' needs"])
        return TrainingTask(kind, (OTHER, *named, SILENCE), named, SILENCE)
    return TrainingTask(kind, (OTHER, *named), named, OTHER if corpus.noise else None)
