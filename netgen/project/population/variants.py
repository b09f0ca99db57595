"""Variants of a built circuit: chips with random deviations, and corners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Protocol, TypeAlias

import numpy as np

from netgen.arrays import Integers
from netgen.circuit import Bias
from netgen.circuit.codes import CodeRange
from netgen.circuit.netlist import with_biases
from netgen.errors import UsageError
from netgen.model.graph import Floats
from netgen.netlist import Conditions, Network, Workbench, shift_words
from netgen.project.design import read_netlist
from netgen.project.options import check_conditions
from netgen.project.reading import Build
from netgen.technology import Technology, Variation, sample_deviations

BIAS_MEANING = {
    "ideal": "cell PVT: every bias current is ideal",
    "mirrored": "chip PVT: bias currents are mirrored from one ideal reference",
    "programmable": "chip PVT: DACs make bias currents of one ideal reference, at nominal codes",
}
SUPPLY_SPREAD = 0.1
"""Corners take the supply down and up by this share."""
TEMPERATURES = (-20.0, 27.0, 85.0)
"""°C of the corners."""


class Variant(Protocol):
    """One variant of a circuit."""

    @property
    def name(self) -> str:
        """For files and tables."""

    @property
    def identity(self) -> object:
        """What its results depend on, besides the build."""

    def bench(self, nominal: Workbench, networks: Networks) -> Workbench:
        """Return the workbench with this variant's network and conditions."""

    def stimuli(self, x: Floats) -> Floats:
        """Return inputs as they reach the circuit, (frames, channels)."""


@dataclass(frozen=True)
class Programmed:
    """Factors that are set on one chip from outside."""

    #: By cell node: on each bias current, biases × units.
    biases: tuple[tuple[str, tuple[tuple[float, ...], ...]], ...]
    inputs: tuple[float, ...] = ()  #: On each input, where there are digital gains.

    @property
    def by_unit(self) -> dict[str, dict[int, tuple[float, ...]]]:
        """The factors of each unit's bias currents by node and unit."""
        return {node: dict(enumerate(zip(*rows, strict=True))) for node, rows in self.biases}

    def codes(self, span: CodeRange) -> dict[str, Integers]:
        """Return the codes that are nearest to the factors, by node, (biases, units)."""
        return {node: span.nearest(np.log(np.array(rows))) for node, rows in self.biases}


@dataclass(frozen=True)
class Chip:
    """The circuit as one run of a Monte Carlo simulation makes it."""

    run: int  #: Its number.
    variation: Variation
    bias: Bias = "ideal"
    programmed: Programmed | None = None  #: What is set on it from outside, where anything is.

    @property
    def name(self) -> str:
        """For files and tables."""
        return f"chip_{self.run:05d}"

    @property
    def identity(self) -> object:
        """What its results depend on, besides the build."""
        return self

    def bench(self, nominal: Workbench, networks: Networks) -> Workbench:
        """Return the workbench with this chip's transistors."""
        nominal = networks.bench(nominal, self.bias)
        network = nominal.network
        transistors = network.netlist.transistors
        sampled = sample_deviations(nominal.technology, self.variation, transistors, self.run)
        shifts = shift_words({name: values[0] for name, values in sampled.items()})
        if self.programmed is None:
            return replace(nominal, shifts=shifts)
        if nominal.circuit.dac is not None:
            codes = self.programmed.codes(nominal.circuit.dac)
            return replace(nominal, circuit=replace(nominal.circuit, codes=codes), shifts=shifts)
        netlist = with_biases(network.netlist, self.programmed.by_unit)
        network = Network(netlist, nominal.technology)
        return replace(nominal, network=network, shifts=shifts)

    def stimuli(self, x: Floats) -> Floats:
        """Return inputs as they reach the chip, (frames, channels)."""
        if self.programmed is None or not self.programmed.inputs:
            return x
        scaled: Floats = x * np.array(self.programmed.inputs)
        return scaled


@dataclass(frozen=True)
class Corner:
    """The circuit, sized for nominal conditions, under other ones."""

    conditions: Conditions
    bias: Bias

    @property
    def name(self) -> str:
        """For files and tables."""
        at = self.conditions
        return f"{at.corner}_{at.vdd:g}V_{at.temperature:g}C_{self.bias}"

    @property
    def identity(self) -> object:
        """What its results depend on, besides the build."""
        return self

    def bench(self, nominal: Workbench, networks: Networks) -> Workbench:
        """Return the workbench under this corner's conditions."""
        return replace(networks.bench(nominal, self.bias), conditions=self.conditions)

    def stimuli(self, x: Floats) -> Floats:
        """Return inputs as they reach the circuit, (frames, channels)."""
        return x


