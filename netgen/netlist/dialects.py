"""Netlisters of simulators that netgen does not run: the same circuit, their own statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from netgen.netlist.deck import (
    Analysis,
    Deck,
    DrainCurrent,
    Quantity,
    SourceCurrent,
    Transient,
    Voltage,
)
from netgen.netlist.models import SimulatorOptions
from netgen.netlist.netlister import Unrun
from netgen.units import spice


class XyceNetlister(Unrun):
    """Xyce: options by package, one ``.print`` for all outputs, currents at leads."""

    simulator = "Xyce"
    suffix = ".xyce.cir"
    forms: ClassVar = {DrainCurrent: "ID({})", SourceCurrent: "I({})", Voltage: "V({})"}
    level = ":"
    noise: ClassVar = {"output": "ONOISE", "input": "INOISE"}

    def settings(self, deck: Deck, options: SimulatorOptions) -> Iterator[str]:
        """Yield ``.options`` of devices, time integration and solver."""
        temperatures = f"temp={spice(deck.temperature)} tnom={spice(deck.model_temperature)}"
        reltol = f"reltol={spice(options.reltol)}"
        yield (
            "* gmin far below the signals, gear does not ring; "
            "device currents by their lead currents"
        )
        yield f".options device gmin={spice(options.gmin)} {temperatures}"
        yield f".options timeint method=gear {reltol} abstol={spice(options.vntol)}"
        yield f".options nonlin-tran {reltol} rhstol={spice(options.abstol)}"

    def outputs(self, quantities: Sequence[Quantity]) -> Iterator[str]:
        """Yield the ``.print`` of all quantities."""
        yield ".print tran format=raw"
        yield from (f"+ {self.name(quantity)}" for quantity in quantities)


class SpectreNetlister(Unrun):
    """Spectre: the circuit in its SPICE language, the rest in its own."""

    simulator = "Spectre"
    suffix = ".scs"
    mark = "//"
    forms: ClassVar = {DrainCurrent: "{}:d", SourceCurrent: "{}:p", Voltage: "{}"}
    noise: ClassVar = {"output": "out", "input": "in"}

    def remarks(self) -> Iterable[str]:
        """Return also what to do about the models."""
        yield from super().remarks()
        yield (
            "The model files are the ones netgen simulates with; "
            "put the foundry's own for Spectre here."
        )

    def head(self, deck: Deck, options: SimulatorOptions) -> Iterable[str]:
        """Yield the models, in Spectre's SPICE language."""
        yield "simulator lang=spice"
        yield from super().head(deck, options)

    def tail(self, deck: Deck, options: SimulatorOptions) -> Iterable[str]:
        """Yield the rest in Spectre's own language, which needs no end."""
        yield "simulator lang=spectre"
        yield from self.settings(deck, options)
        yield from self.outputs(deck.quantities)
        yield self.analysis(deck.analysis, options)

    def settings(self, deck: Deck, options: SimulatorOptions) -> Iterator[str]:
        """Yield the ``options`` statement."""
        values = {
            "gmin": options.gmin,
            "reltol": options.reltol,
            "iabstol": options.abstol,
            "vabstol": options.vntol,
            "chargeabstol": options.chgtol,
            "temp": deck.temperature,
            "tnom": deck.model_temperature,
        }
        yield "// gmin far below the signals, gear does not ring"
        yield f"o options {' '.join(f'{name}={spice(value)}' for name, value in values.items())}"

    def outputs(self, quantities: Sequence[Quantity]) -> Iterator[str]:
        """Yield a ``save`` for each quantity."""
        yield from (f"save {self.name(quantity)}" for quantity in quantities)

    def analysis(self, analysis: Analysis, options: SimulatorOptions) -> str:
        """Return a transient's statement; netgen exports no other testbench.

        Raises
        ------
        NotImplementedError
            The analysis is no transient.
        """
        if not isinstance(analysis, Transient):
            raise NotImplementedError(f"{type(analysis).__name__} for Spectre")
        longest = analysis.step if options.max_step is None else options.max_step
        return f"t tran stop={spice(analysis.end)} maxstep={spice(longest)} method=gear2only"
