"""Random reference networks: models nobody trained or tuned for, to try the circuit on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netgen.model import graph
from netgen.model.cell import Cell, cell_class
from netgen.model.reference import node_value
from netgen.model.samples import Samples

INPUT_MAX = 1.5
PEAK = 3.6
"""Largest current of a row over the calibration sequences, in units; 4 can be drawn anywhere."""
STREAM_PEAK = 2.0
"""The same for the residual stream before the first layer: the layers share what is left."""
LARGEST_WEIGHT = 3.9
LOWEST_THRESHOLD = 0.1
NARROWEST_BAND = 0.05
_CALIBRATION = 16
_FRAMES_A_KNOT = 8
_DECIMALS = 6
"""Everything is rounded, so that the last bits of a platform's sums do not reach the model."""


def random_model(
    seed: int,
    *,
    state: int = 4,
    layers: int = 2,
    classes: int = 2,
    inputs: int = 13,
    frames: int = 101,
    samples: int = 4,
    dead_zone: float = 0.02,
) -> tuple[graph.Model, Samples]:
    """Draw a reference network and smooth input sequences for it, the same for a seed anywhere.

    Weights are Gaussian. Each row is then scaled, and given its bias, by what it does on 16
    calibration sequences of the same kind as the samples: currents stay below about 4 units, and
    both thresholds of a cell lie inside the distribution of its candidate, so that cells switch.
    The model does not depend on ``samples``.

    Parameters
    ----------
    state
        Units d of the residual stream and of every recurrent layer.
    layers
        Recurrent layers N.
    dead_zone
        Weights and biases smaller than this are 0, as hardware-aware training leaves them.
    """
    x = smooth_sequences(np.random.default_rng([seed, 1]), _CALIBRATION + samples, frames, inputs)
    drawing = _Drawing(np.random.default_rng([seed, 0]), x[:_CALIBRATION], dead_zone)
    drawing.reference_network(state, layers, classes)
    model = graph.Model(
        name=f"random-{seed}-d{state}-n{layers}-c{classes}-i{inputs}",
        unit_current=1e-9,
        frame_period=0.01,
        input_size=inputs,
        input_max=INPUT_MAX,
        nodes=tuple(drawing.nodes),
        readout=graph.Readout("logits", "majority_vote", frames * 7 // 10, frames),
        classes=tuple(f"class {index}" for index in range(classes)),
    )
    ids = tuple(f"random {index}" for index in range(samples))
    return model, Samples(x[_CALIBRATION:], None, ids)


def smooth_sequences(
    rng: np.random.Generator, samples: int, frames: int, channels: int
) -> graph.Floats:
    """Draw tracks between 0 and ``INPUT_MAX`` that change over about eight frames.

    Returns
    -------
    array
        (samples, frames, channels): random knots joined by the smooth step 3u² − 2u³.
    """
    knots = rng.uniform(0.0, INPUT_MAX, (samples, frames // _FRAMES_A_KNOT + 2, channels))
    knot, step = np.divmod(np.arange(frames), _FRAMES_A_KNOT)
    u = (step / _FRAMES_A_KNOT)[:, None]
    blend = 3 * u**2 - 2 * u**3
    return _rounded(knots[:, knot] * (1 - blend) + knots[:, knot + 1] * blend)


class _Drawing:
    """Makes one node after the other, with its values on the calibration sequences."""

    def __init__(self, rng: np.random.Generator, x: graph.Floats, dead_zone: float) -> None:
        self.rng = rng
        self.dead_zone = dead_zone
        self.nodes: list[graph.Node] = []
        self.values: dict[str, graph.Floats] = {graph.INPUT: x}

    def reference_network(self, state: int, layers: int, classes: int) -> None:
        stream = self.linear("proj", graph.INPUT, state, (-0.8, 1.2), STREAM_PEAK)
        for layer in range(1, layers + 1):
            name = f"l{layer}"
            relu = self.append(graph.Relu(f"{name}.relu", stream))
            row = self.linear(f"{name}.cand_lin", relu, state, (0.1, 1.4), PEAK)
            candidate = self.append(graph.Relu(f"{name}.cand", row))
            cell = self.cell(f"{name}.state", candidate)
            share = (PEAK - STREAM_PEAK) / layers
            row = self.linear(f"{name}.post_lin", cell, state, (-share, share), share)
            post = self.append(graph.Relu(f"{name}.post", row))
            stream = self.append(graph.Add(f"{name}.out", (stream, post)))
        self.linear("logits", stream, classes, (-1.0, 1.0), PEAK)

    def append(self, node: graph.Node) -> str:
        self.nodes.append(node)
        self.values[node.name] = node_value(node, self.values)
        return node.name

    def linear(
        self, name: str, source: str, size: int, span: tuple[float, float], peak: float
    ) -> str:
        """Draw rows whose 5 % and 95 % quantiles are about ``span``, and no peak above ``peak``."""
        value = self.values[source]
        fan_in = value.shape[2]
        weight = self.rng.standard_normal((size, fan_in)) / np.sqrt(fan_in)
        low, high = np.quantile(value @ weight.T, (0.05, 0.95), axis=(0, 1))
        largest = LARGEST_WEIGHT / np.abs(weight).max(axis=1)
        spread = np.maximum(high - low, 1e-9)  # a row that does not move at all keeps its weights
        scale = np.where(high > low, np.minimum((span[1] - span[0]) / spread, largest), 1.0)
        weight = self.kept(weight * scale[:, None])
        row = value @ weight.T
        middle = np.quantile(row, (0.05, 0.95), axis=(0, 1)).mean(axis=0)
        bias = np.clip(np.mean(span) - middle, -LARGEST_WEIGHT, LARGEST_WEIGHT)
        shrink = np.minimum(peak / np.maximum(np.abs(row + bias).max(axis=(0, 1)), 1e-9), 1.0)
        return self.append(
            graph.Linear(
                name, source, self.kept(weight * shrink[:, None]), self.kept(bias * shrink)
            )
        )

    def kept(self, values: graph.Floats) -> graph.Floats:
        return _rounded(np.where(np.abs(values) < self.dead_zone, 0.0, values))

    def cell(self, name: str, source: str) -> str:
        """Draw cells whose thresholds are a low and a high quantile of their candidate."""
        candidate = self.values[source]
        units = np.arange(candidate.shape[2])
        ordered = np.sort(candidate.reshape(-1, len(units)), axis=0)

        def quantile(low: float, high: float) -> graph.Floats:
            shares = self.rng.uniform(low, high, units.shape)
            return _rounded(ordered[(shares * len(ordered)).astype(int), units])

        bmru: Callable[..., Cell] = cell_class("bmru")
        beta_lo = np.maximum(quantile(0.25, 0.45), LOWEST_THRESHOLD)
        return self.append(
            bmru(
                name,
                source,
                alpha=_rounded(self.rng.uniform(0.3, 1.2, units.shape)),
                beta_lo=beta_lo,
                beta_hi=_rounded(np.maximum(quantile(0.55, 0.75), beta_lo + NARROWEST_BAND)),
                initial_state=self.rng.uniform(size=units.shape) < 0.25,
            )
        )


def _rounded(values: graph.Floats) -> graph.Floats:
    return np.asarray(np.round(values, _DECIMALS), dtype=np.float64)
