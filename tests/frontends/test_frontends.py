"""Front ends: a network of another tool computes the same as a model."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx_files import node, onnx_file

from netgen.commands import main
from netgen.document import value_at
from netgen.errors import ModelError, SamplesError, UsageError
from netgen.frontends import (
    ModelBuilder,
    Settings,
    from_torch,
    front_ends,
    read_model,
    rescale,
    signed_channels,
)
from netgen.model import Model, evaluate, load_model, load_samples


def logits(model: Model, x: Any) -> Any:
    """The readout of a model over inputs (samples, channels), one frame each."""
    return evaluate(model, np.asarray(x, dtype=np.float64)[:, np.newaxis])[model.readout.node][:, 0]


def layers(sizes: list[int], seed: int = 0) -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(out, into)), rng.normal(size=out)) for into, out in pairwise(sizes)]


def perceptron(arrays: list[tuple[Any, Any]], x: Any) -> Any:
    for weight, bias in arrays[:-1]:
        x = np.maximum(x @ weight.T + bias, 0)
    return x @ arrays[-1][0].T + arrays[-1][1]


def built(arrays: list[tuple[Any, Any]], settings: Settings) -> Model:
    builder = ModelBuilder("arrays", arrays[0][0].shape[1], settings)
    value = builder.input
    for at, (weight, bias) in enumerate(arrays):
        value = builder.linear(value, weight, bias)
        value = builder.relu(value) if at < len(arrays) - 1 else value
    return builder.finish(value)


@given(st.integers(0, 10_000), st.booleans())
def test_a_perceptron_of_arrays_computes_the_same(seed: int, signed: bool) -> None:
    arrays = layers([3, 5, 2], seed)
    x = np.random.default_rng(seed).uniform(-1 if signed else 0, 1, (7, 3))
    model = built(arrays, Settings("m", signed=signed))
    given_x = signed_channels(x) if signed else x
    np.testing.assert_allclose(
        logits(model, given_x), perceptron(arrays, x), rtol=1e-12, atol=1e-12
    )
    assert given_x.min() >= 0


@given(st.integers(0, 10_000), st.floats(0.01, 50))
def test_rescaling_changes_no_decision(seed: int, size: float) -> None:
    arrays = [(w * size, b * size) for w, b in layers([3, 6, 4, 3], seed)]
    x = np.random.default_rng(seed).uniform(0, 1, (9, 3))
    model = built(arrays, Settings("m"))
    scaled, factor = rescale(model, x[:, np.newaxis])
    np.testing.assert_allclose(logits(scaled, x), factor * logits(model, x), rtol=1e-9, atol=1e-9)
    values = evaluate(scaled, x[:, np.newaxis])
    for each in scaled.nodes:
        assert np.abs(values[each.name]).max() <= 3.8 * (1 + 1e-9), each.name


def test_rescaling_takes_the_thresholds_of_a_cell_along() -> None:
    builder = ModelBuilder("arrays", 1, Settings("m", frames=(0, 4)))
    candidate = builder.linear(builder.input, [[0.1]], [0.0])
    state = builder.bmru(candidate, [0.5], [0.02], [0.06])
    model = builder.finish(builder.linear(state, [[1.0], [-1.0]]))
    x = np.array([[[0.0], [0.9], [0.4], [0.1]]])
    scaled, _ = rescale(model, x)
    before, after = (evaluate(each, x)[each.readout.node] for each in (model, scaled))
    np.testing.assert_array_equal(before, after)
    assert scaled.cells[0].rising[0] > 0.5 > model.cells[0].rising[0]


def test_rescaling_of_a_low_candidate_keeps_its_threshold_drawable() -> None:
    builder = ModelBuilder("arrays", 1, Settings("m", frames=(0, 2)))
    candidate = builder.linear(builder.input, [[0.06], [0.5]])
    state = builder.bmru(candidate, [1, 1], [0.3, 0.3], [0.8, 0.8])
    model = builder.finish(builder.linear(state, np.eye(2)))
    scaled, _ = rescale(model, np.array([[[0.9], [0.1]]]))
    np.testing.assert_allclose(scaled.cells[0].rising, 1.0)
    with pytest.raises(SamplesError, match="negative"):
        rescale(model, np.full((1, 2, 1), -1.0))


def test_a_signed_input_may_meet_operations_that_are_not_linear() -> None:
    builder = ModelBuilder("arrays", 2, Settings("m", signed=True))
    value = builder.add([builder.relu(builder.input), builder.input])
    model = builder.finish(value)
    x = np.array([[1.0, -0.5], [-1.0, 0.25]])
    np.testing.assert_allclose(logits(model, signed_channels(x)), np.maximum(x, 0) + x)


def test_a_constant_joins_the_bias_unless_others_read_the_sum() -> None:
    builder = ModelBuilder("arrays", 2, Settings("m"))
    first = builder.offset(builder.linear(builder.input, np.eye(2)), [1.0, 2.0])
    model = builder.finish(first)
    assert [type(node).__name__ for node in model.nodes] == ["Linear"]
    np.testing.assert_array_equal(logits(model, [[0.0, 0.0]]), [[1.0, 2.0]])
    builder = ModelBuilder("arrays", 2, Settings("m"))
    first = builder.linear(builder.input, np.eye(2))
    other = builder.relu(first)
    model = builder.finish(builder.add([other, builder.offset(first, 1.0)]))
    np.testing.assert_array_equal(logits(model, [[0.5, 0.0]]), [[2.0, 1.0]])


def test_a_constant_leaves_the_signal_as_it_is_for_those_that_read_it_later() -> None:
    builder = ModelBuilder("arrays", 2, Settings("m"))
    first = builder.linear(builder.input, np.eye(2))
    raised = builder.offset(first, [1.0, 2.0])
    model = builder.finish(builder.add([raised, builder.relu(first)]))
    np.testing.assert_array_equal(logits(model, [[0.5, 0.25]]), [[2.0, 2.5]])


def test_nodes_that_the_readout_does_not_depend_on_are_left_out() -> None:
    builder = ModelBuilder("arrays", 2, Settings("m"))
    first = builder.linear(builder.input, np.eye(2), name="first")
    builder.relu(builder.linear(first, np.ones((3, 2)), name="un read"))
    model = builder.finish(builder.linear(first, np.eye(2), name="last"))
    assert [node.name for node in model.nodes] == ["first", "last"]
    assert "names" not in model.meta


def test_names_are_made_legal_and_unique() -> None:
    builder = ModelBuilder("arrays", 1, Settings("m"))
    first = builder.linear(builder.input, [[1.0]], name="/a b/Gemm")
    second = builder.linear(first, [[1.0]], name="/a?b/Gemm")
    third = builder.linear(second, [[1.0]], name="x")
    model = builder.finish(third)
    assert [node.name for node in model.nodes] == ["a_b_Gemm", "a_b_Gemm_2", "x_"]
    assert value_at(model.meta, "names", "/a b/Gemm") == "a_b_Gemm"


def test_shapes_that_do_not_fit_are_named() -> None:
    builder = ModelBuilder("weights", 3, Settings("m"))
    with pytest.raises(ModelError, match=r"weights: fc: weight is 2 × 4; its input has 3 units"):
        builder.linear(builder.input, np.ones((2, 4)), name="fc")
    with pytest.raises(ModelError, match="2 rows"):
        builder.linear(builder.input, np.ones((2, 3)), np.ones(3))
    two = builder.linear(builder.input, np.ones((2, 3)))
    with pytest.raises(ModelError, match="adds signals of 2, 3 units"):
        builder.add([two, builder.input])
    with pytest.raises(ModelError, match="weight is complex128; wanted real numbers"):
        builder.linear(two, 1j * np.ones((1, 2)))
    with pytest.raises(ModelError, match="alpha is one number; its candidate has 2 units"):
        builder.bmru(two, 1.0, [0.1, 0.1], [0.2, 0.2])


# ONNX


def gemm_matmul(path: Path) -> tuple[Path, list[tuple[Any, Any]]]:
    arrays = layers([3, 4, 2])
    (w1, b1), (w2, b2) = arrays
    operators = [
        node("Flatten", ["in"], "flat"),
        node("Gemm", ["flat", "w1", "b1"], "s1", transB=1),
        node("Relu", ["s1"], "h1"),
        node("MatMul", ["h1", "w2"], "s2"),
        node("Add", ["b2", "s2"], "logits"),
        node("Softmax", ["logits"], "out"),
    ]
    return onnx_file(path, operators, {"w1": w1, "b1": b1, "w2": w2.T, "b2": b2}), arrays


def test_an_onnx_perceptron_computes_the_same(tmp_path: Path) -> None:
    path, arrays = gemm_matmul(tmp_path / "net.onnx")
    model = read_model(path, Settings("net", classes=("a", "b")))
    x = np.random.default_rng(1).uniform(0, 1, (5, 3))
    np.testing.assert_allclose(logits(model, x), perceptron(arrays, x), rtol=1e-5)
    assert model.classes == ("a", "b")


@pytest.mark.parametrize(
    ("kind", "why"),
    [("Tanh", "train with ReLU"), ("GRU", "two states a unit"), ("Erf", "linear, ReLU, residual")],
)
def test_an_onnx_operator_without_a_circuit_is_refused_with_the_reason(
    tmp_path: Path, kind: str, why: str
) -> None:
    operators = [node("Gemm", ["in", "w"], "s"), node(kind, ["s"], "out")]
    path = onnx_file(tmp_path / "net.onnx", operators, {"w": np.ones((3, 2))})
    with pytest.raises(ModelError, match=f"/out/{kind}: {kind}: .*{why}"):
        read_model(path, Settings("net"))


def test_onnx_products_and_wrong_files_are_refused(tmp_path: Path) -> None:
    operators = [node("MatMul", ["in", "w"], "s"), node("MatMul", ["s", "s"], "out")]
    path = onnx_file(tmp_path / "net.onnx", operators, {"w": np.ones((3, 3))})
    with pytest.raises(ModelError, match="never by another signal"):
        read_model(path, Settings("net"))
    (tmp_path / "text.onnx").write_text("not onnx")
    with pytest.raises(ModelError, match="ONNX file"):
        read_model(tmp_path / "text.onnx", Settings("net"))
    with pytest.raises(ModelError, match="cannot be read"):
        read_model(tmp_path / "absent.onnx", Settings("net"))


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda graph, onnx: graph.initializer[0].__setattr__("raw_data", b"abc"), "w: its values"),
        (lambda graph, onnx: graph.initializer[0].__setattr__("data_type", 99), "w: its values"),
        (
            lambda graph, onnx: graph.initializer[0].CopyFrom(
                onnx.helper.make_tensor("w", onnx.TensorProto.STRING, [2, 3], [b"a"] * 6)
            ),
            "w is",
        ),
        (
            lambda graph, onnx: graph.node[0].attribute.append(
                onnx.helper.make_attribute("alpha", "x")
            ),
            "alpha is no number",
        ),
        (
            lambda graph, onnx: graph.initializer[1].CopyFrom(
                onnx.numpy_helper.from_array(np.ones((2, 1), np.float32), "b")
            ),
            r"bias has shape \(2, 1\)",
        ),
    ],
)
def test_a_damaged_onnx_file_is_refused_by_the_name_of_what_is_damaged(
    tmp_path: Path, spoil: Any, problem: str
) -> None:
    onnx = pytest.importorskip("onnx")
    constants = {"w": np.ones((2, 3)), "b": np.ones(2)}
    path = onnx_file(
        tmp_path / "m.onnx", [node("Gemm", ["in", "w", "b"], "out", transB=1)], constants
    )
    proto = onnx.load(path)
    spoil(proto.graph, onnx)
    onnx.save(proto, path)
    with pytest.raises(ModelError, match=problem):
        read_model(path, Settings("m"))


def test_a_pickled_file_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"")
    with pytest.raises(UsageError, match="can run code"):
        read_model(tmp_path / "net.pt", Settings("net"))
    with pytest.raises(UsageError, match=r"known: \.onnx"):
        read_model(tmp_path / "net.h5", Settings("net"))
    assert "onnx" in dict(front_ends())


def test_import_writes_model_and_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, arrays = gemm_matmul(tmp_path / "net.onnx")
    x = np.random.default_rng(1).uniform(-1, 1, (5, 3)).astype(np.float32)
    np.savez(tmp_path / "in.npz", x=x, y=np.arange(5) % 2)
    out = tmp_path / "model.json"
    options = ["--signed", "--samples", str(tmp_path / "in.npz"), "--frame-period", "5"]
    with pytest.raises(SystemExit) as status:
        main(["import", str(path), "-o", str(out), *options])
    assert status.value.code == 0, capsys.readouterr().err
    model = load_model(out)
    samples = load_samples(tmp_path / "model-samples.npz", model)
    assert model.frame_period == 0.005
    assert model.input_size == 6
    factor = logits(model, samples.x[:, 0]) / perceptron(arrays, x.astype(np.float64))
    np.testing.assert_allclose(factor, factor.flat[0], rtol=1e-4)
    before = json.loads(out.read_text())
    with pytest.raises(SystemExit) as status:
        main(["import", str(path), "-o", str(out)])
    assert status.value.code == 2
    assert json.loads(out.read_text()) == before


def test_import_decides_by_all_frames_and_says_how_inputs_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = gemm_matmul(tmp_path / "net.onnx")

    def run(x: Any, name: str, status: int) -> str:
        np.savez(tmp_path / "in.npz", x=x)
        with pytest.raises(SystemExit) as end:
            main(["import", str(path), "-o", str(tmp_path / name),
                  "--samples", str(tmp_path / "in.npz")])  # fmt: skip
        assert end.value.code == status
        return capsys.readouterr().err

    x = np.random.default_rng(1).uniform(0, 1, (2, 7, 3))
    run(x, "frames.json", 0)
    readout = load_model(tmp_path / "frames.json").readout
    assert (readout.start, readout.stop) == (0, 7)
    assert "sample 0, channel 2: -0.5 is negative; --signed" in run([[1, 1, -0.5]], "a.json", 3)
    assert "4, is above --input-max 1" in run([[1, 1, 4.0]], "b.json", 3)
    assert "inf is not finite" in run([[1, 1, np.inf]], "c.json", 3)
    assert "x: is complex128 of 1 × 3" in run([[1j, 1, 1]], "d.json", 3)
    assert "x: is <U1 of 1 × 3" in run([["a", "b", "c"]], "e.json", 3)
    assert "in.npz: x: is float64 of 2 × 0 × 3" in run(np.ones((2, 0, 3)), "f.json", 3)


# PyTorch


@pytest.mark.parametrize("rungs", [1, 2, 3])
def test_torch_modules_compute_the_same(rungs: int) -> None:
    torch = pytest.importorskip("torch")
    from netgen.training.layers import FqBmru, FqLadder

    class Residual(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.proj = torch.nn.Linear(3, 4)
            self.candidate = torch.nn.Linear(4, 4, bias=False)
            self.cells = FqBmru(4) if rungs == 1 else FqLadder(4, rungs)
            self.post = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
            self.out = torch.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            signed = self.proj(x)
            state = self.cells(torch.relu(self.candidate(torch.nn.functional.relu(signed))))
            return self.out(signed + self.post(state)).log_softmax(-1)

    torch.manual_seed(2)
    module = Residual().double().eval()
    with torch.no_grad():
        module.candidate.weight.mul_(10)
        steps = torch.linspace(0.2, 0.4, 3, dtype=torch.float64)[:rungs]
        module.cells.beta_hi.copy_(steps[0] if rungs == 1 else steps)
        module.cells.width.fill_(0.1)
    x = torch.rand(6, 12, 3, dtype=torch.float64)
    model = from_torch(module, Settings("net", frames=(4, 12), rule="majority_vote"))
    values = evaluate(model, x.numpy())
    levels = len(np.unique(values["cells"].round(9)))
    assert levels >= rungs + 1, "the cells must take all their levels"
    expected = module(x).detach().numpy()
    found = values[model.readout.node]
    found = found - np.log(np.exp(found).sum(-1, keepdims=True))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_torch_sequential_dropout_and_flatten() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Dropout(), nn.Linear(3, 2))
    module.eval()
    x = torch.rand(5, 2, 2)
    model = from_torch(module, Settings("net"))
    found = logits(model, x.flatten(1).numpy())
    np.testing.assert_allclose(found, module(x).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_torch_refusals_say_why() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    with pytest.raises(ModelError, match=r"1: Tanh: .*train with ReLU"):
        from_torch(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), Settings("net"))
    with pytest.raises(ModelError, match="fold the normalisation"):
        from_torch(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), Settings("net"))
    with pytest.raises(ModelError, match="no linear layer"):
        from_torch(nn.Sequential(nn.ReLU()), Settings("net"))
    with pytest.raises(ModelError, match="only where it is the network's output, over classes"):
        from_torch(nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=0)), Settings("net"))
    cells = importlib.import_module("netgen.training.layers").FqBmru(2)
    with pytest.raises(ModelError, match="only where it is the network's output, over classes"):
        from_torch(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), cells, nn.Linear(2, 2),
                                 nn.LogSoftmax(dim=1)), Settings("net"))  # fmt: skip
    drop = nn.functional.dropout
    for forward in (lambda net, h: drop(h), lambda net, h: drop(h, 0.5, True)):
        module, _ = _traced(forward)
        with pytest.raises(ModelError, match=r"drops at random.*training=self\.training"):
            from_torch(module, Settings("net"))


def test_torch_functions_of_keywords_alone() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional

    class Net(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.rand(2, 3, dtype=torch.float64))

        def forward(self, x: Any) -> Any:
            dropped = functional.dropout(x, training=self.training)
            return functional.linear(input=dropped, weight=self.weight)

    module, x = Net().eval(), torch.rand(4, 3, dtype=torch.float64)
    found = logits(from_torch(module, Settings("net")), x.numpy())
    np.testing.assert_allclose(found, module(x).detach().numpy(), rtol=1e-9)


def _traced(forward: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """Return a PyTorch module of three layers whose middle is given, and inputs of it."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Traced(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.last = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)
            self.inplace, self.bias = nn.ReLU(inplace=True), nn.Parameter(torch.rand(4))

        def forward(self, x: Any) -> Any:
            return self.last(forward(self, self.first(x)))

    torch.manual_seed(5)
    module = Traced().double().eval()
    return module, torch.rand(6, 3, dtype=torch.float64)


