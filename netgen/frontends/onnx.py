"""ONNX graphs of linear and rectified layers, such as a multilayer perceptron.

Operators: https://onnx.ai/onnx/operators (Gemm, MatMul, Add, Relu, Identity, Flatten, Dropout,
Reshape that flattens, Constant, and a softmax at the end, which decides nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netgen.arrays import Array
from netgen.errors import ModelError, ToolMissingError
from netgen.extras import install
from netgen.frontends.builder import ModelBuilder, Settings, Value
from netgen.frontends.port import FrontEnd
from netgen.frontends.refuse import reason
from netgen.model import Model


def read(path: Path, settings: Settings) -> Model:
    """Read an ONNX file.

    Raises
    ------
    ModelError
        The file cannot be read, keeps its weights in other files, or holds an operator that the
        circuit has no block for; names it.
    ToolMissingError
        The package ``onnx`` is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        hint = f"install it with: {install('onnx')}"
        raise ToolMissingError(f"onnx cannot be loaded ({error}); {hint}") from None
    source = str(path)
    try:
        proto = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise ModelError(source, [f"cannot be read: {error.strerror}"]) from None
    except Exception:  # protobuf's own errors have no common base in its public interface
        raise ModelError(source, ["is not an ONNX file"]) from None
    if not proto.graph.node:
        raise ModelError(source, ["holds no operator; is it an ONNX file?"])
    outside = [t.name for t in proto.graph.initializer if t.data_location == t.EXTERNAL]
    if outside:
        problem = f"{outside[0]}: its values lie in another file; save the model as one file"
        raise ModelError(source, [problem])
    return _Graph(source, proto.graph, settings, onnx).model()


class _Named(Protocol):
    """A tensor, an input or an output of a graph."""

    name: str


class _Operator(_Named, Protocol):
    """A node of a graph; inputs and outputs are names."""

    op_type: str
    input: Sequence[str]
    output: Sequence[str]
    attribute: Sequence[_Named]


class _OperatorGraph(Protocol):
    node: Sequence[_Operator]
    input: Sequence[_Named]
    output: Sequence[_Named]
    initializer: Sequence[_Named]


