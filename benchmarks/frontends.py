"""Networks of other tools on scikit-learn's digits: imported, built, simulated, compared.

    python benchmarks/frontends.py OUT [--only NAME] [--images N] [--input-edge MS]

Each is trained on 1,200 images by its own tool, imported, rescaled and sized with training images,
and takes images of the rest through the circuit. Printed is what the circuit does against the
logits of the tool itself, multiplied by the factor of the import. Needs PyTorch, onnx and
scikit-learn. What OUT holds already is not simulated again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from scipy.ndimage import zoom
from sklearn.datasets import load_digits  # type: ignore[import-untyped]
from torch import nn

import netgen
from netgen.frontends import Settings, from_torch, read_model, rescale
from netgen.model import Model
from netgen.training.layers import FqBmru

TRAINING = 1200
"""Images to train with; the others are for the test."""
SIZING = 100
"""Images of training that currents are rescaled and the circuit is sized with."""
HIDDEN, CLASSES = 32, 10
TOGETHER = 10
"""Images that a network without memory sees as frames of one sample: ngspice reads it once."""
NOISE = 0.1
"""Standard deviation of what is added to the pixels while a network with memory is trained."""
Images = NDArray[np.float32]
"""(images, frames, channels), 0 … 1."""


def fit(module: nn.Module, x: Images, y: NDArray[np.int64], steps: int, decay: float) -> None:
    """Train a classifier of the mean logit over the frames."""
    optimiser = torch.optim.AdamW(module.parameters(), lr=5e-3, weight_decay=decay)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    cells = [layer for layer in module.modules() if isinstance(layer, FqBmru)]
    for step in range(steps):
        for cell in cells:
            cell.sharpness = 4.0 * 20.0 ** min(1.0, step / (0.9 * steps))
        batch = torch.randint(len(x), (128,))
        seen = inputs[batch]
        if cells:  # candidates that keep clear of thresholds
            seen = (seen + NOISE * torch.randn_like(seen)).clamp(0, 1)
        loss = nn.functional.cross_entropy(module(seen).mean(dim=1), labels[batch])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        for cell in cells:
            cell.keep_drawable()
    module.eval()


def perceptron(channels: int) -> nn.Module:
    return nn.Sequential(nn.Linear(channels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))


def recurrent(channels: int) -> nn.Module:
    """Return a network that reads an image row after row."""
    return nn.Sequential(
        *(nn.Linear(channels, HIDDEN), nn.ReLU(), FqBmru(HIDDEN), nn.Linear(HIDDEN, CLASSES))
    )


def write_onnx(module: nn.Module, path: Path) -> None:
    """Write a perceptron as an ONNX file, with the operators that PyTorch's exporter writes."""
    first, last = (layer for layer in module.children() if isinstance(layer, nn.Linear))
    arrays = {"w1": first.weight, "b1": first.bias, "w2": last.weight, "b2": last.bias}
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"], name="/Flatten"),
            helper.make_node("Gemm", ["flat", "w1", "b1"], ["sum"], name="/fc1/Gemm", transB=1),
            helper.make_node("Relu", ["sum"], ["hidden"], name="/Relu"),
            helper.make_node(
                "Gemm", ["hidden", "w2", "b2"], ["logits"], name="/fc2/Gemm", transB=1
            ),
        ],
        "digits",
        [helper.make_tensor_value_info("image", kind, ["n", first.in_features])],
        [helper.make_tensor_value_info("logits", kind, ["n", CLASSES])],
        [onnx.numpy_helper.from_array(a.detach().numpy(), name) for name, a in arrays.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def of_torch(module: nn.Module, path: Path, frames: int) -> tuple[Model, Callable[[Images], Any]]:
    settings = Settings(path.stem, tuple("0123456789"), frames=(0, frames))
    return from_torch(module, settings), lambda x: module(torch.from_numpy(x)).detach().numpy()


def of_onnx(module: nn.Module, path: Path, frames: int) -> tuple[Model, Callable[[Images], Any]]:
    write_onnx(module, path)
    runner = ReferenceEvaluator(str(path))
    model = read_model(path, Settings(path.stem, tuple("0123456789"), frames=(0, frames)))
    return model, lambda x: runner.run(None, {"image": x[:, 0]})[0][:, np.newaxis]  # type: ignore[index]


def digits(side: int, frames: int) -> tuple[Images, NDArray[np.int64]]:
    """Return the images, enlarged to ``side`` × ``side`` pixels, as frames of equal parts."""
    images, labels = load_digits(return_X_y=True)
    large = [np.clip(zoom(each.reshape(8, 8) / 16, side / 8, order=1), 0, 1) for each in images]
    return np.array(large, np.float32).reshape(len(images), frames, -1), labels.astype(np.int64)


NETWORKS: dict[str, tuple[int, int, Any, Any, int, float]] = {
    "pytorch-mlp": (8, 1, perceptron, of_torch, 1500, 0.1),
    "pytorch-bmru": (8, 8, recurrent, of_torch, 3000, 0.01),
    "onnx-mlp-784": (28, 1, perceptron, of_onnx, 1500, 1.0),
}
"""Side of the images, frames, architecture, front end, steps of training, decay of weights."""


def row(name: str, out: Path, count: int, edge: float | None) -> list[str]:
    """Train, import, build, simulate and compare one network; inputs rise within ``edge``, ms."""
    side, parts, architecture, front_end, steps, decay = NETWORKS[name]
    x, y = digits(side, parts)
    frames = parts if parts > 1 else TOGETHER
    torch.manual_seed(0)
    module = architecture(x.shape[-1])
    fit(module, x[:TRAINING], y[:TRAINING], steps, decay)
    imported, run = front_end(module, out / f"{name}.onnx", frames)
    sizing, tested = (
        part.reshape(-1, frames, x.shape[-1])
        for part in (x[:SIZING], x[TRAINING : TRAINING + count])
    )
    model, factor = rescale(imported, sizing.astype(np.float64))
    circuit = netgen.build(model, out / name, calibration=netgen.make_samples(sizing, None, model))
    rise = None if edge is None else edge * 1e-3
    netgen.simulate(circuit, netgen.make_samples(tested, None, model), input_edge=rise)
    result = netgen.compare(circuit)
    wanted = run(x[TRAINING : TRAINING + count])
    found = result.logits.reshape(wanted.shape) / factor
    error = found - wanted
    worst = np.sqrt((error**2).mean(axis=(1, 2))).max() / np.ptp(wanted)
    same = (found.mean(axis=1).argmax(1) == wanted.mean(axis=1).argmax(1)).sum()
    forced = max(each.logit_rmse_same_state_fs for each in result.comparison.samples)
    right = (run(x[TRAINING:]).mean(axis=1).argmax(1) == y[TRAINING:]).mean()
    return [
        name, str(circuit.transistors), f"{right:.1%}", f"{same} of {count}", f"{worst:.2%}",
        f"{forced:.2%}",
        "agree" if result.passed else "do not agree",
    ]  # fmt: skip


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--only", type=click.Choice(tuple(NETWORKS)))
@click.option("--images", type=int, default=50, show_default=True)
@click.option("--input-edge", type=float, metavar="MS")
def main(out: Path, only: str | None, images: int, input_edge: float | None) -> None:
    """Print the table."""
    if images < 1 or images % TOGETHER:
        raise click.UsageError(f"--images {images}: wanted a multiple of {TOGETHER}")
    out.mkdir(parents=True, exist_ok=True)
    header = ["network", "transistors", "tool, accuracy", "decisions as the tool's"]
    header += ["logits against the tool's, worst image", "states forced, worst"]
    header += ["verdict"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for name in NETWORKS if only is None else (only,):
        print("| " + " | ".join(row(name, out, images, input_edge)) + " |", flush=True)


if __name__ == "__main__":
    main()