def _raised(net: Any, h: Any) -> Any:
    raised = h + net.bias
    return net.second(h.relu()) + raised


def _summed(net: Any, h: Any) -> Any:
    h += net.second(h)
    return h + 1


@pytest.mark.parametrize(
    "forward",
    [
        _raised,
        _summed,
        lambda net, h: net.inplace(net.second(net.inplace(h))),
        lambda net, h: net.second(net.second(input=h).relu()),
    ],
)
def test_torch_signals_that_are_read_more_than_once_keep_their_values(forward: Any) -> None:
    module, x = _traced(forward)
    found = logits(from_torch(module, Settings("net")), x.numpy())
    np.testing.assert_allclose(found, module(x).detach().numpy(), rtol=1e-9, atol=1e-9)


def _alias(net: Any, h: Any) -> Any:
    kept = h.view(-1, 4)
    h += net.second(h)
    return h + kept


@pytest.mark.parametrize(
    ("forward", "problem"),
    [
        (lambda net, h: net.second(net.inplace(h)) + h, "inplace: changes in place"),
        (lambda net, h: _relu(h, True) + net.second(h), "relu: changes in place"),
        (_alias, "iadd: changes in place"),
        (lambda net, h: h + (net.bias + net.bias), "add: adds constants alone"),
    ],
)
def test_torch_operations_that_would_be_read_wrongly_are_refused(
    forward: Any, problem: str
) -> None:
    module, _ = _traced(forward)
    with pytest.raises(ModelError, match=problem):
        from_torch(module, Settings("net"))


def _relu(signal: Any, inplace: bool) -> Any:
    import torch

    return torch.nn.functional.relu(signal, inplace)


def test_the_torch_layer_trains_softly_and_decides_hard() -> None:
    torch = pytest.importorskip("torch")
    from netgen.training.layers import FqBmru

    cell = FqBmru(1)
    candidate = torch.tensor([[[0.0], [1.0], [0.6], [0.3], [0.6]]])
    cell.eval()
    torch.testing.assert_close(
        cell(candidate).ravel() > 0, torch.tensor([False, True, True, False, False])
    )
    cell.train()
    cell(candidate).sum().backward()
    assert cell.beta_hi.grad is not None
    with torch.no_grad():
        cell.width.fill_(-1.0)
    cell.keep_drawable()
    assert float(cell.beta_lo.detach()) > 0
