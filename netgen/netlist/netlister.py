"""The SPICE netlister: a deck as text. Each simulator's is a subclass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from netgen._version import __version__
from netgen.netlist.deck import (
    Analysis,
    Deck,
    Noise,
    NoiseDensity,
    OperatingPoint,
    Quantity,
    Sweep,
    Transient,
    Voltage,
)
from netgen.netlist.models import SimulatorOptions
from netgen.netlist.render import printable_ascii
from netgen.units import spice


class SpiceNetlister(ABC):
    """Writes a deck in the order title, models, circuit, options, outputs, analysis.

    What simulators write in ways of their own are methods that a subclass overrides.
    """

    suffix = ".cir"
    """What the name of a testbench's file ends with."""
    mark = "*"
    """What a comment begins with."""

    def text(self, deck: Deck, options: SimulatorOptions) -> str:
        """Return a deck as text."""
        lines = [
            f"{self.mark} {printable_ascii(deck.title)}",
            *(f"{self.mark} {remark}" for remark in self.remarks()),
            *self.head(deck, options),
            "",
            deck.body.strip("\n"),
            "",
            *self.tail(deck, options),
        ]
        return "\n".join(lines) + "\n"

    def remarks(self) -> Iterable[str]:
        """Return what people should know of the text."""
        return ()

    def head(self, deck: Deck, options: SimulatorOptions) -> Iterable[str]:
        """Yield what stands before the circuit."""
        yield deck.models.rstrip("\n")

    def tail(self, deck: Deck, options: SimulatorOptions) -> Iterable[str]:
        """Yield what stands behind the circuit."""
        yield from self.settings(deck, options)
        yield from self.outputs(deck.quantities)
        yield self.analysis(deck.analysis, options)
        yield from self.script()
        yield ".end"

    def by_hand(self, stem: str, plotted: tuple[Quantity, ...]) -> SpiceNetlister:
        """Return a netlister of decks that are run by hand: they write and plot by themselves.

        Parameters
        ----------
        stem
            Name of what they write.
        plotted
            What they show.
        """
        return self

    def script(self) -> Iterable[str]:
        """Yield what the simulator is to do by itself; netgen gives its own orders."""
        return ()

    @abstractmethod
    def settings(self, deck: Deck, options: SimulatorOptions) -> Iterator[str]:
        """Yield the statements that set temperatures and options."""

    @abstractmethod
    def outputs(self, quantities: Sequence[Quantity]) -> Iterator[str]:
        """Yield the statements that ask for quantities."""

    @abstractmethod
    def name(self, quantity: Quantity) -> str:
        """Return the name that a result has a quantity under, or is asked for it by."""

    def analysis(self, analysis: Analysis, options: SimulatorOptions) -> str:
        """Return the statement of an analysis."""
        if isinstance(analysis, OperatingPoint):
            return ".op"
        if isinstance(analysis, Sweep):
            return f".dc {' '.join(self._swept(analysis))}"
        if isinstance(analysis, Transient):
            longest = "" if options.max_step is None else f" 0 {spice(options.max_step)}"
            return f".tran {spice(analysis.step)} {spice(analysis.end)}{longest}"
        return f".noise {self.noise_output(analysis)} {analysis.source} {self._band(analysis)}"

    def noise_output(self, analysis: Noise) -> str:
        """Return the output of a noise analysis."""
        return self.name(Voltage(analysis.net))

    def _swept(self, sweep: Sweep) -> Iterator[str]:
        yield sweep.source
        yield from map(spice, (sweep.first, sweep.last, sweep.step))
        if sweep.outer is not None:
            yield from self._swept(sweep.outer)

    def _band(self, noise: Noise) -> str:
        return f"dec {noise.points_a_decade} {spice(noise.start)} {spice(noise.end)}"


class Unrun(SpiceNetlister):
    """A netlister for a simulator that netgen does not run itself."""

    simulator: str
    #: How each kind of current or voltage is asked for, by the path of what it is of.
    forms: ClassVar[Mapping[type[Quantity], str]]
    level = "."  #: What parts the levels of hierarchy in a path.
    noise: ClassVar[Mapping[str, str]]  #: Names of the densities of noise, by where they are.

    def remarks(self) -> Iterable[str]:
        """Return that nobody ran it."""
        remark = f"For {self.simulator}. Written by netgen {__version__}, NOT RUN"
        return (f"{remark}: netgen itself runs ngspice only.",)

    def name(self, quantity: Quantity) -> str:
        """Return a quantity as the statement of outputs has it."""
        if isinstance(quantity, NoiseDensity):
            return self.noise[quantity.at]
        (path,) = vars(quantity).values()
        return self.forms[type(quantity)].format(path.replace(".", self.level))