@dataclass(eq=False)
class Networks:
    """The networks of a build, each read once for all variants."""

    build: Build
    technology: Technology
    known: dict[Bias, Network] = field(default_factory=dict)

    @classmethod
    def of(cls, nominal: Workbench, build: Build) -> Networks:
        """Return those of a build, the nominal one as it was read already."""
        return cls(build, nominal.technology, {build.options.bias: nominal.network})

    def __call__(self, bias: Bias) -> Network:
        """Return the network with bias currents of a kind."""
        if bias not in self.known:
            netlist = read_netlist(self.build, self.technology, bias)
            self.known[bias] = Network(netlist, self.technology)
        return self.known[bias]

    def bench(self, nominal: Workbench, bias: Bias) -> Workbench:
        """Return the workbench with the network with bias currents of a kind."""
        circuit = nominal.circuit.biased(bias, self.build.options.codes)
        return replace(nominal, circuit=circuit, network=self(bias))


@dataclass(frozen=True)
class MonteCarlo:
    """Chips with random deviations."""

    variation: Variation
    runs: int  #: How many; more of them later are added to those that are there.
    bias: Bias = "ideal"
    programmed: tuple[Programmed, ...] = ()  #: What is set on each chip, where anything is.

    @property
    def name(self) -> str:
        """Of its folder."""
        kinds = {"mismatch": self.variation.mismatch, "process": self.variation.process}
        what = "_".join(kind for kind, varies in kinds.items() if varies)
        bias = "" if self.bias == "ideal" else f"_{self.bias}_bias"
        trimmed = "_trimmed" if self.programmed else ""
        return f"{what}_seed_{self.variation.seed}{bias}{trimmed}"

    @cached_property
    def variants(self) -> tuple[Chip, ...]:
        """All chips."""
        each = self.programmed or (None,) * self.runs
        numbered = zip(range(self.runs), each, strict=False)
        return tuple(Chip(run, self.variation, self.bias, what) for run, what in numbered)

    def described(self) -> dict[str, object]:
        """Return what it is, for people and programs."""
        return {
            "kind": "monte-carlo",
            "runs": self.runs,
            "seed": self.variation.seed,
            "mismatch": self.variation.mismatch,
            "process": self.variation.process,
            "bias": self.bias,
            "trimmed": bool(self.programmed),
        }


@dataclass(frozen=True)
class Corners:
    """Corners of process, supply and temperature."""

    variants: tuple[Corner, ...]
    name: str = "corners"

    def described(self) -> dict[str, object]:
        """Return what it is, for people and programs."""
        biases = dict.fromkeys(corner.bias for corner in self.variants)
        return {"kind": "corners", "bias": {bias: BIAS_MEANING[bias] for bias in biases}}


Population: TypeAlias = MonteCarlo | Corners


def corners(
    technology: Technology, vdd: float, listed: Sequence[str], biases: Sequence[Bias]
) -> Corners:
    """Return corners of a technology around a supply voltage.

    Parameters
    ----------
    vdd
        Nominal supply, V: corners are 10 % below, at and above it.
    listed
        ``CORNER``, ``CORNER/VDD`` or ``CORNER/VDD/°C``; what is left out stands for all values.
        Nothing listed: all of them.

    Raises
    ------
    UsageError
        An entry that is none.
    """
    supplies = tuple(round(vdd * (1 + s), 4) for s in (-SUPPLY_SPREAD, 0.0, SUPPLY_SPREAD))
    points: dict[Conditions, None] = {}
    for entry in listed or technology.corners:
        points |= dict.fromkeys(_points(technology, entry, supplies))
    return Corners(tuple(Corner(at, bias) for bias in biases for at in points))


def _points(technology: Technology, entry: str, supplies: Sequence[float]) -> Iterator[Conditions]:
    corner, *numbers = entry.strip().split("/")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        values = []
    if len(values) != len(numbers) or len(values) > 2:
        raise UsageError(f"corner {entry!r}: write CORNER, CORNER/VDD or CORNER/VDD/°C")
    name = technology.corner(corner)
    for supply, temperature in product(values[:1] or supplies, values[1:] or TEMPERATURES):
        yield check_conditions(Conditions(name, temperature, supply))
