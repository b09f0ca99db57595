"""Codes of programmable currents and digital gains of several chips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from netgen.behavioural.settings import ChipSettings
from netgen.circuit import Circuit
from netgen.circuit.codes import CodeRange
from netgen.model.graph import Integers


@dataclass(frozen=True, eq=False)
class Codes:
    """What is programmed into several chips."""

    span: CodeRange  #: What a code stands for.
    #: By cell node: codes of its bias currents, (chips, biases, units).
    biases: Mapping[str, Integers]
    #: Codes of the gains in front of the inputs, (chips, channels); None where there are none.
    inputs: Integers | None = None

    @property
    def settings(self) -> ChipSettings:
        """The factors that they stand for."""
        biases = {node: self.span.logs(codes) for node, codes in self.biases.items()}
        inputs = None if self.inputs is None else self.span.logs(self.inputs)
        return ChipSettings(biases, inputs)


def nominal_codes(circuit: Circuit, span: CodeRange, chips: int, inputs: bool = False) -> Codes:
    """Return the codes nearest to the nominal values; those of input gains if asked for."""
    middle = span.nominal
    biases = {
        layer.node: np.full((chips, *layer.wanted.shape), middle, dtype=np.intp)
        for layer in circuit.cells
    }
    size = circuit.model.input_size
    gains = np.full((chips, size), middle, dtype=np.intp) if inputs else None
    return Codes(span, biases, gains)
