"""What is set on each chip from outside: bias currents and input gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netgen.model.graph import Floats


@dataclass(frozen=True, eq=False)
class ChipSettings:
    """What is set on each chip from outside.

    Attributes
    ----------
    biases
        By cell node: logarithms of the factors on its bias currents, (chips, biases, units).
    inputs
        Logarithms of the factors on the input currents, (chips, channels).
    """

    biases: Mapping[str, Floats]
    inputs: Floats | None = None

    def of(self, chips: slice) -> ChipSettings:
        """Return those of some chips."""
        biases = {node: each[chips] for node, each in self.biases.items()}
        return ChipSettings(biases, None if self.inputs is None else self.inputs[chips])
