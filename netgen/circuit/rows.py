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
    """Copies of one first-quadrant node's signals in a set of rows."""

    source: str  #: The node that is copied: ``"x"``, or a relu or cell node.
    chain: Chain  #: Where the weights come from in the model.
    weight: Floats  #: Mirror ratios wanted, (rows, units of the source), signed.


@dataclass(frozen=True, eq=False)
class Rows:
    """The signed sums of a node: all their terms, and a constant."""

    terms: tuple[Terms, ...]
    bias: Floats  #: Constant current of each row in units, (rows,).
    bias_chains: tuple[Chain, ...]  #: The chains whose biases are added up in it.


def rows_of(model: Model) -> dict[str, Rows]:
    """Return, for ``x`` and every node, its value as a signed sum of first-quadrant signals."""
    rows = {INPUT: _copy(INPUT, model.input_size)}
    for node in model.nodes:
        if isinstance(node, Linear):
            rows[node.name] = _multiplied(node, rows[node.input])
        elif isinstance(node, Add):
            rows[node.name] = _added([rows[name] for name in node.inputs])
        else:
            rows[node.name] = _copy(node.name, model.sizes[node.name])
        assert is_signed(node) or len(rows[node.name].terms) == 1
    return rows


def _copy(name: str, size: int) -> Rows:
    return Rows((Terms(name, (), np.eye(size)),), np.zeros(size), ())


def _multiplied(node: Linear, source: Rows) -> Rows:
    terms = tuple(
        Terms(term.source, (node.name, *term.chain), _product(node, term)) for term in source.terms
    )
    bias = node.bias + node.weight @ source.bias
    chains = ((node.name,), *((node.name, *chain) for chain in source.bias_chains))
    return Rows(terms, bias, chains)


def _product(node: Linear, term: Terms) -> Floats:
    # The identity of a plain copy must not round the learned weights.
    return node.weight @ term.weight if term.chain or _is_scaled(term) else node.weight


def _is_scaled(term: Terms) -> bool:
    return not np.array_equal(term.weight, np.eye(len(term.weight)))


def _added(summands: list[Rows]) -> Rows:
    """Add up rows; terms of the same source and chain become one copy of the summed weight."""
    weights: dict[tuple[str, Chain], Floats] = {}
    for rows in summands:
        for term in rows.terms:
            key = (term.source, term.chain)
            weights[key] = weights[key] + term.weight if key in weights else term.weight
    terms = tuple(Terms(source, chain, weight) for (source, chain), weight in weights.items())
    bias = np.sum([rows.bias for rows in summands], axis=0)
    chains = dict.fromkeys(chain for rows in summands for chain in rows.bias_chains)
    return Rows(terms, bias, tuple(chains))
