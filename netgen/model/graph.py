"""The trained model as data: a directed graph of named nodes over one input sequence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from netgen.arrays import Bools as Bools
from netgen.arrays import Floats as Floats
from netgen.arrays import Integers as Integers
from netgen.document import Json
from netgen.model.cell import Cell

FORMAT = "netgen-model"
VERSIONS = (1,)
INPUT = "x"
"""The name by which nodes refer to the input sequence."""

Rule: TypeAlias = Literal["majority_vote", "mean", "last"]


@dataclass(frozen=True, eq=False)
class Linear:
    """y = W·x + b, signed. ``weight`` is (out, in), ``bias`` is (out,)."""

    name: str
    input: str
    weight: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class Relu:
    """y = max(x, 0)."""

    name: str
    input: str


@dataclass(frozen=True, eq=False)
class Add:
    """y = sum of the inputs, signed (residual connections)."""

    name: str
    inputs: tuple[str, ...]


Node: TypeAlias = Linear | Relu | Add | Cell


@dataclass(frozen=True)
class Readout:
    """How classes are decided: ``rule`` over the frames ``start`` … ``stop`` − 1 of ``node``."""

    node: str
    rule: Rule
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Model:
    """A valid trained model. Build one with :func:`netgen.model.load_model` or ``from_dict``."""

    name: str
    unit_current: float  #: The current that stands for 1.0 in software, in amperes.
    frame_period: float  #: How long one frame is held, in seconds.
    #: ``input_size``, ``input_max``: channels of x[t], and the largest value one may take (software
    #: units).
    input_size: int
    input_max: float
    nodes: tuple[Node, ...]
    readout: Readout
    classes: tuple[str, ...]
    meta: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by their name."""
        return MappingProxyType({node.name: node for node in self.nodes})

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Units of every node, and of the input under ``"x"``."""
        sizes = {INPUT: self.input_size}
        for node in self.nodes:
            sizes[node.name] = (
                len(node.bias) if isinstance(node, Linear) else sizes[sources(node)[0]]
            )
        return MappingProxyType(sizes)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cell nodes, in evaluation order."""
        return tuple(node for node in self.nodes if isinstance(node, Cell))

    def started(self, states: Mapping[str, Bools]) -> Model:
        """Return the model with other states before its first frame.

        ``states`` holds those of every cell node, (triggers,) each: a stream goes on with the
        states that its part before ended with.
        """
        nodes = tuple(
            replace(node, initial_state=np.asarray(states[node.name], dtype=np.bool_))
            if isinstance(node, Cell)
            else node
            for node in self.nodes
        )
        return replace(self, nodes=nodes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model's canonical JSON."""
        text = json.dumps(to_dict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def sources(node: Node) -> tuple[str, ...]:
    """Return the names a node takes its inputs from."""
    return node.inputs if isinstance(node, Add) else (node.input,)


def is_signed(node: Node) -> bool:
    """Tell whether a node's value may be negative: then it has no gate net in the circuit."""
    return isinstance(node, Linear | Add)


def to_dict(model: Model) -> dict[str, Json]:
    """Return the model as the JSON object of format version 1 (floats exactly as they are)."""
    return {
        "format": FORMAT,
        "version": VERSIONS[-1],
        "name": model.name,
        "unit_current": model.unit_current,
        "frame_period": model.frame_period,
        "input": {"size": model.input_size, "max": model.input_max},
        "nodes": [_node_to_dict(node) for node in model.nodes],
        "readout": {
            "node": model.readout.node,
            "rule": model.readout.rule,
            "frames": [model.readout.start, model.readout.stop],
        },
        "classes": list(model.classes),
        "meta": dict(model.meta),
    }


def op_of(node: Node) -> str:
    """Return the operation's name in the format."""
    return node.op if isinstance(node, Cell) else type(node).__name__.lower()


def _node_to_dict(node: Node) -> dict[str, Json]:
    record: dict[str, Json] = {"name": node.name, "op": op_of(node)}
    if isinstance(node, Add):
        return record | {"inputs": list(node.inputs)}
    record["input"] = node.input
    if isinstance(node, Linear):
        record |= {"weight": node.weight.tolist(), "bias": node.bias.tolist()}
    elif isinstance(node, Cell):
        record |= {each.key: getattr(node, each.key).tolist() for each in node.parameters}
        if node.memory:
            record["initial_state"] = node.together(node.initial_state).sum(axis=-1).tolist()
    return record
