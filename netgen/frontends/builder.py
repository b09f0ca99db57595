"""A model built step by step from arrays: what every front end writes into."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from netgen.document import Json
from netgen.errors import ModelError
from netgen.model import (
    INPUT,
    Add,
    Cell,
    Linear,
    Model,
    Node,
    Readout,
    Relu,
    cell_class,
    from_dict,
    graph,
    sources,
    to_dict,
)
from netgen.model.cell import first_states

_ILLEGAL = re.compile(r"[^A-Za-z0-9_.]")
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Value:
    """A signal of the model under construction: the node that gives it, and its units."""

    node: str
    units: int


@dataclass(frozen=True)
class Settings:
    """What a trained network's own file does not say."""

    name: str  #: Of the model.
    #: Names of the outputs; None: ``class0``, ``class1`` and so on.
    classes: tuple[str, ...] | None = None
    #: ``unit_current``, ``frame_period``: a and s, as in the model format.
    unit_current: float = 1e-9
    frame_period: float = 0.01
    input_max: float = 1.0  #: Largest magnitude of an input.
    #: Inputs may be negative: each channel becomes two, max(x, 0) and max(−x, 0), and each weight w
    #: of it becomes w and −w, which computes the same exactly.
    signed: bool = False
    #: ``rule``, ``frames``: the readout, as in the model format.
    rule: graph.Rule = "mean"
    frames: tuple[int, int] = (0, 1)


