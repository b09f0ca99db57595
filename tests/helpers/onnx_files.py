"""ONNX files made by hand; a test that makes one is skipped where onnx is not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


def onnx_file(path: Path, operators: list[Any], constants: dict[str, Any], inputs: int = 3) -> Path:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        operators,
        "network",
        [helper.make_tensor_value_info("in", floats, ["n", inputs])],
        [helper.make_tensor_value_info("out", floats, ["n", None])],
        [
            onnx.numpy_helper.from_array(np.asarray(v, np.float32), name)
            for name, v in constants.items()
        ],
    )
    onnx.save(helper.make_model(graph), path)
    return path


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    onnx = pytest.importorskip("onnx")
    return onnx.helper.make_node(kind, inputs, [output], name=f"/{output}/{kind}", **attributes)


def digits(folder: Path) -> None:
    """Write a perceptron from 64 inputs to ten classes, and twenty inputs of it."""
    random = np.random.default_rng(1)
    constants = {
        "w1": random.normal(size=(6, 64)) / 8,
        "b1": random.normal(size=6) / 4,
        "w2": random.normal(size=(10, 6)),
        "b2": random.normal(size=10) / 4,
    }
    operators = [
        node("Gemm", ["in", "w1", "b1"], "s1", transB=1),
        node("Relu", ["s1"], "h1"),
        node("Gemm", ["h1", "w2", "b2"], "out", transB=1),
    ]
    onnx_file(folder / "digits.onnx", operators, constants, inputs=64)
    np.savez(folder / "inputs.npz", x=random.uniform(size=(20, 64)))
