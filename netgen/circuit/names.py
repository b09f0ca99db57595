"""From the names of a model to the names of a netlist and back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from netgen.model import INPUT, Model

Chain: TypeAlias = tuple[str, ...]
"""Linear nodes whose weights multiply to one matrix, the consumer's end first; () for a copy."""

REFERENCE = "(ref)"
"""The shared 1-unit reference current that biases are copies of; no node can have this name."""
REFERENCE_PREFIX = "ref"
"""The prefix of its nets."""
DECISION_PREFIX = "winner"
"""The prefix of what decides by the readout's currents."""


def prefixes(model: Model) -> Mapping[str, str]:
    """Return a net prefix for ``x`` and every node: unique, a small letter, then also digits, _.

    SPICE does not tell capitals from small letters, a dot is its mark of hierarchy, and ngspice
    calls the voltage of a node by another name where that begins with a digit.
    """
    chosen: dict[str, str] = {}
    taken = {REFERENCE_PREFIX, DECISION_PREFIX}
    for name in (INPUT, *(node.name for node in model.nodes)):
        base = name.lower().replace(".", "_")
        prefix = base = base if base[0].isalpha() else f"n{base}"
        number = 1
        while prefix in taken:
            number += 1
            prefix = f"{base}__{number}"
        taken.add(prefix)
        chosen[name] = prefix
    return MappingProxyType(chosen)


def weight_path(source: str, chain: Chain, row: int, column: int) -> str:
    """Say where a mirror's ratio comes from: ``proj.weight[2][5]``, a product, or a plain copy.

    A product of matrices reads ``logits.weight[0][:]·proj.weight[:][5]``.
    """
    if not chain:
        return f"copy of {source}[{column}]"
    last = len(chain) - 1
    parts = []
    for place, node in enumerate(chain):
        left = row if place == 0 else ":"
        right = column if place == last else ":"
        parts.append(f"{node}.weight[{left}][{right}]")
    return "·".join(parts)


def bias_path(chains: tuple[Chain, ...], row: int) -> str:
    """Say where a constant comes from: ``logits.bias[0] + logits.weight[0][:]·proj.bias``."""
    parts = []
    for chain in chains:
        weights = [
            f"{node}.weight[{row if place == 0 else ':'}][:]"
            for place, node in enumerate(chain[:-1])
        ]
        index = f"[{row}]" if len(chain) == 1 else ""
        parts.append("·".join([*weights, f"{chain[-1]}.bias{index}"]))
    return " + ".join(parts)