@dataclass
class ModelBuilder:
    """Collects nodes and returns a valid model.

    Parameters
    ----------
    source
        File or tool the arrays come from, for messages.
    channels
        Inputs a frame, before signed ones are split.
    """

    source: str
    channels: int
    settings: Settings
    _nodes: dict[str, Node] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _split: Value | None = None

    @property
    def input(self) -> Value:
        """The input sequence, (frames, channels)."""
        return Value(INPUT, self.channels)

    def linear(
        self, value: Value, weight: ArrayLike, bias: ArrayLike | None = None, name: str = "linear"
    ) -> Value:
        """Add y = W·x + b.

        Parameters
        ----------
        weight, bias
            (out, in) and (out,); no bias is a bias of zeros.

        Raises
        ------
        ModelError
            The shapes do not fit.
        """
        matrix = self._numbers(name, "weight", weight)
        if matrix.ndim != 2 or matrix.shape[1] != value.units:
            shape = " × ".join(map(str, matrix.shape))
            raise self.problem(name, f"weight is {shape}; its input has {value.units} units")
        offset = np.zeros(len(matrix)) if bias is None else self._numbers(name, "bias", bias)
        if offset.shape != (len(matrix),):
            raise self.problem(
                name, f"bias has shape {offset.shape}; weight has {len(matrix)} rows"
            )
        if value.node == INPUT and self.settings.signed:
            matrix = np.hstack([matrix, -matrix])
        return self._add(name, lambda node: Linear(node, value.node, matrix, offset), len(matrix))

    def offset(self, value: Value, bias: ArrayLike, name: str = "bias") -> Value:
        """Add a constant to a signal: in the bias of a copy of its linear node where it has one.

        Raises
        ------
        ModelError
            The constant is neither one number nor one a unit.
        """
        array = self._numbers(name, "bias", bias)
        if array.size not in (1, value.units) or array.shape[-1:] not in ((), (array.size,)):
            raise self.problem(name, f"adds {array.size} constants to {value.units} units")
        constant = np.broadcast_to(array.ravel(), (value.units,))
        node = self._nodes.get(value.node)
        if isinstance(node, Linear):  # which others may read still, as it is
            source, weight, total = node.input, node.weight, node.bias + constant
            return self._add(name, lambda node: Linear(node, source, weight, total), value.units)
        return self.linear(value, np.eye(value.units), constant, name)

    def relu(self, value: Value, name: str = "relu") -> Value:
        """Add y = max(x, 0)."""
        value = self._as_one(value)
        return self._add(name, lambda node: Relu(node, value.node), value.units)

    def add(self, values: Sequence[Value], name: str = "add") -> Value:
        """Add the sum of several signals.

        Raises
        ------
        ModelError
            Their sizes differ.
        """
        sizes = {value.units for value in values}
        if len(sizes) > 1:
            raise self.problem(name, f"adds signals of {', '.join(map(str, sorted(sizes)))} units")
        nodes = [self._as_one(value).node for value in values]
        return self._add(name, lambda node: Add(node, tuple(nodes)), values[0].units)

    def bmru(
        self,
        value: Value,
        alpha: ArrayLike,
        beta_lo: ArrayLike,
        beta_hi: ArrayLike,
        initial_state: ArrayLike | None = None,
        name: str = "bmru",
    ) -> Value:
        """Add a layer of FQ BMRU cells; all arrays are (units,). A signed input is rectified."""
        learned = {"alpha": alpha, "beta_lo": beta_lo, "beta_hi": beta_hi}
        return self.cell("bmru", value, learned, initial_state, name)

    def cell(
        self,
        op: str,
        value: Value,
        parameters: Mapping[str, ArrayLike],
        initial_state: ArrayLike | None = None,
        name: str = "",
    ) -> Value:
        """Add a layer of cells of any installed operation. A signed input is rectified.

        Parameters
        ----------
        parameters
            By the keys of the model format, (units,) or (units, rungs) each.
        initial_state
            How many rungs of each unit are high before the first frame.

        Raises
        ------
        ModelError
            An array does not hold one row a unit.
        """
        name = name or op
        if isinstance(self._nodes.get(value.node), Linear | Add) or value.node == INPUT:
            value = self.relu(value, f"{name}.candidate")
        arrays = {key: self._numbers(name, key, array) for key, array in parameters.items()}
        for key, array in arrays.items():
            if array.shape[:1] != (value.units,):
                shape = " × ".join(map(str, array.shape)) or "one number"
                raise self.problem(name, f"{key} is {shape}; its candidate has {value.units} units")
        high = np.zeros(value.units) if initial_state is None else np.asarray(initial_state)
        kind = cell_class(op)
        make: Callable[..., Cell] = kind
        rungs = arrays[kind.level_key].shape[-1] if kind.laddered else 1
        first = first_states(high.astype(np.intp), rungs)
        return self._add(
            name, lambda node: make(node, value.node, initial_state=first, **arrays), value.units
        )

    def finish(self, value: Value, meta: Mapping[str, Json] | None = None) -> Model:
        """Return the model whose readout is ``value``, without nodes that it does not depend on.

        Raises
        ------
        ModelError
            The model violates the format; every violation with its path.
        """
        settings, value = self.settings, self._as_one(value)
        classes = settings.classes or tuple(f"class{unit}" for unit in range(value.units))
        read = {value.node}
        for node in reversed(self._nodes.values()):
            read.update(sources(node) if node.name in read else ())
        renamed = {a: node for a, node in self._names.items() if a != node and node in read}
        model = Model(
            settings.name,
            settings.unit_current,
            settings.frame_period,
            self.channels * (2 if settings.signed else 1),
            settings.input_max,
            tuple(node for node in self._nodes.values() if node.name in read),
            Readout(value.node, settings.rule, *settings.frames),
            classes,
            {
                "source": self.source,
                "signed_inputs": "two rectified channels each" if settings.signed else "none",
                **({"names": renamed} if renamed else {}),
                **(meta or {}),
            },
        )
        return from_dict(to_dict(model), self.source)

    def problem(self, name: str, text: str) -> ModelError:
        """Return an error about one operation of the source."""
        return ModelError(self.source, [f"{name}: {text}"])

    def _numbers(self, name: str, key: str, values: ArrayLike) -> graph.Floats:
        """Return an array as float64; text and complex numbers are refused."""
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            raise self.problem(name, f"{key} is {array.dtype}; wanted real numbers")
        return array.astype(np.float64)

    def _as_one(self, value: Value) -> Value:
        """Return the signed input as one signal where an operation is not linear in it."""
        if value.node != INPUT or not self.settings.signed:
            return value
        if self._split is None:
            self._split = self.linear(value, np.eye(value.units), None, "input")
        return self._split

    def _add(self, name: str, make: Callable[[str], Node], units: int) -> Value:
        node = self._legal(name)
        self._nodes[node] = make(node)
        return Value(node, units)

    def _legal(self, name: str) -> str:
        """Return a node name of the format for a name of the source, each only once."""
        base = _ILLEGAL.sub("_", name).strip("._")[: _LONGEST_NAME - 6] or "node"
        if base == INPUT:
            base = f"{INPUT}_"
        legal, count = base, 1
        while legal in self._nodes:
            count += 1
            legal = f"{base}_{count}"
        self._names[name if name not in self._names else f"{name}#{count}"] = legal
        return legal


def signed_channels(x: ArrayLike) -> graph.Floats:
    """Return inputs of either sign as what a model with signed inputs takes.

    Parameters
    ----------
    x
        (…, channels).

    Returns
    -------
    NDArray
        max(x, 0) of all channels, then max(−x, 0) of all channels, (…, 2 · channels).
    """
    values = np.asarray(x, dtype=np.float64)
    return np.concatenate([np.maximum(values, 0.0), np.maximum(-values, 0.0)], axis=-1)
