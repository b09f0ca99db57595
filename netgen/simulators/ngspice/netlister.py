"""Decks in ngspice's words, and the names that its results have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from netgen.netlist.deck import (
    Deck,
    DrainCurrent,
    Noise,
    NoiseDensity,
    Quantity,
    SourceCurrent,
    Transient,
    Voltage,
)
from netgen.netlist.models import SimulatorOptions
from netgen.netlist.netlister import SpiceNetlister
from netgen.units import spice

_NOISE = {"output": "onoise_spectrum", "input": "inoise_spectrum"}
_TOLERANCES = ("gmin", "abstol", "reltol", "vntol", "chgtol")


@dataclass(frozen=True)
class NgspiceNetlister(SpiceNetlister):
    """ngspice: options behind the models, a ``.save`` for each quantity."""

    #: Name of the waveform file and of the plot that a deck writes by itself, in the folder where
    #: ngspice is started; empty where netgen runs it.
    stem: str = ""
    plotted: tuple[Quantity, ...] = ()  #: What that plot shows.

    def head(self, deck: Deck, options: SimulatorOptions) -> Iterable[str]:
        """Yield models and options."""
        yield from super().head(deck, options)
        yield f".option temp={spice(deck.temperature)} tnom={spice(deck.model_temperature)}"
        words = [f"{name}={spice(getattr(options, name))}" for name in _TOLERANCES]
        words += [f"method={options.method}", f"itl1={options.itl1}"]
        # After a gmin step that failed, operating points were seen that are wrong by a factor of
        # thousands where transistors are bypassed; without, they are right.
        bypass = options.bypass and isinstance(deck.analysis, Transient)
        yield f".option {' '.join(words)} bypass={int(bypass)} "

    def settings(self, deck: Deck, options: SimulatorOptions) -> Iterator[str]:
        """Yield nothing: options stand in the head."""
        yield from ()

    def outputs(self, quantities: Sequence[Quantity]) -> Iterator[str]:
        """Yield what to save; the results of a noise analysis are kept anyway."""
        for quantity in quantities:
            if isinstance(quantity, Voltage):
                yield f".save v({self.name(quantity)})"
            elif not isinstance(quantity, NoiseDensity):
                yield f".save {self.name(quantity)}"

    def by_hand(self, stem: str, plotted: tuple[Quantity, ...]) -> SpiceNetlister:
        """Return one that adds a control block."""
        return replace(self, stem=stem, plotted=plotted)

    def script(self) -> Iterable[str]:
        """Yield the control block of a deck that is run by hand: it simulates, writes and plots."""
        if not self.stem:
            return
        shown = " ".join(map(self.name, self.plotted))
        yield from (".control", "run", f"write {self.stem}.raw", "if $?batchmode")
        yield from ("set hcopydevtype=svg", f"hardcopy {self.stem}.svg {shown}", "quit")
        yield from ("else", f"plot {shown}", "end", ".endc")

    def name(self, quantity: Quantity) -> str:
        """Return the name of a vector, lower case: a net's voltage has the net's own."""
        if isinstance(quantity, DrainCurrent):
            return f"@m.{quantity.device}[id]"
        if isinstance(quantity, SourceCurrent):
            inner = "v." if "." in quantity.source else ""  # its name for a source in an instance
            return f"{inner}{quantity.source}#branch"
        if isinstance(quantity, NoiseDensity):
            return _NOISE[quantity.at]
        return quantity.net.lower()

    def noise_output(self, analysis: Noise) -> str:
        """Return the output of a noise analysis."""
        return f"v({analysis.net})"
