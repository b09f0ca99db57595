"""Options and arguments that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click

from netgen.circuit import READOUTS
from netgen.circuit.blocks.dac import MOST
from netgen.commands.output import warn
from netgen.commands.records import Command, taking
from netgen.errors import UsageError
from netgen.model import Model, Samples, load_samples, pick_indices
from netgen.netlist.testbench import Pad
from netgen.project import BIASES, Bias, BuildOptions, SimulationChoices
from netgen.project.options import codes_of
from netgen.simulation.engines import AUTO, ENGINES
from netgen.technology import Geometry, Variation, preferred, sizes_of, technologies

PATH = click.Path(path_type=Path)  # existence is checked where the file is read, with its status

ABOVE_0 = click.FloatRange(min=0, min_open=True)


def integer_option(
    *names: str, least: int = 1, most: int | None = None, default: int | None = None,
    metavar: str = "N", help: str | None = None,
) -> Callable[[Command], Command]:  # fmt: skip
    """Return an option that takes a whole number, with its default in the help."""
    return click.option(
        *names, type=click.IntRange(least, most), default=default,
        show_default=default is not None, metavar=metavar, help=help,
    )  # fmt: skip


model_argument = click.argument("model", type=PATH, metavar="MODEL.json")
samples_argument = click.argument("samples", type=PATH, metavar="SAMPLES.npz")
edited_option = click.option(
    "--edited-netlist",
    "edited",
    is_flag=True,
    help="Take netlists that were edited by hand since they were built, and say so in reports.",
)
deck_option = click.option(
    "--deck",
    "decks",
    metavar="FILE",
    multiple=True,
    help="Also run a foundry's KLayout rules, with the program klayout: a deck's file, or pdk for "
    "design rules, antenna and LVS of the PDK under $PDK_ROOT.",
)
folder_argument = click.argument("folder", type=PATH, metavar="DIR")
output_option = click.option(
    "-o", "--output", type=PATH, required=True, metavar="DIR", help="The folder to write."
)
replace_option = click.option(
    "--replace",
    is_flag=True,
    help="Replace what the output folder holds of another model, with its results.",
)
calibration_option = click.option(
    "--calibration",
    type=PATH,
    metavar="SAMPLES.npz",
    help="Samples that show at which currents the circuit works.  [default: synthetic]",
)


@dataclass(frozen=True)
class TechnologyOptions:
    """The technology and its conditions, in the command line's units."""

    pdk: str | None
    pdk_folder: Path | None
    corner: str | None
    temperature: float | None
    vdd: float | None
    unit: tuple[float, float] | None
    bias: str | None
    readout: str | None
    group_sizes: tuple[str, ...] = ()
    bias_bits: int | None = None
    bias_range: tuple[float, float] | None = None
    input_ratio: float | None = None

    @property
    def given(self) -> bool:
        """Whether any of them is given."""
        return any(value not in (None, ()) for value in vars(self).values())

    def build_options(self) -> BuildOptions:
        """Return the options of a build (µm to metres).

        Raises
        ------
        UsageError
            The technology is named twice, or codes are given of biases that have none.
        """
        if self.pdk is not None and self.pdk_folder is not None:
            raise UsageError("--pdk and --technology both name a technology; give one of them")
        geometry = None
        if self.unit is not None:
            geometry = Geometry(self.unit[0] * 1e-6, self.unit[1] * 1e-6)
        place = self.pdk_folder or self.pdk
        bias = named(self.bias or BIASES[0])
        readout = next(each for each in READOUTS if each == (self.readout or READOUTS[0]))
        factors = dict(map(_size, self.group_sizes))
        at = self.corner, self.temperature, self.vdd
        codes = codes_of(bias, self.bias_bits, self.bias_range)
        ratio = self.input_ratio or 1
        return BuildOptions(place, *at, geometry, bias, readout, factors, codes, ratio)


