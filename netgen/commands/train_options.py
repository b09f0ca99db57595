"""What is trained, and how: the options of ``netgen train``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click

from netgen.commands.options import PATH, integer_option
from netgen.commands.records import taking
from netgen.errors import UsageError
from netgen.model.load import MODEL_NAME
from netgen.training.frontend import DEFAULT, FRONT_ENDS
from netgen.training.task import KINDS, Kind

CHIPS = ("structured", "independent", "trimmed")
_MEMORY = re.compile(r"ladder:([1-8])")


@dataclass(frozen=True)
class TrainingOptions:
    """What is trained, and how; None where it follows from the rest."""

    kind: Kind
    keywords: tuple[str, ...]
    units: int | None
    layers: int | None
    memory: str | None
    seed: int
    seeds: int | None
    steps: int | None
    features: str | None
    test_speakers: tuple[str, ...]
    augment: bool | None
    teacher: bool
    streams: bool
    plain: bool
    chips: str | None
    base_file: Path | None
    name: str | None
    count: int
    threads: int

    def check(self) -> None:
        """See that they go together.

        Raises
        ------
        UsageError
            They do not.
        """
        if self.base_file is not None and (
            self.plain or self.units or self.layers or self.memory or self.features
        ):
            raise UsageError(
                "--fine-tune keeps the model's size and features and hardens it: "
                "drop --plain, -d, -n, --memory, --features"
            )
        if self.plain and self.chips is not None:
            raise UsageError("--plain trains without regard to the circuit: leave --chips out")
        if self.memory is not None and not _MEMORY.fullmatch(self.memory):
            raise UsageError(f"--memory {self.memory}: use ladder:K with K of 1 … 8")
        if self.streams and (self.kind != "keyword" or self.plain):
            raise UsageError(
                "--streams: is for --task keyword and hardening; leave it or --plain out"
            )
        if self.name is not None and not MODEL_NAME.fullmatch(self.name):
            raise UsageError(f"--name {self.name}: use A-Z a-z 0-9 _ . - and at most 100 of them")

    @property
    def rungs(self) -> int:
        """Two-state cells have one, ladders several."""
        match = _MEMORY.fullmatch(self.memory or "")
        return int(match[1]) if match else 1


training_options = taking(
    "training",
    TrainingOptions,
    click.option(
        "--task",
        "kind",
        type=click.Choice(KINDS),
        default="keyword",
        show_default=True,
        help="Keywords from the rest, every label a class, or a Speech Commands task.",
    ),
    click.option("-k", "--keyword", "keywords", multiple=True, metavar="WORD", help="Repeatable."),
    integer_option("-d", "--units", most=256, help="State units.  [default: 4]"),
    integer_option("-n", "--layers", most=16, help="Layers.  [default: 2]"),
    click.option(
        "--memory",
        metavar="ladder:K",
        help="K thresholds a unit on one candidate, and K + 1 levels.  [default: ladder:1, two "
        "states]",
    ),
    integer_option("--seed", least=0, default=0),
    integer_option(
        "--seeds",
        most=256,
        help="Networks started side by side; the best are kept.  [default: 128 / units, 32 at "
        "most; to fine-tune 16 / units, 4 at most]",
    ),
    integer_option(
        "--steps",
        help="Steps of plain training, and a third as many of each phase of hardening.  [default: "
        "3000, and 500, from 16 units on 700; twice as many with structured chips]",
    ),
    click.option(
        "--features",
        type=click.Choice(tuple(FRONT_ENDS)),
        help=f"What the front end delivers.  [default: {DEFAULT}]",
    ),
    click.option(
        "--test-speaker",
        "test_speakers",
        multiple=True,
        metavar="NAME",
        help="Keep this speaker for the test alone; repeatable.",
    ),
    click.option(
        "--augment/--no-augment",
        default=None,
        help="Train on altered copies too.  [default: if the test speakers are not in training]",
    ),
    click.option(
        "--teacher/--no-teacher",
        default=True,
        show_default=True,
        help="Learn the answers of a larger network, trained first, beside the labels.",
    ),
    click.option(
        "--streams",
        is_flag=True,
        help="Train last on sound that does not end, mixed from the recordings, for a trigger's "
        "misses and false alarms.",
    ),
    click.option("--plain", is_flag=True, help="Train without regard to the circuit."),
    click.option(
        "--chips",
        type=click.Choice(CHIPS),
        help="Virtual chips that hardening ends with: each transistor off as in the default "
        "technology at its drawn size; every parameter off by 5 % by itself, which always comes "
        f"first; transistors with trimmed cells.  [default: {CHIPS[0]}]",
    ),
    click.option(
        "--fine-tune",
        "base_file",
        type=PATH,
        metavar="MODEL.json",
        help="Harden this model instead.",
    ),
    click.option("--name", metavar="NAME", help="The model's name.  [default: made from the task]"),
    integer_option(
        "--samples",
        "count",
        default=50,
        help="Samples to write of the test and of the validation split.",
    ),
    integer_option("--threads", default=1),
)
