"""PyTorch modules of linear, rectified, residual and FQ BMRU layers.

The module is traced symbolically (``torch.fx``), so ``Sequential`` and a plain ``forward`` both
work. Weights are copied; nothing is run on data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeGuard, runtime_checkable

from netgen.arrays import Floats
from netgen.errors import ModelError
from netgen.frontends.builder import ModelBuilder, Settings, Value
from netgen.frontends.refuse import reason
from netgen.model import Model
from netgen.training.needs import need


class TorchModule(Protocol):
    """What is taken of a ``torch.nn.Module``."""

    def get_submodule(self, target: str) -> object:
        """Return the module of a dotted name."""


class _Tensor(Protocol):
    shape: Sequence[int]

    def detach(self) -> _Tensor: ...

    def double(self) -> _Tensor: ...

    def cpu(self) -> _Tensor: ...

    def numpy(self) -> Floats: ...


@runtime_checkable
class _LinearModule(Protocol):
    in_features: int
    weight: _Tensor
    bias: _Tensor | None


class _CellModule(Protocol):
    op: str

    def learned(self) -> Mapping[str, _Tensor]: ...


class _Operation(Protocol):
    """A node of a traced graph; arguments are other nodes or constants."""

    op: str
    name: str
    target: object
    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    users: Iterable[_Operation]


class _TracedGraph(Protocol):
    nodes: Iterable[_Operation]


SAME = ("Identity", "Dropout", "Flatten")
_SAME_METHODS = ("flatten", "contiguous", "clone", "view", "reshape", "float", "double")


def from_torch(module: TorchModule, settings: Settings) -> Model:
    """Return the model of a PyTorch module.

    Parameters
    ----------
    module
        A ``torch.nn.Module`` that maps (…, channels) to (…, classes); it is not changed.

    Raises
    ------
    ModelError
        It holds an operation that the circuit has no block for; names it.
    ToolMissingError
        PyTorch is not installed.
    """
    fx = need("torch.fx")
    kind = type(module).__name__
    source = f"PyTorch {kind}"

    class Signal(fx.Proxy):  # type: ignore[misc,name-defined]  # as below
        def __iadd__(self, other: object) -> object:  # traced as a sum otherwise
            return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})

    class Tracer(fx.Tracer):  # type: ignore[misc,name-defined]  # PyTorch is loaded late
        def is_leaf_module(self, inner: object, name: str) -> bool:
            return _is_cell(inner) or bool(super().is_leaf_module(inner, name))

        def proxy(self, node: object) -> Signal:
            return Signal(node, self)

    try:
        graph = Tracer().trace(module)
    except Exception as error:  # whatever the module's own forward raises while it is traced
        problem = f"cannot be traced ({error}); its forward must not depend on values"
        raise ModelError(source, [" ".join(problem.split())]) from None
    return _Walk(source, module, graph, settings).model()


@dataclass
class _Walk:
    source: str
    module: TorchModule
    graph: _TracedGraph
    settings: Settings
    values: dict[_Operation, Value] = field(default_factory=dict)
    framed: bool = False  #: Whether signals have frames: there are cells.

    def model(self) -> Model:
        inputs = [node for node in self.graph.nodes if node.op == "placeholder"]
        if len(inputs) != 1:
            raise ModelError(self.source, [f"takes {len(inputs)} inputs; one is needed"])
        self.builder = ModelBuilder(self.source, self._channels(), self.settings)
        self.values[inputs[0]] = self.builder.input
        for node in self.graph.nodes:
            if node.op == "output":
                return self.builder.finish(self._value(node.args[0], "output"))
            if node.op != "placeholder":
                self._take(node)
        raise ModelError(self.source, ["returns nothing"])

    def _channels(self) -> int:
        """Return the inputs of the first linear layer."""
        for node in self.graph.nodes:
            if node.op == "call_module":
                inner = self.module.get_submodule(str(node.target))
                if isinstance(inner, _LinearModule):
                    return inner.in_features
            elif node.op == "call_function" and _name(node.target) == "linear":
                return int(self._tensor(_argument(node, 1, "weight")).shape[1])
        raise ModelError(self.source, ["has no linear layer, so its inputs are not known"])

    def _take(self, node: _Operation) -> None:
        if node.op == "get_attr":
            return  # a parameter; read where it is used
        inner: object = None
        if node.op == "call_module":
            inner = self.module.get_submodule(str(node.target))
        changes = getattr(inner, "inplace", False) or _argument(node, 1, "inplace") is True
        if changes or node.target is operator.iadd:
            self._refuse_shared(node)
        if node.op == "call_module":
            self.values[node] = self._module(inner, node, str(node.target))
        elif node.op == "call_method":
            if node.target in _SAME_METHODS:
                self.values[node] = self._value(_first(node), node.name)
            else:
                self.values[node] = self._function(str(node.target), node)
        else:
            added = node.target in (operator.add, operator.iadd)
            self.values[node] = self._function("add" if added else _name(node.target), node)

    def _module(self, inner: object, node: _Operation, name: str) -> Value:
        kind = type(inner).__name__
        value = self._value(_first(node), name)
        if _is_cell(inner):
            self.framed = True
            learned = {key: _array(tensor) for key, tensor in inner.learned().items()}
            return self.builder.cell(inner.op, value, learned, name=name)
        if isinstance(inner, _LinearModule):
            bias = None if inner.bias is None else _array(inner.bias)
            return self.builder.linear(value, _array(inner.weight), bias, name)
        known: dict[str, Callable[[], Value]] = {
            "ReLU": lambda: self.builder.relu(value, name),
            **dict.fromkeys(SAME, lambda: value),
        }
        if kind in ("Softmax", "LogSoftmax") and self._is_last(node, getattr(inner, "dim", None)):
            return value
        if kind not in known:
            raise self.builder.problem(name, f"{kind}: {reason(kind)}")
        return known[kind]()

    def _function(self, kind: str, node: _Operation) -> Value:
        first = _first(node)
        if kind == "linear":
            weight = self._tensor(_argument(node, 1, "weight"))
            given = _argument(node, 2, "bias")
            bias = None if given is None else _array(self._tensor(given))
            value = self._value(first, node.name)
            return self.builder.linear(value, _array(weight), bias, node.name)
        if kind == "relu":
            return self.builder.relu(self._value(first, node.name), node.name)
        if kind == "add" and not node.kwargs:
            return self._sum(node)
        if kind == "dropout" and _argument(node, 2, "training") is not False:
            problem = "drops at random in any mode; write training=self.training"
            raise self.builder.problem(node.name, f"dropout: {problem}")
        if kind in ("flatten", "dropout"):
            return self._value(first, node.name)
        dim = _argument(node, 1, "dim")
        if kind in ("softmax", "log_softmax") and self._is_last(node, dim):
            return self._value(first, node.name)
        raise self.builder.problem(node.name, f"{kind}: {reason(kind.replace('_', ''))}")

    def _sum(self, node: _Operation) -> Value:
        signals = [arg for arg in node.args if arg in self.values]
        if len(signals) == len(node.args):
            return self.builder.add([self.values[each] for each in signals], node.name)
        constants = [arg for arg in node.args if arg not in self.values]
        if len(constants) != 1:
            raise self.builder.problem(node.name, "adds constants alone; add them to a signal")
        (constant,) = constants
        if isinstance(constant, int | float):
            return self.builder.offset(self.values[signals[0]], constant, node.name)
        bias = _array(self._tensor(constant))
        return self.builder.offset(self.values[signals[0]], bias, node.name)

    def _value(self, node: object, name: str) -> Value:
        if node not in self.values:
            raise self.builder.problem(name, "reads something that is no signal of the network")
        return self.values[node]

    def _tensor(self, node: object) -> _Tensor:
        if getattr(node, "op", "") != "get_attr":
            raise ModelError(self.source, [f"{node}: is not a parameter of the module"])
        place, _, name = str(getattr(node, "target", "")).rpartition(".")
        tensor: _Tensor = getattr(self.module.get_submodule(place), name)
        return tensor

    def _is_last(self, node: _Operation, dim: object) -> bool:
        """Tell whether a softmax is the output's and over classes, so that it decides nothing."""
        over = dim in (-1, 2) if self.framed else dim not in (0, -2)
        return over and all(user.op == "output" for user in node.users)

    def _refuse_shared(self, node: _Operation) -> None:
        """Refuse an operation that changes a signal in place which others read afterwards."""
        changed = self._value(_first(node), node.name)
        same = (each for each, value in self.values.items() if value == changed)
        readers = (user for each in same for user in each.users)
        if any(user is not node and user not in self.values for user in readers):
            problem = "changes in place what is read again later; leave out inplace=True, or +="
            raise self.builder.problem(node.name, problem)


def _argument(node: _Operation, place: int, name: str) -> object:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name)


def _first(node: _Operation) -> object:
    return _argument(node, 0, "input")


def _array(tensor: _Tensor) -> Floats:
    return tensor.detach().double().cpu().numpy()


def _name(function: object) -> str:
    return str(getattr(function, "__name__", function))


def _is_cell(module: object) -> TypeGuard[_CellModule]:
    """Tell whether a module is a layer of cells: it names its operation and its parameters."""
    return isinstance(getattr(module, "op", None), str) and hasattr(module, "learned")