def words(options: BuildOptions) -> list[str]:
    """Return the words of the command line that give the options of a build again."""
    words = []
    if options.technology is not None:
        from_folder = isinstance(options.technology, Path)
        words += ["--technology" if from_folder else "--pdk", str(options.technology)]
    for name in ("corner", "temperature", "vdd"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", f"{value:g}" if name != "corner" else value]
    if options.unit is not None:
        words += ["--unit", f"{options.unit.width * 1e6:g}", f"{options.unit.length * 1e6:g}"]
        for group, size in sizes_of(options.unit).items():
            words += ["--size", f"{group}={size.width / options.unit.width:g}"]
    words += [] if options.readout == READOUTS[0] else ["--readout", options.readout]
    words += [] if options.input_ratio == 1 else ["--input-ratio", f"{options.input_ratio:g}"]
    words += ["--bias", options.bias]
    if options.bias == "programmable":
        codes = options.codes
        words += ["--bias-bits", str(codes.bits)]
        words += ["--bias-range", f"{codes.low:g}", f"{codes.high:g}"]
    return words


def _size(text: str) -> tuple[str, float]:
    group, _, factor = text.partition("=")
    try:
        return group, float(factor)
    except ValueError:
        raise UsageError(f"--size {text}: write GROUP=FACTOR, such as x=3") from None


@dataclass(frozen=True)
class UnitOptions:
    """The unit current (nA) and the frame period (ms), where they are not the model's."""

    unit_current: float | None
    frame_period: float | None

    def of(self, model: Model) -> Model:
        """Return the model with these units (A, s)."""
        current, period = self.unit_current, self.frame_period
        return replace(
            model,
            unit_current=model.unit_current if current is None else current * 1e-9,
            frame_period=model.frame_period if period is None else period * 1e-3,
        )


def picked_of(text: str | None, count: int) -> list[int]:
    """Read a choice of samples, and say so where a range goes beyond the last of them."""
    picked = pick_indices(text, count)
    if any(int(end) > count for end in re.findall(r":\s*(\d+)", text or "")):
        warn(f"--samples {text}: there are {count} samples; {len(picked)} of them are taken")
    return picked


@dataclass(frozen=True)
class SimulationOptions:
    """Which samples are simulated, and how."""

    picked: str | None
    jobs: int | None
    timeout: float | None
    engine: str
    scheduler: str | None
    input_edge: float | None
    raw: bool
    nodes: bool
    pads: tuple[float, float, float] | None = None

    def samples(self, file: Path, model: Model) -> tuple[Samples, list[int]]:
        """Read samples, and return them with the indices of those to simulate."""
        samples = load_samples(file, model)
        return samples, picked_of(self.picked, len(samples))

    def choices(self) -> SimulationChoices:
        """Return the choices of a simulation (ms to seconds).

        Raises
        ------
        UsageError
            The timeout is not above 0.
        """
        if self.timeout is not None and not self.timeout > 0:
            raise UsageError(f"--timeout {self.timeout:g}: must be above 0")
        edge = None if self.input_edge is None else self.input_edge * 1e-3
        pads = None
        if self.pads is not None:
            ohm, picofarad, picoampere = self.pads
            pads = Pad(ohm, picofarad * 1e-12, picoampere * 1e-12)
        return SimulationChoices(
            self.jobs or cores(), self.timeout, self.raw or self.nodes, self.nodes, self.engine,
            self.scheduler, input_edge=edge, pad=pads,
        )  # fmt: skip


@dataclass(frozen=True)
class ChipOptions:
    """How chips deviate at random."""

    seed: int
    process: bool
    mismatch: bool

    def variation(self) -> Variation:
        """Return what varies.

        Raises
        ------
        UsageError
            Nothing does.
        """
        if not (self.mismatch or self.process):
            raise UsageError("--no-mismatch leaves nothing to vary; add --process")
        return Variation(self.seed, self.mismatch, self.process)


technology_options = taking(
    "technology",
    TechnologyOptions,
    click.option(
        "--pdk",
        metavar="NAME",
        help=f"The technology: {', '.join(technologies())}.  "
        f"[default: the first installed of {', '.join(preferred())}]",
    ),
    click.option(
        "--technology",
        "pdk_folder",
        type=PATH,
        metavar="PATH",
        help="The folder of a technology of your own, with its technology.toml.",
    ),
    click.option("--corner", metavar="NAME", help="Process corner.  [default: the typical one]"),
    click.option("--temperature", type=float, metavar="°C", help="[default: the models' own]"),
    click.option("--vdd", type=float, metavar="V", help="Supply.  [default: the technology's]"),
    click.option(
        "--unit",
        type=(ABOVE_0, ABOVE_0),
        metavar="W L",
        help="Unit mirror in µm: larger matches better, settles more slowly.  [default: 2 2]",
    ),
    click.option(
        "--bias",
        type=click.Choice(BIASES),
        help="Bias currents of cells: from ideal sources, mirrored from one reference, or made of "
        "it by DACs.  [default: ideal]",
    ),
    integer_option("--bias-bits", most=MOST, help="Of a DAC's code.  [default: 6]"),
    click.option(
        "--bias-range",
        type=(ABOVE_0, ABOVE_0),
        metavar="LOW HIGH",
        help="A DAC's current over the nominal one at the ends.  [default: 0.55 1.8]",
    ),
    click.option(
        "--readout",
        type=click.Choice(READOUTS),
        help="What leaves the circuit: currents, also every frame's decision of a winner-take-all "
        f"or, of two classes, a comparator, or that alone.  [default: {READOUTS[0]}]",
    ),
    click.option(
        "--input-ratio",
        type=ABOVE_0,
        metavar="N",
        help="Take inputs as currents N times larger and divide them on the chip.  [default: 1]",
    ),
    click.option(
        "--size",
        "group_sizes",
        multiple=True,
        metavar="GROUP=FACTOR",
        help="Draw a group of devices with W and L so many times as large, such as x=3, or that of "
        "a layer or node, such as l2.rows=3; repeatable.",
    ),
)

unit_options = taking(
    "units",
    UnitOptions,
    click.option(
        "--unit-current",
        type=ABOVE_0,
        metavar="nA",
        help="What 1.0 stands for.  [default: the model's]",
    ),
    click.option(
        "--frame-period",
        type=ABOVE_0,
        metavar="ms",
        help="How long a frame is held.  [default: the model's]",
    ),
)

simulation_options = taking(
    "simulation",
    SimulationOptions,
    click.option("--samples", "picked", metavar="A:B", help="Which samples, such as 0:10 or 0,4."),
    integer_option("--jobs", help="Transients at a time.  [default: all cores]"),
    click.option(
        "--timeout",
        type=float,
        metavar="S",
        help="Seconds allowed for each attempt at a transient.",
    ),
    click.option(
        "--engine",
        type=click.Choice((AUTO, *ENGINES)),
        default=AUTO,
        show_default=True,
        help="The network as one circuit, or partition by partition, which shows no "
        "transients; auto goes by size.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Simulate on the Dask cluster there, such as tcp://host:8786.",
    ),
    click.option(
        "--input-edge",
        type=ABOVE_0,
        metavar="ms",
        help="Rise time of an input step.  [default: 1 % of the frame]",
    ),
    click.option(
        "--pads",
        type=(ABOVE_0, click.FloatRange(min=0), float),
        metavar="OHM PF PA",
        help="Let inputs come through pads: resistance, capacitance, leakage to ground.",
    ),
    click.option("--raw", is_flag=True, help="Keep ngspice .raw files too."),
    click.option(
        "--nodes",
        is_flag=True,
        help="Keep .raw files with the voltage of every net, inside cells too.",
    ),
)

CHIP_OPTIONS: tuple[Callable[[Callable[..., object]], Callable[..., object]], ...] = (
    integer_option(
        "--seed",
        least=0,
        default=1,
        metavar="S",
        help="Of the chips: the same seed gives the same chips anywhere.",
    ),
    click.option("--process", is_flag=True, help="Vary the process from chip to chip, too."),
    click.option(
        "--mismatch/--no-mismatch",
        default=True,
        help="Vary each transistor by itself.  [default: mismatch]",
    ),
)
chip_options = taking("chosen_chips", ChipOptions, *CHIP_OPTIONS)


def named(word: str) -> Bias:
    """Return the kind of bias of that name."""
    return next(bias for bias in BIASES if bias == word)


tolerance_options = click.option(
    "--tolerance",
    "limits",
    multiple=True,
    metavar="NAME=VALUE",
    help="Override a tolerance, such as decision_agreement_min=0.95; repeatable.",
)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
