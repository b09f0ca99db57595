"""Options of variants of a circuit: chips that deviate at random, and corners."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from netgen.commands.options import CHIP_OPTIONS, PATH, integer_option, named
from netgen.commands.records import taking
from netgen.errors import UsageError
from netgen.project import BESIDE, BIASES, Build, MonteCarlo, Population, corners, prepared
from netgen.technology import Variation

ALL = "all"


@dataclass(frozen=True)
class Varied:
    """What the command line says of variants of a circuit."""

    runs: int | None
    seed: int
    process: bool
    mismatch: bool
    corners: str | None
    bias: str | None
    trim: Path | None

    @property
    def asked(self) -> bool:
        """Whether any are wanted.

        Raises
        ------
        UsageError
            Options that say nothing without others, or contradict them.
        """
        if self.runs is not None and self.corners is not None:
            raise UsageError("--monte-carlo and --corners are two studies; run one after the other")
        if self.runs is not None and not (self.mismatch or self.process):
            raise UsageError("--no-mismatch leaves nothing to vary; add --process")
        if self.runs is None and (self.process or not self.mismatch):
            raise UsageError("--process and --no-mismatch are about chips; add --monte-carlo N")
        wanted = self.runs is not None or self.corners is not None
        if self.bias and not wanted:
            raise UsageError(
                "--bias is about variants; add --corners or --monte-carlo N, or build with --bias"
            )
        if self.trim is not None and self.runs is None:
            raise UsageError("--trim is about chips; add --monte-carlo N")
        return wanted

    def population(self, build: Build) -> Population:
        """Return the variants of a circuit.

        Raises
        ------
        UsageError
            Options do not go together.
        """
        technology, at, _ = prepared(build)
        if self.runs is not None:
            if self.bias == "both":
                raise UsageError("--bias both: chips have one kind of bias; name it")
            bias = build.options.bias if self.bias is None else named(self.bias)
            variation = Variation(self.seed, self.mismatch, self.process)
            if self.trim is None:
                return MonteCarlo(variation, self.runs, bias)
            if bias == "mirrored":
                raise UsageError("--trim sets ideal or programmable bias currents; see --bias")
            from netgen.project.trim import programmed_chips

            programmed = programmed_chips(build, self.trim, variation, self.runs)
            return MonteCarlo(variation, self.runs, bias, programmed)
        listed = () if self.corners in (None, ALL) else str(self.corners).split(",")
        kinds = build.options.bias, BESIDE[build.options.bias]
        biases = tuple(each for each in BIASES if each in kinds)
        if self.bias not in (None, "both"):
            biases = (named(str(self.bias)),)
        return corners(technology, at.vdd, listed, biases)


variability_options = taking(
    "varied",
    Varied,
    integer_option(
        "--monte-carlo",
        "runs",
        help="Run the samples through N chips whose transistors deviate at random.",
    ),
    *CHIP_OPTIONS,
    click.option("--trim", type=PATH, metavar="FILE", help="Codes of netgen trim for the chips."),
    click.option(
        "--corners",
        is_flag=False,
        flag_value=ALL,
        metavar="[LIST]",
        help="Run the samples in corners of process, supply and temperature: all, or a list "
        "such as --corners=ff,ss/1.62,typical/1.8/85 (corner, V, °C).",
    ),
    click.option(
        "--bias",
        type=click.Choice((*BIASES, "both")),
        help="Bias currents of cells, of those that the build has.  "
        "[default: both in corners, that of the build with --monte-carlo]",
    ),
)