@dataclass
class _Graph:
    """Walks the operators in their order, which ONNX guarantees to be topological."""

    source: str
    graph: _OperatorGraph
    settings: Settings
    onnx: ModuleType
    constants: dict[str, Array] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)

    def model(self) -> Model:
        self.constants = {t.name: self._array(t, t.name) for t in self.graph.initializer}
        inputs = [i.name for i in self.graph.input if i.name not in self.constants]
        if len(inputs) != 1 or len(self.graph.output) != 1:
            count = f"has {len(inputs)} inputs and {len(self.graph.output)} outputs; needs one each"
            hint = "cut the graph at the logits: onnx.utils.extract_model, skl2onnx's final_types"
            raise ModelError(self.source, [f"{count}; {hint}"])
        self.builder = ModelBuilder(self.source, self._channels(inputs[0]), self.settings)
        self.values[inputs[0]] = self.builder.input
        for node in self.graph.node:
            self._take(node)
        result = self.values.get(self.graph.output[0].name)
        if result is None:
            raise ModelError(self.source, ["the output does not depend on the input"])
        return self.builder.finish(result, {"producer": "onnx"})

    def _channels(self, name: str) -> int:
        """Return how many inputs the first matrix that reads the input has."""
        reached = {name}
        for node in self.graph.node:
            if not reached & set(node.input):
                continue
            for at, other in enumerate(node.input):
                if other in self.constants and self.constants[other].ndim == 2:
                    transposed = node.op_type == "Gemm" and self._attributes(node).get("transB", 0)
                    by_row = (at == 0) != bool(transposed)
                    return int(self.constants[other].shape[1 if by_row else 0])
            reached.update(node.output)
        raise ModelError(self.source, ["no matrix reads the input, so its size is not known"])

    def _attributes(self, node: _Operator) -> dict[str, object]:
        get = self.onnx.helper.get_attribute_value
        return {attribute.name: get(attribute) for attribute in node.attribute}

    def _take(self, node: _Operator) -> None:
        name = node.name or node.output[0]
        if node.op_type == "Constant":
            value = self._attributes(node).get("value")
            if value is None:
                raise self.builder.problem(name, "is a constant without a tensor")
            self.constants[node.output[0]] = self._array(value, name)
            return
        known = {
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            "Add": self._sum,
            "Relu": lambda node, name: self.builder.relu(self._signal(node, 0, name), name),
            **dict.fromkeys(("Identity", "Dropout", "Flatten", "Reshape"), self._same),
            **dict.fromkeys(("Softmax", "LogSoftmax"), self._softmax),
        }
        make: Callable[[_Operator, str], Value] | None = known.get(node.op_type)
        if make is None:
            raise self.builder.problem(name, f"{node.op_type}: {reason(node.op_type)}")
        self.values[node.output[0]] = make(node, name)

    def _signal(self, node: _Operator, at: int, name: str) -> Value:
        value = self.values.get(node.input[at])
        if value is None:
            raise self.builder.problem(name, f"its input {node.input[at]} is no signal")
        return value

    def _array(self, tensor: object, name: str) -> Array:
        try:
            array: Array = self.onnx.numpy_helper.to_array(tensor)
        except (KeyError, TypeError, ValueError):  # as onnx meets what it cannot decode
            raise self._damaged(name, "its values cannot be read") from None
        return array

    def _damaged(self, name: str, problem: str) -> ModelError:
        return ModelError(self.source, [f"{name}: {problem}; onnx.checker tells what is damaged"])

    def _scale(self, options: Mapping[str, object], key: str, name: str) -> float:
        value = options.get(key, 1.0)
        if not isinstance(value, int | float):
            raise self._damaged(name, f"{key} is no number")
        return value

    def _gemm(self, node: _Operator, name: str) -> Value:
        options = self._attributes(node)
        if options.get("transA", 0):
            raise self.builder.problem(name, "transposes its input, which mixes samples")
        weight = self._constant(node, 1, name) * self._scale(options, "alpha", name)
        bias = None
        if len(node.input) > 2 and node.input[2]:
            bias = self._constant(node, 2, name) * self._scale(options, "beta", name)
        matrix = weight if options.get("transB", 0) else weight.T
        if bias is not None and bias.size == 1:
            bias = np.broadcast_to(bias.ravel(), (len(matrix),))
        elif bias is not None and bias.shape[:-1] == (1,):
            bias = bias[0]
        return self.builder.linear(self._signal(node, 0, name), matrix, bias, name)

    def _matmul(self, node: _Operator, name: str) -> Value:
        if node.input[1] not in self.constants:
            raise self.builder.problem(name, f"MatMul of two signals: {reason('Mul')}")
        weight = self._constant(node, 1, name)
        return self.builder.linear(self._signal(node, 0, name), weight.T, None, name)

    def _sum(self, node: _Operator, name: str) -> Value:
        constant = [at for at, each in enumerate(node.input) if each in self.constants]
        if not constant:
            return self.builder.add([self._signal(node, at, name) for at in (0, 1)], name)
        bias = self._constant(node, constant[0], name)
        return self.builder.offset(self._signal(node, 1 - constant[0], name), bias, name)

    def _constant(self, node: _Operator, at: int, name: str) -> NDArray[np.float64]:
        constant = self.constants.get(node.input[at])
        if constant is None:
            raise self.builder.problem(name, f"its input {node.input[at]} is not a constant")
        if constant.dtype.kind not in "fiub":
            raise self.builder.problem(
                name, f"{node.input[at]} is {constant.dtype}; wanted numbers"
            )
        return np.asarray(constant, dtype=np.float64)

    def _same(self, node: _Operator, name: str) -> Value:
        return self._signal(node, 0, name)

    def _softmax(self, node: _Operator, name: str) -> Value:
        over_classes = self._attributes(node).get("axis", -1) not in (0, -2)
        if node.output[0] != self.graph.output[0].name or not over_classes:
            raise self.builder.problem(name, f"{node.op_type}: {reason(node.op_type)}")
        return self._signal(node, 0, name)


FRONT_END = FrontEnd((".onnx",), read)
