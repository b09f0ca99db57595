"""Codes of programmable currents and digital gains, and the factors that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netgen.behavioural.settings import ChipSettings
from netgen.circuit import Circuit
from netgen.errors import UsageError
from netgen.model.graph import Floats, Integers

LARGEST = 12
"""Bits of a code at most."""


@dataclass(frozen=True)
class CodeRange:
    """Codes with equal ratios between the factors of neighbours.

    Attributes
    ----------
    bits
        Of a code.
    low, high
        Factors on the nominal value at the ends, below and above 1.
    """

    bits: int = 6
    low: float = 0.55
    high: float = 1.8

    def __post_init__(self) -> None:
        """Check it.

        Raises
        ------
        UsageError
            Not 1 … 12 bits, or 1 is not between the ends.
        """
        if not 1 <= self.bits <= LARGEST:
            raise UsageError(f"codes of {self.bits} bits: give 1 … {LARGEST}")
        if not 0 < self.low < 1 < self.high < np.inf:
            raise UsageError(
                f"codes from {self.low:g} to {self.high:g}: the lower end must lie between 0 and "
                "1, the upper one above 1"
            )

    @property
    def last(self) -> int:
        """The highest code; the lowest is 0."""
        return int(2**self.bits - 1)

    @property
    def step(self) -> float:
        """Logarithm of the ratio between neighbours."""
        return float(np.log(self.high / self.low) / self.last)

    def logs(self, codes: Integers) -> Floats:
        """Return the logarithms of the factors of codes, any shape."""
        found: Floats = np.log(self.low) + self.step * np.asarray(codes, dtype=np.float64)
        return found

    def nearest(self, logs: Floats) -> Integers:
        """Return the codes nearest to logarithms of factors, any shape; the ends beyond them."""
        places = np.rint((logs - np.log(self.low)) / self.step)
        found: Integers = np.clip(places, 0, self.last).astype(np.intp)
        return found

    def beyond(self, logs: Floats) -> int:
        """Count factors that no code reaches, by more than half a step."""
        reach = 0.5 * self.step
        ends = np.log(self.low) - reach, np.log(self.high) + reach
        return int(((logs < ends[0]) | (logs > ends[1])).sum())


@dataclass(frozen=True, eq=False)
class Codes:
    """What is programmed into several chips.

    Attributes
    ----------
    span
        What a code stands for.
    biases
        By cell node: codes of its bias currents, (chips, biases, units).
    inputs
        Codes of the gains in front of the inputs, (chips, channels); None where there are none.
    """

    span: CodeRange
    biases: Mapping[str, Integers]
    inputs: Integers | None = None

    @property
    def settings(self) -> ChipSettings:
        """The factors that they stand for."""
        biases = {node: self.span.logs(codes) for node, codes in self.biases.items()}
        inputs = None if self.inputs is None else self.span.logs(self.inputs)
        return ChipSettings(biases, inputs)


def nominal_codes(circuit: Circuit, span: CodeRange, chips: int, inputs: bool = False) -> Codes:
    """Return the codes nearest to the nominal values; those of input gains if asked for."""
    middle = int(span.nearest(np.zeros(()))[()])
    biases = {
        layer.node: np.full((chips, *layer.wanted.shape), middle, dtype=np.intp)
        for layer in circuit.cells
    }
    size = circuit.model.input_size
    gains = np.full((chips, size), middle, dtype=np.intp) if inputs else None
    return Codes(span, biases, gains)
