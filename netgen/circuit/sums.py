"""Which currents meet at a node of the circuit.

A signal of the circuit is a current and so cannot be negative. A signed sum exists only at the
node where copies of first-quadrant signals meet: every ``linear`` and ``add`` is therefore taken
apart into copies of the ``x``, ``relu`` and ``bmru`` signals that it depends on, and put together
again at each of its consumers. A ``linear`` of a signed node turns into the product of the two
weight matrices, which is the same function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netgen.arrays import Floats
from netgen.circuit.names import Chain
from netgen.model import INPUT, Add, Linear, Model, is_signed


@dataclass(frozen=True, eq=False)
class Terms:
    """Copies of one first-quadrant node's signals at a set of summing nodes."""

    source: str  #: The node that is copied: ``"x"``, or a relu or cell node.
    chain: Chain  #: Where the weights come from in the model.
    weight: Floats  #: Mirror ratios wanted, (nodes, units of the source), signed.


@dataclass(frozen=True, eq=False)
class SignedSums:
    """The signed sums of a node: all their terms, and a constant."""

    terms: tuple[Terms, ...]
    bias: Floats  #: Constant current of each summing node in units, (nodes,).
    bias_chains: tuple[Chain, ...]  #: The chains whose biases are added up in it.


def signed_sums(model: Model) -> dict[str, SignedSums]:
    """Return, for ``x`` and every node, its value as a signed sum of first-quadrant signals."""
    sums = {INPUT: _copy(INPUT, model.input_size)}
    for node in model.nodes:
        if isinstance(node, Linear):
            sums[node.name] = _multiplied(node, sums[node.input])
        elif isinstance(node, Add):
            sums[node.name] = _added([sums[name] for name in node.inputs])
        else:
            sums[node.name] = _copy(node.name, model.sizes[node.name])
        assert is_signed(node) or len(sums[node.name].terms) == 1
    return sums


def _copy(name: str, size: int) -> SignedSums:
    return SignedSums((Terms(name, (), np.eye(size)),), np.zeros(size), ())


def _multiplied(node: Linear, source: SignedSums) -> SignedSums:
    terms = tuple(
        Terms(term.source, (node.name, *term.chain), _product(node, term)) for term in source.terms
    )
    bias = node.bias + node.weight @ source.bias
    chains = ((node.name,), *((node.name, *chain) for chain in source.bias_chains))
    return SignedSums(terms, bias, chains)


def _product(node: Linear, term: Terms) -> Floats:
    # The identity of a plain copy must not round the learned weights.
    return node.weight @ term.weight if term.chain or _is_scaled(term) else node.weight


def _is_scaled(term: Terms) -> bool:
    return not np.array_equal(term.weight, np.eye(len(term.weight)))


def _added(summands: list[SignedSums]) -> SignedSums:
    """Add up sums; terms of the same source and chain become one copy of the summed weight."""
    weights: dict[tuple[str, Chain], Floats] = {}
    for sums in summands:
        for term in sums.terms:
            key = (term.source, term.chain)
            weights[key] = weights[key] + term.weight if key in weights else term.weight
    terms = tuple(Terms(source, chain, weight) for (source, chain), weight in weights.items())
    bias = np.sum([sums.bias for sums in summands], axis=0)
    chains = dict.fromkeys(chain for sums in summands for chain in sums.bias_chains)
    return SignedSums(terms, bias, tuple(chains))
