"""A deck as a record: a circuit, what is observed of it, and the analysis. For every simulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from netgen.netlist.models import Conditions, models_text
from netgen.technology import Polarity, Technology


@dataclass(frozen=True)
class Voltage:
    """Of a net against ground, V; a net inside an instance has a path with dots."""

    net: str


@dataclass(frozen=True)
class SourceCurrent:
    """Through a voltage source from its positive node, A; the source's name in lower case."""

    source: str


@dataclass(frozen=True)
class DrainCurrent:
    """Of a transistor, A, positive while it conducts; its path with dots, in lower case."""

    device: str


@dataclass(frozen=True)
class NoiseDensity:
    """Of a noise analysis, A/√Hz: at the output, or referred to the input."""

    at: Literal["output", "input"]


Quantity: TypeAlias = Voltage | SourceCurrent | DrainCurrent | NoiseDensity


@dataclass(frozen=True)
class OperatingPoint:
    """One operating point."""

    end: None = None


@dataclass(frozen=True)
class Sweep:
    """Operating points over the values of a voltage source, V."""

    source: str
    first: float
    last: float
    step: float
    outer: Sweep | None = None  #: A sweep within whose steps this one is gone through.
    #: The last value; None where that says nothing, as of a sweep within another.
    end: float | None = None


@dataclass(frozen=True)
class Transient:
    """From time 0 to ``end``, s; ``step`` is the usual distance of points."""

    step: float
    end: float


@dataclass(frozen=True)
class Noise:
    """Of the voltage of a net, referred to a source, over a band of frequencies, Hz."""

    net: str
    source: str
    points_a_decade: int
    start: float
    end: float


Analysis: TypeAlias = OperatingPoint | Sweep | Transient | Noise


@dataclass(frozen=True)
class Deck:
    """What is simulated, but for the simulator's options."""

    title: str  #: One line.
    models: str  #: SPICE text that brings the models.
    #: ``temperature``, ``model_temperature``: of the circuit, and at which the models were
    #: extracted, °C.
    temperature: float
    model_temperature: float
    body: str  #: SPICE text of the circuit: elements, subcircuits and start values, nothing else.
    quantities: tuple[Quantity, ...]  #: What is observed.
    analysis: Analysis
    #: Values of time at which sources bend: each must be a point of the result.
    points: tuple[float, ...] = ()

    @classmethod
    def at(
        cls,
        technology: Technology,
        conditions: Conditions,
        title: str,
        body: str,
        quantities: tuple[Quantity, ...],
        analysis: Analysis,
        points: tuple[float, ...] = (),
        models: str | None = None,
    ) -> Deck:
        """Return a deck with a technology's models, all of them unless others are given."""
        where = conditions.temperature, technology.model_temperature
        text = models_text(technology, conditions) if models is None else models
        return cls(title, text, *where, body, quantities, analysis, points)


def drain_current(technology: Technology, polarity: Polarity, path: str, name: str) -> DrainCurrent:
    """Return the drain current of a transistor.

    Parameters
    ----------
    path
        The instances around it, such as ``"xnet.xl1_relu.xl1_relu_0"``; empty at top level.
    name
        Its name in the circuit, without the prefix of its element.
    """
    device = technology.devices[polarity]
    parts = filter(None, (path, f"{device.prefix}{name}", device.inner))
    return DrainCurrent(".".join(parts).lower())
