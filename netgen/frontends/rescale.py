"""Exact rescaling of a model: the same decisions with currents that a circuit can carry."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from netgen.model import (
    Cell,
    Linear,
    Model,
    Node,
    Relu,
    check_samples,
    evaluate,
    from_dict,
    sources,
    to_dict,
)
from netgen.model.graph import Floats

PEAK = 3.8
"""No summed current and no threshold may exceed this, in units: cells end soon above."""
SMALLEST_PEAK = 1.0
"""A signal that never reaches this is raised to it: leakage and noise are absolute."""


def rescale(model: Model, x: Floats) -> tuple[Model, float]:
    """Return an equivalent model whose signals peak between 1 and 3.8 units over samples.

    A rectified sum is positively homogeneous: its row of weights and bias may be multiplied by
    s > 0 when the columns of all that read it are divided by s. A rectified candidate of a cell
    takes its thresholds along, and counts as large as the highest of them. The readout's rows all
    take one common factor.

    Parameters
    ----------
    x
        Software units, (samples, frames, channels).

    Returns
    -------
    tuple
        The model, and the factor of its logits: decisions are equal, logits are this multiple.

    Raises
    ------
    SamplesError
        ``x`` does not fit the model; names every violation.
    """
    x = check_samples(np.asarray(x), None, None, model).x
    nodes = dict(model.by_name)
    readers = defaultdict(list)
    for node in model.nodes:
        for name in sources(node):
            readers[name].append(node.name)
    values = evaluate(model, x)
    for node in model.nodes:
        if isinstance(node, Relu):
            _rescale_relu(node, nodes, readers, values[node.input], model.readout.node)
    factor = _rescale_readout(model, nodes, readers, x)
    changed = replace(model, nodes=tuple(nodes[node.name] for node in model.nodes))
    return from_dict(to_dict(changed), model.name), factor


def _rescale_relu(
    node: Relu, nodes: dict[str, Node], readers: dict[str, list[str]], sums: Floats, readout: str
) -> None:
    source = nodes.get(node.input)
    after = [nodes[name] for name in readers[node.name]]
    if not isinstance(source, Linear) or readers[source.name] != [node.name]:
        return  # a sum that others read too, such as a residual one
    if readout in (node.name, source.name) or not all(isinstance(n, Linear | Cell) for n in after):
        return
    peak = np.abs(sums).reshape(-1, sums.shape[-1]).max(axis=0)
    for reader in after:
        if isinstance(reader, Cell):
            highest = np.reshape(getattr(reader, reader.rising_key), (len(peak), -1)).max(axis=1)
            peak = np.maximum(peak, highest)
    factor = _factor(peak)
    nodes[source.name] = replace(
        source, weight=source.weight * factor[:, None], bias=source.bias * factor
    )
    for reader in after:
        if isinstance(reader, Linear):
            nodes[reader.name] = replace(reader, weight=reader.weight / factor)
        elif isinstance(reader, Cell):
            keys = {reader.rising_key, reader.falling_key}
            scaled = {key: (getattr(reader, key).T * factor).T for key in keys}
            nodes[reader.name] = replace(reader, **scaled)


def _factor(peak: Floats) -> Floats:
    """Return the factors that bring peaks into 1 … 3.8; what is silent keeps its size."""
    known = np.where(peak > 0, peak, SMALLEST_PEAK)
    wanted: Floats = np.clip(known, SMALLEST_PEAK, PEAK) / known
    return wanted


def _rescale_readout(
    model: Model, nodes: dict[str, Node], readers: dict[str, list[str]], x: Floats
) -> float:
    node = nodes[model.readout.node]
    if not isinstance(node, Linear) or readers[node.name]:
        return 1.0
    changed = replace(model, nodes=tuple(nodes[each.name] for each in model.nodes))
    peak = float(np.abs(evaluate(changed, x)[node.name]).max())
    factor = min(1.0, PEAK / peak) if peak > 0 else 1.0
    nodes[node.name] = replace(node, weight=node.weight * factor, bias=node.bias * factor)
    return factor
