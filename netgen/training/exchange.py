"""Between PyTorch parameters and the model format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from netgen.circuit.blocks.ladder import Ladder
from netgen.circuit.blocks.schmitt9 import Bmru
from netgen.document import Json
from netgen.errors import ModelError
from netgen.model import Add, Linear, Model, Node, Relu, from_dict, op_of, sources, to_dict
from netgen.model.graph import Floats
from netgen.training.features import FRAME_PERIOD
from netgen.training.network import Architecture
from netgen.training.scoring import readout

UNIT_CURRENT = 1e-9


def to_model(
    arch: Architecture,
    parameters: Tensor,
    *,
    name: str,
    classes: Sequence[str],
    frames: int,
    input_max: float,
    meta: Mapping[str, Json],
) -> Model:
    """Return one network (parameters,) as a model of the reference architecture.

    The model computes in float64 what PyTorch computes in float64 with hard gates: β_lo is
    hi − width as both round it.
    """
    values = parameters.detach().to(torch.float64)[None]

    def array(name: str) -> Floats:
        learned: Floats = arch.take(values, name)[0].numpy().copy()
        return learned

    nodes: list[Node] = [Linear("proj", "x", array("w0"), array("b0"))]
    signed = "proj"
    for layer in range(1, arch.layers + 1):
        here, take = f"l{layer}.", f"{layer}."
        hi = array(take + "hi")
        figures = [array(take + "alpha"), hi - array(take + "width"), hi]
        if arch.rungs == 1:
            figures = [each[:, 0] for each in figures]
        kind, rest = _cell_kind(arch), np.zeros(hi.size, dtype=np.bool_)
        nodes += [
            Relu(here + "relu", signed),
            Linear(here + "cand_lin", here + "relu", array(take + "wc"), array(take + "bc")),
            Relu(here + "cand", here + "cand_lin"),
            kind(here + "state", here + "cand", *figures, initial_state=rest),
            Linear(here + "post_lin", here + "state", array(take + "wp"), array(take + "bp")),
            Relu(here + "post", here + "post_lin"),
            Add(here + "out", (signed, here + "post")),
        ]
        signed = here + "out"
    nodes.append(Linear("logits", signed, array("wo"), array("bo")))
    model = Model(
        name,
        UNIT_CURRENT,
        FRAME_PERIOD,
        arch.inputs,
        input_max,
        tuple(nodes),
        readout(frames),
        tuple(classes),
        meta,
    )
    return from_dict(to_dict(model), name)  # what is written has been checked


def from_model(model: Model, source: str) -> tuple[Architecture, Tensor]:
    """Return the architecture and the parameters, (1, parameters) in float64, of a model.

    Raises
    ------
    ModelError
        The model is not a reference network that starts at rest.
    """
    linear = [node for node in model.nodes if isinstance(node, Linear)]
    rungs = [cell.rungs for cell in model.cells] or [1]
    arch = Architecture(
        model.input_size,
        len(linear[0].bias) if linear else 0,
        len(model.cells),
        len(model.classes),
        rungs[0],
    )
    alike = _shape(model) == _wanted_shape(arch) and len(set(rungs)) == 1
    if not alike or any(cell.initial_state.any() for cell in model.cells):
        problem = "nodes: not the reference network (all cells starting at 0), so not trainable"
        raise ModelError(source, [problem])
    parameters = torch.zeros(1, arch.size, dtype=torch.float64)

    def put(name: str, values: Floats) -> None:
        place = arch.take(parameters, name)[0]
        place.copy_(torch.from_numpy(values.copy()).view(place.shape))

    def put_linear(node: Linear, weight: str, bias: str) -> None:
        put(weight, node.weight)
        put(bias, node.bias)

    put_linear(linear[0], "w0", "b0")
    put_linear(linear[-1], "wo", "bo")
    for layer, cell in enumerate(model.cells, start=1):
        put_linear(linear[2 * layer - 1], f"{layer}.wc", f"{layer}.bc")
        put_linear(linear[2 * layer], f"{layer}.wp", f"{layer}.bp")
        put(f"{layer}.hi", cell.rising)
        put(f"{layer}.width", cell.rising - cell.falling)
        put(f"{layer}.alpha", cell.level)
    return arch, parameters


def _cell_kind(arch: Architecture) -> type[Bmru]:
    return Bmru if arch.rungs == 1 else Ladder


_Shape = list[tuple[str, tuple[int, ...], int]]


def _shape(model: Model) -> _Shape:
    """Describe the graph by each node's kind, the places of its inputs, and its size."""
    places = {"x": 0} | {node.name: at for at, node in enumerate(model.nodes, start=1)}
    return [
        (op_of(node), tuple(places[name] for name in sources(node)), model.sizes[node.name])
        for node in model.nodes
    ]


def _wanted_shape(arch: Architecture) -> _Shape:
    """Describe the reference network as :func:`_shape` does."""
    d, at = arch.units, 1
    shape: _Shape = [("linear", (0,), d)]
    for _ in range(arch.layers):
        kinds = ("relu", "linear", "relu", _cell_kind(arch).op, "linear", "relu")
        shape += [(kind, (at + place,), d) for place, kind in enumerate(kinds)]
        shape.append(("add", (at, at + len(kinds)), d))
        at += len(kinds) + 1
    return [*shape, ("linear", (at,), arch.classes)]
