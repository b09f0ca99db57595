"""What is set on each chip from outside: bias currents and input gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netgen.model.graph import Floats


@dataclass(frozen=True, eq=False)
class ChipSettings:
    """What is set on each chip from outside."""

    #: By cell node: logarithms of the factors on its bias currents, (chips, biases, units).
    biases: Mapping[str, Floats]
    #: Logarithms of the factors on the input currents, (chips, channels).
    inputs: Floats | None = None

    def of(self, chips: slice) -> ChipSettings:
        """Return those of some chips."""
        biases = {node: each[chips] for node, each in self.biases.items()}
        return ChipSettings(biases, None if self.inputs is None else self.inputs[chips])
